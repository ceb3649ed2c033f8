package pipeline

import (
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/espalier-ml/espalier/internal/option"
)

// Profiler measures where the time of a training loop goes. Spans take two readings of the clock and nothing from the
// heap. It is safe for concurrent use; spans of phases are meant for the goroutine that runs the loop, since its steps
// are one after the other, and background work for a [Worker].
type Profiler struct {
	config config
	base   time.Time

	phases  [phaseCount]atomic.Int64 // nanoseconds of this step
	seen    [phaseCount]atomic.Bool
	flops   atomic.Int64
	bytes   atomic.Int64
	overlap atomic.Int64 // spans that others overlapped

	mu      sync.Mutex
	last    int64 // end of the last step
	steps   []Step
	next    int // place in steps, a ring once it is full
	total   int // steps so far
	workers []*Worker
	memory  memory
}

// New starts a profiler; the first step begins now. Options are [WithWarmup], [WithSteps], [WithRoofline] and
// [WithClock].
func New(opts ...Option) (*Profiler, error) {
	c := config{reading: reading{warmup: 10}, steps: 10_000}
	if err := option.Apply("pipeline: New", &c, opts); err != nil {
		return nil, err
	}
	p := &Profiler{config: c, base: time.Now(), steps: make([]Step, 0, c.steps)}
	p.memory = readMemory()
	p.last = p.now()
	return p, nil
}

// now is nanoseconds since the start.
func (p *Profiler) now() int64 {
	if p.config.clock != nil {
		return int64(p.config.clock())
	}
	return int64(time.Since(p.base))
}

// Span is a phase that has begun.
type Span struct {
	p       *Profiler
	start   int64
	counted int64
	phase   Phase
}

// Begin begins a span. Spans may lie in each other; time counts for the innermost. One that is never ended does not
// count.
func (p *Profiler) Begin(phase Phase) Span {
	return Span{p, p.now(), p.counted(), phase}
}

// counted is the time of this step that phases have so far.
func (p *Profiler) counted() int64 {
	return p.phases[0].Load() + p.phases[1].Load() + p.phases[2].Load() + p.phases[3].Load() + p.phases[4].Load() +
		p.phases[5].Load() + p.phases[6].Load() + p.phases[7].Load() + p.phases[8].Load()
}

// End ends the span. Ending it twice counts it twice.
func (s Span) End() {
	p := s.p
	d := p.now() - s.start
	inner := max(0, p.counted()-s.counted) // of spans that ended within
	if d -= inner; d < 0 {
		d = 0
		p.overlap.Add(1)
	}
	p.phases[s.phase].Add(d)
}

// EndStep ends an optimizer step of so many examples, 0 if that is not known. Call it once for all micro-batches that
// are accumulated for one update.
func (p *Profiler) EndStep(samples int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	s := Step{Wall: seconds(now - p.last), Samples: samples}
	p.last = now
	for i := range p.phases {
		if ns := p.phases[i].Swap(0); ns > 0 {
			s.Phases[i] = seconds(ns)
			p.seen[i].Store(true)
		}
	}
	if len(p.steps) < cap(p.steps) {
		p.steps = append(p.steps, s)
	} else {
		p.steps[p.next] = s
		p.next = (p.next + 1) % len(p.steps)
	}
	p.total++
}

func seconds(ns int64) float64 { return float64(ns) / 1e9 }

// Work tells what arithmetic and traffic a step has, for the roofline: floating-point operations, a multiply-add being
// two, and bytes read and written. It adds up.
func (p *Profiler) Work(flops, bytes int64) {
	p.flops.Add(flops)
	p.bytes.Add(bytes)
}

// Watch passes on what comes from a channel and counts the time spent waiting for it. Its items are batches, and
// micro-batches as well as whole ones: steps end with [Profiler.EndStep].
func Watch[B any](p *Profiler, batches <-chan B) iter.Seq[B] {
	return func(yield func(B) bool) {
		for {
			s := p.Begin(Wait)
			b, open := <-batches
			if !open {
				return
			}
			s.End()
			if !yield(b) {
				return
			}
		}
	}
}

// WatchSeq is [Watch] for an iterator, which does its work while it is asked for the next item.
func WatchSeq[B any](p *Profiler, batches iter.Seq[B]) iter.Seq[B] {
	return func(yield func(B) bool) {
		s := p.Begin(Wait)
		for b := range batches {
			s.End()
			if !yield(b) {
				return
			}
			s = p.Begin(Wait)
		}
	}
}

// Worker counts background work that fills the queue of batches. It is safe for concurrent use by all workers of its
// stage.
type Worker struct {
	p       *Profiler
	stage   Stage
	busy    atomic.Int64
	batches atomic.Int64
}

// Stage declares background work by so many workers. Names "load" and "preprocess" are told apart in the verdict.
// Stages whose work the same workers do have the same pool; "" is workers of its own.
func (p *Profiler) Stage(name string, workers int, pool string) *Worker {
	w := &Worker{p: p, stage: Stage{Name: name, Workers: max(workers, 1), Pool: pool}}
	p.mu.Lock()
	p.workers = append(p.workers, w)
	p.mu.Unlock()
	return w
}

// Do does the work of one batch and counts its time.
func (w *Worker) Do(work func()) {
	start := w.p.now()
	work()
	w.busy.Add(w.p.now() - start)
	w.batches.Add(1)
}

// Reset forgets all steps: what follows is another loop, or the same one mended.
func (p *Profiler) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps, p.next, p.total = p.steps[:0], 0, 0
	for i := range p.phases {
		p.phases[i].Store(0)
		p.seen[i].Store(false)
	}
	p.flops.Store(0)
	p.bytes.Store(0)
	p.overlap.Store(0)
	for _, w := range p.workers {
		w.busy.Store(0)
		w.batches.Store(0)
	}
	p.memory = readMemory()
	p.last = p.now()
}

// Report judges the steps so far. It may be called at any time, from any goroutine.
func (p *Profiler) Report() Report {
	p.mu.Lock()
	trace := Trace{Steps: append(slices.Clone(p.steps[p.next:]), p.steps[:p.next]...), Flops: float64(p.flops.Load()),
		Bytes: float64(p.bytes.Load())}
	total := p.total
	for _, w := range p.workers {
		s := w.stage
		s.Busy, s.Batches = seconds(w.busy.Load()), int(w.batches.Load())
		trace.Stages = append(trace.Stages, s)
	}
	used := readMemory().since(p.memory)
	p.mu.Unlock()
	r := p.config.reading
	r.warmup = max(0, r.warmup-(total-len(trace.Steps))) // the oldest steps may be gone already
	if total > 0 {
		trace.Flops /= float64(total)
		trace.Bytes /= float64(total)
	}
	trace.overlaps = int(p.overlap.Load())
	report := r.judge(trace)
	if p.config.clock == nil && total > 0 {
		used.perStep(total)
		report.Memory = &used
		r.judgeMemory(&report)
	}
	if total > len(trace.Steps) {
		report.note("the last %d of %d steps are looked at", len(trace.Steps), total)
	}
	return report
}
