package maddness

import (
	"context"
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Encoder is what can be learned from rows before it is known what they are multiplied with: trees, and for each of
// their codes the prototype of a row. [Encoder.Bind] multiplies the prototypes with a matrix, which takes 16*C*D*M
// multiply-adds. Operators bound to one Encoder share codes: encode rows once and look up each product. It is immutable
// and safe for concurrent use.
type Encoder struct {
	op Operator // of the identity: its tables are prototypes
}

// FitEncoder learns an encoder from N x D training rows. Trees keep rows together that are alike, since the outputs are
// not known; [Fit] is more accurate where they are. Errors are those of
// [Fit].
func FitEncoder(ctx context.Context, a tensor.Matrix[float32], opts ...EncoderOption) (*Encoder, error) {
	op, err := fitEncoder(ctx, a, opts)
	if err != nil {
		return nil, option.Call("maddness: FitEncoder", err)
	}
	return &Encoder{*op}, nil
}

func fitEncoder(ctx context.Context, a tensor.Matrix[float32], opts []EncoderOption) (*Operator, error) {
	o, err := configure("maddness: FitEncoder", opts)
	if err := errors.Join(err, checkContext(ctx), o.checkRows(a)); err != nil {
		return nil, err
	}
	o.metric, o.aggregation = InputSSE, Exact
	if !o.given.Has("WithGrouping") {
		o.grouping = Contiguous
	}
	rows := o.draw(a)
	p := problem{a: rows, y: tensor.Convert[float64](rows), meter: &meter{ctx: ctx, report: o.progress}}
	if !o.paper {
		return p.solve(o)
	}
	f, err := p.prototypes(o)
	if err != nil {
		return nil, err
	}
	return p.measured(o, f)
}

// Bind returns the operator that multiplies with b, D x M. Options are WithBias, WithReLU, WithLUTBits, WithAggregation
// and WithWorkers. Errors are those of [Fit].
func (e *Encoder) Bind(b tensor.Matrix[float32], opts ...TableOption) (*Operator, error) {
	op, err := e.bind(b, opts)
	return op, option.Call("maddness: Bind", err)
}

func (e *Encoder) bind(b tensor.Matrix[float32], opts []TableOption) (*Operator, error) {
	o, err := configure("maddness: Bind", opts)
	fit := e.op.stats
	o.codebooks, o.grouping, o.refine, o.ridge = fit.Codebooks, fit.Grouping, fit.Refine, fit.Ridge
	err = errors.Join(err, checkView("b", b), o.checkOutputs(b.Cols))
	if err == nil && b.Rows != e.op.columns {
		err = fmt.Errorf("maddness: b has %d rows, the encoder was fitted to %d columns: %w",
			b.Rows, e.op.columns, tensor.ErrShape)
	}
	if err != nil {
		return nil, err
	}
	if o.workers == 0 {
		o.workers = e.op.workers
	}
	return newOperator(o, e.op.fitted().times(b))
}

// Encode appends the codes of the rows of a, N x D, to dst; see [Operator.Encode].
func (e *Encoder) Encode(dst *Codes, a tensor.Matrix[float32]) error { return e.op.Encode(dst, a) }

// EncodeT appends the codes of the columns of a, D x N; see [Operator.EncodeT].
func (e *Encoder) EncodeT(dst *Codes, a tensor.Matrix[float32]) error { return e.op.EncodeT(dst, a) }

// Prototypes returns a copy of the C x 16 prototypes, of D columns each, and what to add to their sum: row n is about
// Offset + sum over c of the prototype of code[n,c]. Table has the shape [D, C, 16].
func (e *Encoder) Prototypes() *LUT { return e.op.LUT() }

// Trees returns a copy of the hash functions.
func (e *Encoder) Trees() Trees { return e.op.Trees() }

// Stats describes the encoder: outputs are the columns themselves, and TrainNMSE says how well prototypes add up to the
// rows.
func (e *Encoder) Stats() Stats { return e.op.Stats() }

// MarshalBinary writes the encoder as [Operator.MarshalBinary] does.
func (e *Encoder) MarshalBinary() ([]byte, error) { return e.op.marshal(encoderMagic), nil }

// UnmarshalBinary reads what MarshalBinary wrote; see [Operator.UnmarshalBinary]. It must not run beside other calls.
func (e *Encoder) UnmarshalBinary(b []byte) error {
	op, err := unmarshal(b, encoderMagic)
	if err == nil && op.outputs != op.columns {
		err = fmt.Errorf("maddness: prototypes of %d columns for rows of %d: %w", op.outputs, op.columns, ErrFormat)
	}
	if err == nil {
		e.op = *op
	}
	return err
}
