package maddness

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Fit learns an approximation of y = a*b, or a*b + bias, for new rows like those of a: N x D training rows and a D x M
// matrix, columns by outputs. What it returns keeps neither. Layers that store their weights as outputs by columns, as
// PyTorch's do, are for [WithTransposed].
//
// Errors report everything that is wrong at once and wrap tensor.ErrEmpty (no rows or outputs), tensor.ErrShape (a, b
// and the bias do not fit together), [ErrColumns] (D < C), tensor.ErrNotFinite (a NaN or an infinity in a, in b or in
// a*b), tensor.ErrRange (an option's value) and tensor.ErrConflict. Between trees the
// fit looks whether ctx is over, and returns its error if so.
func Fit(ctx context.Context, a, b tensor.Matrix[float32], opts ...Option) (*Operator, error) {
	op, err := fitProduct(ctx, a, b, opts)
	return op, option.Call("maddness: Fit", err)
}

func fitProduct(ctx context.Context, a, b tensor.Matrix[float32], opts []Option) (*Operator, error) {
	o, err := configure("maddness: Fit", opts)
	if o.transposed && b.Validate() == nil {
		b = b.Transposed()
	}
	if err := errors.Join(err, checkContext(ctx), o.checkRows(a), checkMatrix(a, b), o.checkOutputs(b.Cols)); err != nil {
		return nil, err
	}
	p := problem{a: o.draw(a), b: b, meter: &meter{ctx: ctx, report: o.progress}}
	if p.y, err = product(p.a, b); err != nil {
		return nil, err
	}
	if o.paper {
		own := p
		own.y = tensor.Convert[float64](p.a)
		prototypes, err := own.prototypes(o)
		if err != nil {
			return nil, err
		}
		return p.measured(o, prototypes.times(b))
	}
	return p.solve(o)
}

// FitTargets learns an approximation of a function of which only values are known: a is N x D, and row i of y, N x M,
// is what row i of a shall give. Outputs are assumed to depend on the columns about linearly when columns are grouped
// and trees are begun; the tables and [WithRefine] assume nothing. Errors are those of [Fit].
func FitTargets(ctx context.Context, a, y tensor.Matrix[float32], opts ...TargetsOption) (*Operator, error) {
	op, err := fitTargets(ctx, a, y, opts)
	return op, option.Call("maddness: FitTargets", err)
}

func fitTargets(ctx context.Context, a, y tensor.Matrix[float32], opts []TargetsOption) (*Operator, error) {
	o, err := configure("maddness: FitTargets", opts)
	err = errors.Join(err, checkContext(ctx), o.checkRows(a), checkView("y", y))
	if err == nil && y.Rows != a.Rows {
		err = fmt.Errorf("y has %d rows, a %d: %w", y.Rows, a.Rows, tensor.ErrShape)
	}
	if err := errors.Join(err, o.checkOutputs(y.Cols)); err != nil {
		return nil, err
	}
	rows := o.drawn(a.Rows)
	p := problem{a: selected(a, rows), y: tensor.Convert[float64](selected(y, rows)), supervised: true,
		meter: &meter{ctx: ctx, report: o.progress}}
	return p.solve(o)
}

// problem is what a fit is fitted to.
type problem struct {
	a          tensor.Matrix[float32] // N x D
	y          tensor.Matrix[float64] // N x M
	b          tensor.Matrix[float32] // D x M with y = a*b; no elements if y = a or if supervised
	supervised bool                   // nothing is known of y but its values
	meter      *meter
}

// solve fits an operator, the best of several variants if validation is asked for.
func (p problem) solve(o *config) (*Operator, error) {
	heldOut := math.NaN()
	if o.validation > 0 {
		var err error
		if o, heldOut, err = p.choose(o); err != nil {
			return nil, err
		}
	}
	p.meter.expect(o)
	f, err := p.fit(o)
	if err != nil {
		return nil, err
	}
	op, err := p.measured(o, f)
	if err != nil {
		return nil, err
	}
	op.stats.HeldOutNMSE = heldOut
	return op, nil
}

// fit learns trees and tables for the problem.
func (p problem) fit(o *config) (fitted, error) {
	all := p.extended(o)
	l := newLearner(o, all)
	l.rows = p.a.Rows
	l.setTargets(all.y.Clone())
	if p.supervised {
		var err error
		if l.b, err = l.linear(); err != nil {
			return fitted{}, err
		}
	}
	if err := l.learn(); err != nil {
		return fitted{}, err
	}
	leaves, err := l.solve(l.y)
	if err != nil {
		return fitted{}, err
	}
	return l.fitted(leaves)
}

// prototypes learns the paper's: means of buckets plus the ridge regression of what they leave of the rows on the
// codes.
func (p problem) prototypes(o *config) (fitted, error) {
	l := newLearner(o, p)
	l.y, l.mean = p.y, make([]float64, p.y.Cols)
	p.meter.expect(o)
	if err := l.learn(); err != nil {
		return fitted{}, err
	}
	initial := l.bucketMeans()
	leaves, err := l.solve(residual(l, initial))
	if err != nil {
		return fitted{}, err
	}
	tensor.Add(leaves.Data, leaves.Data, initial.Data)
	return l.fitted(leaves)
}

// bucketMeans are the means of each codebook's columns by code: 16C x D, zero in the columns of others.
func (l *learner) bucketMeans() tensor.Matrix[float64] {
	means := tensor.NewMatrix[float64](16*l.codebooks, l.x.Rows)
	for c, columns := range l.groups {
		var rows [16]float64
		for _, k := range l.codes[c] {
			rows[k]++
		}
		for _, j := range columns {
			var sum [16]float64
			for i, v := range l.x.Row(j) {
				sum[l.codes[c][i]] += float64(v)
			}
			for k, s := range sum {
				means.Set(16*c+k, j, s/max(rows[k], 1))
			}
		}
	}
	return means
}

// fitted is what learning ends with.
type fitted struct {
	columns int
	trees   Trees
	lut     *LUT
	rounded *rounded // nil if lut is to be rounded
	rows    int      // those given
	entropy []float64
}

// fitted turns 16C x M leaves into tables.
func (l *learner) fitted(leaves tensor.Matrix[float64]) (fitted, error) {
	if err := finite("table entry", leaves); err != nil {
		return fitted{}, err
	}
	f := fitted{columns: l.x.Rows, trees: l.trees, lut: newLUT(leaves.Cols, l.codebooks), rows: l.rows,
		entropy: make([]float64, l.codebooks)}
	for i := range leaves.Rows {
		for m, v := range leaves.Row(i) {
			f.lut.Table.Data[m*leaves.Rows+i] = float32(v)
		}
	}
	for m, v := range l.mean {
		f.lut.Offset.Data[m] = float32(v)
	}
	for c, codes := range l.codes {
		f.entropy[c] = entropy(codes[:l.rows])
	}
	return f, nil
}

// entropy is that of the codes, in bits.
func entropy(codes []uint8) float64 {
	var rows [16]float64
	for _, k := range codes {
		rows[k]++
	}
	h := 0.0
	for _, n := range rows {
		if n > 0 {
			h -= n / float64(len(codes)) * math.Log2(n/float64(len(codes)))
		}
	}
	return h
}

// measured makes the operator and measures its error on the training rows, before bias and ReLU.
func (p problem) measured(o *config, f fitted) (*Operator, error) {
	bare, err := newOperator(o.bare(), f)
	if err != nil {
		return nil, err
	}
	op := bare
	if o.bias != nil || o.relu {
		if op, err = newOperator(o, f); err != nil {
			return nil, err
		}
	}
	op.stats.TrainNMSE = p.nmse(bare)
	return op, nil
}

// nmse is the mean squared error of op over the variance of the targets: 0 for exact constants and +Inf for inexact
// ones.
func (p problem) nmse(op *Operator) float64 {
	got := tensor.NewMatrix[float32](p.a.Rows, op.outputs)
	if err := op.Mul(got, p.a); err != nil {
		panic(err) // shapes were checked
	}
	sum, wrong := 0.0, 0.0
	for i := range got.Rows {
		want := p.y.Row(i)
		sum += tensor.Sum(want)
		for m, v := range got.Row(i) {
			e := float64(v) - want[m]
			wrong += e * e
		}
	}
	mean, variance := sum/float64(len(got.Data)), 0.0
	for i := range got.Rows {
		for _, v := range p.y.Row(i) {
			variance += (v - mean) * (v - mean)
		}
	}
	if wrong == 0 {
		return 0
	}
	return wrong / variance
}

// drawn returns which rows of n are used, in order.
func (o *config) drawn(n int) []int {
	if n <= o.trainRows {
		return nil
	}
	rows := tensor.Stream(o.seed, streamRows).Perm(n)[:o.trainRows]
	slices.Sort(rows)
	return rows
}

func (o *config) draw(a tensor.Matrix[float32]) tensor.Matrix[float32] {
	return selected(a, o.drawn(a.Rows))
}

// selected copies rows of a; nil means that all are meant and nothing is copied.
func selected[T tensor.Float](a tensor.Matrix[T], rows []int) tensor.Matrix[T] {
	if rows == nil {
		return a
	}
	s := tensor.NewMatrix[T](len(rows), a.Cols)
	for i, r := range rows {
		copy(s.Row(i), a.Row(r))
	}
	return s
}

// product is a*b.
func product(a, b tensor.Matrix[float32]) (tensor.Matrix[float64], error) {
	y := tensor.NewMatrix[float32](a.Rows, b.Cols)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, a, b, 0, y)
	wide := tensor.Convert[float64](y)
	return wide, finite("a*b", wide)
}
