package tensor

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Parallel calls f(lo, hi) for the consecutive blocks [0, grain), [grain, 2*grain), ... of [0, n),
// the last one possibly shorter, on up to GOMAXPROCS goroutines, and returns when all are done.
// Block boundaries depend on n and grain alone, so work that writes only its own block, or a
// partial result indexed by lo/grain and merged in that order, gives the same bits for any number of
// workers. Nested calls share the same goroutines: a call from inside a block runs inline once
// all processors are busy. A panic of f is passed on to the caller after the other blocks
// have ended. No goroutine outlives the call.
//
// To wake a sleeping processor takes some 50 µs. Work that takes less is done sooner by one goroutine: with a grain of
// n, or by [ParallelWorkers] with one worker.
//
// Parallel itself does not allocate after warm-up; a closure that captures variables does, so a
// loop that must not allocate keeps its function in a struct.
func Parallel(n, grain int, f func(lo, hi int)) {
	ParallelWorkers(runtime.GOMAXPROCS(0), n, grain, f)
}

// ParallelWorkers is [Parallel] with at most workers goroutines, the caller's included; workers < 1
// means GOMAXPROCS. It panics if grain < 1 while n > 0.
func ParallelWorkers(workers, n, grain int, f func(lo, hi int)) {
	if n <= 0 {
		return
	}
	if grain < 1 {
		shapePanic(ErrRange, "Parallel: grain is %d", grain)
	}
	blocks := (n + grain - 1) / grain
	procs := runtime.GOMAXPROCS(0)
	if workers < 1 {
		workers = procs
	}
	helpers := reserve(min(workers, blocks)-1, procs-1)
	if helpers == 0 {
		for lo := 0; lo < n; lo += grain {
			f(lo, min(lo+grain, n))
		}
		return
	}
	j := jobs.Get().(*job)
	j.n, j.blocks, j.grain, j.f = n, blocks, grain, f
	j.taken.Store(0)
	j.last.Store(0)
	j.arrived.Store(false)
	j.wg.Add(helpers + 1)
	settle()
	for range helpers {
		go j.help()
	}
	go j.decoy()
	j.lead()
	for i := 0; i < patience && j.working.Load() > 0; i++ {
	}
	j.wg.Wait()
	busy.Add(-int64(helpers))
	p := j.panicked.Swap(nil)
	j.f = nil
	jobs.Put(j)
	if p != nil {
		panic(*p)
	}
}

// job is one call of Parallel. The caller takes blocks from the front and helpers take them from the back, so that in
// a loop of calls a processor finds again what it had in its caches.
type job struct {
	n, blocks, grain int
	f                func(lo, hi int)
	taken            atomic.Int64 // blocks, from both ends
	last             atomic.Int64 // of them from the back
	arrived          atomic.Bool  // a helper has begun
	working          atomic.Int32 // helpers that have begun and are not done; the last call's may still be counted
	wg               sync.WaitGroup
	panicked         atomic.Pointer[any]
	help             func() // bound once, so that starting it does not allocate

	// decoy does nothing. The goroutine that was started last is kept for the processor that started it, and others take
	// it only after a sleep that Linux makes fifty microseconds long. So let that be one for which nobody waits.
	decoy func()
}

// patience is how often one who waits for others looks whether they are done before it sleeps: for some tens of
// microseconds, in which they end their last blocks. To be woken takes longer.
const patience = 1 << 16

// settling is how many nanoseconds a thread takes to sleep once it has run out of goroutines. One that is started
// before wakes another thread, whose processor is still busy with the first, so that the system puts it behind the
// caller on the caller's, where it stays for milliseconds. Calls that follow each other closely wait: of products of
// 256x256x256 in a loop half had no help without.
const settling = 3000

// settled is when the thread whose helper was done last sleeps, see now.
var settled atomic.Int64

var epoch = time.Now()

// now is the time since the program began, in nanoseconds.
func now() int64 { return int64(time.Since(epoch)) }

// settle waits until threads have settled, but not for a clock that stands still, as it does in package synctest.
func settle() {
	for range 256 {
		if left := settled.Load() - now(); left <= 0 || left > settling {
			return
		}
	}
}

var jobs = sync.Pool{New: func() any {
	j := new(job)
	j.help = j.follow
	j.decoy = func() { j.wg.Done() }
	return j
}}

// lead is the caller's share of a job. Once a helper is there it lets the decoy run, since a helper that is done and
// finds only the decoy sleeps as long, and misses the next call.
func (j *job) lead() {
	defer j.recover()
	waiting := true
	for b := 0; j.take(); b++ {
		j.block(b)
		if waiting && j.arrived.Load() {
			waiting = false
			runtime.Gosched()
		}
	}
}

// follow is the share of a helper.
func (j *job) follow() {
	j.working.Add(1)
	j.arrived.Store(true)
	defer func() {
		settled.Store(now() + settling)
		j.wg.Done()
		j.working.Add(-1) // last: a caller that slept in between would go on where this helper was
	}()
	defer j.recover()
	for j.take() {
		j.block(j.blocks - int(j.last.Add(1)))
	}
}

// take reports whether there was a block left, which is the caller's now.
func (j *job) take() bool { return j.taken.Add(1) <= int64(j.blocks) }

func (j *job) block(b int) {
	lo := b * j.grain
	j.f(lo, min(lo+j.grain, j.n))
}

// recover keeps the panic of a block for the caller, and lets nobody start another.
func (j *job) recover() {
	if r := recover(); r != nil {
		p := r // a variable of its own, so that only a panic allocates
		j.panicked.CompareAndSwap(nil, &p)
		j.taken.Store(int64(j.blocks))
	}
}

// busy counts the helping goroutines of all running calls. It only decides how work is shared, never
// what the result is.
var busy atomic.Int64

// reserve takes up to want of limit helpers and returns how many it got.
func reserve(want, limit int) int {
	for {
		b := busy.Load()
		n := min(want, limit-int(b))
		if n <= 0 {
			return 0
		}
		if busy.CompareAndSwap(b, b+int64(n)) {
			return n
		}
	}
}
