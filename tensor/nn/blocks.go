package nn

import (
	"runtime"
	"sync"

	"github.com/espalier-ml/espalier/internal/sharing"
	"github.com/espalier-ml/espalier/tensor"
)

// Elements that one block of parallel work holds: cheap is a few operations per element, dear a
// transcendental function. Blocks depend on the length alone, so that results do not depend on GOMAXPROCS.
const (
	cheapGrain = 1 << 15
	dearGrain  = 1 << 12

	cheapAlone = 1 << 17 // elements that are done before another goroutine would have begun,
	dearAlone  = 1 << 15
	mulAlone   = 1 << 20 // and multiply-adds
)

// each calls f for blocks of grain elements of n, cheapGrain or dearGrain.
func each(grain, n int, f func(lo, hi int)) { eachRow(grain, n, 1, grain, f) }

// eachRow calls f for blocks of so many rows of n, whose elements are as cheap or dear as those of a block of grain.
func eachRow(grain, n, cols, rows int, f func(lo, hi int)) {
	alone := float64(cheapAlone)
	if grain == dearGrain {
		alone = dearAlone
	}
	tensor.ParallelWorkers(sharing.Workers(0, float64(n)*float64(cols), alone), n, rows, f)
}

// products calls f for blocks of grain of n that take so many multiply-adds together.
func products(madds float64, n, grain int, f func(lo, hi int)) {
	tensor.ParallelWorkers(sharing.Workers(0, madds, mulAlone), n, grain, f)
}

// rowGrain is the number of rows of cols elements that make up a block of grain elements.
func rowGrain(grain, cols int) int { return max(1, grain/max(1, cols)) }

// sum writes a+b in parallel.
type sum[T tensor.Float] struct {
	dst, a, b []T
	block     func(lo, hi int)
}

func (s *sum[T]) run(dst, a, b []T) {
	if s.block == nil {
		s.block = func(lo, hi int) { tensor.Add(s.dst[lo:hi], s.a[lo:hi], s.b[lo:hi]) }
	}
	s.dst, s.a, s.b = dst, a, b
	each(cheapGrain, len(dst), s.block)
}

// columnSums adds the sums of a matrix's columns to a vector: the gradient of a bias. Blocks of rows are
// summed in parallel and merged in order.
type columnSums[T tensor.Float] struct {
	m     tensor.Matrix[T]
	grain int
	part  buffer[T]
	block func(lo, hi int)
}

func (s *columnSums[T]) add(dst []T, m tensor.Matrix[T]) {
	s.m, s.grain = m, rowGrain(cheapGrain, m.Cols)
	if m.Rows <= s.grain {
		tensor.AddColumnSums(dst, m)
		return
	}
	if s.block == nil {
		s.block = s.sumBlock
	}
	blocks := (m.Rows + s.grain - 1) / s.grain
	part := s.part.sized(blocks * m.Cols)
	clear(part)
	eachRow(cheapGrain, m.Rows, m.Cols, s.grain, s.block)
	for i := 0; i < len(part); i += m.Cols {
		tensor.Add(dst, dst, part[i:i+m.Cols])
	}
}

func (s *columnSums[T]) sumBlock(lo, hi int) {
	at := lo / s.grain * s.m.Cols
	tensor.AddColumnSums(s.part.data[at:at+s.m.Cols], s.m.Slice(lo, hi, 0, s.m.Cols))
}

// fusedGrad turns the gradient of an activation that was fused into a product into that of the product.
type fusedGrad[T tensor.Float] struct {
	act      tensor.Activation
	dst      buffer[T]
	dy, y, g []T
	block    func(lo, hi int)
}

// run returns dy * act'(y); for the identity that is dy itself.
func (f *fusedGrad[T]) run(act tensor.Activation, dy, y []T) []T {
	if act == tensor.Identity {
		return dy
	}
	if f.block == nil {
		f.block = f.gradBlock
	}
	f.act, f.dy, f.y, f.g = act, dy, y, f.dst.sized(len(dy))
	each(cheapGrain, len(dy), f.block)
	return f.g
}

func (f *fusedGrad[T]) gradBlock(lo, hi int) {
	actGrad(f.act, f.g[lo:hi], f.dy[lo:hi], f.y[lo:hi])
}

// actGrad writes dy * act'(y), y being the result of the activation, to g.
func actGrad[T tensor.Float](act tensor.Activation, g, dy, y []T) {
	switch act {
	case tensor.Identity:
		copy(g, dy)
	case tensor.ReLUActivation:
		tensor.ReLUGrad(g, dy, y)
	case tensor.TanhActivation:
		tanhGrad(g, dy, y)
	case tensor.SigmoidActivation:
		sigmoidGrad(g, dy, y)
	}
}

// scratch lends memory to the blocks of a parallel loop, one piece to each that runs. A piece is used again
// while it is still in cache.
type scratch[T tensor.Float] struct {
	mu   sync.Mutex
	size int
	free [][]T
}

// reserve makes every piece n elements long and provides one for each of the blocks that can run at once.
func (s *scratch[T]) reserve(blocks, n int) {
	s.size = n
	for len(s.free) < min(blocks, runtime.GOMAXPROCS(0)) {
		s.free = append(s.free, nil)
	}
	for i, b := range s.free {
		if cap(b) < n {
			b = make([]T, n)
		}
		s.free[i] = b[:n]
	}
}

// get returns a piece of memory with any content. It belongs to the caller until put.
func (s *scratch[T]) get() []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.free) - 1
	if last < 0 { // GOMAXPROCS was raised in between
		return make([]T, s.size)
	}
	b := s.free[last]
	s.free = s.free[:last]
	return b
}

func (s *scratch[T]) put(b []T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, b)
}
