package mil

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Risk is the score of each bag: what a rule makes of the scores of its instances. The paper takes [TopFraction] of 0.2
// of probabilities. score writes the scores of the rows of x, and gets some thousand at a time, whole bags each; it may
// not keep or change x. Errors are those of score, or those of [Score] and name the bag.
func Risk[T tensor.Float](b Bags[T], score func(p []T, x tensor.Matrix[T]) error, r Rule) ([]float64, error) {
	const call, most = "mil: Risk", 4096
	if err := b.validate(call); err != nil {
		return nil, err
	}
	p, err := NewPool[float64](r)
	if err != nil {
		return nil, option.Call(call, err)
	}
	risks := make([]float64, b.Len())
	var tape Tape[float64]
	for from := 0; from < b.Len(); {
		to := from + 1
		for to < b.Len() && b.Offsets[to+1]-b.Offsets[from] <= most {
			to++
		}
		lo, hi := b.Offsets[from], b.Offsets[to]
		scores := make([]T, hi-lo)
		if err := score(scores, rowsOf(b.X, lo, hi)); err != nil {
			return nil, option.Call(call, err)
		}
		part := Bags[float64]{tensor.Convert[float64](tensor.Of(hi-lo, 1, scores)), make([]int, to-from+1)}
		for i := range part.Offsets {
			part.Offsets[i] = b.Offsets[from+i] - lo
		}
		if err := p.Forward(tensor.Of(to-from, 1, risks[from:to]), part, &tape); err != nil {
			return nil, option.Call(fmt.Sprintf("%s: bags %d to %d", call, from, to-1), err)
		}
		from = to
	}
	return risks, nil
}
