package causal

import (
	"context"
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// What people stumble over, as small inputs with the right value.

func TestWeightsVanishInSmallBatchesButNotByRows(t *testing.T) {
	y, v := cells(45, 5, 5, 45)
	w := fit(t, y, v)
	loss := make([]float64, len(y))
	for i := range loss {
		loss[i] = .1
		if y[i] != v[i] {
			loss[i] = 1
		}
	}
	mean := func(normalizer Normalizer, size, batches int) float64 {
		risk, err := NewWeighted(WithTable(w), WithNormalizer(normalizer))
		require.NoError(t, err)
		sum := 0.0
		for k := range batches {
			rng := tensor.Stream(1, uint64(k), uint64(size))
			b := Batch{}
			var l []float64
			for _, i := range rng.Perm(len(y))[:size] {
				b.Y, b.V, l = append(b.Y, y[i]), append(b.V, v[i]), append(l, loss[i])
			}
			value, err := risk.Combine(l, b, make([]float64, size))
			require.NoError(t, err)
			sum += value / float64(batches)
		}
		return sum
	}
	all := make([]float64, len(y))
	risk, err := NewWeighted(WithTable(w))
	require.NoError(t, err)
	value, err := risk.Combine(loss, Batch{Y: y, V: v}, all)
	require.NoError(t, err)
	assert.InDelta(t, .55, value, 1e-12)
	for size, want := range map[int]float64{1: .19, 4: .3418973936, 16: .4920640622, 64: .5440465552} {
		assert.InDelta(t, want, mean(ByWeights, size, 4000), .02, "by weights, batches of %d", size)
		assert.InDelta(t, .55, mean(ByRows, size, 4000), .06, "by rows, batches of %d", size)
	}
}

func TestSumsOverMicroBatchesAreDividedOnce(t *testing.T) {
	risk, err := NewWeighted(WithNormalizer(BySum))
	require.NoError(t, err)
	value, weight := 0.0, 0.0
	for _, m := range []struct{ w, loss []float64 }{{[]float64{1, 1}, []float64{10, 20}},
		{[]float64{3, 5}, []float64{1, 2}}} {
		coef := make([]float64, 2)
		v, err := risk.Combine(m.loss, Batch{W: m.w}, coef)
		require.NoError(t, err)
		assert.Equal(t, m.w, coef)
		sum, err := risk.WeightSum(Batch{W: m.w})
		require.NoError(t, err)
		value, weight = value+v, weight+sum
	}
	assert.InDelta(t, 4.3, value/weight, 1e-12)
}

func TestSamplersCarryTheWeightThatBelongsToThem(t *testing.T) {
	y, v := cells(45, 5, 5, 45)
	w := fit(t, y, v)
	s, err := NewStratified(w, y, v, 8, WithMinPerCell(2))
	require.NoError(t, err)
	rows, weights := s.Batch(0, 0)
	assert.Equal(t, []float64{1, 1, 1, 1, 1, 1, 1, 1}, weights)
	count := map[Cell]int{}
	for _, i := range rows {
		count[Cell{y[i], v[i]}]++
	}
	assert.Equal(t, map[Cell]int{{0, 0}: 2, {0, 1}: 2, {1, 0}: 2, {1, 1}: 2}, count)

	// Drawing by weights makes labels independent; the weight that belongs to it is 1.
	u, err := w.Apply(nil, y, v)
	require.NoError(t, err)
	r, err := NewResampler(len(y), u, 0)
	require.NoError(t, err)
	drawn := make([]int, 100_000)
	r.Draw(drawn, 3)
	same := 0.0
	for _, i := range drawn {
		if y[i] == v[i] {
			same++
		}
	}
	assert.InDelta(t, .5, same/float64(len(drawn)), .01)
	again := make([]int, len(drawn))
	r.Draw(again, 3)
	assert.Equal(t, drawn, again)
}

func TestStratifiedBatchesCoverTheRowsAndKeepTheTarget(t *testing.T) {
	y, v := cells(101, 13, 7, 58)
	w := fit(t, y, v)
	for _, size := range []int{4, 16, 31} {
		s, err := NewStratified(w, y, v, size, WithSeed(5))
		require.NoError(t, err)
		seen := map[int]bool{}
		target := map[Cell]float64{}
		for b := range s.Len() {
			rows, weights := s.Batch(2, b)
			require.Len(t, rows, size)
			for k, i := range rows {
				seen[i] = true
				target[Cell{y[i], v[i]}] += weights[k] / float64(size*s.Len())
			}
		}
		assert.Len(t, seen, len(y), "an epoch hands out every row")
		for _, c := range w.Overlap().Cells {
			assert.InDelta(t, c.Target, target[c.Cell], 1e-12)
		}
		a, _ := s.Batch(2, 1)
		b, _ := s.Batch(2, 1)
		assert.Equal(t, a, b)
		c, _ := s.Batch(3, 1)
		assert.NotEqual(t, a, c)
		short, err := NewStratified(w, y, v, size, WithoutRepeats())
		require.NoError(t, err)
		once := map[int]bool{}
		for b := range short.Len() {
			rows, _ := short.Batch(0, b)
			for _, i := range rows {
				assert.False(t, once[i], "row %d comes twice", i)
				once[i] = true
			}
		}
	}
	_, err := NewStratified(w, y, v, 7, WithMinPerCell(2))
	assert.ErrorIs(t, err, tensor.ErrRange)
	_, err = NewStratified(w, y[:101], v[:101], 8)
	assert.ErrorIs(t, err, ErrNoOverlap)
	_, err = NewStratified(w, []int{3}, []int{0}, 8)
	assert.ErrorIs(t, err, ErrLabelRange)
}

func TestResamplerDrawsInProportion(t *testing.T) {
	r, err := NewResampler(3, []float64{0, 1, 0}, 0)
	require.NoError(t, err)
	for _, u := range []float64{0, .5, 1 - 0x1p-53} {
		assert.Equal(t, 1, r.at(u))
	}
	n := 1 << 20
	w := make([]float64, n)
	for i := range w {
		w[i] = 1
		if i < n/2 {
			w[i] = 2
		}
	}
	r, err = NewResampler(n, w, 0)
	require.NoError(t, err)
	drawn := make([]int, 90_000)
	r.Draw(drawn)
	behind := 0.0
	for _, i := range drawn {
		if i >= n/2 {
			behind++
		}
	}
	assert.InDelta(t, 1./3, behind/float64(len(drawn)), .01)
	for _, bad := range [][]float64{{1, math.NaN(), 1}, {1, -1, 1}, {0, 0, 0}, {1, 2}} {
		_, err := NewResampler(3, bad, 0)
		assert.Error(t, err)
	}
}

func TestBandwidthsHaveNames(t *testing.T) {
	at := func(k Kernel) float64 {
		x, out, dk, scratch := []float64{1}, make([]float64, 1), make([]float64, 1), make([]float64, 1)
		profileOf[float64](k)(out, dk, scratch, x)
		return 1 + out[0]
	}
	for sigma, want := range map[float64]float64{.3: .00386592, .5: .13533528, 2: .8824969} {
		assert.InDelta(t, want, at(RBF(sigma)), 1e-7)
		assert.InDelta(t, want, at(RBFGamma(1/(2*sigma*sigma))), 1e-7)
		assert.InDelta(t, want, at(RBFLength(sigma*math.Sqrt2)), 1e-7)
	}
	for gamma, sigma := range map[float64]float64{.001: 22.36068, .01: 7.071068, .1: 2.236068, 1: .7071068, 10: .2236068} {
		assert.InDelta(t, sigma, RBFGamma(gamma).sigma(), 5e-6)
	}
	for _, k := range []Kernel{RBF(), RBF(0), RBF(1, -1), RBF(math.NaN()), RBF(math.Inf(1)), RBF(1e-200), Laplace(0),
		IMQ(-1), RBFGamma(0), RBFLength(math.Inf(1))} {
		_, err := NewMMD[float64](WithKernel(k))
		assert.ErrorIs(t, err, ErrBandwidth, "%v", k)
	}
}

func TestMedianOfMostlyEqualRows(t *testing.T) {
	z := tensor.Of(10, 1, []float64{0, 0, 0, 0, 0, 0, 0, 0, 3, 3})
	sigma, err := MedianSigma(z)
	require.NoError(t, err)
	assert.InDelta(t, 2.1213203, sigma, 1e-7)
	sigma, err = MedianSigma(tensor.Of(10, 1, []float64{0, 0, 0, 0, 0, 0, 0, 0, 0, 1}))
	require.NoError(t, err)
	assert.InDelta(t, .7071068, sigma, 1e-7)
	same := tensor.NewMatrix[float64](6, 2)
	_, err = MedianSigma(same)
	assert.ErrorIs(t, err, ErrBandwidth)
	grad := tensor.NewMatrix[float64](6, 2)
	r, err := mmd(t).Eval(same, Batch{V: []int{0, 1, 0, 1, 0, 1}}, grad)
	require.NoError(t, err)
	assert.NotEmpty(t, r.Skipped)
	assert.Zero(t, r.Value)
}

func TestExpectedValueOfSmallGroups(t *testing.T) {
	for n, want := range map[int]float64{8: .1056624, 64: .0132078} {
		value, expected := 0.0, 0.0
		const rounds = 300
		for seed := range uint64(rounds) {
			rng := tensor.Stream(seed)
			z, v := tensor.NewMatrix[float64](2*n, 1), make([]int, 2*n)
			for i := range v {
				z.Data[i], v[i] = rng.NormFloat64(), i%2
			}
			r, err := mmd(t, WithKernel(RBF(1))).Eval(z, Batch{V: v}, tensor.Matrix[float64]{})
			require.NoError(t, err)
			value += r.Value / rounds
			expected += r.Expected / rounds
		}
		assert.InDelta(t, want, value, .1*want)
		assert.InDelta(t, want, expected, .03*want, "%d rows each", n)
	}
}

func TestExpectedIsTheMeanOverPermutations(t *testing.T) {
	z := tensor.Of(5, 1, []float64{.3, 1.2, -.4, 2, .9})
	v := []int{0, 0, 1, 1, 1}
	aux := tensor.Of(5, 1, []float64{1, 3, 2, 7, 4})
	h, err := NewHSIC[float64](RBF(2), WithKernel(RBF(1)))
	require.NoError(t, err)
	var permute func(k int)
	order := []int{0, 1, 2, 3, 4}
	for name, p := range map[string]Penalty[float64]{"MMD": mmd(t, WithKernel(RBF(1))),
		"energy": mmd(t, WithKernel(Energy())), "Poly": mmd(t, WithKernel(Poly(2, 1))), "HSIC": h} {
		b := Batch{V: v}
		if name == "HSIC" {
			b = Batch{Aux: aux}
		}
		want, err := p.Eval(z, b, tensor.Matrix[float64]{})
		require.NoError(t, err)
		sum, n := 0.0, 0.0
		permute = func(k int) {
			if k == len(order) {
				x := tensor.NewMatrix[float64](5, 1)
				for i, at := range order {
					x.Data[i] = z.Data[at]
				}
				r, err := p.Eval(x, b, tensor.Matrix[float64]{})
				require.NoError(t, err)
				sum, n = sum+r.Value, n+1
				return
			}
			for i := k; i < len(order); i++ {
				order[k], order[i] = order[i], order[k]
				permute(k + 1)
				order[k], order[i] = order[i], order[k]
			}
		}
		permute(0)
		assert.InDelta(t, sum/n, want.Expected, 1e-12, name)
	}
}

func TestUnbiasedEstimatorsAreNotClamped(t *testing.T) {
	z := tensor.Of(4, 1, []float64{0, 1, 0, 1})
	b := Batch{V: []int{0, 0, 1, 1}}
	r, err := mmd(t, WithKernel(RBF(1))).Eval(z, b, tensor.Matrix[float64]{})
	require.NoError(t, err)
	assert.InDelta(t, 0, r.Value, 1e-15)
	r, err = mmd(t, WithKernel(RBF(1)), WithEstimator(UStatistic)).Eval(z, b, tensor.Matrix[float64]{})
	require.NoError(t, err)
	assert.InDelta(t, -.3934693, r.Value, 1e-7)
	assert.Zero(t, r.Expected)

	h, err := NewHSIC[float64](RBF(1), WithKernel(RBF(1)), WithEstimator(UStatistic))
	require.NoError(t, err)
	r, err = h.Eval(z.Slice(0, 3, 0, 1), Batch{V: []int{0, 1, 1}}, tensor.Matrix[float64]{})
	require.NoError(t, err)
	assert.Contains(t, r.Skipped, "needs 4")
	_, err = h.Eval(z, Batch{V: b.V, W: []float64{1, 1, 1, 2}}, tensor.Matrix[float64]{})
	assert.ErrorIs(t, err, tensor.ErrConflict)
	w := fit(t, []int{0, 1, 0, 1}, []int{0, 0, 1, 1})
	_, err = NewHSIC[float64](RBF(1), WithEstimator(UStatistic), WithWeights(w))
	assert.ErrorIs(t, err, tensor.ErrConflict)

	plain, err := NewHSIC[float64](RBF(1), WithKernel(RBF(1)))
	require.NoError(t, err)
	r, err = plain.CKA(tensor.NewMatrix[float64](4, 1), b)
	require.NoError(t, err)
	assert.NotEmpty(t, r.Skipped)
	assert.Zero(t, r.Value)
	// The weight of a row within a U-statistic is not a count of rows: pairs of its copies would count too.
	one := mmd(t, WithKernel(RBF(1)), WithEstimator(UStatistic))
	weighted, err := one.Eval(tensor.Of(4, 1, []float64{0, 1, 1e3, 1e3}),
		Batch{V: []int{0, 0, 1, 1}, W: []float64{2, 1, 1, 1}}, tensor.Matrix[float64]{})
	require.NoError(t, err)
	assert.InDelta(t, .6065307+1, weighted.Value, 1e-7)
	twice, err := one.Eval(tensor.Of(5, 1, []float64{0, 0, 1, 1e3, 1e3}), Batch{V: []int{0, 0, 0, 1, 1}},
		tensor.Matrix[float64]{})
	require.NoError(t, err)
	assert.InDelta(t, .7376871+1, twice.Value, 1e-7)
}

func TestPermutationsThatCannotReject(t *testing.T) {
	ctx := context.Background()
	run := func(z []float64, y, v []int, k Kernel) Independence {
		r, err := IndependenceTest(ctx, tensor.Of(len(z), 1, z), y, v, k)
		require.NoError(t, err)
		return r
	}
	y := []int{0, 0, 0, 0, 1, 1, 1, 1}
	a := run([]float64{0, .1, .2, 3, 0, 3.1, 3.2, 3.3}, y, []int{0, 0, 0, 1, 0, 1, 1, 1}, MedianRBF())
	assert.True(t, a.Exact)
	assert.Equal(t, 16.0, a.Assignments)
	assert.Equal(t, 1.0/16, a.P)
	assert.Equal(t, 1.0/16, a.Smallest)
	assert.False(t, a.CanReject(.05))
	z, v := []float64{.13, .37, 2.11, 2.9, .21, .44, 2.3, 2.75}, []int{0, 0, 1, 1, 0, 0, 1, 1}
	b := run(z, y, v, MedianRBF())
	assert.Equal(t, 36.0, b.Assignments)
	assert.Equal(t, 2.0/36, b.P)
	tiny := make([]float64, len(z))
	tensor.Scale(tiny, 1e-7, z)
	assert.Equal(t, 2.0/36, run(tiny, y, v, Linear()).P, "ties are told relative to the statistic")
	assert.Equal(t, 1.0, run(make([]float64, 8), y, v, MedianRBF()).P)

	s, err := TwoStep([]Candidate{{Name: "blind", Loss: 1, P: 1. / 16, SmallestP: 1. / 16},
		{Name: "tested", Loss: 2, P: .3, SmallestP: .005}})
	require.NoError(t, err)
	assert.Equal(t, Selection{Selected: 1, Passed: true, Verdicts: []TestVerdict{CannotReject, NotRejected}}, s)
}

func TestGoldenTestsAndSelection(t *testing.T) {
	var file struct {
		Tests []struct {
			Z            goldenMatrix
			Y, V         []int
			Sigma        float64
			Folds        []float64 `json:"fold_mmd"`
			FoldP        float64   `json:"ttest_pvalue"`
			Permutations goldenMatrix
			Statistic    float64
			Null         []float64 `json:"null_statistics"`
			P            float64   `json:"p_permutation"`
			W            []float64
		}
		Selection []struct {
			Candidates []struct {
				MMD, P float64
				Loss   float64 `json:"val_loss"`
			}
			Threshold         float64
			Selected, Classic int
		}
	}
	golden.JSON(t, "testdata/tests_selection.json.gz", &file)
	require.Len(t, file.Tests, 2)
	for _, c := range file.Tests {
		z := c.Z.matrix()
		f, err := FoldTTest(mmd(t, WithKernel(RBF(c.Sigma))), z, Batch{Y: c.Y, V: c.V, W: c.W}, 3)
		require.NoError(t, err)
		golden.Close(t, "folds", f.Folds, c.Folds, 1e-9, 0)
		assert.InDelta(t, c.FoldP, f.P, 1e-9)
		q := c.Permutations.matrix()
		draws := make([][]int, q.Rows)
		for b := range draws {
			for _, i := range q.Row(b) {
				draws[b] = append(draws[b], int(i))
			}
		}
		p, err := IndependenceTest(context.Background(), z, c.Y, c.V, RBF(c.Sigma), stats.WithDraws(draws))
		require.NoError(t, err)
		assert.InDelta(t, c.Statistic, p.Statistic, 1e-12)
		golden.Close(t, "null", p.Null, c.Null, 1e-10, 0)
		assert.Equal(t, c.P, p.P)
	}
	require.Len(t, file.Selection, 2)
	for _, c := range file.Selection {
		var candidates []Candidate
		for _, m := range c.Candidates {
			candidates = append(candidates, Candidate{Loss: m.Loss, P: m.P, MMD: m.MMD})
		}
		s, err := TwoStep(candidates, WithTestLevel(c.Threshold), WithFallback(SmallestMMD))
		require.NoError(t, err)
		assert.Equal(t, c.Selected, s.Selected)
		best, err := SmallestLoss(candidates)
		require.NoError(t, err)
		assert.Equal(t, c.Classic, best)
	}
}

// constant is a penalty that says what it is told.
type constant struct{ values *[]float64 }

func (c constant) Eval(z tensor.Matrix[float64], b Batch, grad tensor.Matrix[float64]) (Result, error) {
	v := (*c.values)[0]
	*c.values = (*c.values)[1:]
	return Result{Value: v}, nil
}

func TestFoldsThatAreEqual(t *testing.T) {
	z := tensor.NewMatrix[float64](6, 1)
	run := func(values ...float64) FoldTest {
		f, err := FoldTTest[float64](constant{&values}, z, Batch{}, 3)
		require.NoError(t, err)
		return f
	}
	assert.Equal(t, FoldTest{Folds: []float64{.1, .1, .1}, Mean: run(.1, .1, .1).Mean, P: 0, Equal: true}, run(.1, .1, .1))
	assert.Equal(t, FoldTest{Folds: []float64{0, 0, 0}, P: 1, Equal: true}, run(0, 0, 0))
	assert.InDelta(t, .0350987186, run(2, 3, 4).P, 1e-10)
	assert.InDelta(t, .0350987186, run(2*0x1p-600, 3*0x1p-600, 4*0x1p-600).P, 1e-10, "P has no scale")
	_, err := FoldTTest(mmd(t), tensor.Of(4, 1, []float64{1, 2, 3, 4}), Batch{V: []int{0, 0, 1, 1}}, 2)
	assert.ErrorIs(t, err, ErrNoOverlap)
}

func TestGroupsThatAreNotSeen(t *testing.T) {
	rows := map[Cell]int{{0, 0}: 90, {0, 1}: 10}
	run := func(opts ...GroupDROOption) map[Cell]float64 {
		g, err := NewGroupDRO(rows, append(opts, WithStep(.1))...)
		require.NoError(t, err)
		for range 100 {
			_, err := g.Combine([]float64{1}, Batch{Y: []int{0}, V: []int{0}}, make([]float64, 1))
			require.NoError(t, err)
		}
		return g.GroupWeights()
	}
	assert.InDelta(t, 4.54e-5, run()[Cell{0, 1}], 5e-8, "the reference's rule switches off a group by not drawing it")
	assert.InDelta(t, .5, run(WithHold())[Cell{0, 1}], 1e-12)
	g, err := NewGroupDRO(rows)
	require.NoError(t, err)
	_, err = g.Combine([]float64{1}, Batch{Y: []int{1}, V: []int{0}}, make([]float64, 1))
	assert.ErrorIs(t, err, ErrLabelRange)
}

func TestVerdictDoesNotTurnWithTheCoding(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and minutes under emulation")
	}
	for name, slope := range map[string]float64{"uses the shortcut": 2, "over-corrected": -2, "clean": 0} {
		rng := tensor.Stream(11)
		var in AuditInput
		y, v := cells(450, 50, 50, 450)
		in.TrainY, in.TrainV = y, v
		in.Y, in.V = cells(250, 250, 250, 250)
		for i := range in.Y {
			in.Score = append(in.Score, rng.NormFloat64()+3*float64(in.Y[i])+slope*float64(in.V[i]))
		}
		r, err := Audit(context.Background(), in)
		require.NoError(t, err)
		assert.Equal(t, name, r.Verdict.String(), r.Reason)
		other := in
		other.V, other.TrainV = nil, nil
		for _, v := range in.V {
			other.V = append(other.V, 1-v)
		}
		for _, v := range in.TrainV {
			other.TrainV = append(other.TrainV, 1-v)
		}
		again, err := Audit(context.Background(), other)
		require.NoError(t, err)
		assert.Equal(t, r.Verdict, again.Verdict)
		assert.InDelta(t, r.Levels[0].AUC.Value, again.Levels[0].AUC.Value, 1e-12)
		// Without an association there is no direction.
		none := in
		none.TrainY, none.TrainV = cells(100, 100, 100, 100)
		r, err = Audit(context.Background(), none)
		require.NoError(t, err)
		if slope != 0 {
			assert.Equal(t, CannotTell, r.Verdict, r.Reason)
		}
		b, err := json.Marshal(r)
		require.NoError(t, err)
		var back AuditReport
		require.NoError(t, json.Unmarshal(b, &back))
		assert.Equal(t, r.String(), back.String())
	}
}

func TestWhatCannotBeEstimatedIsAbsent(t *testing.T) {
	r, err := Audit(context.Background(), AuditInput{Score: []float64{.9, .8, .1}, Y: []int{1, 1, 0}, V: []int{1, 1, 0}})
	require.NoError(t, err)
	assert.Equal(t, CannotTell, r.Verdict)
	assert.Empty(t, r.Levels)
	assert.Nil(t, r.Shift)
	assert.Contains(t, r.String(), "y=0 v=1")
	assert.Contains(t, r.String(), "y=1 v=0")
	b, err := json.Marshal(r)
	require.NoError(t, err)
	assert.NotContains(t, string(b), "NaN")
	// AUCs of classes count by their pairs: 7/9 on 9 pairs and 0 on 1 are 7/10.
	c, err := newCellScores("test", []float64{1, 2, 3, 2.5, 1.5, 4, 5, 6}, []int{0, 0, 0, 0, 0, 0, 1, 1},
		[]int{0, 0, 0, 1, 1, 1, 1, 0})
	require.NoError(t, err)
	auc := make([]float64, 16)
	c.aucs(nil, auc, make([]float64, 12))
	sum := 0.0
	pairs := c.within(1, auc, &sum)
	assert.Equal(t, 10.0, pairs)
	assert.InDelta(t, 9*auc[1*4+0]+0, sum, 1e-12)
}

func TestShiftCurveIsExact(t *testing.T) {
	var scores []float64
	var y, v []int
	for at, own := range [][]float64{{.3, .2, .1}, {.6, .35}, {.4, .5}, {.9, .8, .7}} {
		for _, s := range own {
			scores, y, v = append(scores, s), append(y, at/2), append(v, at%2)
		}
	}
	s, err := ShiftCurve(context.Background(), scores, y, v, []float64{0, .1, .5, .9, 1})
	require.NoError(t, err)
	for i, want := range []float64{.5, .595, .875, .995, 1} {
		assert.InDelta(t, want, s.Points[i].AUC.Value, 1e-12)
	}
	var file struct {
		Shift struct {
			Y, V   []int
			Score  []float64
			Points []struct {
				P, AUC   float64
				Accuracy float64 `json:"accuracy_at_threshold_0_5"`
				BCE      float64 `json:"bce_of_score_minus_half"`
			}
		} `json:"shift_curve"`
	}
	golden.JSON(t, "testdata/misc.json.gz", &file)
	g := file.Shift
	shifted := make([]float64, len(g.Score))
	for i, x := range g.Score {
		shifted[i] = x - .5
	}
	for _, want := range g.Points {
		s, err := ShiftCurve(context.Background(), shifted, g.Y, g.V, []float64{want.P}, WithScoreKind(Logit))
		require.NoError(t, err)
		assert.InDelta(t, want.AUC, s.Points[0].AUC.Value, 1e-12)
		assert.InDelta(t, want.Accuracy, s.Points[0].Accuracy.Value, 1e-12)
		assert.InDelta(t, want.BCE, s.Points[0].LogLoss.Value, 1e-12)
		b, err := json.Marshal(s)
		require.NoError(t, err)
		var back Shift
		require.NoError(t, json.Unmarshal(b, &back))
		assert.Equal(t, s, back)
	}
	// A cell with one row is in every resample, and said to know nothing of its spread.
	s, err = ShiftCurve(context.Background(), scores[:8], y[:8], v[:8], []float64{.5},
		WithInterval(stats.WithReplicates(200)))
	require.NoError(t, err)
	assert.Contains(t, s.String(), "one row has y=1 v=1")
	_, err = ShiftCurve(context.Background(), scores[:7], y[:7], v[:7], []float64{.5})
	assert.ErrorIs(t, err, ErrNoOverlap)
	_, err = ShiftCurve(context.Background(), []float64{1, math.NaN(), 2, 3}, []int{0, 0, 1, 1}, []int{0, 1, 0, 1},
		[]float64{.5})
	assert.ErrorIs(t, err, tensor.ErrNotFinite)
	// A target of more levels, here the same as P(v=y) = .9.
	under, err := ShiftUnder(context.Background(), scores, y, v,
		[]map[Cell]float64{{{0, 0}: .45, {0, 1}: .05, {1, 0}: .05, {1, 1}: .45}})
	require.NoError(t, err)
	assert.InDelta(t, .995, under.Points[0].AUC.Value, 1e-12)
}

func TestUnknownRowsLeaveThePenalty(t *testing.T) {
	z := tensor.Of(6, 1, []float64{0, 1, 2, 3, 50, 60})
	b := Batch{Y: []int{0, 1, 0, 1, 0, 1}, V: []int{0, 0, 1, 1, Unknown, Unknown}}
	_, err := mmd(t, WithKernel(RBF(1))).Eval(z, b, tensor.Matrix[float64]{})
	require.ErrorIs(t, err, ErrLabelRange)
	assert.ErrorContains(t, err, "WithUnknown")
	grad := tensor.NewMatrix[float64](6, 1)
	r, err := mmd(t, WithKernel(RBF(1)), WithUnknown()).Eval(z, b, grad)
	require.NoError(t, err)
	want, err := mmd(t, WithKernel(RBF(1))).Eval(z.Slice(0, 4, 0, 1), b.slice(0, 4), tensor.Matrix[float64]{})
	require.NoError(t, err)
	assert.Equal(t, want.Value, r.Value)
	assert.Equal(t, []float64{0, 0}, grad.Data[4:])
}

func TestAttributesThatOverlap(t *testing.T) {
	attributes, v, err := Attributes([][]int{{3, 8}, {3}, {}})
	require.NoError(t, err)
	assert.Equal(t, []int{3, 8}, attributes)
	assert.Equal(t, [][]int{{1, 1, 0}, {1, 0, 0}}, v)
}

func TestConstantsOfConventions(t *testing.T) {
	z := tensor.Of(6, 2, []float64{0, 0, 2, 0, 0, 2, 1, 1, 3, 1, 1, 5})
	b := Batch{V: []int{0, 0, 0, 1, 1, 1}}
	for convention, want := range map[CORALConvention]float64{MeanAndCovariance: 6.1111111, DeepCORAL: 1.0555556} {
		r, err := CORAL[float64]{Convention: convention}.Eval(z, b, tensor.Matrix[float64]{})
		require.NoError(t, err)
		assert.InDelta(t, want, r.Value, 5e-8, convention)
	}
	r, err := mmd(t, WithKernel(Energy())).Eval(tensor.Of(5, 1, []float64{0, 1, 5, 2, 3}), Batch{V: []int{0, 0, 0, 1, 1}},
		tensor.Matrix[float64]{})
	require.NoError(t, err)
	assert.InDelta(t, 1.6111111, r.Value, 1e-7)
}

func TestBalancedSubsetIsBalanced(t *testing.T) {
	y, v := cells(467, 466, 133, 133)
	rows, err := BalancedSubset(y, v, 200, 1)
	require.NoError(t, err)
	count := map[Cell]int{}
	for _, i := range rows {
		count[Cell{y[i], v[i]}]++
	}
	assert.Equal(t, map[Cell]int{{0, 0}: 133, {0, 1}: 133, {1, 0}: 133, {1, 1}: 133}, count)
	y, v = cells(5, 5, 5, 0)
	_, err = BalancedSubset(y, v, 2, 1)
	assert.ErrorIs(t, err, ErrNoOverlap)
}

func TestRatioWeightsAndBins(t *testing.T) {
	w, cut, err := RatioWeights([]float64{.5, .25, 1}, 2, 10)
	require.NoError(t, err)
	golden.Close(t, "weights", w, []float64{2, 2. / 3, 10}, 1e-12, 0)
	assert.Equal(t, 1, cut)
	_, _, err = RatioWeights([]float64{1}, 1, math.Inf(1))
	assert.ErrorIs(t, err, tensor.ErrRange)
	bins, err := Bins([]float64{5, 1, 3, 3, 9, 7}, 3)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 0, 0, 0, 2, 2}, bins)
}

func TestJTTUpweights(t *testing.T) {
	w, err := Upweighted([]bool{true, false}, 20)
	require.NoError(t, err)
	assert.Equal(t, []float64{20, 1}, w)
	_, err = Upweighted(nil, .5)
	assert.ErrorIs(t, err, tensor.ErrRange)
}
