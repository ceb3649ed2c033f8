package amm

import (
	"context"
	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/tensor"
)

// Size is what the size of a [Method] counts.
type Size uint8

// The sizes.
const (
	Fixed     Size = iota // there is only one
	Dims                  // dimensions that rows are projected to
	Codebooks             // codes per row
)

var sizes = enum.Of[Size]("size", "fixed", "dims", "codebooks")

// String is what is counted.
func (s Size) String() string { return sizes.String(s) }

// MarshalText writes the name.
func (s Size) MarshalText() ([]byte, error) { return sizes.Marshal(s) }

// UnmarshalText reads a name.
func (s *Size) UnmarshalText(text []byte) error { return sizes.Unmarshal(s, text) }

// Method is a way to make an [Approximator], for comparisons that go through all of them.
type Method struct {
	Name string
	Size Size
	// Whole tells that results depend on which rows come in one call.
	Whole bool
	// Fit makes one from training rows, N x D, and a matrix, D x M. The size is ignored if Fixed; the seed by methods
	// that draw nothing, and ctx by those that end soon. Errors are those of the constructor.
	Fit func(ctx context.Context, a, b tensor.Matrix[float32], size int, seed uint64) (Approximator, error)
}

type matrix = tensor.Matrix[float32]

// Methods lists the rivals of MADDNESS, the paper's setting of it, and ours.
func Methods() []Method {
	methods := []Method{
		{Name: "exact", Fit: short(func(_, b matrix, _ int, _ uint64) (Approximator, error) {
			return orError(NewExact(b))
		})},
		{Name: "int8", Fit: short(func(_, b matrix, _ int, _ uint64) (Approximator, error) {
			return orError(NewInt8(b))
		})},
		{Name: "SVD of b", Size: Dims, Fit: short(func(_, b matrix, d int, _ uint64) (Approximator, error) {
			return orError(NewSVD(b, d))
		})},
		{Name: "PCA", Size: Dims, Fit: short(func(a, b matrix, d int, _ uint64) (Approximator, error) {
			return orError(FitPCA(a, b, d))
		})},
		{Name: "SVD of the rows", Size: Dims, Whole: true, Fit: short(func(_, b matrix, d int, _ uint64) (Approximator,
			error) {
			return orError(NewRowSVD(b, d))
		})},
		{Name: "directions", Size: Dims, Whole: true, Fit: short(func(_, b matrix, d int, _ uint64) (Approximator, error) {
			return orError(NewDirections(b, d))
		})},
		{Name: "columns", Size: Dims, Fit: short(func(a, b matrix, d int, seed uint64) (Approximator, error) {
			return orError(FitColumns(a, b, d, WithSeed(seed)))
		})},
	}
	for s := Gauss; s <= FastJL; s++ {
		fit := short(func(_, b matrix, d int, seed uint64) (Approximator, error) {
			return orError(NewSketch(s, b, d, WithSeed(seed)))
		})
		methods = append(methods, Method{Name: s.String(), Size: Dims, Fit: fit})
	}
	return append(methods,
		Method{Name: "PQ", Size: Codebooks, Fit: fitPQ},
		Method{Name: "Bolt", Size: Codebooks, Fit: fitBolt},
		Method{Name: "MaddnessPQ", Size: Codebooks, Fit: fitMaddnessPQ},
		Method{Name: "Maddness, paper", Size: Codebooks, Fit: fitPaper},
		Method{Name: "Maddness", Size: Codebooks, Fit: fitMaddness},
	)
}

// short is a fit that ends before a context matters.
func short(fit func(a, b matrix, size int, seed uint64) (Approximator, error)) fit {
	return func(_ context.Context, a, b matrix, size int, seed uint64) (Approximator, error) {
		return fit(a, b, size, seed)
	}
}

type fit = func(ctx context.Context, a, b matrix, size int, seed uint64) (Approximator, error)

func fitPQ(ctx context.Context, a, b matrix, c int, seed uint64) (Approximator, error) {
	return orError(FitPQ(ctx, a, b, c, WithSeed(seed)))
}

func fitBolt(ctx context.Context, a, b matrix, c int, seed uint64) (Approximator, error) {
	return orError(FitBolt(ctx, a, b, c, WithSeed(seed)))
}

func fitMaddnessPQ(ctx context.Context, a, b matrix, c int, _ uint64) (Approximator, error) {
	return orError(FitMaddnessPQ(ctx, a, b, c))
}

func fitPaper(ctx context.Context, a, b matrix, c int, seed uint64) (Approximator, error) {
	op, err := maddness.Fit(ctx, a, b, maddness.WithCodebooks(c), maddness.WithPaper(), maddness.WithSeed(seed))
	return orError(Maddness{op}, err)
}

func fitMaddness(ctx context.Context, a, b matrix, c int, seed uint64) (Approximator, error) {
	op, err := maddness.Fit(ctx, a, b, maddness.WithCodebooks(c), maddness.WithSeed(seed))
	return orError(Maddness{op}, err)
}

// orError keeps a nil pointer from becoming an Approximator that is not nil.
func orError[A Approximator](a A, err error) (Approximator, error) {
	if err != nil {
		return nil, err
	}
	return a, nil
}
