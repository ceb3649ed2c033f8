package window

import (
	"fmt"

	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/schedule/masking"
	"github.com/espalier-ml/espalier/tensor"
)

const (
	vocabulary  = 512
	cols        = 32 // tokens of a row, which is a sample
	batchRows   = 64
	evaluations = 20   // of a run
	testRows    = 1000 // at most
	TestRate    = 0.15
	testSeed    = 1 << 32 // no run has it
)

// Corpus is the text as ids. Rows are the samples that keys number.
type Corpus struct {
	Train, Test []int32
	Vocab       int
	Rows        int     // of a batch
	Peak        float64 // learning rate

	testWindows, testLabels []int // masked once: all runs predict the same
}

// NewCorpus learns the encoding of a text and masks what is kept for the test.
func NewCorpus(t Text) (*Corpus, error) {
	b := trainBPE(t.Train, vocabulary)
	c := &Corpus{Train: b.encode(t.Train), Test: b.encode(t.Test), Vocab: b.size, Rows: batchRows, Peak: 3e-3}
	c.Train, c.Test = c.Train[:len(c.Train)/cols*cols], c.Test[:min(len(c.Test)/cols, testRows)*cols]
	if len(c.Train) < batchRows*cols || len(c.Test) < cols*cols {
		return nil, fmt.Errorf("%d tokens to train on and %d to test on are too few", len(c.Train), len(c.Test))
	}
	m, err := masking.New(c.Vocab, maskID, schedule.Constant{V: TestRate}, masking.WithSpecial(padID, unkID),
		masking.WithSeed(testSeed))
	if err != nil {
		return nil, err
	}
	var key masking.Key
	for i := range len(c.Test) / cols {
		key.Samples = append(key.Samples, i)
	}
	ids := append([]int32(nil), c.Test...)
	pos, labels, err := m.MaskSparse(nil, nil, ids, key, 0)
	if err != nil {
		return nil, err
	}
	c.testWindows, c.testLabels = windows(nil, ids, pos), integers(nil, labels)
	return c, nil
}

// windows appends the ids around every position, padded at the ends of its row.
func windows(dst []int, ids []int32, pos []int) []int {
	for _, p := range pos {
		row := p / cols
		for q := p - reach; q <= p+reach; q++ {
			id := padID
			if q >= row*cols && q < (row+1)*cols {
				id = int(ids[q])
			}
			dst = append(dst, id)
		}
	}
	return dst
}

func integers(dst []int, x []int32) []int {
	for _, v := range x {
		dst = append(dst, int(v))
	}
	return dst
}

// Point is the loss on the test text after so many steps and targets.
type Point struct {
	Step, Targets int
	Loss          float64
}

// Run is the training loop: a run with its evaluations. It calls tick with the steps since the last of them.
func (c *Corpus) Run(a Arm, seed uint64, steps int, tick func(int)) ([]Point, error) {
	opts := []masking.Option{masking.WithSeed(seed + a.Masks), masking.WithSpecial(padID, unkID)}
	if a.Subset {
		opts = append(opts, masking.WithTargetRate(0.15))
	}
	masker, err := masking.New(c.Vocab, maskID, a.Rate(float64(steps)), opts...)
	if err != nil {
		return nil, err
	}
	m, err := newModel(c.Vocab, seed)
	if err != nil {
		return nil, err
	}
	warmup := 0.06 * float64(steps)
	lr := schedule.WSD{Peak: c.Peak, Floor: c.Peak / 50, Warmup: warmup, Decay: float64(steps) - warmup,
		Shape: schedule.LinearShape}
	perEpoch := len(c.Train) / cols / c.Rows
	var (
		curve   []Point
		order   []int
		batch   = make([]int32, 0, c.Rows*cols)
		pos     []int
		orig    []int32
		in, out []int
		targets int
	)
	for step := range steps {
		epoch, at := step/perEpoch, step%perEpoch
		if at == 0 {
			order = tensor.Stream(seed, 2, uint64(epoch)).Perm(len(c.Train) / cols)
		}
		samples := order[at*c.Rows : (at+1)*c.Rows]
		batch = batch[:0]
		for _, s := range samples {
			batch = append(batch, c.Train[s*cols:(s+1)*cols]...)
		}
		pos, orig, err = masker.MaskSparse(pos[:0], orig[:0], batch, masking.Key{Epoch: epoch, Samples: samples}, step)
		if err != nil {
			return nil, err
		}
		in, out = windows(in[:0], batch, pos), integers(out[:0], orig)
		if _, err := m.step(in, out, lr.Value(float64(step+1))); err != nil {
			return nil, fmt.Errorf("step %d: %w", step, err)
		}
		targets += len(out)
		if done := step + 1; done*evaluations/steps > step*evaluations/steps {
			loss, err := m.evaluate(c.testWindows, c.testLabels)
			if err != nil {
				return nil, err
			}
			curve = append(curve, Point{done, targets, loss})
			tick(done - previous(curve))
		}
	}
	return curve, nil
}

// previous is the step of the evaluation before the last one.
func previous(curve []Point) int {
	if len(curve) < 2 {
		return 0
	}
	return curve[len(curve)-2].Step
}
