package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

func randomLabels(rng *rand.Rand, n int) []bool {
	labels := make([]bool, n)
	for i := range labels {
		labels[i] = rng.IntN(3) == 0
	}
	labels[0], labels[1] = true, false
	return labels
}

// areaByPairs is the AUC by its definition.
func areaByPairs(positive []bool, score, w []float64) float64 {
	won, total := 0.0, 0.0
	for i := range score {
		for j := range score {
			if !positive[i] || positive[j] {
				continue
			}
			pair := w[i] * w[j]
			total += pair
			switch {
			case score[i] > score[j]:
				won += pair
			case score[i] == score[j]:
				won += pair / 2
			}
		}
	}
	return won / total
}

func TestAUCByPairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := 4 + rng.IntN(30)
		positive, score, w := randomLabels(rng, n), levels(rng, n, 2+rng.IntN(12)), make([]float64, n)
		for i := range w {
			w[i] = rng.Float64() + 0.1
		}
		weighted, err := AUC(positive, score, w)
		require.NoError(t, err)
		require.InDelta(t, areaByPairs(positive, score, w), weighted.Value, 1e-12)
		require.True(t, 0 <= weighted.Lo && weighted.Lo <= weighted.Value && weighted.Value <= weighted.Hi &&
			weighted.Hi <= 1)
		plain, err := AUC(positive, score, nil)
		require.NoError(t, err)
		turned, err := AUC(positive, negative(score), nil)
		require.NoError(t, err)
		require.InDelta(t, 1-plain.Value, turned.Value, 1e-12, "scores are never turned round")
		for i, is := range positive { // of weights only the ratios within a class matter
			if w[i] = 3; is {
				w[i] = 0.7
			}
		}
		same, err := AUC(positive, score, w)
		require.NoError(t, err)
		require.InDelta(t, plain.Value, same.Value, 1e-12)
		require.InDelta(t, plain.Lo, same.Lo, 1e-12)
		curve, err := ROC(positive, score, nil)
		require.NoError(t, err)
		area := 0.0
		for i, p := range curve[1:] {
			area += (p.FPR - curve[i].FPR) * (p.TPR + curve[i].TPR) / 2
		}
		require.InDelta(t, plain.Value, area, 1e-12, "under the curve")
		require.Equal(t, ROCPoint{math.Inf(1), 0, 0}, curve[0])
	}
	e, err := AUC([]bool{true, false, true, false}, []float64{0.5, 0.5, 0.5, 0.2}, []float64{1, 2, 3, 4})
	require.NoError(t, err)
	require.InDelta(t, 0.8333333, e.Value, 1e-7)
}

// DeLong's variance by its definition over all pairs, and intervals that cover.
func TestDeLong(t *testing.T) {
	c := config{call: "test", level: 0.95}
	rng := rand.New(rand.NewPCG(2, 2))
	for range 50 {
		n := 8 + rng.IntN(20)
		positive, score := randomLabels(rng, n), levels(rng, n, 6)
		positive[2], positive[3] = true, false
		p, err := c.placements("score", positive, score, nil)
		require.NoError(t, err)
		var share [2][]float64
		for i := range score {
			won, others := 0.0, 0.0
			for j := range score {
				if positive[i] == positive[j] {
					continue
				}
				others++
				hi, lo := score[i], score[j]
				if !positive[i] {
					hi, lo = lo, hi
				}
				switch {
				case hi > lo:
					won++
				case hi == lo:
					won += 0.5
				}
			}
			share[class(positive[i])] = append(share[class(positive[i])], won/others)
		}
		_, v0 := moments(share[0])
		_, v1 := moments(share[1])
		require.InDelta(t, v0/float64(len(share[0]))+v1/float64(len(share[1])), covariance(p, p), 1e-12)
	}
	const trials, truth = 2000, 0.7602499 // Phi(1/sqrt 2)
	hits := 0
	for trial := range trials {
		r := tensor.Stream(9, uint64(trial))
		positive, score := make([]bool, 80), make([]float64, 80)
		for i := range score {
			if positive[i] = i%2 == 0; positive[i] {
				score[i] = 1
			}
			score[i] += r.NormFloat64()
		}
		e, err := AUC(positive, score, nil)
		require.NoError(t, err)
		if e.Lo <= truth && truth <= e.Hi {
			hits++
		}
	}
	require.InDelta(t, 0.945, float64(hits)/trials, 0.015)
}

func TestCompareAUC(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 2))
	rejected := 0
	const trials = 1500
	for range trials {
		positive, a, b := make([]bool, 60), make([]float64, 60), make([]float64, 60)
		for i := range positive {
			positive[i] = i%3 == 0
			signal := float64(class(positive[i])) + rng.NormFloat64()
			a[i], b[i] = signal+rng.NormFloat64(), signal+rng.NormFloat64()
		}
		d, err := CompareAUC(positive, a, b, nil)
		require.NoError(t, err)
		require.InDelta(t, d.A.Value-d.B.Value, d.Difference.Value, 1e-15)
		require.Equal(t, d.P < 0.05, d.Difference.Lo > 0 || d.Difference.Hi < 0)
		if d.P < 0.05 {
			rejected++
		}
	}
	require.InDelta(t, 0.05, float64(rejected)/trials, 0.02, "as good as each other")

	positive, score := []bool{true, false, true, false, true}, []float64{3, 1, 2, 2.5, 4}
	d, err := CompareAUC(positive, score, []float64{30, 10, 20, 25, 40}, nil)
	require.NoError(t, err)
	require.Equal(t, []float64{0, 1, 0}, []float64{d.Difference.Value, d.P, d.Z}, "ranked alike")
	require.ErrorIs(t, d.Difference.Warnings[0], ErrDegenerate)
	perfect, worst := []float64{1, 0, 1, 0, 1}, []float64{0, 1, 0, 1, 0}
	require.ErrorIs(t, second(CompareAUC(positive, perfect, worst, nil)), ErrDegenerate,
		"1 and 0, neither with a variance")
}

func TestAUCRefuses(t *testing.T) {
	two := []bool{true, false}
	x := []float64{1, 2}
	reversed, err := AUC([]bool{false, false, false, true, true}, []float64{5, 4, 3, 2, 1}, nil)
	require.NoError(t, err)
	require.Zero(t, reversed.Value)
	perfect, err := AUC([]bool{false, false, true, true}, []float64{1, 2, 3, 4}, nil)
	require.NoError(t, err)
	require.Equal(t, [3]float64{1, 1, 1}, [3]float64{perfect.Value, perfect.Lo, perfect.Hi})
	require.ErrorIs(t, perfect.Warnings[0], ErrDegenerate)
	one, err := AUC([]bool{false, false, true}, []float64{1, 2, 1.5}, nil)
	require.NoError(t, err)
	require.Equal(t, [3]float64{0.5, 0, 1}, [3]float64{one.Value, one.Lo, one.Hi}, "one positive has no variance")
	require.ErrorIs(t, one.Warnings[0], ErrTooFew)
	for name, k := range map[string]struct{ err, want error }{
		"one class":  {second(AUC([]bool{true, true}, x, nil)), ErrOneClass},
		"no weight":  {second(AUC(two, x, []float64{0, 1})), ErrOneClass},
		"weight":     {second(AUC(two, x, []float64{-1, 1})), tensor.ErrRange},
		"NaN weight": {second(AUC(two, x, []float64{nan, 1})), tensor.ErrRange},
		"weights":    {second(AUC(two, x, x[:1])), tensor.ErrShape},
		"labels":     {second(AUC(two[:1], x, nil)), tensor.ErrShape},
		"empty":      {second(AUC(nil, nil, nil)), tensor.ErrEmpty},
		"NaN":        {second(AUC(two, []float64{1, nan}, nil)), tensor.ErrNotFinite},
		"ROC":        {second(ROC([]bool{true, true}, x, nil)), ErrOneClass},
		"compare":    {second(CompareAUC(two, x, []float64{1, inf}, nil)), tensor.ErrNotFinite},
		"compare one": {second(CompareAUC([]bool{true, false, false}, []float64{1, 2, 3}, []float64{3, 2, 1}, nil)),
			ErrTooFew},
	} {
		require.ErrorIs(t, k.err, k.want, name)
	}
}

func TestCalibration(t *testing.T) {
	// Confidence 1 has a bin, and what is equal is not parted.
	c, err := Calibrate([]float64{0.95, 1}, []bool{true, false}, 10, EqualWidth)
	require.NoError(t, err)
	require.Len(t, c.Bins, 1)
	require.InDelta(t, 0.475, c.ECE, 1e-15)
	c, err = Calibrate([]float64{0, 0.05}, []bool{false, false}, 10, EqualWidth)
	require.NoError(t, err)
	require.Len(t, c.Bins, 1, "0 is in the first bin")
	for _, how := range []Binning{EqualWidth, EqualMass} {
		c, err = Calibrate([]float64{0.9, 0.9, 0.9, 0.9, 0.9, 0.9}, []bool{true, false, true, false, true, false}, 3, how)
		require.NoError(t, err)
		require.Len(t, c.Bins, 1, "%v", how)
		require.InDelta(t, 0.4, c.ECE, 1e-15)
	}
	c, err = Calibrate([]float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7}, make([]bool, 7), 3, EqualMass)
	require.NoError(t, err)
	require.Equal(t, []int{3, 2, 2}, []int{c.Bins[0].N, c.Bins[1].N, c.Bins[2].N})

	rng := rand.New(rand.NewPCG(6, 6))
	for range 100 {
		n := 1 + rng.IntN(60)
		p, event := make([]float64, n), make([]bool, n)
		for i := range p {
			p[i] = float64(rng.IntN(21)) / 20
			event[i] = rng.Float64() < p[i]
		}
		for _, how := range []Binning{EqualWidth, EqualMass} {
			c, err := Calibrate(p, event, 1+rng.IntN(12), how)
			require.NoError(t, err)
			require.InDelta(t, c.Brier, c.Reliability-c.Resolution+c.Uncertainty+c.Within, 1e-12, "the parts add up")
			total, brier := 0, 0.0
			for _, b := range c.Bins {
				total += b.N
			}
			for i := range p {
				d := p[i] - float64(class(event[i]))
				brier += d * d / float64(n)
			}
			require.Equal(t, n, total)
			require.InDelta(t, brier, c.Brier, 1e-12)
			require.True(t, c.ECE <= c.MCE+1e-15 && c.MCE <= 1)
		}
	}
	for name, k := range map[string]struct{ err, want error }{
		"empty":   {second(Calibrate(nil, nil, 3, EqualWidth)), tensor.ErrEmpty},
		"lengths": {second(Calibrate([]float64{1}, nil, 3, EqualWidth)), tensor.ErrShape},
		"above":   {second(Calibrate([]float64{1.1}, []bool{true}, 3, EqualWidth)), tensor.ErrRange},
		"NaN":     {second(Calibrate([]float64{nan}, []bool{true}, 3, EqualWidth)), tensor.ErrNotFinite},
		"bins":    {second(Calibrate([]float64{1}, []bool{true}, 0, EqualWidth)), tensor.ErrRange},
		"binning": {second(Calibrate([]float64{1}, []bool{true}, 3, 7)), tensor.ErrRange},
	} {
		require.ErrorIs(t, k.err, k.want, name)
	}
}

func BenchmarkAUC(b *testing.B) {
	for _, n := range []int{1000, 1_000_000} {
		rng := rand.New(rand.NewPCG(1, 1))
		positive, x, y := randomLabels(rng, n), make([]float64, n), make([]float64, n)
		for i := range x {
			x[i] = rng.NormFloat64()
			y[i] = x[i] + rng.NormFloat64()
		}
		b.Run(fmt.Sprint("DeLong/", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := AUC(positive, x, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mscores/s")
		})
		b.Run(fmt.Sprint("paired/", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := CompareAUC(positive, x, y, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
