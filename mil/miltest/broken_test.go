package miltest_test

import (
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/internal/recorder"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/mil/miltest"
	"github.com/espalier-ml/espalier/tensor"
)

// broken is a mean that goes wrong in one way.
type broken struct {
	*mil.Pool[float64]
	how  string
	sink []float64
}

func (b *broken) OutDim(in int) (int, error) {
	if b.how == "no columns" {
		return 0, nil
	}
	return b.Pool.OutDim(in)
}

func (b *broken) Forward(y tensor.Matrix[float64], bags mil.Bags[float64], tape *mil.Tape[float64]) error {
	before := bags.X
	if b.how == "passes over NaN" {
		bags.X = bags.X.Clone()
		for i, v := range bags.X.Data {
			if v-v != 0 {
				bags.X.Data[i] = 0
			}
		}
	}
	err := b.Pool.Forward(y, bags, tape)
	switch b.how {
	case "modifies instances":
		before.Data[0]++
	case "batch":
		y.Data[0] += 1e-9 * float64(y.Rows)
	case "order":
		for i := 0; err == nil && i < bags.Len(); i++ {
			if bags.Size(i) > 0 {
				y.Row(i)[0] += bags.Bag(i).At(0, 0)
			}
		}
	case "NaN alone":
		if bags.X.Rows == 1 {
			y.Data[0] = math.NaN()
		}
	case "writes y beside an error":
		if err != nil {
			y.Data[0] = 5
		}
	case "empty":
		if errors.Is(err, mil.ErrEmptyBag) {
			return nil
		}
	case "allocates":
		b.sink = make([]float64, 8)
	}
	return err
}

func (b *broken) Backward(dx, dy tensor.Matrix[float64], tape *mil.Tape[float64]) error {
	err := b.Pool.Backward(dx, dy, tape)
	switch b.how {
	case "gradient":
		if dx.Data != nil {
			dx.Data[0] *= 1.001
		}
	case "adds to dx":
		if dx.Data != nil && err == nil {
			b.sink = append(b.sink[:0], dx.Data...)
			dx.Data[0] += 1
		}
	case "foreign tape":
		return nil
	}
	return err
}

func (b *broken) Weights(w tensor.Matrix[float64], tape *mil.Tape[float64]) error {
	err := b.Pool.Weights(w, tape)
	if b.how == "weights" {
		w.Data[0] = math.Inf(1)
	}
	return err
}

func (b *broken) NewAccumulator(in int) (mil.Accumulator[float64], error) {
	a, err := b.Pool.NewAccumulator(in)
	if b.how == "stream" {
		return halved{a}, err
	}
	return a, err
}

type halved struct{ mil.Accumulator[float64] }

func (h halved) Value(y []float64) error {
	err := h.Accumulator.Value(y)
	y[0] /= 2
	return err
}

func (h halved) Merge(o mil.Accumulator[float64]) error {
	if other, ok := o.(halved); ok {
		o = other.Accumulator
	}
	return h.Accumulator.Merge(o)
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	run := func(how string) string {
		p, err := mil.NewPool[float64](mil.Mean())
		require.NoError(t, err)
		return recorder.Failures(t, func(tb testing.TB) { miltest.CheckPooler(tb, &broken{Pool: p, how: how}) })
	}
	require.Empty(t, run(""))
	for how, want := range map[string]string{"no columns": "OutDim(3) is 0", "modifies instances": "modified the instances",
		"batch": "alone and", "order": "with its instances reversed", "NaN alone": "a bag of one instance",
		"writes y beside an error": "but y has changed", "empty": "want one that wraps ErrEmptyBag",
		"passes over NaN": "want one that wraps ErrNotFinite", "gradient": "by central differences",
		"adds to dx": "dx", "foreign tape": "want one that wraps ErrConflict", "weights": "numbers that are not finite",
		"stream": "A bag in parts is the same bag", "allocates": "allocate"} {
		if how == "allocates" && race.Enabled {
			continue
		}
		require.Contains(t, run(how), want, how)
	}
	require.Contains(t, recorder.Failures(t, func(tb testing.TB) {
		miltest.CheckPooler(tb, nil, miltest.WithColumns(0), miltest.WithEmptyValue(math.NaN()), miltest.WithSingle(nil))
	}), "WithColumns(0)")
	require.Empty(t, recorder.Failures(t, func(tb testing.TB) {
		p, err := mil.NewPool[float64](mil.Mean())
		require.NoError(t, err)
		miltest.CheckPooler(tb, &broken{Pool: p, how: "allocates"}, miltest.WithAllocations())
	}))
}
