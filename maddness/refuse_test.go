package maddness

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// Everything that fits refuse, and what they say.
func TestFitRefuses(t *testing.T) {
	a, b := layer(20, 4, 2)
	m := tensor.NewMatrix[float32]
	spoiled := func(x tensor.Matrix[float32], v float64) tensor.Matrix[float32] {
		s := tensor.Of(x.Rows, x.Cols, append([]float32(nil), x.Data...))
		s.Set(1, 1, float32(v))
		return s
	}
	fit := func(a, b tensor.Matrix[float32], opts ...Option) error {
		op, err := Fit(background, a, b, append(opts, WithCodebooks(2))...)
		require.Nil(t, op)
		return err
	}
	with := func(opts ...Option) error { return fit(a, b, opts...) }
	targets := func(a, y tensor.Matrix[float32], opts ...TargetsOption) error {
		op, err := FitTargets(background, a, y, append(opts, WithCodebooks(2))...)
		require.Nil(t, op)
		return err
	}
	encoder := func(a tensor.Matrix[float32], opts ...EncoderOption) error {
		e, err := FitEncoder(background, a, opts...)
		require.Nil(t, e)
		return err
	}
	e, err := FitEncoder(background, a, WithCodebooks(2))
	require.NoError(t, err)
	bind := func(b tensor.Matrix[float32], opts ...TableOption) error {
		op, err := e.Bind(b, opts...)
		require.Nil(t, op)
		return err
	}
	inf := math.Inf(1)
	for name, c := range map[string]struct {
		err  error
		want error
		text string
	}{
		"no rows":    {fit(m(0, 4), b), tensor.ErrEmpty, "a is 0x4"},
		"no columns": {fit(m(5, 0), m(0, 2)), tensor.ErrEmpty, "a is 5x0"},
		"no outputs": {fit(a, m(4, 0)), tensor.ErrEmpty, "b is 4x0"},
		"shapes":     {fit(a, m(5, 2)), tensor.ErrShape, "b has 5 rows, a 4 columns"},
		"malformed a": {fit(tensor.Matrix[float32]{Rows: 2, Cols: 4, Stride: 4}, b), tensor.ErrShape,
			"a: tensor: matrix is 2x4"},
		"malformed b": {fit(a, tensor.Matrix[float32]{Rows: 4, Cols: 2, Stride: 1}), tensor.ErrShape,
			"b: tensor: matrix is 4x2"},
		"NaN in a":          {fit(spoiled(a, math.NaN()), b), tensor.ErrNotFinite, "a[1,1] is NaN"},
		"Inf in a":          {fit(spoiled(a, -inf), b), tensor.ErrNotFinite, "a[1,1] is -Inf"},
		"NaN in b":          {fit(a, spoiled(b, math.NaN())), tensor.ErrNotFinite, "b[1,1] is NaN"},
		"product overflows": {fit(spoiled(a, 3e38), spoiled(b, 3e38)), tensor.ErrNotFinite, "a*b[0,1] is +Inf"},
		"too few columns": {func() error { _, err := Fit(background, a, b); return err }(), ErrColumns,
			"a has 4 columns for 16 codebooks"},
		"codebooks": {func() error { _, err := Fit(background, a, b, WithCodebooks(0)); return err }(),
			tensor.ErrRange, "WithCodebooks(0)"},
		"ridge 0":           {with(WithRidge(0)), tensor.ErrRange, "WithRidge(0)"},
		"ridge negative":    {with(WithRidge(-1)), tensor.ErrRange, "WithRidge(-1)"},
		"ridge NaN":         {with(WithRidge(math.NaN())), tensor.ErrRange, "WithRidge(NaN)"},
		"ridge infinite":    {with(WithRidge(inf)), tensor.ErrRange, "WithRidge(+Inf)"},
		"ridge too small":   {with(WithRidge(1e-300)), tensor.ErrRange, "WithRidge(1e-300) is too small"},
		"metric":            {with(WithMetric(7)), tensor.ErrRange, "WithMetric(7)"},
		"metric directions": {with(WithMetricDims(0)), tensor.ErrRange, "WithMetricDims(0)"},
		"candidates":        {with(WithCandidates(-1)), tensor.ErrRange, "WithCandidates(-1)"},
		"refine":            {with(WithRefine(-1)), tensor.ErrRange, "WithRefine(-1)"},
		"wide":              {with(WithWide(-1)), tensor.ErrRange, "WithWide(-1)"},
		"grouping":          {with(WithGrouping(7)), tensor.ErrRange, "WithGrouping(7)"},
		"no groups":         {with(WithColumns(nil)), tensor.ErrEmpty, "WithColumns: no groups"},
		"empty group":       {with(WithColumns([][]int{{1}, {}})), tensor.ErrEmpty, "group 1 is empty"},
		"negative column":   {with(WithColumns([][]int{{1}, {-1}})), tensor.ErrRange, "group 1 names column -1"},
		"column twice":      {with(WithColumns([][]int{{1, 1}, {0}})), tensor.ErrRange, "group 0 names a column twice"},
		"column beyond":     {with(WithColumns([][]int{{1}, {0, 4}})), tensor.ErrRange, "group 1 names column 4 of 4"},
		"groups and number": {with(WithColumns([][]int{{1}, {0}, {2}})), tensor.ErrConflict,
			"WithCodebooks(2) beside 3 groups"},
		"groups and grouping": {with(WithColumns([][]int{{1}, {0}}), WithGrouping(Contiguous)), tensor.ErrConflict,
			"WithColumns beside WithGrouping"},
		"nil splitter": {with(WithSplitter(nil)), tensor.ErrEmpty, "WithSplitter(nil)"},
		"split elsewhere": {with(WithSplitter(brokenSplitter{Split{Column: 3, Thresholds: []float32{0}}})),
			tensor.ErrRange, "codebook 0, level 0: splitter: column 3 is none"},
		"split of none": {with(WithSplitter(brokenSplitter{Split{Column: 1}})), tensor.ErrShape,
			"0 thresholds for 1 buckets"},
		"split at NaN": {with(WithSplitter(brokenSplitter{Split{Column: 1,
			Thresholds: []float32{float32(math.NaN())}}})), tensor.ErrNotFinite, "threshold 0 is NaN"},
		"train rows":     {with(WithTrainRows(0)), tensor.ErrRange, "WithTrainRows(0)"},
		"validation 0":   {with(WithValidation(0)), tensor.ErrRange, "WithValidation(0)"},
		"validation":     {with(WithValidation(0.6)), tensor.ErrRange, "WithValidation(0.6)"},
		"validation NaN": {with(WithValidation(math.NaN())), tensor.ErrRange, "WithValidation(NaN)"},
		"validation of 1 row": {fit(a.Slice(0, 1, 0, 4), b, WithValidation(0.5)), tensor.ErrEmpty,
			"1 training rows leave none"},
		"nothing to choose": {with(WithValidation(0.5), WithRefine(1), WithRidge(1), WithGrouping(Contiguous)),
			tensor.ErrConflict, "nothing to choose"},
		"progress": {with(WithProgress(nil)), tensor.ErrEmpty, "WithProgress(nil)"},
		"workers":  {with(WithWorkers(-1)), tensor.ErrRange, "maddness: Fit: WithWorkers(-1)"},
		"no bias":  {with(WithBias(nil)), tensor.ErrEmpty, "WithBias: no elements"},
		"bias":     {with(WithBias([]float32{1})), tensor.ErrShape, "WithBias has 1 elements for 2 outputs"},
		"bias NaN": {with(WithBias([]float32{1, float32(math.NaN())})), tensor.ErrNotFinite, "WithBias[1] = NaN"},
		"bits":     {with(WithLUTBits(9)), tensor.ErrRange, "WithLUTBits(9)"},
		"bits 1":   {with(WithLUTBits(1)), tensor.ErrRange, "WithLUTBits(1)"},
		"bits of averages": {with(WithLUTBits(6), WithAggregation(Average(2))), tensor.ErrConflict,
			"WithLUTBits(6) beside average(2)"},
		"average 0":  {with(WithAggregation(Average(0))), tensor.ErrRange, "average(0): want a power of two"},
		"average -1": {with(WithAggregation(Average(-1))), tensor.ErrRange, "average(0)"},
		"average 3":  {with(WithAggregation(Average(3))), tensor.ErrRange, "average(3)"},
		"average of more": {with(WithAggregation(Average(4))), tensor.ErrRange,
			"average(4): want a divisor of the 2 codebooks"},
		"saturate 0":     {with(WithAggregation(Saturate(0))), tensor.ErrRange, "saturate(0): want 1 to 256"},
		"no aggregation": {with(WithAggregation(3)), tensor.ErrRange, "aggregation 3 is none"},
		"exact 4":        {with(WithAggregation(16)), tensor.ErrRange, "aggregation 16 is none"},
		"validation, paper": {with(WithPaper(), WithValidation(0.5)), tensor.ErrConflict,
			"WithValidation beside WithPaper"},
		"bits, paper": {with(WithLUTBits(4), WithPaper()), tensor.ErrConflict, "WithLUTBits(4) beside WithPaper"},
		"columns, paper": {with(WithPaper(), WithColumns([][]int{{0}, {1}})), tensor.ErrConflict,
			"WithColumns beside WithGrouping"},
		"nil option": {with(nil), tensor.ErrEmpty, "option 0 is nil"},

		"targets' rows":    {targets(a, m(19, 2)), tensor.ErrShape, "y has 19 rows, a 20"},
		"targets NaN":      {targets(a, spoiled(m(20, 2), inf)), tensor.ErrNotFinite, "y[1,1] is +Inf"},
		"no targets":       {targets(a, m(20, 0)), tensor.ErrEmpty, "y is 20x0"},
		"encoder columns":  {encoder(a), ErrColumns, "a has 4 columns for 16"},
		"encoder NaN":      {encoder(spoiled(a, inf), WithCodebooks(2)), tensor.ErrNotFinite, "a[1,1]"},
		"bind shape":       {bind(m(3, 2)), tensor.ErrShape, "b has 3 rows, the encoder was fitted to 4 columns"},
		"bind NaN":         {bind(spoiled(b, math.NaN())), tensor.ErrNotFinite, "b[1,1]"},
		"bind aggregation": {bind(b, WithAggregation(Average(4))), tensor.ErrRange, "divisor of the 2 codebooks"},
		"bind overflow":    {bind(spoiled(b, 3e38)), tensor.ErrRange, "tables too large for float32"},
	} {
		require.ErrorIs(t, c.err, c.want, name)
		require.ErrorContains(t, c.err, c.text, name)
		require.ErrorContains(t, c.err, "maddness: ", name)
	}

	// Everything is reported at once.
	err = fit(spoiled(a, inf), m(5, 0), WithRidge(0), WithWide(-1), WithBias([]float32{1, 2, 3}))
	for _, text := range []string{"a[1,1]", "b is 5x0", "WithRidge(0)", "WithWide(-1)", "WithBias has 3"} {
		require.ErrorContains(t, err, text)
	}
}

func TestNewRefuses(t *testing.T) {
	op := randomOperator(t, 1, 3, 2, 2)
	change := func(f func(*Trees)) Trees {
		trees := op.Trees()
		f(&trees)
		return trees
	}
	for name, c := range map[string]struct {
		columns int
		trees   Trees
		lut     *LUT
		opts    []TableOption
		want    error
		text    string
	}{
		"no trees": {3, Trees{}, op.LUT(), nil, tensor.ErrEmpty, "trees: there are none"},
		"lengths": {3, change(func(x *Trees) { x.Thresholds = x.Thresholds[:1] }), op.LUT(), nil, tensor.ErrShape,
			"2 of Dims, 1 of Thresholds"},
		"no columns": {0, op.Trees(), op.LUT(), nil, tensor.ErrShape, "rows of 0 columns"},
		"beyond": {3, change(func(x *Trees) { x.Dims[1][3] = 3 }), op.LUT(), nil, tensor.ErrRange,
			"Dims[1][3] is column 3 of 3"},
		"negative": {3, change(func(x *Trees) { x.Dims[0][0] = -1 }), op.LUT(), nil, tensor.ErrRange,
			"Dims[0][0] is column -1"},
		"NaN": {3, change(func(x *Trees) { x.Thresholds[1][9] = float32(math.NaN()) }), op.LUT(), nil,
			tensor.ErrNotFinite, "Thresholds[1][9] is NaN"},
		"nil tables": {3, op.Trees(), nil, nil, tensor.ErrEmpty, "LUT is nil"},
		"codebooks":  {3, op.Trees(), NewLUT(2, 3), nil, tensor.ErrShape, "tables of 3 codebooks for 2 trees"},
		"bias": {3, op.Trees(), op.LUT(), []TableOption{WithBias(make([]float32, 3))}, tensor.ErrShape,
			"WithBias has 3 elements for 2 outputs"},
		"aggregation": {3, op.Trees(), op.LUT(), []TableOption{WithAggregation(Saturate(4))}, tensor.ErrRange,
			"divisor of the 2 codebooks"},
	} {
		got, err := New(c.columns, c.trees, c.lut, c.opts...)
		require.Nil(t, got, name)
		require.ErrorIs(t, err, c.want, name)
		require.ErrorContains(t, err, c.text, name)
	}
	trees := op.Trees()
	own, err := New(3, trees, op.LUT())
	require.NoError(t, err)
	trees.Dims[0][0] = 99
	require.Equal(t, op.Trees(), own.Trees(), "copied")
	// Index 0 is not used, whatever it holds.
	_, err = New(3, change(func(x *Trees) { x.Thresholds[0][0] = float32(math.NaN()) }), op.LUT())
	require.NoError(t, err)
}

func TestMatrixOfTheOtherOrder(t *testing.T) {
	a, b := layer(200, 6, 9)
	b = b.Transposed()
	_, err := Fit(context.Background(), a, b, WithCodebooks(2))
	require.ErrorIs(t, err, tensor.ErrShape)
	require.ErrorContains(t, err, "WithTransposed")
	op, err := Fit(context.Background(), a, b, WithCodebooks(2), WithTransposed(), WithBias(make([]float32, 9)))
	require.NoError(t, err)
	require.Equal(t, 9, op.Outputs())
	_, err = Fit(context.Background(), a, tensor.Matrix[float32]{Rows: 3, Cols: 9, Stride: 1}, WithTransposed())
	require.ErrorIs(t, err, tensor.ErrShape)
}
