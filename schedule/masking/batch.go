package masking

import (
	"sync"
	"sync/atomic"

	"github.com/espalier-ml/espalier/internal/sharing"
	"github.com/espalier-ml/espalier/tensor"
)

// MaskBatch is [Masker.Mask] with the rows spread over goroutines, up to [WithWorkers] of them. The result is the same.
func (m *Masker) MaskBatch(dst, labels, src []int32, key Key, step int) (int, error) {
	p, err := m.check(src, key, step)
	if err == nil {
		err = m.checkOutput(dst, labels, src)
	}
	if err != nil {
		return 0, err
	}
	j := jobPool.Get().(*job)
	j.m, j.dst, j.labels, j.src, j.key, j.p = m, dst, labels, src, key, p
	j.wrong.Store(false)
	j.targets.Store(0)
	rows := len(key.Samples)
	tensor.ParallelWorkers(m.workers, len(src), checkGrain, j.check)
	if j.wrong.Load() {
		err = m.checkIDs(src) // finds the first one
	} else {
		workers := sharing.Workers(m.workers, float64(len(src)), alone)
		tensor.ParallelWorkers(workers, rows, max(1, rows*maskGrain/len(src)), j.mask)
	}
	n := int(j.targets.Load())
	j.dst, j.labels, j.src, j.key, j.m = nil, nil, nil, Key{}, nil
	jobPool.Put(j)
	return n, err
}

// Tokens per block, worth a goroutine: checking them takes about 30 µs, masking them 10 µs.
const (
	checkGrain = 1 << 17
	maskGrain  = 4096
	alone      = 7 * maskGrain // so many are masked before another goroutine would have begun
)

// job is one call of MaskBatch, pooled so that its functions are bound once.
type job struct {
	m                *Masker
	dst, labels, src []int32
	key              Key
	p                rate
	wrong            atomic.Bool
	targets          atomic.Int64
	check, mask      func(lo, hi int)
}

var jobPool = sync.Pool{New: func() any {
	j := new(job)
	j.check = func(lo, hi int) {
		if !j.m.inVocabulary(j.src[lo:hi]) {
			j.wrong.Store(true)
		}
	}
	j.mask = func(lo, hi int) {
		j.targets.Add(int64(j.m.maskRows(j.dst, j.labels, j.src, j.key, j.p, lo, hi)))
	}
	return j
}}
