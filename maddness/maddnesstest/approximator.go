package maddnesstest

import (
	"encoding"
	"errors"
	"math"
	"runtime"
	"testing"

	"github.com/espalier-ml/espalier/internal/together"
	"github.com/espalier-ml/espalier/maddness/amm"
	"github.com/espalier-ml/espalier/tensor"
)

// CheckApproximator fits approximators to data of several shapes and fails the test for every property that they
// lack:
//
//   - a fit succeeds, leaves its arguments alone, keeps nothing of them, and gives the same bits again and for any
//     GOMAXPROCS;
//   - Mul gives finite numbers, the same in every call, for any GOMAXPROCS and from several goroutines at once;
//   - 0 to 130 rows, in views with gaps between the rows, have to rounding the results they have among others
//     ([WithWhole]), and nothing around the destination is touched;
//   - NaN and infinities in a row change no other row, or are refused with an error wrapping tensor.ErrNotFinite
//     ([WithWhole]);
//   - wrong shapes and shared memory are errors wrapping tensor.ErrShape and tensor.ErrOverlap, and nothing is
//     written then;
//   - MulT, if there is one, gives what Mul gives, to rounding;
//   - a matrix that is empty, malformed or not finite is refused with an error of package tensor, and so are such
//     training rows unless they are not used;
//   - results survive saving and loading ([WithLoad]), and are good ([WithNMSE]).
func CheckApproximator(t testing.TB, fit func(a, b tensor.Matrix[float32]) (amm.Approximator, error), opts ...Option) {
	t.Helper()
	c, err := newConfig(opts)
	if err != nil {
		t.Fatalf("%v", err)
	}
	k := approximatorCheck{TB: t, config: c, fit: fit}
	for _, shape := range []struct{ rows, columns, outputs int }{{200, 16, 5}, {40, c.columns, 1}, {3, c.columns + 1, 2},
		{260, 67, 33}, {150, 64, 10}} {
		if shape.columns < c.columns {
			continue
		}
		k.a, k.b = features(1, shape.rows, shape.columns), normal(2, shape.columns, shape.outputs)
		k.rows = features(3, 131, shape.columns)
		if !k.fits() || !k.multiplies() {
			return // the rest would say the same again
		}
		k.transposes()
	}
	k.sizes()
	k.isolates()
	k.refuses()
	k.refusesMatrices()
	k.reloads()
	k.approximates()
}

type approximatorCheck struct {
	testing.TB
	config
	fit  func(a, b matrix) (amm.Approximator, error)
	a, b matrix
	ap   amm.Approximator
	rows matrix // what it is tested with
	want matrix // its results for them
}

// test returns the rows, to be changed at will.
func (k *approximatorCheck) test() matrix { return k.rows.Clone() }

func (k *approximatorCheck) mul(ap amm.Approximator, a matrix) (matrix, bool) {
	k.Helper()
	dst := tensor.NewMatrix[float32](a.Rows, k.b.Cols)
	if err := ap.Mul(dst, a); err != nil {
		k.Errorf("Mul of %d rows of %d columns, %d outputs: %v", a.Rows, a.Cols, k.b.Cols, err)
		return dst, false
	}
	return dst, true
}

// equal reports whether two results have the same bits.
func (k *approximatorCheck) equal(got, want matrix, when, why string) bool {
	k.Helper()
	i, j, ok := same(got, want)
	if !ok {
		k.Errorf("%d columns: output [%d,%d] is %v, but %v %s\n%s", k.a.Cols, i, j, got.At(i, j), want.At(i, j), when, why)
	}
	return ok
}

// close reports whether the results of some rows are, to rounding, those they have among more.
func (k *approximatorCheck) close(got, want matrix) bool {
	k.Helper()
	tolerance := 1e-5 * k.size()
	for i := range want.Rows {
		for j, v := range want.Row(i) {
			if w := got.At(i, j); !(math.Abs(float64(v)-float64(w)) <= tolerance) {
				k.Errorf("%d columns: output %d of row %d of %d is %v, but %v among more rows\nA row's result must not depend "+
					"on the others; say WithWhole if it must.",
					k.a.Cols, j, i, want.Rows, w, v)
				return false
			}
		}
	}
	return true
}

// size is the largest of the results.
func (k *approximatorCheck) size() float64 {
	size := 0.0
	for _, v := range k.want.Data {
		size = max(size, math.Abs(float64(v)))
	}
	return size
}

func (k *approximatorCheck) fits() bool {
	k.Helper()
	a, b := k.a.Clone(), k.b.Clone()
	ap, err := k.fit(a, b)
	if err != nil || ap == nil {
		k.Errorf("fitting %d rows of %d columns, %d outputs: %v, %v", a.Rows, a.Cols, b.Cols, ap, err)
		return false
	}
	_, _, okA := same(a, k.a)
	_, _, okB := same(b, k.b)
	if !okA || !okB {
		k.Errorf("the fit changed its arguments\nThey are the caller's.")
		return false
	}
	for _, m := range []matrix{a, b} {
		for i := range m.Data {
			m.Data[i] = 1e6
		}
	}
	var ok bool
	if k.want, ok = k.mul(ap, k.test()); !ok {
		return false
	}
	k.ap = ap
	before := runtime.GOMAXPROCS(3)
	again, err := k.fit(k.a, k.b)
	runtime.GOMAXPROCS(before)
	if err != nil {
		k.Errorf("fitting a second time: %v", err)
		return false
	}
	got, ok := k.mul(again, k.test())
	return ok && k.equal(got, k.want, "from the first of two fits, whose arguments were overwritten afterwards",
		"Equal data must give equal bits, for any GOMAXPROCS, and the fit must copy what it needs.")
}

func (k *approximatorCheck) multiplies() bool {
	k.Helper()
	test := k.test()
	for i := range k.want.Rows {
		if err := tensor.ValidateFinite("output", k.want.Row(i)); err != nil {
			k.Errorf("row %d: %v\nFinite rows must have finite outputs.", i, err)
			return false
		}
	}
	for _, procs := range []int{1, 2, 5} {
		before := runtime.GOMAXPROCS(procs)
		given := test.Clone()
		got, ok := k.mul(k.ap, given)
		runtime.GOMAXPROCS(before)
		if !ok || !k.equal(got, k.want, "before, with another GOMAXPROCS",
			"The work may be shared in any way, the bits may not change.") {
			return false
		}
		if _, _, ok := same(given, test); !ok {
			k.Errorf("Mul changed the rows it was given")
			return false
		}
	}
	results := make([]matrix, 4)
	for g := range results {
		results[g] = tensor.NewMatrix[float32](test.Rows, k.b.Cols)
	}
	together.Run(len(results), func(g int) { _ = k.ap.Mul(results[g], test) })
	for _, got := range results {
		if !k.equal(got, k.want, "when no other goroutine was at it", "What is fitted must be safe for concurrent use.") {
			return false
		}
	}
	return true
}

func (k *approximatorCheck) transposes() {
	k.Helper()
	across, ok := k.ap.(amm.Transposed)
	if !ok {
		return
	}
	got := tensor.NewMatrix[float32](k.b.Cols, k.want.Rows)
	if err := across.MulT(got, k.test().Transposed()); err != nil {
		k.Errorf("MulT of %d columns: %v", k.want.Rows, err)
		return
	}
	tolerance := 1e-5 * k.size()
	for i := range k.want.Rows {
		for j, v := range k.want.Row(i) {
			if w := got.At(j, i); !(math.Abs(float64(v)-float64(w)) <= tolerance) {
				k.Errorf("%d columns: MulT gives output %d of row %d as %v, Mul as %v\nThe layout must not matter.",
					k.a.Cols, j, i, w, v)
				return
			}
		}
	}
	if err := across.MulT(got, k.test()); !errors.Is(err, tensor.ErrShape) {
		k.Errorf("MulT of row-major data gives the error %v, want one wrapping %q", err, tensor.ErrShape)
	}
}

// sizes goes through numbers of rows, with gaps in the views.
func (k *approximatorCheck) sizes() {
	k.Helper()
	const fill = -12345
	for rows := range 131 {
		if k.whole && rows > 3 && rows%32 > 1 {
			continue // each takes a decomposition
		}
		part := k.rows.Slice(0, rows, 0, k.a.Cols)
		a, _ := framed(part, float32(math.NaN()))
		dst, frame := framed(tensor.NewMatrix[float32](rows, k.b.Cols), fill)
		if err := k.ap.Mul(dst, a); err != nil {
			k.Errorf("Mul of %d rows in a view with stride: %v", rows, err)
			return
		}
		if !k.whole && !k.close(dst, k.want.Slice(0, rows, 0, k.b.Cols)) {
			return
		}
		for i := range rows {
			if err := tensor.ValidateFinite("output", dst.Row(i)); err != nil {
				k.Errorf("%d rows: row %d: %v\nNaN lies around the rows: it was read.", rows, i, err)
				return
			}
		}
		for i := range frame.Rows {
			for j, v := range frame.Row(i) {
				inside := i >= 1 && i <= rows && j >= 1 && j <= k.b.Cols
				if !inside && v != fill {
					k.Errorf("Mul of %d rows wrote outside of dst, to column %d of row %d of the matrix it is a part of",
						rows, j-1, i-1)
					return
				}
			}
		}
	}
}

func (k *approximatorCheck) isolates() {
	k.Helper()
	bad := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}
	test := k.test()
	for n, v := range bad {
		test.Set(10+50*n, n%test.Cols, v)
	}
	dst, frame := framed(tensor.NewMatrix[float32](test.Rows, k.b.Cols), -1)
	before := frame.Clone()
	if err := k.ap.Mul(dst, test); err != nil {
		if !errors.Is(err, tensor.ErrNotFinite) {
			k.Errorf("Mul of a row with NaN gives the error %v, want none or one wrapping %q", err, tensor.ErrNotFinite)
		}
		if _, _, ok := same(frame, before); !ok {
			k.Errorf("Mul refused a row with NaN after it had written to dst")
		}
		return
	}
	if k.whole {
		return
	}
	for i := range test.Rows {
		if i == 10 || i == 60 || i == 110 {
			continue
		}
		if _, _, ok := same(dst.Slice(i, i+1, 0, dst.Cols), k.want.Slice(i, i+1, 0, dst.Cols)); !ok {
			k.Errorf("NaN or an infinity in another row changes row %d\nOne broken sample must not spoil a batch.", i)
			return
		}
	}
}

func (k *approximatorCheck) refuses() {
	k.Helper()
	test := k.test()
	n, d, m := test.Rows, test.Cols, k.b.Cols
	both := make([]float32, n*max(d, m))
	for _, c := range []struct {
		what   string
		dst, a matrix
		want   error
	}{
		{"rows with a column too few", tensor.NewMatrix[float32](n, m), test.Slice(0, n, 1, d), tensor.ErrShape},
		{"rows with a column too many", tensor.NewMatrix[float32](n, m), tensor.NewMatrix[float32](n, d+1), tensor.ErrShape},
		{"a dst with an output too many", tensor.NewMatrix[float32](n, m+1), test, tensor.ErrShape},
		{"a dst with a row too few", tensor.NewMatrix[float32](n-1, m), test, tensor.ErrShape},
		{"a dst with a row too many", tensor.NewMatrix[float32](n+1, m), test, tensor.ErrShape},
		{"rows that overlap each other", tensor.NewMatrix[float32](n, m),
			matrix{Rows: n, Cols: d, Stride: d - 1, Data: test.Data}, tensor.ErrShape},
		{"a view of rows beyond its data", tensor.NewMatrix[float32](n, m),
			matrix{Rows: n, Cols: d, Stride: d, Data: test.Data[1:]}, tensor.ErrShape},
		{"a dst beyond its data", matrix{Rows: n, Cols: m, Stride: m, Data: make([]float32, n*m-1)}, test, tensor.ErrShape},
		{"a dst that shares memory with the rows",
			tensor.Of(n, m, both[:n*m]), tensor.Of(n, d, both[:n*d]), tensor.ErrOverlap},
	} {
		if d == 1 && (c.what == "rows with a column too few" || c.what == "rows that overlap each other") {
			continue
		}
		for i := range c.dst.Data {
			c.dst.Data[i] = 7
		}
		if err := refusal(func() error { return k.ap.Mul(c.dst, c.a) }); !errors.Is(err, c.want) {
			k.Errorf("%s: the error is %v, want one wrapping %q", c.what, err, c.want)
			return
		}
		for _, v := range c.dst.Data {
			if v != 7 {
				k.Errorf("%s: Mul wrote to dst before it refused", c.what)
				return
			}
		}
	}
}

// refusal returns the error of f; a panic is none.
func refusal(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("none, but a panic")
		}
	}()
	return f()
}

func (k *approximatorCheck) refusesMatrices() {
	k.Helper()
	spoiled := func(m matrix, v float64) matrix {
		m = m.Clone()
		m.Set(m.Rows-1, m.Cols-1, float32(v))
		return m
	}
	sentinel := func(err error) bool {
		return errors.Is(err, tensor.ErrShape) || errors.Is(err, tensor.ErrEmpty) || errors.Is(err, tensor.ErrNotFinite) ||
			errors.Is(err, tensor.ErrRange)
	}
	for _, c := range []struct {
		what     string
		a, b     matrix
		required bool
	}{
		{"NaN in the matrix", k.a, spoiled(k.b, math.NaN()), true},
		{"an infinity in the matrix", k.a, spoiled(k.b, math.Inf(1)), true},
		{"a matrix without outputs", k.a, tensor.NewMatrix[float32](k.b.Rows, 0), true},
		{"a matrix without rows", tensor.NewMatrix[float32](k.a.Rows, 0), tensor.NewMatrix[float32](0, k.b.Cols), true},
		{"a matrix beyond its data", k.a, matrix{Rows: k.b.Rows, Cols: k.b.Cols, Stride: k.b.Cols, Data: k.b.Data[1:]}, true},
		{"NaN in the training rows", spoiled(k.a, math.NaN()), k.b, false},
		{"no training rows", tensor.NewMatrix[float32](0, k.a.Cols), k.b, false},
		{"a matrix with a row too many", k.a, normal(1, k.b.Rows+1, k.b.Cols), false},
	} {
		var ap amm.Approximator
		err := refusal(func() (err error) {
			ap, err = k.fit(c.a, c.b)
			return err
		})
		if err == nil && !c.required && ap != nil {
			continue // training rows are not used
		}
		if !sentinel(err) {
			k.Errorf("fitting to %s: the error is %v, want one of package tensor", c.what, err)
		}
		if err != nil && ap != nil {
			k.Errorf("fitting to %s gives both an approximator and an error", c.what)
		}
	}
}

func (k *approximatorCheck) reloads() {
	k.Helper()
	if k.load == nil {
		return
	}
	saver, ok := k.ap.(encoding.BinaryMarshaler)
	if !ok {
		k.Errorf("%T has no MarshalBinary", k.ap)
		return
	}
	bytes, err := saver.MarshalBinary()
	if err != nil {
		k.Errorf("MarshalBinary: %v", err)
		return
	}
	loaded := k.load()
	if err := loaded.UnmarshalBinary(bytes); err != nil {
		k.Errorf("UnmarshalBinary: %v", err)
		return
	}
	if got, ok := k.mul(loaded, k.test()); ok {
		k.equal(got, k.want, "before saving and loading", "What took work to fit must survive being saved.")
	}
	for _, n := range []int{0, len(bytes) / 2, len(bytes) - 1} {
		if err := refusal(func() error { return k.load().UnmarshalBinary(bytes[:n]) }); err == nil ||
			err.Error() == "none, but a panic" {
			k.Errorf("UnmarshalBinary of the first %d of %d bytes: the error is %v\nFiles get truncated.", n, len(bytes), err)
		}
	}
}

func (k *approximatorCheck) approximates() {
	k.Helper()
	if k.nmse == 0 {
		return
	}
	b := normal(2, 64, 10)
	ap, err := k.fit(features(1, 1000, 64), b)
	if err != nil {
		k.Errorf("fitting 1000 rows of 64 columns, 10 outputs: %v", err)
		return
	}
	r, err := amm.Evaluate(ap, amm.Task{A: features(3, 500, 64), B: b})
	if err != nil {
		k.Errorf("Evaluate: %v", err)
	} else if !(r.NMSE <= k.nmse) {
		k.Errorf("the NMSE on rows that were not fitted to is %.4g, want at most %.4g", r.NMSE, k.nmse)
	}
}
