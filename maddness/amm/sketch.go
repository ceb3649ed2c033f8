package amm

import (
	"errors"
	"math"
	"math/bits"
	"math/rand/v2"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Sketch is a distribution of random D x d matrices S with E[S*Sᵀ] = I, so that (a*S)*(Sᵀ*b) is right on average
// whatever a and b are. Its error falls as 1/d: the mean square of an output's error is about |a|²|b|²/d.
type Sketch uint8

// The sketches.
const (
	// Gauss has normal entries of variance 1/d.
	Gauss Sketch = iota
	// Rademacher has entries of either sign and size 1/sqrt(d).
	Rademacher
	// CountSketch adds each column, with a random sign, to one dimension (Charikar et al. 2002): feature hashing, or
	// HashJL.
	CountSketch
	// OSNAP adds each column, with random signs, to 4 different dimensions, or to all if there are fewer, and divides
	// by 2, the root of their number (Nelson and Nguyen 2013).
	OSNAP
	// FastJL keeps d different coefficients of the Hadamard transform of the row with random signs (Ailon and
	// Chazelle 2009, Tropp 2011). d is at most the power of two from D on, at which it is exact.
	FastJL
)

var sketches = enum.Of[Sketch]("sketch", "Gauss", "Rademacher", "CountSketch", "OSNAP", "FastJL")

// String is the name.
func (s Sketch) String() string { return sketches.String(s) }

// MarshalText writes the name.
func (s Sketch) MarshalText() ([]byte, error) { return sketches.Marshal(s) }

// UnmarshalText reads a name.
func (s *Sketch) UnmarshalText(text []byte) error { return sketches.Unmarshal(s, text) }

// NewSketch returns the product of rows and b, D x M, after both are projected to d dimensions at random. It learns
// nothing from data. Options are WithSeed. Errors wrap tensor.ErrShape, tensor.ErrEmpty, tensor.ErrNotFinite and
// tensor.ErrRange.
func NewSketch(kind Sketch, b tensor.Matrix[float32], d int, opts ...SeedOption) (*Factors, error) {
	var c config
	err := errors.Join(option.Apply("amm: NewSketch", &c, opts), sketches.Check(kind))
	most, of := math.MaxInt32, "what can be counted"
	if kind == FastJL {
		most, of = nextPower(max(b.Rows, 1)), "the length of the transform"
	}
	if err := errors.Join(err, checkMatrix("b", b), checkSize("d", d, most, of)); err != nil {
		return nil, option.Call("amm: NewSketch", err)
	}
	f := &Factors{shape: shapeOf(b), right: tensor.NewMatrix[float32](d, b.Cols)}
	f.left, f.project = kind.draw(tensor.Stream(c.seed, streamSketch, uint64(kind)), b.Rows, d)
	tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, f.left, b, 0, f.right)
	return f, nil
}

func nextPower(n int) int { return 1 << bits.Len(uint(n-1)) }

// draw returns S and what it costs to multiply a row with it.
func (s Sketch) draw(rng *rand.Rand, columns, d int) (tensor.Matrix[float32], Cost) {
	m := tensor.NewMatrix[float32](columns, d)
	root := float32(math.Sqrt(float64(d)))
	sign := func() float32 { return float32(1 - 2*rng.IntN(2)) }
	switch s {
	case Gauss:
		for i := range m.Data {
			m.Data[i] = float32(rng.NormFloat64()) / root
		}
		return m, Cost{Multiplies: columns * d}
	case Rademacher:
		for i := range m.Data {
			m.Data[i] = sign() / root
		}
		return m, Cost{Adds: columns * d, Multiplies: d}
	case FastJL:
		kept := rng.Perm(nextPower(columns))[:d]
		for j := range columns {
			v := sign() / root
			for t, r := range kept {
				m.Set(j, t, v*float32(1-2*(bits.OnesCount(uint(j&r))&1)))
			}
		}
		n := nextPower(columns)
		return m, Cost{Adds: n * bits.Len(uint(n-1)), Multiplies: d}
	}
	entries := 1
	if s == OSNAP {
		entries = min(4, d)
	}
	scale := float32(math.Sqrt(float64(entries)))
	for j := range columns {
		for e := 0; e < entries; {
			if t := rng.IntN(d); m.At(j, t) == 0 {
				m.Set(j, t, sign()/scale)
				e++
			}
		}
	}
	return m, Cost{Adds: columns * entries}
}
