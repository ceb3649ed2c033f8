package maddness

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/race"
	"github.com/espalier-ml/espalier/tensor"
)

var seeds = flag.Int("seeds", 1, "seeds of each fit in TestErrorOnRealData")

// The bars of the method on real data, of the median seed: with default options, and with WithSimple those that were
// its own. With -seeds 10 this prints the tables of the package's documentation.
func TestErrorOnRealData(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and minutes under emulation")
	}
	type bars struct {
		codebooks    int
		most, simple float64
		long         bool // by default only with more seeds
	}
	tasks := []struct {
		of   func(testing.TB) task
		bars []bars
	}{
		{digitsTask, []bars{{16, .0245, .033, false}, {2, .211, .211, false}, {4, .138, .138, false}, {8, .073, .080, true},
			{32, .0052, .018, false}}},
		{mnistTask, []bars{{2, .142, .148, true}, {4, .084, .090, true}, {8, .042, .060, false}, {16, .018, .036, true},
			{32, .007, .024, true}}},
		{sobelTask, []bars{{2, .60, .77, false}, {4, .40, .76, false}, {8, .17, .30, true}, {16, .065, .115, false}}},
	}
	if race.Enabled {
		tasks = tasks[:1] // the others are the same code thirty times slower
		tasks[0].bars = tasks[0].bars[:1]
	}
	for _, task := range tasks {
		k := task.of(t)
		check := func(codebooks int, name string, most float64, opts ...Option) {
			e := k.errors(t, codebooks, opts...)
			reference, known := k.reference[codebooks]
			authors := "not known"
			if known {
				authors = fmt.Sprintf("%.4f", reference)
			}
			t.Logf("%-8s C=%2d %-10s %s, want at most %.4f; the authors' code %s",
				k.name, codebooks, name, spread(e), most, authors)
			require.LessOrEqual(t, median(e), most, "%s, C=%d, %s", k.name, codebooks, name)
			if known {
				require.Less(t, slices.Max(e), reference, "%s, C=%d, %s: the authors' code", k.name, codebooks, name)
			}
			if *seeds > 1 && name == "default" && k.name != "sobel" { // there rare rows of another photograph decide
				m := median(e)
				near := slices.DeleteFunc(e, func(v float64) bool { return math.Abs(v/m-1) > 0.12 })
				require.GreaterOrEqual(t, len(near), *seeds*9/10, "%s, C=%d: %v are near the median", k.name, codebooks, near)
			}
		}
		for _, c := range task.bars {
			if *seeds > 1 || !c.long {
				check(c.codebooks, "default", c.most)
			}
			if *seeds > 1 || c.codebooks >= 8 {
				check(c.codebooks, "WithSimple", c.simple, WithSimple())
			}
		}
	}
}

// Validation finds on rows of its own that these columns are better grouped by what they contribute; so are the groups
// that were found before there were forecasts.
func TestValidationOnRealData(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and minutes under emulation")
	}
	if race.Enabled {
		t.Skip("the same code thirty times slower")
	}
	k := digitsTask(t)
	op, err := Fit(background, k.train, k.b, WithCodebooks(16), WithValidation(0.2), WithRefine(1), WithRidge(1))
	require.NoError(t, err)
	t.Logf("digits, C=16: NMSE %.4f with %+v", k.nmse(t, op), op.Stats().String())
	require.Equal(t, Contribution, op.Stats().Grouping)
	require.LessOrEqual(t, k.nmse(t, op), 0.0245) // as without
	op, err = Fit(background, k.train, k.b, WithCodebooks(32), WithSimple(), WithGrouping(OutputCovariance), WithRefine(1))
	require.NoError(t, err)
	require.LessOrEqual(t, k.nmse(t, op), 0.014) // 0.015 with contiguous ones
}

// errors are those on the test rows of fits with seeds 0, 1, ...
func (k task) errors(t *testing.T, codebooks int, opts ...Option) []float64 {
	e := make([]float64, *seeds)
	for seed := range e {
		op, err := Fit(background, k.train, k.b, append(opts, WithCodebooks(codebooks), WithSeed(uint64(seed)))...)
		require.NoError(t, err)
		e[seed] = k.nmse(t, op)
	}
	return e
}

func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// spread is the median, the least and the largest.
func spread(x []float64) string {
	return fmt.Sprintf("%.4f [%.4f %.4f]", median(x), slices.Min(x), slices.Max(x))
}

// A fit is the same for any number of goroutines, another one for another seed where draws matter.
func TestFitIsDeterministic(t *testing.T) {
	a, b := layer(400, 24, 20)
	fit := func(opts ...Option) []byte {
		op, err := Fit(background, a, b, append(opts, WithCodebooks(6), WithMetricDims(5), WithTrainRows(300))...)
		require.NoError(t, err)
		blob, err := op.MarshalBinary()
		require.NoError(t, err)
		return blob
	}
	one := fit(WithWorkers(1))
	require.Equal(t, one, fit(WithWorkers(7)))
	require.Equal(t, one, fit())
	require.NotEqual(t, one, fit(WithSeed(1)))
	if testing.Short() {
		return
	}
	large := fit(WithValidation(0.25), WithSeed(2))
	require.Equal(t, large, fit(WithValidation(0.25), WithSeed(2), WithWorkers(5)))
}

// Each ingredient lowers the training error here: refinement, and outputs that are looked at.
func TestIngredients(t *testing.T) {
	if race.Enabled || testing.Short() {
		t.Skip("numbers, which take long where every instruction is watched or emulated")
	}
	a, b := layer(1000, 32, 4)
	fit := func(opts ...Option) float64 {
		op, err := Fit(background, a, b, append(opts, WithCodebooks(8))...)
		require.NoError(t, err)
		return op.Stats().TrainNMSE
	}
	inputs, outputs, one, two := fit(WithMetric(InputSSE), WithRefine(0)), fit(WithRefine(0)), fit(WithRefine(1)),
		fit(WithRefine(2))
	paper := fit(WithPaper())
	t.Logf("training NMSE: paper %.4f, inputs %.4f, outputs %.4f, 1 pass %.4f, 2 passes %.4f",
		paper, inputs, outputs, one, two)
	require.Greater(t, paper, inputs)
	require.Less(t, outputs, inputs)
	require.Less(t, one, 0.9*outputs)
	require.LessOrEqual(t, two, one)
	require.Greater(t, fit(WithRefine(1), WithWide(0)), one, "other columns help")
	grouped := fit(WithRefine(0), WithGrouping(OutputCovariance))
	require.NotEqual(t, outputs, grouped)
	require.Greater(t, fit(WithLUTBits(3)), fit(WithLUTBits(5)), "bits")
	require.Greater(t, fit(WithAggregation(Average(8))), two, "averaging loses accuracy")
	require.Greater(t, fit(WithAggregation(Saturate(8))), two, "so does saturation")
}

// In refinement the squared error of float tables never rises.
func TestRefinementDescends(t *testing.T) {
	a, b := layer(500, 12, 3)
	o, err := configure[Option]("test", nil)
	require.NoError(t, err)
	o.codebooks, o.refine = 4, 0
	y, err := product(a, b)
	require.NoError(t, err)
	l := newLearner(o, problem{a: a, meter: &meter{ctx: background}})
	l.b = b
	l.setTargets(y)
	require.NoError(t, l.learn())
	last := math.Inf(1)
	for pass := range 6 {
		leaves, err := l.solve(l.y)
		require.NoError(t, err)
		loss := squares(1, residual(l, leaves)) + o.ridge*tensor.Dot(leaves.Data, leaves.Data)
		require.LessOrEqual(t, loss, last*(1+1e-2), "pass %d", pass) // trees are judged without the penalty
		last = loss
		require.NoError(t, l.pass(pass))
		for c := range l.codes { // codes are those that the operator will give
			for i, k := range l.codes[c] {
				require.Equal(t, l.trees.Code(c, a.Row(i)), int(k))
			}
		}
	}
}

// Trees only look at the columns they are given.
func TestColumns(t *testing.T) {
	a, b := layer(300, 10, 3)
	groups := [][]int{{9, 0}, {4}, {4, 5, 6}}
	op, err := Fit(background, a, b, WithColumns(groups), WithWide(0))
	require.NoError(t, err)
	require.Equal(t, 3, op.Codebooks())
	for c, dims := range op.Trees().Dims {
		for _, d := range dims {
			require.Contains(t, groups[c], d)
		}
	}
	op, err = Fit(background, a, b, WithCodebooks(3), WithRefine(0), WithGrouping(Contiguous))
	require.NoError(t, err)
	for c, dims := range op.Trees().Dims {
		for _, d := range dims {
			require.Contains(t, contiguous(10, 3)[c], d)
		}
	}
}

// Groups by covariance have the sizes of contiguous ones, hold every column once, and find columns that vary together.
func TestByCovariance(t *testing.T) {
	const n, d = 200, 7
	r := tensor.Stream(1)
	l := &learner{config: &config{codebooks: 3}, x: tensor.NewMatrix[float32](d, n), means: make([]float64, d),
		b: tensor.NewMatrix[float32](d, 1)}
	for j := range d {
		l.b.Data[j] = 1
	}
	for i := range n {
		u, v, w := r.NormFloat64(), r.NormFloat64(), r.NormFloat64()
		for j, x := range []float64{u, v, w, u, v, w, u} {
			l.x.Set(j, i, float32(x*float64(3-j%3)))
		}
	}
	require.Equal(t, [][]int{{0, 3, 6}, {1, 4}, {2, 5}}, l.byCovariance())
}

// Few rows, equal rows, constant columns, a constant matrix, one column, one codebook per column.
func TestSmallAndDegenerate(t *testing.T) {
	for name, c := range map[string]struct {
		a, b      tensor.Matrix[float32]
		codebooks int
		opts      []Option
		most      float64 // error
	}{
		"one row": {tensor.Of(1, 3, []float32{1, 2, 3}), tensor.Of(3, 2, []float32{1, 2, 3, 4, 5, 6}), 1, nil,
			1e-5},
		"equal rows": {tensor.Of(3, 2, []float32{1, 2, 1, 2, 1, 2}), tensor.Of(2, 1, []float32{1, 1}), 1, nil, 1e-5},
		"zero matrix": {tensor.Of(4, 2, []float32{1, 2, 3, 4, 5, 6, 7, 8}), tensor.NewMatrix[float32](2, 3), 1, nil,
			0},
		"constant columns": {tensor.Of(2, 3, []float32{5, 5, 5, 5, 5, 5}), tensor.Of(3, 1, []float32{1, 2, 3}), 1, nil,
			1e-5},
		"one column": {tensor.Of(5, 1, []float32{1, 2, 3, 4, 5}), tensor.Of(1, 1, []float32{2}), 1,
			[]Option{WithRidge(1e-9)}, 0.03},
		"as many as codebook": {tensor.Of(4, 2, []float32{0, 0, 0, 1, 1, 0, 1, 1}), tensor.Of(2, 2, []float32{1, 2, 3, 4}), 2,
			[]Option{WithRidge(1e-6)}, 0.05},
		"huge": {tensor.Of(2, 1, []float32{-3e38, 3e38}), tensor.Of(1, 1, []float32{0.5}), 1,
			[]Option{WithRidge(1e-9)}, 3e36},
		"tiny": {tensor.Of(2, 1, []float32{1e-45, 3e-45}), tensor.Of(1, 1, []float32{1}), 1,
			[]Option{WithRidge(1e-9)}, 3e-45},
	} {
		op, err := Fit(background, c.a, c.b, append(c.opts, WithCodebooks(c.codebooks))...)
		require.NoError(t, err, name)
		got, want := tensor.NewMatrix[float32](c.a.Rows, c.b.Cols), tensor.NewMatrix[float32](c.a.Rows, c.b.Cols)
		require.NoError(t, op.Mul(got, c.a), name)
		tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, c.a, c.b, 0, want)
		for i := range want.Data {
			require.InDelta(t, want.Data[i], got.Data[i], c.most, name)
		}
		_, err = Fit(background, c.a, c.b, WithCodebooks(c.codebooks), WithPaper())
		require.NoError(t, err, name)
		_, err = FitEncoder(background, c.a, WithCodebooks(c.codebooks))
		require.NoError(t, err, name)
		if c.a.Rows > 1 {
			_, err = Fit(background, c.a, c.b, WithCodebooks(c.codebooks), WithValidation(0.5))
			require.NoError(t, err, name)
		}
	}
}

// Columns that are constant are never compared, if there is another.
func TestConstantColumnIsNotChosen(t *testing.T) {
	a, b := layer(200, 6, 2)
	for i := range a.Rows {
		a.Set(i, 0, 3)
		a.Set(i, 3, -1)
	}
	op, err := Fit(background, a, b, WithCodebooks(2))
	require.NoError(t, err)
	for _, dims := range op.Trees().Dims {
		require.NotContains(t, dims[:], 0)
		require.NotContains(t, dims[:], 3)
	}
}

// FitTargets learns functions that are no products, and products as Fit does.
func TestFitTargets(t *testing.T) {
	a, b := layer(2000, 16, 5)
	y := tensor.NewMatrix[float32](a.Rows, 5)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, a, b, 0, y)
	known, err := Fit(background, a, b, WithCodebooks(8))
	require.NoError(t, err)
	unknown, err := FitTargets(background, a, y, WithCodebooks(8))
	require.NoError(t, err)
	require.InDelta(t, known.Stats().TrainNMSE, unknown.Stats().TrainNMSE, 0.01)
	grouped, err := FitTargets(background, a, y, WithCodebooks(8), WithGrouping(OutputCovariance), WithRefine(0))
	require.NoError(t, err)
	require.Less(t, grouped.Stats().TrainNMSE, 0.3)

	step := tensor.NewMatrix[float32](a.Rows, 2) // of columns 0 and 9, not linear
	for i := range a.Rows {
		if a.At(i, 0) > 1 {
			step.Set(i, 0, 5)
		}
		step.Set(i, 1, float32(math.Abs(float64(a.At(i, 9)-2))))
	}
	op, err := FitTargets(background, a, step, WithCodebooks(4))
	require.NoError(t, err)
	require.Less(t, op.Stats().TrainNMSE, 0.02)
}

// An encoder bound to a matrix is the operator fitted to it by the paper's method, and codes serve several matrices.
func TestEncoderBind(t *testing.T) {
	a, b := layer(500, 12, 4)
	_, b2 := layer(500, 12, 7)
	e, err := FitEncoder(background, a, WithPaper(), WithCodebooks(4))
	require.NoError(t, err)
	fitted, err := Fit(background, a, b, WithPaper(), WithCodebooks(4))
	require.NoError(t, err)
	bound, err := e.Bind(b, WithAggregation(Average(4)))
	require.NoError(t, err)
	require.Equal(t, fitted.LUT(), bound.LUT())
	want, got := tensor.NewMatrix[float32](500, 4), tensor.NewMatrix[float32](500, 4)
	require.NoError(t, fitted.Mul(want, a))
	require.NoError(t, bound.Mul(got, a))
	require.Equal(t, want, got)

	e, err = FitEncoder(background, a, WithCodebooks(4), WithWorkers(3))
	require.NoError(t, err)
	bound, err = e.Bind(b)
	require.NoError(t, err)
	require.Equal(t, 3, bound.workers)
	require.Less(t, e.Stats().TrainNMSE, 0.5)
	require.Equal(t, e.Trees(), e.op.Trees())
	var codes Codes
	require.NoError(t, e.Encode(&codes, a))
	require.NoError(t, e.EncodeT(&codes, a.Transposed()))
	require.Equal(t, 1000, codes.Rows())
	bias := []float32{1, 2, 3, 4, 5, 6, 7}
	op, err := e.Bind(b2, WithBias(bias), WithReLU(), WithWorkers(1))
	require.NoError(t, err)
	require.Equal(t, 1, op.workers)
	direct, shared := tensor.NewMatrix[float32](500, 7), tensor.NewMatrix[float32](1000, 7)
	require.NoError(t, op.Mul(direct, a))
	require.NoError(t, op.Lookup(shared, &codes))
	require.Equal(t, direct.Data, shared.Data[:len(direct.Data)])
	require.Equal(t, direct.Data, shared.Data[len(direct.Data):])

	// Tables of the product are prototypes times the matrix.
	rows := tensor.NewMatrix[float32](1000, 12)
	require.NoError(t, e.Prototypes().Lookup(rows, &codes))
	product := tensor.NewMatrix[float32](1000, 7)
	tensor.GemmBias(tensor.NoTrans, tensor.NoTrans, 1, rows, b2, 0, product, bias, tensor.Identity)
	exact := tensor.NewMatrix[float32](1000, 7)
	require.NoError(t, op.LUT().Lookup(exact, &codes))
	for i := range exact.Data {
		require.InDelta(t, product.Data[i], exact.Data[i], 1e-3)
	}
}

// Bias and ReLU are done to outputs and leave the fit alone.
func TestBiasAndReLU(t *testing.T) {
	a, b := layer(300, 8, 3)
	plain, err := Fit(background, a, b, WithCodebooks(2))
	require.NoError(t, err)
	bias := []float32{10, -20, 0.5}
	op, err := Fit(background, a, b, WithCodebooks(2), WithBias(bias), WithReLU())
	require.NoError(t, err)
	bias[0] = 99 // copied
	require.Equal(t, plain.Stats().TrainNMSE, op.Stats().TrainNMSE)
	want, got := tensor.NewMatrix[float32](300, 3), tensor.NewMatrix[float32](300, 3)
	require.NoError(t, plain.Mul(want, a))
	require.NoError(t, op.Mul(got, a))
	for i, v := range got.Data {
		require.InDelta(t, max(0, want.Data[i]+[]float32{10, -20, 0.5}[i%3]), v, 1e-4)
	}
	require.True(t, op.Stats().ReLU)
}

// Validation does not see rows that were not given to it, and takes what does best on those held out.
func TestValidation(t *testing.T) {
	if race.Enabled || testing.Short() {
		t.Skip("numbers, which take long where every instruction is watched or emulated")
	}
	a, b := layer(400, 32, 4)
	var last, total int
	op, err := Fit(background, a, b, WithCodebooks(4), WithValidation(0.25), WithProgress(func(done, n int) {
		require.Equal(t, last+1, done)
		require.LessOrEqual(t, done, n)
		last, total = done, n
	}))
	require.NoError(t, err)
	s := op.Stats()
	require.Equal(t, last, total)
	require.Equal(t, 4*(2*(1+2+3)+3*(1+s.Refine)), total)
	require.Greater(t, s.HeldOutNMSE, 0.0)
	same, err := Fit(background, a, b, WithCodebooks(4), WithGrouping(s.Grouping), WithRefine(s.Refine),
		WithRidge(s.Ridge))
	require.NoError(t, err)
	require.Equal(t, same.LUT(), op.LUT(), "the variant is fitted to all rows")

	// The variant is the one that does best, and what is fixed does not vary.
	fit := func(opts ...Option) Stats {
		op, err := Fit(background, a, b, append(opts, WithCodebooks(4), WithValidation(0.25), WithAddedRows(0))...)
		require.NoError(t, err)
		return op.Stats()
	}
	free := fit(WithRidge(1))
	require.Equal(t, 1.0, free.Ridge)
	require.GreaterOrEqual(t, free.HeldOutNMSE, s.HeldOutNMSE)
	least := math.Inf(1)
	for _, g := range []Grouping{Contribution, Contiguous} {
		fixed := fit(WithRidge(1), WithGrouping(g))
		require.Equal(t, g, fixed.Grouping)
		least = min(least, fixed.HeldOutNMSE)
	}
	require.Equal(t, least, free.HeldOutNMSE)
	for n := range 3 {
		fixed := fit(WithRidge(1), WithRefine(n))
		require.Equal(t, n, fixed.Refine)
		require.GreaterOrEqual(t, fixed.HeldOutNMSE, least)
	}
	few, err := Fit(background, a.Slice(0, 60, 0, 32), b, WithCodebooks(16), WithValidation(0.25),
		WithAddedRows(0))
	require.NoError(t, err)
	require.Greater(t, few.Stats().Ridge, 1.0, "few rows per leaf want more of it")
}

type countingSplitter struct{ calls *atomic.Int32 }

func (s countingSplitter) Split(l *Level) Split {
	s.calls.Add(1)
	split := Split{Column: l.Candidates[len(l.Candidates)-1], Thresholds: make([]float32, l.Buckets)}
	rows := l.Sorted(split.Column)
	for b := range split.Thresholds {
		split.Thresholds[b] = l.Columns.At(split.Column, int(rows[len(rows)/2]))
	}
	return split
}

func TestSplitterOfOnesOwn(t *testing.T) {
	a, b := layer(100, 9, 2)
	var calls atomic.Int32
	op, err := Fit(background, a, b, WithCodebooks(3), WithRefine(0), WithGrouping(Contiguous),
		WithSplitter(countingSplitter{&calls}))
	require.NoError(t, err)
	require.Equal(t, int32(12), calls.Load())
	require.Equal(t, [][4]int{{2, 2, 2, 2}, {5, 5, 5, 5}, {8, 8, 8, 8}}, op.Trees().Dims)
}

type brokenSplitter struct{ split Split }

func (s brokenSplitter) Split(*Level) Split { return s.split }

func TestStats(t *testing.T) {
	a, b := layer(500, 8, 3)
	op, err := Fit(background, a, b, WithCodebooks(2), WithTrainRows(400), WithRefine(1))
	require.NoError(t, err)
	s := op.Stats()
	require.True(t, math.IsNaN(s.HeldOutNMSE))
	s.HeldOutNMSE = 0
	require.Equal(t, Stats{Columns: 8, Outputs: 3, Codebooks: 2, TableBytes: 96, Bits: 8, Grouping: Contribution,
		Refine: 1, Ridge: 1, TrainRows: 400, TrainNMSE: s.TrainNMSE, Entropy: s.Entropy}, s)
	require.Len(t, s.Entropy, 2)
	for _, h := range s.Entropy {
		require.True(t, h > 2 && h <= 4, "%v", h)
	}
	s.Entropy[0] = 7
	require.NotEqual(t, 7.0, op.Stats().Entropy[0], "a copy")
	require.Equal(t, 0.0, entropy([]uint8{3, 3, 3}))
	require.Equal(t, 1.0, entropy([]uint8{3, 5, 3, 5}))
	require.Contains(t, s.String(), "8 columns -> 3 outputs, 2 codebooks, exact, 8-bit tables of 96 bytes")
}
