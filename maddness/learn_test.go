package maddness

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// Refinement looks at the columns that are correlated most, whatever their scale and mean.
func TestWidened(t *testing.T) {
	const n = 200
	r := tensor.Stream(1)
	a := tensor.NewMatrix[float32](n, 5)
	metric := tensor.NewMatrix[float64](n, 2)
	for i := range n {
		u, v := r.NormFloat64(), r.NormFloat64()
		copy(metric.Row(i), []float64{u, v})
		copy(a.Row(i), []float32{float32(100 * r.NormFloat64()), 7, float32(0.01*u + 5), float32(r.NormFloat64()),
			float32(v + r.NormFloat64())})
	}
	centre(metric)
	o, err := configure[Option]("test", nil)
	require.NoError(t, err)
	l := newLearner(o, problem{a: a, meter: &meter{ctx: background}})
	l.groups = [][]int{{1}, {4}}
	for wide, want := range map[int][][]int{0: {{1}, {4}}, 1: {{1, 2}, {2, 4}}, 2: {{1, 2, 4}, {2, 4}},
		99: {{0, 1, 2, 3, 4}, {0, 1, 2, 3, 4}}} {
		l.wide = wide
		require.Equal(t, want, [][]int{l.widened(0, metric), l.widened(1, metric)}, "%d more", wide)
	}
}

// Where the joint ridge regression is optimal, each codebook's entries are what it would have alone on what the others
// leave.
func TestLeavesAreStationary(t *testing.T) {
	r := tensor.Stream(2)
	o, err := configure("test", []RefitOption{WithRidge(2.5)})
	require.NoError(t, err)
	l := &learner{config: o, codes: make([][]uint8, 3), y: tensor.NewMatrix[float64](90, 2)}
	for i := range l.y.Data {
		l.y.Data[i] = r.NormFloat64()
	}
	for c := range l.codes {
		l.codes[c] = make([]uint8, 90)
		for i := range l.codes[c] {
			l.codes[c][i] = uint8(r.IntN(15)) // code 15 is never used
		}
	}
	leaves, err := l.solve(l.y)
	require.NoError(t, err)
	for c, codes := range l.codes {
		rest, own := residual(l, leaves), leaves.Slice(16*c, 16*c+16, 0, 2)
		addLeaves(1, rest, codes, own, 1)
		alone := l.leaves(codes, rest)
		for k := range 16 {
			require.InDeltaSlice(t, own.Row(k), alone.Row(k), 1e-12, "codebook %d code %d", c, k)
		}
		require.Equal(t, []float64{0, 0}, own.Row(15))
	}
}

// Projections keep the directions of most variance, and lengths along them, with either way to find them.
func TestReduce(t *testing.T) {
	for _, m := range []int{20, eigenColumns + 20} {
		const n, q = 300, 3
		r := tensor.Stream(3, uint64(m))
		factors, mix := tensor.NewMatrix[float64](n, q), tensor.NewMatrix[float64](q, m)
		for _, x := range []tensor.Matrix[float64]{factors, mix} {
			for i := range x.Data {
				x.Data[i] = r.NormFloat64()
			}
		}
		z := tensor.NewMatrix[float64](n, m)
		for i := range z.Data {
			z.Data[i] = 0.01 * r.NormFloat64()
		}
		tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, factors, mix, 1, z)
		l := &learner{config: &config{metricDims: q}}
		got := l.reduce(z)
		require.Equal(t, []int{n, q}, []int{got.Rows, got.Cols})
		for _, pair := range [][2]int{{0, 1}, {5, 200}, {17, 299}} { // distances between rows stay
			want, have := 0.0, 0.0
			for k := range m {
				want += math.Pow(z.At(pair[0], k)-z.At(pair[1], k), 2)
			}
			for k := range q {
				have += math.Pow(got.At(pair[0], k)-got.At(pair[1], k), 2)
			}
			require.InEpsilon(t, want, have, 0.02, "%d columns", m)
		}
		l.metricDims = m
		same := l.reduce(z)
		require.Equal(t, z, same)
		same.Data[0]++
		require.NotEqual(t, z.Data[0], same.Data[0], "a copy")
	}
}

// Rows that depend on each other leave nothing: no direction is counted twice.
func TestOrthonormalise(t *testing.T) {
	v := tensor.Of(4, 3, []float64{3, 4, 0, 6, 8, 0, 1, 0, 0, 0, 0, 0})
	orthonormalise(v)
	require.InDeltaSlice(t, []float64{0.6, 0.8, 0}, v.Row(0), 1e-15)
	require.Equal(t, []float64{0, 0, 0}, v.Row(1))
	require.InDeltaSlice(t, []float64{0.8, -0.6, 0}, v.Row(2), 1e-15)
	require.Equal(t, []float64{0, 0, 0}, v.Row(3))
}

// The matrix of outputs that are a product is found from their values.
func TestLinear(t *testing.T) {
	a, b := layer(500, 6, 3)
	y, err := product(a, b)
	require.NoError(t, err)
	o, err := configure[Option]("test", nil)
	require.NoError(t, err)
	l := newLearner(o, problem{a: a, meter: &meter{ctx: background}})
	l.setTargets(y)
	got, err := l.linear()
	require.NoError(t, err)
	for i, v := range b.Data {
		require.InDelta(t, v, got.Data[i], 0.1)
	}
	constant := newLearner(o, problem{a: tensor.NewMatrix[float32](5, 2), meter: &meter{ctx: background}})
	constant.setTargets(tensor.NewMatrix[float64](5, 1))
	got, err = constant.linear()
	require.NoError(t, err)
	require.Equal(t, []float32{0, 0}, got.Data)
}

// Bolt's scale: 255 is the mean plus four standard deviations of a group's sum, or its largest value if that is less.
func TestSaturatingScale(t *testing.T) {
	lut := NewLUT(1, 2)
	for k := range 16 {
		lut.Table.Data[k] = float32(k % 2)       // 0 or 1: mean 1/2, variance 1/4
		lut.Table.Data[16+k] = float32(k%2) + 10 // from 10 on
	}
	require.InEpsilon(t, 1+4*math.Sqrt(0.5), widestSum(lut, []float64{0, 10}, 2), 1e-12)
	require.InEpsilon(t, 0.5+4*0.5, widestSum(lut, []float64{0, 10}, 1), 1e-12)
	require.InEpsilon(t, 2.0/255, roundUnsigned(lut, Saturate(2)).scale[0], 1e-6)
	for k := range 32 {
		lut.Table.Data[k] = 0
	}
	lut.Table.Data[3] = 1 // rare: 1/16 and sqrt(15)/16
	r := roundUnsigned(lut, Saturate(2))
	require.InEpsilon(t, (1.0/16+4*math.Sqrt(15)/16)/255, r.scale[0], 1e-6)
	require.Equal(t, uint8(247), r.unsigned[3])
}
