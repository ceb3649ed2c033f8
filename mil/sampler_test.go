package mil_test

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// deal is all batches of an epoch.
func deal(s *mil.Sampler, epoch uint64) []mil.Batch { return slices.Collect(s.Epoch(epoch)) }

func TestEveryBagIsDealtOnce(t *testing.T) {
	positive, offsets := []bool{true, false, false, true, false}, []int{0, 2, 2, 5, 6, 9}
	s, err := mil.NewSampler(positive, offsets, mil.WithBagsPerBatch(3))
	require.NoError(t, err)
	require.Equal(t, 2, s.Batches())
	orders := map[string]bool{}
	for epoch := range uint64(20) {
		batches := deal(s, epoch)
		require.Len(t, batches, 2)
		var bags, rows []int
		for _, b := range batches {
			bags, rows = append(bags, b.Bags...), append(rows, b.Rows...)
			require.Equal(t, pick(positive, b.Bags), b.Labels(positive))
			require.Len(t, b.InstanceLabels(positive), len(b.Rows))
		}
		name, err := json.Marshal(bags)
		require.NoError(t, err)
		orders[string(name)] = true
		slices.Sort(bags)
		slices.Sort(rows)
		require.Equal(t, []int{0, 2, 3, 4}, bags, "the empty one is never dealt")
		require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}, rows)
		require.Equal(t, batches, deal(s, epoch), "an epoch depends on its number alone")
	}
	require.Greater(t, len(orders), 10)
	for range s.Epoch(0) {
		break
	}
}

func TestBalancedBatches(t *testing.T) {
	const n = 40
	positive, offsets := make([]bool, n), make([]int, n+1)
	for i := range n {
		positive[i], offsets[i+1] = i%10 == 3, offsets[i]+1+i%4
	}
	s, err := mil.NewSampler(positive, offsets, mil.WithBalanced(), mil.WithBagsPerBatch(6), mil.WithSeed(3))
	require.NoError(t, err)
	require.Equal(t, 12, s.Batches())
	count := make([]int, n)
	for _, b := range deal(s, 1) {
		yes := 0
		for _, l := range b.Labels(positive) {
			if l {
				yes++
			}
		}
		require.Equal(t, len(b.Bags), 2*yes)
		for _, i := range b.Bags {
			count[i]++
		}
	}
	for i, c := range count {
		require.Equal(t, map[bool]int{true: 9, false: 1}[positive[i]], c, "bag %d", i)
	}
	_, err = mil.NewSampler(make([]bool, n), offsets, mil.WithBalanced())
	require.ErrorIs(t, err, stats.ErrOneClass)
}

func TestSubsamplesOfInstances(t *testing.T) {
	positive, offsets := []bool{true, false}, []int{0, 10, 13}
	rows := func(how mil.Subsample, epoch uint64) []int {
		s, err := mil.NewSampler(positive, offsets, mil.WithMaxInstances(4, how), mil.WithBagsPerBatch(2))
		require.NoError(t, err)
		b := deal(s, epoch)[0]
		if b.Bags[0] == 1 {
			require.Equal(t, []int{10, 11, 12}, b.Rows[:3])
			return b.Rows[3:]
		}
		require.Equal(t, []int{10, 11, 12}, b.Rows[4:])
		return b.Rows[:4]
	}
	require.Equal(t, []int{0, 1, 2, 3}, rows(mil.First, 5))
	require.Equal(t, []int{1, 3, 6, 8}, rows(mil.Strided, 5))
	count := make([]float64, 10)
	const epochs = 4000
	for e := range uint64(epochs) {
		r := rows(mil.Uniform, e)
		require.True(t, slices.IsSorted(r) && len(slices.Compact(r)) == 4)
		for _, i := range r {
			count[i]++
		}
	}
	for i, c := range count { // five standard deviations
		require.InDelta(t, 0.4, c/epochs, 5*math.Sqrt(0.24/epochs), "instance %d", i)
	}
}

func TestGather(t *testing.T) {
	x := random(1, 9, 2)
	b := mil.Bags[float64]{X: x, Offsets: []int{0, 2, 5, 6, 9}}
	s, err := mil.NewSampler([]bool{true, false, true, false}, b.Offsets, mil.WithBagsPerBatch(3),
		mil.WithMaxInstances(2, mil.Uniform))
	require.NoError(t, err)
	var dst mil.Bags[float64]
	for _, batch := range deal(s, 2) {
		require.NoError(t, mil.Gather(&dst, b, batch))
		require.Equal(t, batch.Offsets, dst.Offsets)
		for k, r := range batch.Rows {
			require.Equal(t, x.Row(r), dst.X.Row(k))
		}
	}
	require.ErrorIs(t, mil.Gather(&dst, b, mil.Batch{Rows: []int{9}, Offsets: []int{0, 1}}), tensor.ErrRange)
	require.ErrorIs(t, mil.Gather(&b, b, mil.Batch{Offsets: []int{0}}), tensor.ErrOverlap)
	require.NoError(t, b.SubInto(&dst, []int{1}))
	require.Equal(t, b.Bag(1), dst.Bag(0))
	require.ErrorIs(t, b.SubInto(&b, []int{1}), tensor.ErrOverlap)
}

func TestBadArgumentsOfSamplers(t *testing.T) {
	_, err := mil.NewSampler([]bool{true}, []int{0, 1}, mil.WithBagsPerBatch(0), mil.WithMaxInstances(0, mil.First),
		mil.WithMaxInstances(1, 9), nil)
	for _, text := range []string{"WithBagsPerBatch(0)", "WithMaxInstances(0)", "WithMaxInstances(9)", "option 3 is nil"} {
		require.ErrorContains(t, err, text)
	}
	for want, c := range map[error][]int{tensor.ErrShape: {0, 1, 2}, tensor.ErrEmpty: {0, 0}, tensor.ErrRange: {1, 2}} {
		_, err = mil.NewSampler([]bool{true}, c)
		require.ErrorIs(t, err, want)
	}
	_, err = mil.NewSampler(nil, nil)
	require.ErrorIs(t, err, tensor.ErrShape)
}

func TestStandardizerClips(t *testing.T) {
	x := tensor.Of(4, 3, []float64{1, 5, 0, 3, 5, 0, 1, 5, 1e9, 3, 5, 0})
	b := mil.Bags[float64]{X: x, Offsets: []int{0, 1, 4}}
	s, err := mil.FitStandardizer(b)
	require.NoError(t, err)
	z := tensor.NewMatrix[float64](1, 3)
	require.NoError(t, mil.Standardize(s, z, tensor.Of(1, 3, []float64{4, 5.1, -1e30})))
	golden.Close(t, "clipped", z.Data, []float64{2 / (1 + 1e-6), 5, -5}, 1e-12, 0)
	text, err := json.Marshal(s)
	require.NoError(t, err)
	var again mil.Standardizer
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, *s, again)
	free, err := mil.FitStandardizer(b, mil.WithClip(3), mil.WithClip(math.Inf(1)))
	require.NoError(t, err)
	require.NoError(t, mil.Standardize(free, z, tensor.Of(1, 3, []float64{4, 5.1, 0})))
	require.Greater(t, z.Data[1], 1e4)
	text, err = json.Marshal(free)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, *free, again)
	for _, bad := range []string{`{}`, `{"version":2,"mean":[1],"deviation":[1],"clip":5}`,
		`{"version":1,"mean":[1],"deviation":[-1],"clip":5}`, `{"version":1,"mean":[1],"deviation":[1,2],"clip":5}`, `[`} {
		before := again
		require.Error(t, json.Unmarshal([]byte(bad), &again), bad)
		require.Equal(t, before, again)
	}
	_, err = mil.FitStandardizer(b, mil.WithClip(0))
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = mil.FitStandardizer(mil.Bags[float64]{X: tensor.NewMatrix[float64](0, 2), Offsets: []int{0}})
	require.ErrorIs(t, err, tensor.ErrEmpty)
	require.ErrorIs(t, mil.Standardize(s, z, tensor.Of(1, 2, []float64{1, 2})), tensor.ErrShape)
	require.ErrorIs(t, mil.Standardize(s, z, tensor.Of(1, 3, []float64{1, 2, math.NaN()})), tensor.ErrNotFinite)
	require.ErrorIs(t, mil.Standardize(s, tensor.Of(1, 3, x.Data[1:4]), tensor.Of(1, 3, x.Data[:3])), tensor.ErrOverlap)
}

func TestRiskOfBags(t *testing.T) {
	const n = 3000
	x := random(1, 3*n, 1)
	b := mil.Bags[float64]{X: x, Offsets: []int{0, 5, n, 3*n - 1, 3 * n}}
	calls := 0
	score := func(p []float64, x tensor.Matrix[float64]) error {
		calls++
		tensor.Sigmoid(p, x.Data[:x.Rows])
		return nil
	}
	risks, err := mil.Risk(b, score, mil.TopFraction(0.2))
	require.NoError(t, err)
	require.Equal(t, 3, calls, "bags are scored some thousand instances at a time")
	p := make([]float64, 3*n)
	tensor.Sigmoid(p, x.Data)
	for i := range risks {
		want, err := mil.Score(mil.TopFraction(0.2), p[b.Offsets[i]:b.Offsets[i+1]])
		require.NoError(t, err)
		require.Equal(t, want, risks[i])
	}
	failed := errors.New("no network")
	_, err = mil.Risk(b, func([]float64, tensor.Matrix[float64]) error { return failed }, mil.Mean())
	require.ErrorIs(t, err, failed)
	_, err = mil.Risk(b, score, mil.TopK(0))
	require.ErrorIs(t, err, tensor.ErrRange)
	b.Offsets = []int{0, 3, 3, 3 * n}
	_, err = mil.Risk(b, score, mil.Mean())
	require.ErrorIs(t, err, mil.ErrEmptyBag)
	_, err = mil.Risk(b, func(p []float64, _ tensor.Matrix[float64]) error {
		fill(p, math.NaN())
		return nil
	}, mil.Mean())
	require.Error(t, err)
}

func fill(x []float64, v float64) {
	for i := range x {
		x[i] = v
	}
}
