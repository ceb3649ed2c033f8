package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"sync"
	"time"

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
	testRate    = 0.15
	testSeed    = 1 << 32 // no run has it
)

// corpus is the text as ids. Rows are the samples that keys number.
type corpus struct {
	train, test []int32
	vocab       int

	testWindows, testLabels []int // masked once: all runs predict the same
}

func newCorpus(t text) (*corpus, error) {
	b := trainBPE(t.train, vocabulary)
	c := &corpus{train: b.encode(t.train), test: b.encode(t.test), vocab: b.size}
	c.train, c.test = c.train[:len(c.train)/cols*cols], c.test[:min(len(c.test)/cols, testRows)*cols]
	if len(c.train) < batchRows*cols || len(c.test) < cols*cols {
		return nil, fmt.Errorf("%d tokens to train on and %d to test on are too few", len(c.train), len(c.test))
	}
	m, err := masking.New(c.vocab, maskID, schedule.Constant{V: testRate}, masking.WithSpecial(padID, unkID),
		masking.WithSeed(testSeed))
	if err != nil {
		return nil, err
	}
	var key masking.Key
	for i := range len(c.test) / cols {
		key.Samples = append(key.Samples, i)
	}
	ids := append([]int32(nil), c.test...)
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

// arm is one way to choose the rate.
type arm struct {
	name   string
	rate   func(steps float64) schedule.Schedule
	subset bool // labels at 15 % only
}

var arms = []arm{
	{"constant 15 %", func(float64) schedule.Schedule { return schedule.Constant{V: 0.15} }, false},
	{"constant 30 %", func(float64) schedule.Schedule { return schedule.Constant{V: 0.30} }, false},
	{"linear 30 -> 15 %", func(t float64) schedule.Schedule { return schedule.Linear{From: 0.30, To: 0.15, Over: t} },
		false},
	{"increasing 15 -> 30 %", func(t float64) schedule.Schedule { return schedule.Linear{From: 0.15, To: 0.30, Over: t} },
		false},
	{"step 30, 15 %", func(t float64) schedule.Schedule {
		return schedule.Choice[float64]{Bounds: []float64{t / 2}, Values: []float64{0.30, 0.15}}
	}, false},
	{"subset of linear", func(t float64) schedule.Schedule { return schedule.Linear{From: 0.30, To: 0.15, Over: t} },
		true},
}

const (
	constant15 = iota
	constant30
	linear
	increasing
	step
	subset
)

// result is a run.
type result struct {
	arm    int
	short  bool // as many targets as constant 15 % has in a whole run
	seed   int
	curve  []point
	failed error
}

type point struct {
	step, targets int
	loss          float64
}

func (r *result) last() point { return r.curve[len(r.curve)-1] }

// trainAll runs every arm with every seed, and again for as many steps as give the targets of constant 15 %.
func (c *corpus) trainAll(p plan, progress io.Writer) ([]result, error) {
	var runs []result
	steps := map[bool][]int{}
	for a, arm := range arms {
		// The mean rate decides how many steps have the same number of targets.
		sum, err := schedule.Integral(arm.rate(float64(p.steps)), 0, p.steps)
		if err != nil {
			return nil, err
		}
		fewer := int(math.Round(float64(p.steps) * 0.15 / (sum / float64(p.steps))))
		steps[false], steps[true] = append(steps[false], p.steps), append(steps[true], fewer)
		for seed := range p.seeds {
			runs = append(runs, result{arm: a, seed: seed})
			if a != constant15 && a != subset { // which have them anyway
				runs = append(runs, result{arm: a, seed: seed, short: true})
			}
		}
	}
	var mu sync.Mutex
	start, done, all := time.Now(), 0, 0
	for _, r := range runs {
		all += steps[r.short][r.arm]
	}
	tick := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		if done += n; terminal(progress) {
			left := time.Since(start).Seconds() * float64(all-done) / float64(done)
			fmt.Fprintf(progress, "\r%d runs, %3d %% done, %3.0f s left ", len(runs), 100*done/all, left)
		}
	}
	tensor.Parallel(len(runs), 1, func(lo, _ int) {
		r := &runs[lo]
		r.curve, r.failed = c.trainOne(arms[r.arm], uint64(r.seed), steps[r.short][r.arm], tick)
	})
	if terminal(progress) {
		fmt.Fprint(progress, "\r\033[K")
	}
	for _, r := range runs {
		if r.failed != nil {
			return nil, fmt.Errorf("%s, seed %d: %w", arms[r.arm].name, r.seed, r.failed)
		}
	}
	fmt.Printf("%d runs in %.0f s\n\n", len(runs), time.Since(start).Seconds())
	return runs, nil
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// trainOne is the training loop.
func (c *corpus) trainOne(a arm, seed uint64, steps int, tick func(int)) ([]point, error) {
	opts := []masking.Option{masking.WithSeed(seed), masking.WithSpecial(padID, unkID)}
	if a.subset {
		opts = append(opts, masking.WithTargetRate(0.15))
	}
	masker, err := masking.New(c.vocab, maskID, a.rate(float64(steps)), opts...)
	if err != nil {
		return nil, err
	}
	m, err := newModel(c.vocab, seed)
	if err != nil {
		return nil, err
	}
	warmup := 0.06 * float64(steps)
	lr := schedule.WSD{Peak: 3e-3, Floor: 6e-5, Warmup: warmup, Decay: float64(steps) - warmup,
		Shape: schedule.LinearShape}
	perEpoch := len(c.train) / cols / batchRows
	var (
		curve   []point
		order   []int
		batch   = make([]int32, 0, batchRows*cols)
		pos     []int
		orig    []int32
		in, out []int
		targets int
	)
	for step := range steps {
		epoch, at := step/perEpoch, step%perEpoch
		if at == 0 {
			order = tensor.Stream(seed, 2, uint64(epoch)).Perm(len(c.train) / cols)
		}
		samples := order[at*batchRows : (at+1)*batchRows]
		batch = batch[:0]
		for _, s := range samples {
			batch = append(batch, c.train[s*cols:(s+1)*cols]...)
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
			curve = append(curve, point{done, targets, loss})
			tick(done - previous(curve))
		}
	}
	return curve, nil
}

// previous is the step of the evaluation before the last one.
func previous(curve []point) int {
	if len(curve) < 2 {
		return 0
	}
	return curve[len(curve)-2].step
}
