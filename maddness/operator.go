package maddness

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/maddness/internal/kernel"
	"github.com/espalier-ml/espalier/tensor"
)

// Operator approximates the product of rows with a fixed D x M matrix by four comparisons per codebook and one table
// entry per codebook and output. It is immutable, but for UnmarshalBinary, and safe for concurrent use.
type Operator struct {
	columns, outputs, codebooks int // D, M, C

	trees         Trees
	lut           *LUT // before rounding
	encoder       *kernel.Encoder
	tables        *kernel.Tables
	scale, offset []float32
	rounded       *rounded // the tables, if they were loaded without those before rounding

	bits        int
	aggregation Aggregation
	relu        bool
	workers     int
	stats       Stats
}

// New makes an operator of trees over rows of the given number of columns and of tables, which it copies: hand-built,
// changed, or fitted elsewhere. Options are WithBias, which is added to lut.Offset, WithReLU, WithLUTBits,
// WithAggregation and WithWorkers. Errors wrap tensor.ErrEmpty, tensor.ErrShape, tensor.ErrRange and
// tensor.ErrNotFinite and name the element at fault.
func New(columns int, trees Trees, lut *LUT, opts ...TableOption) (*Operator, error) {
	op, err := newOf(columns, trees, lut, opts)
	return op, option.Call("maddness: New", err)
}

func newOf(columns int, trees Trees, lut *LUT, opts []TableOption) (*Operator, error) {
	o, err := configure("maddness: New", opts)
	f := fitted{columns: columns, trees: trees, lut: lut}
	if err := errors.Join(err, f.validate()); err != nil {
		return nil, err
	}
	o.codebooks, o.grouping, o.refine, o.ridge = len(trees.Dims), Contiguous, 0, 0
	if err := o.checkOutputs(lut.Table.Shape[0]); err != nil {
		return nil, err
	}
	f.trees = trees.clone()
	return newOperator(o, f)
}

// validate says what keeps trees and tables from being an operator.
func (f fitted) validate() error {
	if err := errors.Join(f.trees.validate(f.columns), f.lut.validate()); err != nil {
		return err
	}
	if c := f.lut.Table.Shape[1]; c != len(f.trees.Dims) {
		return fmt.Errorf("tables of %d codebooks for %d trees: %w", c, len(f.trees.Dims), tensor.ErrShape)
	}
	return errors.Join(tensor.ValidateFinite("LUT.Table", f.lut.Table.Data), tensor.ValidateFinite("LUT.Offset",
		f.lut.Offset.Data))
}

// newOperator rounds the tables, of which it makes a copy, and packs everything for the kernels.
func newOperator(o *config, f fitted) (*Operator, error) {
	lut := f.lut.values()
	for m, v := range o.bias {
		lut.Offset.Data[m] += v
	}
	outputs, codebooks := lut.Table.Shape[0], lut.Table.Shape[1]
	op := &Operator{columns: f.columns, outputs: outputs, codebooks: codebooks, trees: f.trees, lut: lut,
		bits: o.bits, aggregation: o.aggregation, relu: o.relu, workers: o.workers}
	op.encoder = kernel.NewEncoder(kernel.Trees(f.trees), f.columns)
	r, rounded := f.rounded, f.rounded
	if r == nil {
		made := o.aggregation.round(lut, o.bits)
		r = &made
	}
	op.tables, op.rounded = o.aggregation.tables(*r, codebooks, outputs), rounded
	op.scale, op.offset = r.scale, r.offset
	for m, v := range op.offset {
		if s := op.scale[m]; v-v != 0 || s-s != 0 {
			return nil, fmt.Errorf("maddness: output %d: tables too large for float32: scale %v, offset %v: %w",
				m, s, v, tensor.ErrRange)
		}
	}
	if f.entropy == nil { // not fitted
		f.entropy = slices.Repeat([]float64{math.NaN()}, codebooks)
	}
	op.stats = Stats{Columns: f.columns, Outputs: outputs, Codebooks: codebooks, TableBytes: 16 * outputs * codebooks,
		Bits:        o.bits,
		Aggregation: o.aggregation, ReLU: o.relu, Grouping: o.grouping, Refine: o.refine, Ridge: o.ridge, TrainRows: f.rows,
		TrainNMSE:   math.NaN(),
		HeldOutNMSE: math.NaN(), Entropy: f.entropy}
	return op, nil
}

// config is what a successor of the operator is made with.
func (o *Operator) config() *config {
	return &config{codebooks: o.codebooks, ridge: o.stats.Ridge, workers: o.workers, relu: o.relu, bits: o.bits,
		aggregation: o.aggregation,
		grouping:    o.stats.Grouping, refine: o.stats.Refine}
}

// fitted is what the operator was made of, tables and statistics copied.
func (o *Operator) fitted() fitted {
	return fitted{columns: o.columns, trees: o.trees, lut: o.lut.values(), rows: o.stats.TrainRows,
		entropy: slices.Clone(o.stats.Entropy)}
}

// Columns returns D, the length of a row.
func (o *Operator) Columns() int { return o.columns }

// Outputs returns M, the number of values per row.
func (o *Operator) Outputs() int { return o.outputs }

// Codebooks returns C, the number of codes per row.
func (o *Operator) Codebooks() int { return o.codebooks }

// Trees returns a copy of the hash functions.
func (o *Operator) Trees() Trees { return o.trees.clone() }

// LUT returns a copy of the tables before rounding, the bias included in their offset.
func (o *Operator) LUT() *LUT { return o.lut.values().withGrad() }

// Stats describes the operator and its fit.
func (o *Operator) Stats() Stats {
	s := o.stats
	s.Entropy = slices.Clone(s.Entropy)
	return s
}

// WithLUT returns an operator with the same trees and settings and other tables, which it copies and rounds: the end of
// training in the user's own loop. lut has the shape of [Operator.LUT]; errors are those of [New].
func (o *Operator) WithLUT(lut *LUT) (*Operator, error) {
	f := fitted{columns: o.columns, trees: o.trees, lut: lut, entropy: slices.Clone(o.stats.Entropy),
		rows: o.stats.TrainRows}
	if err := f.validate(); err != nil {
		return nil, fmt.Errorf("maddness: WithLUT: %w", err)
	}
	if m := lut.Table.Shape[0]; m != o.outputs {
		return nil, fmt.Errorf("maddness: WithLUT: tables of %d outputs, the operator has %d: %w",
			m, o.outputs, tensor.ErrShape)
	}
	return newOperator(o.config(), f)
}
