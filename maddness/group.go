package maddness

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/gonum"
)

// Grouping is how columns are divided among codebooks.
type Grouping uint8

// The groupings.
const (
	// Contiguous gives each codebook D/C neighbouring columns, and one more to each of the first D mod C.
	Contiguous Grouping = iota
	// OutputCovariance puts columns together whose contributions to the product vary together: groups of the same
	// sizes, grown greedily by |cov(x_i, x_j) * <b_i, b_j>| from the column of most energy. It helps where D/C is 8 or
	// more.
	OutputCovariance
	// Contribution moves columns between groups while a normal model of the trees, of which only covariances are known,
	// predicts a smaller error. It does so from three beginnings, and takes the result whose first trees do best.
	Contribution
)

var groupings = enum.Of[Grouping]("grouping", "contiguous", "output covariance", "contribution")

// String is the name.
func (g Grouping) String() string { return groupings.String(g) }

// MarshalText writes the name.
func (g Grouping) MarshalText() ([]byte, error) { return groupings.Marshal(g) }

// UnmarshalText reads a name.
func (g *Grouping) UnmarshalText(text []byte) error { return groupings.Unmarshal(g, text) }

// group divides the columns among the codebooks.
func (l *learner) group() error {
	d := l.x.Rows
	switch {
	case l.columns != nil:
		for c, g := range l.columns {
			if last := g[len(g)-1]; last >= d {
				return fmt.Errorf("maddness: WithColumns: group %d names column %d of %d: %w", c, last, d, tensor.ErrRange)
			}
		}
		l.groups = l.columns
	case l.grouping == OutputCovariance:
		l.groups = l.byCovariance()
	case l.grouping == Contribution:
		var err error
		l.groups, err = l.byContribution()
		return err
	default:
		l.groups = contiguous(d, l.codebooks)
	}
	return nil
}

// contiguous divides d columns into c runs, the first d mod c of which are one longer.
func contiguous(d, c int) [][]int {
	groups := make([][]int, c)
	next := 0
	for k := range groups {
		size := d / c
		if k < d%c {
			size++
		}
		for range size {
			groups[k] = append(groups[k], next)
			next++
		}
	}
	return groups
}

// byCovariance grows groups of the sizes of contiguous ones, each from the column of most energy that is left, by the
// column whose contribution to the product varies most with theirs.
func (l *learner) byCovariance() [][]int {
	d := l.x.Rows
	affinity := l.covariance()
	if l.b.Rows > 0 {
		b := tensor.NewMatrix[float64](d, l.b.Cols)
		for j := range d {
			for m, v := range l.b.Row(j) {
				b.Set(j, m, float64(v))
			}
		}
		products := tensor.NewMatrix[float64](d, d)
		tensor.Gemm(tensor.NoTrans, tensor.Trans, 1, b, b, 0, products)
		tensor.Mul(affinity.Data, affinity.Data, products.Data)
	}
	left := make([]int, d)
	for j := range left {
		left[j] = j
	}
	energy := make([]float64, d)
	for j := range energy {
		energy[j] = affinity.At(j, j)
	}
	groups := contiguous(d, l.codebooks)
	for k, g := range groups {
		near := slices.Clone(energy)
		for n := range g {
			at := 0
			for i, j := range left {
				if near[j] > near[left[at]] {
					at = i
				}
			}
			j := left[at]
			left = slices.Delete(left, at, at+1)
			g[n] = j
			if n == 0 {
				clear(near)
			}
			for i, v := range affinity.Row(j) {
				near[i] += math.Abs(v)
			}
		}
		slices.Sort(g)
		groups[k] = g
	}
	return groups
}

// covariance returns the D x D sums over rows of the products of centred columns.
func (l *learner) covariance() tensor.Matrix[float64] {
	x, d, n := l.x, l.x.Rows, l.x.Cols
	cov := tensor.NewMatrix[float64](d, d)
	block := tensor.NewMatrix[float64](d, min(n, 4*blockRows))
	for lo := 0; lo < n; lo += block.Cols {
		part := block.Slice(0, d, 0, min(block.Cols, n-lo))
		for j := range d {
			row := part.Row(j)
			for i, v := range x.Row(j)[lo : lo+len(row)] {
				row[i] = float64(v) - l.means[j]
			}
		}
		tensor.Gemm(tensor.NoTrans, tensor.Trans, 1, part, part, 1, cov)
	}
	return cov
}

// linear returns the D x M matrix of the ridge regression of the targets on the columns: what columns contribute to
// targets whose matrix is not known. The penalty is a thousandth of the mean variance.
func (l *learner) linear() (tensor.Matrix[float32], error) {
	d, n, m := l.x.Rows, l.x.Cols, l.y.Cols
	b := tensor.NewMatrix[float32](d, m)
	gram := mat.NewSymDense(d, l.covariance().Data)
	penalty := 1e-3 * mat.Trace(gram) / float64(d)
	if penalty == 0 { // constant columns
		return b, nil
	}
	for j := range d {
		gram.SetSym(j, j, gram.At(j, j)+penalty)
	}
	products := tensor.NewMatrix[float64](d, m) // of columns with centred targets; their own means cancel
	tensor.ParallelWorkers(l.workers, d, 8, func(lo, hi int) {
		for j := lo; j < hi; j++ {
			column := l.x.Row(j)
			for i := range n {
				tensor.Axpy(products.Row(j), float64(column[i]), l.y.Row(i))
			}
		}
	})
	var chol mat.Cholesky
	if !chol.Factorize(gram) {
		return b, fmt.Errorf("maddness: a: the columns' covariances have no decomposition; scale them: %w", tensor.ErrRange)
	}
	solution := tensor.NewMatrix[float64](d, m)
	if err := chol.SolveTo(gonum.ToMat(solution), gonum.ToMat(products)); err != nil {
		if _, poor := err.(mat.Condition); !poor {
			return b, fmt.Errorf("maddness: regression of the targets: %w", err)
		}
	}
	for i, v := range solution.Data {
		b.Data[i] = float32(v)
	}
	return b, nil
}
