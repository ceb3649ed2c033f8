package amm

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Bolt is that of Blalock and Guttag 2017: 16 centroids in each of C contiguous groups of columns, and tables of 8
// bits without sign whose entries are added with saturation, here in groups of up to 16 codebooks. One scale serves
// all outputs; of several that clip more or fewer of the training sums the one with the least error is taken.
//
// The time of Mul is that of plain Go; vector instructions look up tens of times as fast. Compare counts too.
type Bolt struct {
	shape
	encoder
	tables [][]uint8 // by codebook, a row of M entries for each centroid
	unit   float32
	offset []float32
}

// saturation is how many codebooks are added before the sum is clipped at 255.
const saturation = 16

// FitBolt learns C codebooks by k-means on the training rows a, N x D. Options are WithSeed. Errors are those of
// [FitPQ].
func FitBolt(ctx context.Context, a, b tensor.Matrix[float32], codebooks int, opts ...Option) (*Bolt, error) {
	e, err := fitEncoder(ctx, "amm: FitBolt", a, b, codebooks, 16, opts)
	if err != nil {
		return nil, err
	}
	q := &Bolt{shape: shapeOf(b), encoder: e, offset: e.offset(b)}
	exact := e.tables(b)
	if err := q.raise(exact); err != nil {
		return nil, err
	}
	sample := a.Rows
	if sample > 2048 { // quantiles and errors of that many rows tell the scales apart
		sample = 2048
	}
	sums := q.groupSums(rowsOf(a, 0, sample), exact)
	sorted := slices.Clone(sums.Data)
	slices.Sort(sorted)
	least := math.Inf(1)
	for _, kept := range []float64{1, 0.9995, 0.999, 0.995, 0.99, 0.98, 0.95, 0.9, 0.8} {
		unit := sorted[int(math.Ceil(kept*float64(len(sorted))))-1] / 255
		if unit == 0 {
			continue
		}
		t := &Bolt{shape: q.shape, encoder: e, offset: q.offset, unit: unit, tables: rounded(exact, unit)}
		if loss := t.loss(rowsOf(a, 0, sample), sums); loss < least {
			least, q.unit, q.tables = loss, t.unit, t.tables
		}
	}
	if q.tables == nil { // all entries are zero
		q.unit, q.tables = 1, rounded(exact, 1)
	}
	return q, nil
}

// raise moves the least entry of each table and output to zero and the rest to the offset.
func (q *Bolt) raise(exact []tensor.Matrix[float32]) error {
	for _, t := range exact {
		if err := checkMatrix("product of centroids and b", t); err != nil {
			return err
		}
		for m := range t.Cols {
			low := t.At(0, m)
			for k := range t.Rows {
				low = min(low, t.At(k, m))
			}
			q.offset[m] += low
			for k := range t.Rows {
				t.Set(k, m, t.At(k, m)-low)
			}
		}
	}
	if err := tensor.ValidateFinite("sum of tables", q.offset); err != nil {
		return fmt.Errorf("amm: %w", err)
	}
	return nil
}

func rounded(exact []tensor.Matrix[float32], unit float32) [][]uint8 {
	tables := make([][]uint8, len(exact))
	for c, t := range exact {
		tables[c] = make([]uint8, len(t.Data))
		for i, v := range t.Data {
			tables[c][i] = uint8(min(math.Floor(float64(v)/float64(unit)+0.5), 255))
		}
	}
	return tables
}

func (q *Bolt) groups() int { return (len(q.codebooks) + saturation - 1) / saturation }

// groupSums are the sums before rounding: a row of M for each row of a and group of codebooks.
func (q *Bolt) groupSums(a tensor.Matrix[float32], exact []tensor.Matrix[float32]) tensor.Matrix[float32] {
	sums := tensor.NewMatrix[float32](a.Rows*q.groups(), q.outputs)
	codes := make([]int, a.Rows)
	for c, t := range exact {
		q.encode(codes, a, c)
		for i, k := range codes {
			s := sums.Row(i*q.groups() + c/saturation)
			tensor.Add(s, s, t.Row(k))
		}
	}
	return sums
}

// loss is the squared error of rounding and clipping.
func (q *Bolt) loss(a, sums tensor.Matrix[float32]) float64 {
	y := tensor.NewMatrix[float32](a.Rows, q.outputs)
	q.lookup(y, a)
	loss := 0.0
	for i := range y.Rows {
		for m, v := range y.Row(i) {
			e := float64(v) - float64(q.offset[m])
			for g := range q.groups() {
				e -= float64(sums.At(i*q.groups()+g, m))
			}
			loss += e * e
		}
	}
	return loss
}

// Mul is described at [Approximator]. A row that holds a NaN gives arbitrary numbers; other rows are not affected.
func (q *Bolt) Mul(dst, a tensor.Matrix[float32]) error {
	if err := q.check(dst, a); err != nil {
		return err
	}
	q.lookup(dst, a)
	return nil
}

func (q *Bolt) lookup(dst, a tensor.Matrix[float32]) {
	tensor.Parallel(a.Rows, blockRows, func(lo, hi int) {
		n, size := hi-lo, q.outputs
		codes, group, total := make([]int, n), make([]uint16, n*size), make([]uint32, n*size)
		for c, table := range q.tables {
			q.encode(codes, rowsOf(a, lo, hi), c)
			for i, k := range codes {
				sum, entries := group[i*size:(i+1)*size], table[k*size:(k+1)*size]
				for m, v := range entries {
					sum[m] += uint16(v)
				}
			}
			if c%saturation == saturation-1 || c == len(q.tables)-1 {
				for i, v := range group {
					total[i] += uint32(min(v, 255)) // entries are not negative: clipping once is clipping always
				}
				clear(group)
			}
		}
		for i := range n {
			y := dst.Row(lo + i)
			for m, v := range total[i*size : (i+1)*size] {
				y[m] = float32(float32(v)*q.unit) + q.offset[m]
			}
		}
	})
}

// Cost is 16*D multiplications and 16*C comparisons to encode, C*M lookups and M multiplications for the scale.
func (q *Bolt) Cost() Cost {
	c := q.cost(q.outputs)
	c.Multiplies += q.outputs
	return c
}
