package secondorder

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/blob"
	"github.com/espalier-ml/espalier/tensor"
)

// Gram accumulates what the layer's inputs say about its weights: H = (2/N) XᵀX over the N samples added, the Hessian
// of the squared error of the outputs. Samples may come in batches of any size, and the bits of H do not depend on
// how they are divided. It is not for concurrent use while samples are added.
type Gram[T tensor.Float] struct {
	in, samples int
	sum         tensor.Matrix[float64] // of the chunks that are full
	chunk       tensor.Matrix[float64] // of rows that wait
	waiting     int
}

const chunkRows = 256

// NewGram returns an accumulator for layers of so many inputs. The error wraps tensor.ErrRange for less than one or
// for more than 46340, whose matrix would take 17 GB.
func NewGram[T tensor.Float](in int) (*Gram[T], error) {
	if in < 1 || in > 46340 {
		return nil, fmt.Errorf("secondorder: NewGram: %d inputs, want 1 to 46340: %w", in, tensor.ErrRange)
	}
	return &Gram[T]{in: in, sum: tensor.NewMatrix[float64](in, in), chunk: tensor.NewMatrix[float64](chunkRows, in)}, nil
}

// Samples is how many were added.
func (g *Gram[T]) Samples() int { return g.samples }

// Add adds samples, one in each row. A convolution's are its patches, a sequence's the tokens. Errors wrap
// tensor.ErrShape and tensor.ErrNotFinite, naming the element; nothing is added then.
func (g *Gram[T]) Add(x tensor.Matrix[T]) error {
	if err := x.Validate(); err != nil {
		return fmt.Errorf("secondorder: Add: %w", err)
	}
	if g.in == 0 {
		return fmt.Errorf("secondorder: Add to a Gram that NewGram has not made: %w", tensor.ErrEmpty)
	}
	if x.Cols != g.in {
		return fmt.Errorf("secondorder: Add: samples of %d inputs, want %d: %w", x.Cols, g.in, tensor.ErrShape)
	}
	for i := range x.Rows {
		for j, v := range x.Row(i) {
			if v-v != 0 {
				return fmt.Errorf("secondorder: Add: x[%d, %d] = %v: %w", i, j, v, tensor.ErrNotFinite)
			}
		}
	}
	for i := range x.Rows {
		dst := g.chunk.Row(g.waiting)
		for j, v := range x.Row(i) {
			dst[j] = float64(v)
		}
		if g.waiting++; g.waiting == chunkRows {
			addProducts(g.sum, g.chunk)
			g.waiting = 0
		}
	}
	g.samples += x.Rows
	return nil
}

func addProducts(sum, rows tensor.Matrix[float64]) {
	tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, rows, rows, 1, sum)
}

// H returns (2/N) XᵀX. The error wraps tensor.ErrEmpty before the first sample, and tensor.ErrNotFinite if squares of
// the inputs are beyond the range of float64.
func (g *Gram[T]) H() (tensor.Matrix[float64], error) {
	if g.samples == 0 {
		return tensor.Matrix[float64]{}, fmt.Errorf("secondorder: H: no samples were added: %w", tensor.ErrEmpty)
	}
	h := g.sum.Clone()
	addProducts(h, g.chunk.Slice(0, g.waiting, 0, g.in))
	tensor.Scale(h.Data, 2/float64(g.samples), h.Data)
	for i := range h.Rows {
		for j := range i { // products of blocks may round the two halves differently
			h.Data[i*h.Stride+j] = h.Data[j*h.Stride+i]
		}
	}
	if err := tensor.ValidateFinite("H", h.Data); err != nil {
		return tensor.Matrix[float64]{}, fmt.Errorf("secondorder: H: %w", err)
	}
	return h, nil
}

const magic = "prune.gram\x01"

// MarshalBinary writes the sums and the samples that wait: versioned, checksummed, eight bytes for each pair of
// inputs.
func (g *Gram[T]) MarshalBinary() ([]byte, error) {
	b := append(make([]byte, 0, len(magic)+8*len(g.sum.Data)+8*g.waiting*g.in+32), magic...)
	for _, v := range []int{g.in, g.samples, g.waiting} {
		b = binary.AppendUvarint(b, uint64(v))
	}
	for _, v := range g.sum.Data {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	for _, v := range g.chunk.Data[:g.waiting*g.in] {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return blob.Seal(b), nil
}

// UnmarshalBinary reads what MarshalBinary wrote; samples can be added to it. The error wraps tensor.ErrRange for
// anything else; g is unchanged then.
func (g *Gram[T]) UnmarshalBinary(b []byte) error {
	const call = "secondorder: UnmarshalBinary"
	body, err := blob.Open(b, magic)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", call, err, tensor.ErrRange)
	}
	d := &blob.Reader{Body: body}
	in, samples, waiting := d.Size(46340), d.Size(math.MaxInt), d.Size(chunkRows-1)
	if d.Bad || in == 0 && samples+waiting > 0 || len(d.Body)/8 != in*in+waiting*in || len(d.Body)%8 != 0 ||
		samples%chunkRows != waiting {
		return fmt.Errorf("%s: %d inputs, %d samples and %d waiting in %d bytes: %w", call, in, samples, waiting,
			len(d.Body), tensor.ErrRange)
	}
	if in == 0 {
		*g = Gram[T]{}
		return nil
	}
	read, err := NewGram[T](in)
	if err != nil {
		return err
	}
	read.samples, read.waiting = samples, waiting
	for _, to := range [][]float64{read.sum.Data, read.chunk.Data[:waiting*in]} {
		for k := range to {
			to[k] = math.Float64frombits(d.Uint64())
		}
	}
	*g = *read
	return nil
}
