package mil_test

import (
	"compress/gzip"
	"encoding/csv"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
)

// published is where the classical benchmarks are on some machines; their licences keep them out of the repository.
const published = "../../shared/"

type benchmark struct {
	bags     mil.Bags[float64]
	positive []bool
	targets  []float64
	folds    [][][]int // of each repeat, the bags of each test fold
}

func readBenchmark(t *testing.T, name string) benchmark {
	t.Helper()
	f, err := os.Open(published + "data/mil/" + name + ".csv.gz")
	if err != nil {
		t.Skip("the data are not here")
	}
	defer func() { require.NoError(t, f.Close()) }()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	rows, err := csv.NewReader(z).ReadAll()
	require.NoError(t, err)
	x, ids := tensor.NewMatrix[float64](len(rows)-1, len(rows[0])-2), make([]string, len(rows)-1)
	labels := map[string]bool{}
	for i, row := range rows[1:] {
		ids[i], labels[row[0]] = row[0], row[1] == "1"
		for j, text := range row[2:] {
			v, err := strconv.ParseFloat(text, 64)
			require.NoError(t, err)
			x.Set(i, j, v)
		}
	}
	b, keys, _, err := mil.GroupBy(x, ids)
	require.NoError(t, err)
	out := benchmark{bags: b}
	for _, k := range keys {
		out.positive = append(out.positive, labels[k])
		out.targets = append(out.targets, map[bool]float64{true: 1, false: -1}[labels[k]])
	}
	var folds struct {
		Bags [][][]int `json:"test_bags"`
	}
	golden.JSON(t, published+"data/mil/"+name+".folds.json", &folds)
	out.folds = folds.Bags
	return out
}

// rest is the bags that are not among some.
func rest(n int, some []int) (others []int) {
	for i := range n {
		if !slices.Contains(some, i) {
			others = append(others, i)
		}
	}
	return others
}

func pick[E any](x []E, at []int) []E {
	y := make([]E, len(at))
	for k, i := range at {
		y[k] = x[i]
	}
	return y
}

func TestKernelRidgeOnPublishedBenchmarks(t *testing.T) {
	for _, name := range []string{"musk1", "tiger"} {
		t.Run(name, func(t *testing.T) {
			d := readBenchmark(t, name)
			if name == "tiger" { // one takes a second
				d.folds = d.folds[:1]
			}
			var want struct {
				Kernels map[string]struct{ Pred [][]float64 }
			}
			golden.JSON(t, published+"golden/mil/kernel/krr_"+name+".json", &want)
			for kernel, k := range map[string]mil.SetKernel{"nsk": mil.NSK(0), "minmax": mil.MinMax(0),
				"average": mil.AverageKernel(mil.NSK(0), mil.MinMax(0))} {
				for r, folds := range d.folds {
					got := make([]float64, d.bags.Len())
					for _, test := range folds {
						train := rest(d.bags.Len(), test)
						predictions := fitPredict(t, k, d, train, test)
						for i, p := range predictions {
							got[test[i]] = p
						}
					}
					golden.Close(t, kernel, got, want.Kernels[kernel].Pred[r], 1e-7, 1e-8)
				}
			}
		})
	}
}

func fitPredict(t *testing.T, k mil.SetKernel, d benchmark, train, test []int) []float64 {
	t.Helper()
	fit, err := d.bags.Sub(train...)
	require.NoError(t, err)
	other, err := d.bags.Sub(test...)
	require.NoError(t, err)
	s, err := mil.FitStandardizer(fit)
	require.NoError(t, err)
	require.NoError(t, mil.Standardize(s, fit.X, fit.X))
	require.NoError(t, mil.Standardize(s, other.X, other.X))
	r, err := mil.FitKernelRidge(k, fit, pick(d.targets, train))
	require.NoError(t, err)
	p, err := r.Predict(other)
	require.NoError(t, err)
	return p
}

func someBags(t *testing.T, seed uint64, n, cols int) (mil.Bags[float64], []float64) {
	t.Helper()
	rng := tensor.Stream(seed, 21)
	offsets, y := []int{0}, make([]float64, n)
	for i := range n {
		offsets = append(offsets, offsets[i]+1+rng.IntN(90))
		y[i] = rng.NormFloat64()
	}
	b, err := mil.New(random(seed, offsets[n], cols), offsets)
	require.NoError(t, err)
	return b, y
}

func TestSetKernelsAreWhatTheySay(t *testing.T) {
	const n, d, gamma = 12, 3, 0.4
	b, y := someBags(t, 1, n, d)
	others, _ := someBags(t, 2, 5, d)
	rbf := func(x, z []float64) float64 {
		s := 0.0
		for j, v := range x {
			s += (v - z[j]) * (v - z[j])
		}
		return math.Exp(-gamma * s)
	}
	sum := func(x, z tensor.Matrix[float64]) (s float64) {
		for i := range x.Rows {
			for j := range z.Rows {
				s += rbf(x.Row(i), z.Row(j))
			}
		}
		return s
	}
	span := func(x tensor.Matrix[float64]) []float64 {
		m := make([]float64, 2*d)
		for j := range d {
			c := x.Transposed().Row(j)
			m[j], m[d+j] = slices.Min(c), slices.Max(c)
		}
		return m
	}
	kernels := map[string]func(x, z tensor.Matrix[float64]) float64{
		"nsk":    func(x, z tensor.Matrix[float64]) float64 { return sum(x, z) / math.Sqrt(sum(x, x)*sum(z, z)) },
		"minmax": func(x, z tensor.Matrix[float64]) float64 { return rbf(span(x), span(z)) },
	}
	kernels["average"] = func(x, z tensor.Matrix[float64]) float64 {
		return (kernels["nsk"](x, z) + kernels["minmax"](x, z)) / 2
	}
	for name, k := range map[string]mil.SetKernel{"nsk": mil.NSK(gamma), "minmax": mil.MinMax(gamma),
		"average": mil.AverageKernel(mil.NSK(gamma), mil.MinMax(gamma))} {
		r, err := mil.FitKernelRidge(k, b, y, mil.WithLambda(0.3))
		require.NoError(t, err)
		got, err := r.Predict(others)
		require.NoError(t, err)
		a, f := tensor.NewMatrix[float64](n, n), kernels[name]
		mean := tensor.Sum(y) / n
		for i := range n {
			for j := range n {
				a.Set(i, j, f(b.Bag(i), b.Bag(j)))
			}
			a.Set(i, i, a.At(i, i)+0.3)
		}
		residual := slices.Clone(y)
		for i := range residual {
			residual[i] -= mean
		}
		alpha := solve(a, residual)
		want := make([]float64, others.Len())
		for i := range want {
			want[i] = mean
			for j := range n {
				want[i] += alpha[j] * f(others.Bag(i), b.Bag(j))
			}
		}
		golden.Close(t, name, got, want, 1e-10, 1e-10)
		one, err := mil.FitKernelRidge(k, b, y, mil.WithLambda(0.3), mil.WithWorkers(1))
		require.NoError(t, err)
		again, err := one.Predict(others)
		require.NoError(t, err)
		require.Equal(t, got, again, "the number of workers does not matter")
	}
}

// solve is Gauss's elimination.
func solve(a tensor.Matrix[float64], y []float64) []float64 {
	x := slices.Clone(y)
	n := len(x)
	for k := range n {
		for i := k + 1; i < n; i++ {
			f := a.At(i, k) / a.At(k, k)
			tensor.Axpy(a.Row(i), -f, a.Row(k))
			x[i] -= f * x[k]
		}
	}
	for k := n - 1; k >= 0; k-- {
		for j := k + 1; j < n; j++ {
			x[k] -= a.At(k, j) * x[j]
		}
		x[k] /= a.At(k, k)
	}
	return x
}

func TestLeaveOneOutIsFittingWithout(t *testing.T) {
	b, y := someBags(t, 3, 20, 2)
	k := mil.AverageKernel(mil.NSK(0.5), mil.MinMax(0.2))
	r, err := mil.FitKernelRidge(k, b, y, mil.WithLambda(1, 0.01, 0.1))
	require.NoError(t, err)
	left := r.LeaveOneOut()
	for i := range 20 {
		others := rest(20, []int{i})
		fit, err := b.Sub(others...)
		require.NoError(t, err)
		one, err := b.Sub(i)
		require.NoError(t, err)
		s, err := mil.FitKernelRidge(k, fit, pick(y, others), mil.WithLambda(r.Lambda()))
		require.NoError(t, err)
		p, err := s.Predict(one)
		require.NoError(t, err)
		golden.Same(t, p[0], left[i], 1e-9, "without bag %d", i)
	}
	loss := func(l float64) (sum float64) {
		s, err := mil.FitKernelRidge(k, b, y, mil.WithLambda(l))
		require.NoError(t, err)
		for i, p := range s.LeaveOneOut() {
			sum += (p - y[i]) * (p - y[i])
		}
		return sum
	}
	for _, l := range []float64{1, 0.01, 0.1} {
		require.LessOrEqual(t, loss(r.Lambda()), loss(l))
	}
}

func TestBadArgumentsOfKernelRidge(t *testing.T) {
	b, y := someBags(t, 3, 4, 2)
	_, err := mil.FitKernelRidge(mil.NSK(-1), b, y, mil.WithLambda(0), mil.WithWorkers(-1), nil)
	for _, text := range []string{"gamma(-1)", "WithLambda([0])", "WithWorkers(-1)", "option 2 is nil"} {
		require.ErrorContains(t, err, text)
	}
	_, err = mil.FitKernelRidge(mil.SetKernel{}, b, y)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = mil.FitKernelRidge(mil.AverageKernel(), b, y)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = mil.FitKernelRidge(mil.NSK(0), b, y[:2])
	require.ErrorIs(t, err, tensor.ErrShape)
	_, err = mil.FitKernelRidge(mil.NSK(0), b, []float64{1, 2, 3, math.NaN()})
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	empty := mil.Bags[float64]{X: b.X, Offsets: append([]int{0}, b.Offsets...)}
	_, err = mil.FitKernelRidge(mil.NSK(0), empty, append(y, 1))
	require.ErrorIs(t, err, mil.ErrEmptyBag)
	one, err := b.Sub(0)
	require.NoError(t, err)
	_, err = mil.FitKernelRidge(mil.NSK(0), one, y[:1])
	require.ErrorIs(t, err, tensor.ErrEmpty)
	r, err := mil.FitKernelRidge(mil.NSK(0), b, y)
	require.NoError(t, err)
	other, _ := someBags(t, 3, 4, 3)
	_, err = r.Predict(other)
	require.ErrorIs(t, err, tensor.ErrShape)
	_, err = r.Predict(empty)
	require.ErrorIs(t, err, mil.ErrEmptyBag)
	alike, err := mil.Join(b.Bag(0), b.Bag(0), b.Bag(0))
	require.NoError(t, err)
	r, err = mil.FitKernelRidge(mil.AverageKernel(mil.NSK(0), mil.MinMax(0)), alike, []float64{1, 2, 6})
	require.NoError(t, err)
	p, err := r.Predict(one)
	require.NoError(t, err)
	require.InDelta(t, 3, p[0], 1e-9, "bags that are all alike have the mean")
}
