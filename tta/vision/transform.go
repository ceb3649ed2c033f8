package vision

import (
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tta"
)

// Transform is a transform of images that knows where pixels go. It is immutable.
type Transform struct {
	name  string
	apply func(m Image, s space) (Image, error)
	// move is where points go; nil for transforms of intensities, which move none.
	move func(g tta.Geometry) tta.Geometry
	// undo takes a map for the view back to h x w pixels; nil if nothing moves.
	undo func(m Image, h, w int) (Image, error)
}

// Name is the name with all parameters, and whose rule it follows where that makes a difference.
func (t *Transform) Name() string { return t.name }

// Apply transforms an image. The error wraps [tensor.ErrShape] for an image that is none, and what the transform says.
func (t *Transform) Apply(m Image) (Image, error) {
	if err := m.validate(); err != nil {
		return Image{}, err
	}
	return t.apply(m, nil)
}

// ApplyTo is Apply into an image whose memory is used again if there is enough of it, whatever its size was before: a
// loop over many images allocates once. After an error dst may hold part of a result. The error is that of Apply, or
// wraps [tensor.ErrOverlap] if dst shares memory with m.
func (t *Transform) ApplyTo(dst *Image, m Image) error {
	if err := m.validate(); err != nil {
		return err
	}
	memory := dst.Pix[:cap(dst.Pix)]
	if tensor.Overlap(memory, m.Pix) {
		return fmt.Errorf("vision: %s: ApplyTo: dst and the image: %w", t.name, tensor.ErrOverlap)
	}
	out, err := t.apply(m, memory)
	if err == nil {
		*dst = out
	}
	return err
}

// space is memory for a result, or nil.
type space []float32

// image is a black image, in the memory if that is enough.
func (s space) image(h, w, c int) Image {
	if h*w*c > len(s) {
		return NewImage(h, w, c)
	}
	clear(s[:h*w*c])
	return Image{h, w, c, s[:h*w*c]}
}

// copy is a copy of an image.
func (s space) copy(m Image) Image {
	return Image{m.H, m.W, m.C, append(s[:0], m.Pix...)}
}

// dirty is an image of which every number is still to be written.
func (s space) dirty(h, w, c int) Image {
	if h*w*c > len(s) {
		return NewImage(h, w, c)
	}
	return Image{h, w, c, s[:h*w*c]}
}

// Intensities reports whether pixels stay where they are, so that nothing needs to be taken back.
func (t *Transform) Intensities() bool { return t.undo == nil }

// Geometry is where the points of a view g go: the inverse of a chain is that of its last Geometry. The error wraps
// [tta.ErrInverse] for a transform that moves pixels in no such way.
func (t *Transform) Geometry(g tta.Geometry) (tta.Geometry, error) {
	switch {
	case t.undo == nil:
		return g, nil
	case t.move == nil:
		return g, fmt.Errorf("vision: %s: %w", t.name, tta.ErrInverse)
	}
	return t.move(g), nil
}

// Chain is transforms for a view's Steps.
func Chain(steps ...*Transform) []tta.Transform[Image] {
	all := make([]tta.Transform[Image], len(steps))
	for i, t := range steps {
		all[i] = t
	}
	return all
}

// Geometry is where points of an image of h x w pixels come to lie after all steps. The error wraps [tta.ErrInverse] if
// a step is not a [Transform] or has none.
func Geometry(h, w int, steps []tta.Transform[Image]) (tta.Geometry, error) {
	g, err := tta.Frame(h, w)
	for _, s := range steps {
		if err != nil {
			return g, err
		}
		t, ok := s.(*Transform)
		if !ok {
			return g, fmt.Errorf("vision: %s is no transform of this package: %w", s.Name(), tta.ErrInverse)
		}
		g, err = t.Geometry(g)
	}
	return g, err
}

// Undo takes a map of scores for a view of an image of h x w pixels, of any number of channels, back to the image:
// inverses are applied in reverse order, flips and turns exactly and a resize by the same rule to the size that there
// was. The error wraps [tta.ErrInverse] for a step without an inverse, such as a crop, whose map [tta.Merger.AddWindow]
// takes, or [tensor.ErrShape] for a map of another size than the view has.
func Undo(m Image, h, w int, steps []tta.Transform[Image]) (Image, error) {
	if err := m.validate(); err != nil {
		return Image{}, err
	}
	sizes := [][2]int{{h, w}}
	for i := range steps {
		g, err := Geometry(h, w, steps[:i+1])
		if err != nil {
			return Image{}, err
		}
		oh, ow := g.Out()
		sizes = append(sizes, [2]int{oh, ow})
	}
	if last := sizes[len(steps)]; m.H != last[0] || m.W != last[1] {
		return Image{}, fmt.Errorf("vision: Undo: a map of %d x %d pixels for a view of %d x %d: %w",
			m.H, m.W, last[0], last[1], tensor.ErrShape)
	}
	var err error
	for i := len(steps) - 1; i >= 0; i-- {
		t := steps[i].(*Transform)
		if t.undo == nil {
			continue
		}
		if m, err = t.undo(m, sizes[i][0], sizes[i][1]); err != nil {
			return Image{}, fmt.Errorf("vision: Undo: %s: %w", t.name, err)
		}
	}
	return m, nil
}

// intensities makes a transform that moves no pixels.
func intensities(name string, f func(dst, src Image) error) *Transform {
	return &Transform{name: name, apply: func(m Image, s space) (Image, error) {
		out := s.image(m.H, m.W, m.C)
		if err := f(out, m); err != nil {
			return Image{}, fmt.Errorf("vision: %s: %w", name, err)
		}
		return out, nil
	}}
}

func notInvertible(Image, int, int) (Image, error) { return Image{}, tta.ErrInverse }
