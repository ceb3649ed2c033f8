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

// RefitLUT returns an operator with the same trees and tables that are fitted anew to rows a, N x D, and their outputs
// y, N x M, by ridge regression: for new data, other targets, or outputs that later layers should see. The bias is that
// of y; WithRidge, by default that of the fit, and [WithProgress], which tells the end only, are the options. Errors
// are those of [FitTargets].
func (o *Operator) RefitLUT(ctx context.Context, a, y tensor.Matrix[float32], opts ...RefitOption) (*Operator, error) {
	c, err := configure("maddness: RefitLUT", opts)
	err = errors.Join(err, checkContext(ctx), checkView("a", a), checkView("y", y))
	if err == nil {
		err = o.checkTargets(a, "y", y)
	}
	if err != nil {
		return nil, err
	}
	codes, err := o.trainingCodes(a)
	if err != nil {
		return nil, err
	}
	wide := tensor.Convert[float64](y)
	l := &learner{config: o.config(), x: tensor.Matrix[float32]{Rows: o.columns, Cols: a.Rows}, trees: o.trees,
		codes: codes}
	if l.ridge == 0 || c.given.Has("WithRidge") {
		l.ridge = c.ridge
	}
	l.setTargets(wide.Clone())
	leaves, err := l.solve(l.y)
	if err != nil {
		return nil, err
	}
	m := meter{ctx: ctx, report: c.progress, total: 1}
	if err := m.step(); err != nil {
		return nil, option.Call("maddness: RefitLUT", err)
	}
	f, err := l.fitted(leaves)
	if err != nil {
		return nil, err
	}
	return problem{a: a, y: wide}.measured(l.config, f)
}

// checkTargets judges whether rows and their targets fit the operator.
func (o *Operator) checkTargets(a tensor.Matrix[float32], name string, y tensor.Matrix[float32]) error {
	if y.Rows != a.Rows || y.Cols != o.outputs {
		return fmt.Errorf("maddness: %s is %dx%d, want %d rows of %d outputs: %w",
			name, y.Rows, y.Cols, a.Rows, o.outputs, tensor.ErrShape)
	}
	return nil
}

// trainingCodes encodes rows, one slice of codes per codebook.
func (o *Operator) trainingCodes(a tensor.Matrix[float32]) ([][]uint8, error) {
	var packed Codes
	if err := o.Encode(&packed, a); err != nil {
		return nil, err
	}
	codes := make([][]uint8, o.codebooks)
	for c := range codes {
		codes[c] = make([]uint8, a.Rows)
		for i := range codes[c] {
			codes[c][i] = uint8(packed.At(i, c))
		}
	}
	return codes, nil
}

// RefitLabels returns an operator with the same trees whose outputs are the logits of a classifier of M classes: tables
// that minimise the mean cross-entropy of softmax(y) with the labels, one per row of a, plus lambda/2N times the
// squared distance from the present tables, lambda being that of WithRidge. The problem is convex and solved by L-BFGS
// in at most 200 steps; between them it looks whether ctx is over, and returns its error if so.
// Errors are those of [Fit]; labels outside [0, M) wrap tensor.ErrRange.
//
// It is worth more than the squared error where only the largest output matters; see the package's documentation.
func (o *Operator) RefitLabels(ctx context.Context, a tensor.Matrix[float32], labels []int,
	opts ...RefitOption) (*Operator, error) {
	err := errors.Join(checkContext(ctx), checkView("a", a))
	if err == nil && len(labels) != a.Rows {
		err = fmt.Errorf("maddness: %d labels for %d rows: %w", len(labels), a.Rows, tensor.ErrShape)
	}
	for i, k := range labels {
		if err == nil && (k < 0 || k >= o.outputs) {
			err = fmt.Errorf("maddness: labels[%d] is %d of %d classes: %w", i, k, o.outputs, tensor.ErrRange)
		}
	}
	if err != nil {
		return nil, err
	}
	targets := tensor.NewMatrix[float64](a.Rows, o.outputs)
	for i, k := range labels {
		targets.Set(i, k, 1)
	}
	return o.refitCrossEntropy(ctx, "RefitLabels", a, targets, opts)
}

// RefitSoft is [Operator.RefitLabels] for rows p, N x M, of class probabilities, such as the softmax of the exact
// layer's outputs: distillation, which needs no labels. Rows that are negative somewhere or whose sum is further than
// 1e-3 from 1 wrap tensor.ErrRange.
func (o *Operator) RefitSoft(ctx context.Context, a, p tensor.Matrix[float32], opts ...RefitOption) (*Operator, error) {
	err := errors.Join(checkContext(ctx), checkView("a", a), checkView("p", p))
	if err == nil {
		err = o.checkTargets(a, "p", p)
	}
	for i := 0; err == nil && i < p.Rows; i++ {
		for m, v := range p.Row(i) {
			if v < 0 {
				err = fmt.Errorf("maddness: p[%d,%d] is %v, a negative probability: %w", i, m, v, tensor.ErrRange)
			}
		}
		if sum := tensor.Sum(p.Row(i)); err == nil && math.Abs(sum-1) > 1e-3 {
			err = fmt.Errorf("maddness: p[%d] adds up to %v, want 1: %w", i, sum, tensor.ErrRange)
		}
	}
	if err != nil {
		return nil, err
	}
	return o.refitCrossEntropy(ctx, "RefitSoft", a, tensor.Convert[float64](p), opts)
}

func (o *Operator) refitCrossEntropy(ctx context.Context, call string, a tensor.Matrix[float32],
	targets tensor.Matrix[float64], opts []RefitOption) (*Operator, error) {
	c, err := configure("maddness: "+call, opts)
	if err != nil {
		return nil, err
	}
	codes, err := o.trainingCodes(a)
	if err != nil {
		return nil, err
	}
	ce := newCrossEntropy(o, codes, targets, c.ridge)
	x := slices.Clone(ce.start)
	m := meter{ctx: ctx, report: c.progress, total: lbfgsSteps}
	if err := minimise(x, ce.eval, m.step); err != nil {
		return nil, option.Call("maddness: "+call, err)
	}
	f := o.fitted()
	f.rows = a.Rows
	for k, codes := range codes {
		f.entropy[k] = entropy(codes)
	}
	ce.store(f.lut, x)
	if err := f.validate(); err != nil {
		return nil, fmt.Errorf("maddness: %s: %w", call, err)
	}
	return newOperator(o.config(), f)
}

// crossEntropy is the objective of a refit. Parameters are the 16C x M tables, then the M offsets.
type crossEntropy struct {
	workers int
	codes   [][]uint8
	targets tensor.Matrix[float64] // N x M
	penalty float64                // lambda/N
	start   []float64
	logits  tensor.Matrix[float64] // N x M, then their gradient
	loss    []float64              // by block of rows
}

func newCrossEntropy(o *Operator, codes [][]uint8, targets tensor.Matrix[float64], lambda float64) *crossEntropy {
	n, m, leaves := targets.Rows, targets.Cols, 16*o.codebooks
	ce := &crossEntropy{workers: o.workers, codes: codes, targets: targets, penalty: lambda / float64(n),
		start:  make([]float64, (leaves+1)*m),
		logits: tensor.NewMatrix[float64](n, m), loss: make([]float64, (n+blockRows-1)/blockRows)}
	for k := range m {
		for i := range leaves {
			ce.start[i*m+k] = float64(o.lut.Table.Data[k*leaves+i])
		}
		ce.start[leaves*m+k] = float64(o.lut.Offset.Data[k])
	}
	return ce
}

func (ce *crossEntropy) store(lut *LUT, x []float64) {
	m := ce.targets.Cols
	leaves := len(x)/m - 1
	for k := range m {
		for i := range leaves {
			lut.Table.Data[k*leaves+i] = float32(x[i*m+k])
		}
		lut.Offset.Data[k] = float32(x[leaves*m+k])
	}
}

// forward computes the mean cross-entropy and the gradient with respect to the logits.
func (ce *crossEntropy) forward(x []float64) float64 {
	n, m := ce.targets.Rows, ce.targets.Cols
	offset := x[len(x)-m:]
	tensor.ParallelWorkers(ce.workers, n, blockRows, func(lo, hi int) {
		loss := 0.0
		for i := lo; i < hi; i++ {
			y, t := ce.logits.Row(i), ce.targets.Row(i)
			copy(y, offset)
			for c, codes := range ce.codes {
				leaf := (16*c + int(codes[i])) * m
				tensor.Add(y, y, x[leaf:leaf+m])
			}
			loss -= tensor.Dot(y, t)
			loss += tensor.LogSumExp(y) * tensor.Sum(t)
			total := tensor.Sum(t)
			tensor.Softmax(y, y)
			for k := range y {
				y[k] = (total*y[k] - t[k]) / float64(n)
			}
		}
		ce.loss[lo/blockRows] = loss
	})
	return tensor.Sum(ce.loss) / float64(n)
}

// eval returns the objective at x and writes its gradient.
func (ce *crossEntropy) eval(gradient, x []float64) float64 {
	loss := ce.forward(x)
	m := ce.targets.Cols
	tables := len(x) - m
	for i, v := range x[:tables] {
		d := v - ce.start[i]
		loss += ce.penalty / 2 * d * d
		gradient[i] = ce.penalty * d
	}
	clear(gradient[tables:])
	tensor.AddColumnSums(gradient[tables:], ce.logits)
	tensor.ParallelWorkers(ce.workers, len(ce.codes), 1, func(c, _ int) {
		for i, k := range ce.codes[c] {
			leaf := (16*c + int(k)) * m
			tensor.Add(gradient[leaf:leaf+m], gradient[leaf:leaf+m], ce.logits.Row(i))
		}
	})
	return loss
}
