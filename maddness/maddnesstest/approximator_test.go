package maddnesstest_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/recorder"
	"github.com/espalier-ml/espalier/internal/together"
	"github.com/espalier-ml/espalier/maddness/amm"
	"github.com/espalier-ml/espalier/maddness/maddnesstest"
	"github.com/espalier-ml/espalier/tensor"
)

type matrix = tensor.Matrix[float32]

// fake is the exact product, row by row, and one thing wrong with it.
type fake struct {
	b     matrix
	wrong func(f *fake, dst, a matrix)
}

func (f *fake) Mul(dst, a matrix) error {
	if err := exact(f.b).Mul(dst, a); err != nil {
		return err
	}
	for i := range a.Rows { // row by row, so that the number of rows does not show in the last bit
		tensor.Gemv(tensor.Trans, 1, f.b, a.Row(i), 0, dst.Row(i))
	}
	if f.wrong != nil {
		f.wrong(f, dst, a)
	}
	return nil
}

func exact(b matrix) *amm.Exact {
	e, err := amm.NewExact(b)
	if err != nil {
		panic(err)
	}
	return e
}

type fit = func(a, b matrix) (amm.Approximator, error)

// fitting checks and copies b as it should be.
func fitting(wrong func(f *fake, dst, a matrix)) fit {
	return func(_, b matrix) (amm.Approximator, error) {
		if _, err := amm.NewExact(b); err != nil {
			return nil, err
		}
		own := tensor.NewMatrix[float32](b.Rows, b.Cols)
		for i := range b.Rows {
			copy(own.Row(i), b.Row(i))
		}
		return &fake{own, wrong}, nil
	}
}

// with makes an approximator of which a method is another.
type with struct {
	amm.Approximator
	mul, mulT func(dst, a matrix) error
}

func (w with) Mul(dst, a matrix) error {
	if w.mul != nil {
		return w.mul(dst, a)
	}
	return w.Approximator.Mul(dst, a)
}

func (w with) MulT(dst, a matrix) error {
	if w.mulT != nil {
		return w.mulT(dst, a)
	}
	return w.Approximator.(amm.Transposed).MulT(dst, a)
}

func wrapping(wrap func(e *amm.Exact) amm.Approximator) fit {
	return func(_, b matrix) (amm.Approximator, error) {
		e, err := amm.NewExact(b)
		if err != nil {
			return nil, err
		}
		return wrap(e), nil
	}
}

func TestCheckApproximatorPasses(t *testing.T) {
	maddnesstest.CheckApproximator(t, fitting(nil), maddnesstest.WithNMSE(1e-9))
	maddnesstest.CheckApproximator(t, fitting(func(_ *fake, dst, _ matrix) { // outputs that depend on the number of rows
		for i := range dst.Rows {
			dst.Row(i)[0] += float32(dst.Rows)
		}
	}), maddnesstest.WithWhole())
}

func TestCheckApproximatorFails(t *testing.T) {
	var calls atomic.Int64
	var clash together.Clash
	nan := float32(math.NaN())
	for want, f := range map[string]fit{
		"fitting 200 rows of 16 columns, 5 outputs: <nil>, no idea": func(_, _ matrix) (amm.Approximator, error) {
			return nil,
				errors.New("no idea")
		},
		"the fit changed its arguments": func(a, b matrix) (amm.Approximator, error) {
			a.Data[3] = 0.5
			return fitting(nil)(a, b)
		},
		"must copy what it needs": func(_, b matrix) (amm.Approximator, error) {
			return &fake{b: b}, nil
		},
		"Equal data must give equal bits": func(a, b matrix) (amm.Approximator, error) {
			n := float32(calls.Add(1))
			return fitting(func(_ *fake, dst, _ matrix) { tensor.Scale(dst.Data[:1], n, dst.Data[:1]) })(a, b)
		},
		"before, with another GOMAXPROCS": fitting(func(_ *fake, dst,
			_ matrix) {
			dst.Data[0] += float32(runtime.GOMAXPROCS(0))
		}),
		"Finite rows must have finite outputs": fitting(func(_ *fake, dst, _ matrix) {
			dst.Set(dst.Rows-1, 0, nan)
		}),
		"Mul changed the rows it was given": fitting(func(_ *fake, _, a matrix) { a.Set(a.Rows-1, 0, 0.125) }),
		"safe for concurrent use": fitting(func(_ *fake, dst, _ matrix) {
			if clash.Enter(100 * time.Millisecond) {
				dst.Data[0]++
			}
		}),
		"Mul of 131 rows of 16 columns, 5 outputs: not today": wrapping(func(e *amm.Exact) amm.Approximator {
			return with{Approximator: e, mul: func(_, _ matrix) error { return errors.New("not today") }}
		}),
		"The layout must not matter": wrapping(func(e *amm.Exact) amm.Approximator {
			return with{Approximator: e, mulT: func(dst, a matrix) error {
				err := e.MulT(dst, a)
				tensor.Scale(dst.Data, 1.001, dst.Data)
				return err
			}}
		}),
		"MulT of 131 columns: not this way": wrapping(func(e *amm.Exact) amm.Approximator {
			return with{Approximator: e, mulT: func(_, _ matrix) error { return errors.New("not this way") }}
		}),
		"MulT of row-major data gives the error <nil>": wrapping(func(e *amm.Exact) amm.Approximator {
			return with{Approximator: e, mulT: func(dst, a matrix) error {
				_ = e.MulT(dst, a)
				return nil
			}}
		}),
		"say WithWhole if it must": fitting(func(_ *fake, dst, _ matrix) {
			for i := range dst.Rows {
				dst.Row(i)[0] += float32(dst.Rows)
			}
		}),
		"Mul of 0 rows in a view with stride: one row at least": wrapping(func(e *amm.Exact) amm.Approximator {
			return with{Approximator: e, mul: func(dst, a matrix) error {
				if a.Rows == 0 {
					return errors.New("one row at least")
				}
				return e.Mul(dst, a)
			}}
		}),
		"wrote outside of dst": fitting(func(_ *fake, dst, _ matrix) {
			if dst.Rows%64 == 3 && cap(dst.Data) > len(dst.Data) {
				dst.Data[:len(dst.Data)+1][len(dst.Data)] = 0
			}
		}),
		"must not spoil a batch": fitting(func(_ *fake, dst, _ matrix) {
			for i := range dst.Rows {
				if dst.Row(i)[0] != dst.Row(i)[0] {
					dst.Set(0, 0, nan)
				}
			}
		}),
		"gives the error I do not like it, want none or one wrapping": wrapping(func(e *amm.Exact) amm.Approximator {
			return with{Approximator: e, mul: func(dst, a matrix) error {
				for i := range a.Rows {
					if tensor.ValidateFinite("", a.Row(i)) != nil {
						return errors.New("I do not like it")
					}
				}
				return e.Mul(dst, a)
			}}
		}),
		"refused a row with NaN after it had written": wrapping(func(e *amm.Exact) amm.Approximator {
			return with{Approximator: e, mul: func(dst, a matrix) error {
				if err := e.Mul(dst, a); err != nil {
					return err
				}
				for i := range dst.Rows {
					if err := tensor.ValidateFinite("dst", dst.Row(i)); err != nil {
						return err
					}
				}
				return nil
			}}
		}),
		"rows with a column too few: the error is <nil>": lax(func(e *amm.Exact, dst, a matrix) error {
			if a.Cols < e.Cost().Multiplies/dst.Cols {
				return nil
			}
			return e.Mul(dst, a)
		}),
		"a dst that shares memory with the rows: the error is none, but a panic": lax(func(e *amm.Exact, dst,
			a matrix) error {
			err := e.Mul(dst, a)
			if errors.Is(err, tensor.ErrOverlap) {
				panic(err)
			}
			return err
		}),
		"a dst with a row too few: Mul wrote to dst before it refused": lax(func(e *amm.Exact, dst, a matrix) error {
			err := e.Mul(dst, a)
			if err != nil && dst.Rows < a.Rows {
				dst.Data[0] = 0
			}
			return err
		}),
		"fitting to NaN in the matrix: the error is <nil>": func(a, b matrix) (amm.Approximator, error) {
			if tensor.ValidateFinite("b", b.Data) != nil {
				return exact(normal(b.Rows, b.Cols)), nil
			}
			return fitting(nil)(a, b)
		},
		"fitting to no training rows: the error is none, but a panic": func(a, b matrix) (amm.Approximator, error) {
			_ = a.Row(0)[0]
			return fitting(nil)(a, b)
		},
		"gives both an approximator and an error": func(a, b matrix) (amm.Approximator, error) {
			ap, err := fitting(nil)(a, b)
			if err != nil {
				return exact(normal(1, 1)), err
			}
			return ap, nil
		},
	} {
		require.Contains(t, recorder.Failures(t, func(tb testing.TB) { maddnesstest.CheckApproximator(tb, f) }), want)
	}
	// NaN around the rows must not be read.
	greedy := fitting(func(_ *fake, dst, a matrix) {
		if a.Rows > 1 && a.Stride > a.Cols {
			dst.Row(0)[0] += 0 * a.Data[a.Cols]
		}
	})
	require.Contains(t, recorder.Failures(t, func(tb testing.TB) {
		maddnesstest.CheckApproximator(tb, greedy,
			maddnesstest.WithWhole())
	}), "it was read")
}

func normal(rows, columns int) matrix {
	m := tensor.NewMatrix[float32](rows, columns)
	rng := tensor.Stream(1)
	for i := range m.Data {
		m.Data[i] = float32(rng.NormFloat64())
	}
	return m
}

// lax is the exact product with another judgement of arguments.
func lax(mul func(e *amm.Exact, dst, a matrix) error) fit {
	return wrapping(func(e *amm.Exact) amm.Approximator {
		return with{Approximator: e, mul: func(dst, a matrix) error { return mul(e, dst, a) }}
	})
}

func TestCheckApproximatorOptions(t *testing.T) {
	failures := func(f fit, opts ...maddnesstest.Option) string {
		return recorder.Failures(t, func(tb testing.TB) { maddnesstest.CheckApproximator(tb, f, opts...) })
	}
	worse := fitting(func(_ *fake, dst, a matrix) {
		for i := range a.Rows {
			tensor.Scale(dst.Row(i), 0.9, dst.Row(i))
		}
	})
	require.Empty(t, failures(worse, maddnesstest.WithNMSE(0.02)))
	require.Contains(t, failures(worse, maddnesstest.WithNMSE(0.005)), "want at most 0.005")

	// Fits that need columns say how many.
	picky := func(a, b matrix) (amm.Approximator, error) {
		if b.Rows > 0 && b.Rows < 16 {
			return nil, fmt.Errorf("too few: %w", tensor.ErrRange)
		}
		return fitting(nil)(a, b)
	}
	require.Contains(t, failures(picky), "too few")
	require.Empty(t, failures(picky, maddnesstest.WithColumns(16)))

	require.Contains(t, failures(fitting(nil), maddnesstest.WithLoad(func() maddnesstest.Loadable { return &saved{} })),
		"has no MarshalBinary")
	for want, s := range map[string]saved{
		"":                               {},
		"before saving and loading":      {forgets: true},
		"Files get truncated":            {trusts: true},
		"UnmarshalBinary: written wrong": {shrinks: true},
	} {
		keeps := func(a, b matrix) (amm.Approximator, error) {
			ap, err := fitting(nil)(a, b)
			if err != nil {
				return nil, err
			}
			own := s
			own.fake = *ap.(*fake)
			return &own, nil
		}
		got := failures(keeps, maddnesstest.WithLoad(func() maddnesstest.Loadable { return &saved{trusts: s.trusts} }))
		if want == "" {
			require.Empty(t, got)
		} else {
			require.Contains(t, got, want)
		}
	}

	for want, opt := range map[string]maddnesstest.Option{
		"WithColumns(0)": maddnesstest.WithColumns(0),
		"WithNMSE(NaN)":  maddnesstest.WithNMSE(math.NaN()),
		"WithLoad(nil)":  maddnesstest.WithLoad(nil),
	} {
		require.Contains(t, failures(fitting(nil), opt), want)
	}
}

// saved is a fake that can be written, with faults.
type saved struct {
	fake
	forgets, trusts, shrinks bool
}

func (s *saved) MarshalBinary() ([]byte, error) {
	out := binary.LittleEndian.AppendUint32(nil, uint32(s.b.Rows))
	for _, v := range s.b.Data {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	if s.forgets {
		clear(out[4:])
	}
	if s.shrinks {
		out = out[:len(out)-1]
	}
	return binary.LittleEndian.AppendUint32(out, uint32(len(out))), nil
}

func (s *saved) UnmarshalBinary(b []byte) error {
	if s.trusts && len(b) < 8 {
		return nil
	}
	n := len(b) - 4
	if n < 4 || n%4 != 0 || binary.LittleEndian.Uint32(b[n:]) != uint32(n) {
		return errors.New("written wrong")
	}
	s.b = tensor.NewMatrix[float32](int(binary.LittleEndian.Uint32(b)), (n-4)/4/int(binary.LittleEndian.Uint32(b)))
	for i := range s.b.Data {
		s.b.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4+4*i:]))
	}
	return nil
}
