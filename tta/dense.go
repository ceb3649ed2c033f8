package tta

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/tensor"
)

// Merging is how values for one place from several views become one.
type Merging uint8

// The mergings.
const (
	MergeMean    Merging = iota // weighted mean
	MergeSum                    // weighted sum
	MergeMax                    // largest; weights above 0 do not matter
	MergeMin                    // smallest; weights above 0 do not matter
	MergeGeo                    // weighted geometric mean, of values of 0 or more, by logarithms
	MergeSharpen                // weighted mean of square roots, of values of 0 or more
)

var mergings = enum.Of[Merging]("merging", "mean", "sum", "max", "min", "geometric mean", "sharpen")

// String is the merging's name.
func (m Merging) String() string { return mergings.String(m) }

// MarshalText writes the name.
func (m Merging) MarshalText() ([]byte, error) { return mergings.Marshal(m) }

// UnmarshalText reads a name.
func (m *Merging) UnmarshalText(text []byte) error { return mergings.Unmarshal(m, text) }

// Merger merges maps of H x W pixels with C channels, view by view and window by window, in memory that does not depend
// on how many there are. It is not safe for concurrent use.
type Merger struct {
	how     Merging
	h, w, c int
	sum     []float64 // [H, W, C]
	weight  []float64 // [H, W]
}

// NewMerger is for maps of h x w pixels with c channels. The error wraps [tensor.ErrRange].
func NewMerger(how Merging, h, w, c int) (*Merger, error) {
	if err := mergings.Check(how); err != nil {
		return nil, fmt.Errorf("tta: NewMerger: %w", err)
	}
	if h < 1 || w < 1 || c < 1 || h > math.MaxInt32/8/w || h*w > math.MaxInt32/8/c {
		return nil, fmt.Errorf("tta: NewMerger: %d x %d pixels, %d channels: %w", h, w, c, tensor.ErrRange)
	}
	m := &Merger{how: how, h: h, w: w, c: c, sum: make([]float64, h*w*c), weight: make([]float64, h*w)}
	start := 0.0
	switch how {
	case MergeMax:
		start = math.Inf(-1)
	case MergeMin:
		start = math.Inf(1)
	}
	for i := range m.sum {
		m.sum[i] = start
	}
	return m, nil
}

// Add adds a map of the whole frame, in its original orientation and size, with a weight above 0. Errors wrap
// [tensor.ErrShape], [tensor.ErrNotFinite] or [tensor.ErrRange], with nothing added.
func (m *Merger) Add(values []float32, weight float64) error {
	return m.AddWindow(values, 0, 0, m.h, m.w, func(_, _ int) float64 { return weight })
}

// AddWindow adds a map of h x w pixels whose top left pixel is (top, left) of the frame; what lies outside is left out.
// weight gives the weight of a pixel of the window, above 0, such as [Hann]; nil is 1 everywhere.
func (m *Merger) AddWindow(values []float32, top, left, h, w int, weight func(y, x int) float64) error {
	const call = "Merger.Add"
	if h < 1 || w < 1 || h > math.MaxInt32/w || len(values)/m.c != h*w || len(values)%m.c != 0 {
		return fmt.Errorf("tta: %s: %d values for %d x %d pixels of %d channels: %w",
			call, len(values), h, w, m.c, tensor.ErrShape)
	}
	if err := tensor.ValidateFinite("values", values); err != nil {
		return fmt.Errorf("tta: %s: %w", call, err)
	}
	if m.how == MergeGeo || m.how == MergeSharpen {
		for i, v := range values {
			if v < 0 {
				return fmt.Errorf("tta: %s: value %d is %v, want 0 or more for the %v: %w", call, i, v, m.how, tensor.ErrRange)
			}
		}
	}
	weights := make([]float64, h*w)
	for i := range weights {
		weights[i] = 1
		if weight != nil {
			weights[i] = weight(i/w, i%w)
		}
		if !(weights[i] > 0) || math.IsInf(weights[i], 0) {
			return fmt.Errorf("tta: %s: the weight of pixel (%d, %d) is %v, want more than 0: %w",
				call, i/w, i%w, weights[i], tensor.ErrRange)
		}
	}
	for y := max(0, -top); y < min(h, m.h-top); y++ {
		for x := max(0, -left); x < min(w, m.w-left); x++ {
			at := (top+y)*m.w + left + x
			m.weight[at] += weights[y*w+x]
			m.accumulate(m.sum[at*m.c:(at+1)*m.c], values[(y*w+x)*m.c:(y*w+x+1)*m.c], weights[y*w+x])
		}
	}
	return nil
}

func (m *Merger) accumulate(sum []float64, values []float32, weight float64) {
	for i, f := range values {
		v := float64(f)
		switch m.how {
		case MergeMax:
			sum[i] = max(sum[i], v)
		case MergeMin:
			sum[i] = min(sum[i], v)
		case MergeGeo:
			sum[i] += weight * math.Log(v)
		case MergeSharpen:
			sum[i] += weight * math.Sqrt(v)
		default:
			sum[i] += weight * v
		}
	}
}

// Result writes what was merged to dst, [H, W, C]. The error wraps [tensor.ErrShape], or [tensor.ErrEmpty] with the
// first pixel that nothing covers.
func (m *Merger) Result(dst []float32) error {
	if len(dst) != len(m.sum) {
		return fmt.Errorf("tta: Merger.Result: dst has %d of %d elements: %w", len(dst), len(m.sum), tensor.ErrShape)
	}
	for at, w := range m.weight {
		if w == 0 {
			return fmt.Errorf("tta: Merger.Result: nothing covers pixel (%d, %d): %w", at/m.w, at%m.w, tensor.ErrEmpty)
		}
	}
	for i, s := range m.sum {
		w := m.weight[i/m.c]
		switch m.how {
		case MergeMean, MergeSharpen:
			s /= w
		case MergeGeo:
			s = math.Exp(s / w)
		}
		dst[i] = float32(s)
	}
	return nil
}

// Hann is the weight of a window of h x w pixels that falls from its middle to its border, and is never 0: at least a
// thousandth of the largest.
func Hann(h, w int) func(y, x int) float64 {
	at := func(i, n int) float64 {
		s := math.Sin(math.Pi * (float64(i) + 0.5) / float64(n))
		return s * s
	}
	return func(y, x int) float64 { return max(at(y, h)*at(x, w), 1e-3) }
}

// Window is a part of an image, in pixels.
type Window struct {
	Top  int `json:"top"`
	Left int `json:"left"`
	H    int `json:"h"`
	W    int `json:"w"`
}

// Windows covers an image of h x w pixels with windows of size x size, or smaller where the image is, whose neighbours
// overlap by at least the given share, in [0, 1), of their length. They are spread evenly and none reaches outside. The
// error wraps [tensor.ErrRange].
func Windows(h, w, size int, overlap float64) ([]Window, error) {
	if h < 1 || w < 1 || size < 1 || !(overlap >= 0 && overlap < 1) {
		return nil, fmt.Errorf("tta: Windows: %d x %d pixels by %d with an overlap of %v: %w",
			h, w, size, overlap, tensor.ErrRange)
	}
	var all []Window
	for _, top := range starts(h, min(size, h), overlap) {
		for _, left := range starts(w, min(size, w), overlap) {
			all = append(all, Window{top, left, min(size, h), min(size, w)})
		}
	}
	return all, nil
}

func starts(n, size int, overlap float64) []int {
	step := max(1, int(float64(size)*(1-overlap)))
	count := (n-size+step-1)/step + 1
	at := make([]int, count)
	for i := range at {
		if count > 1 {
			at[i] = i * (n - size) / (count - 1)
		}
	}
	return at
}

// Ballot merges maps of class numbers, which have no mean: masks 0 and 2 do not average to 1. It counts votes, in
// memory of classes by pixels whatever the number of views, and is not safe for concurrent use.
type Ballot struct {
	h, w, classes int
	votes         []float32 // [H, W, classes]
}

// NewBallot is for maps of h x w pixels of classes below a number. The error wraps [tensor.ErrRange].
func NewBallot(h, w, classes int) (*Ballot, error) {
	if h < 1 || w < 1 || classes < 1 || h > math.MaxInt32/4/w || h*w > math.MaxInt32/4/classes {
		return nil, fmt.Errorf("tta: NewBallot: %d x %d pixels, %d classes: %w", h, w, classes, tensor.ErrRange)
	}
	return &Ballot{h, w, classes, make([]float32, h*w*classes)}, nil
}

// Add adds a map in its original orientation and size. Errors wrap [tensor.ErrShape] or [ErrLabel], with nothing added.
func (b *Ballot) Add(ids []int) error {
	if len(ids) != b.h*b.w {
		return fmt.Errorf("tta: Ballot.Add: %d ids for %d x %d pixels: %w", len(ids), b.h, b.w, tensor.ErrShape)
	}
	for i, id := range ids {
		if id < 0 || id >= b.classes {
			return fmt.Errorf("tta: Ballot.Add: id %d of pixel (%d, %d), want 0 to %d: %w",
				id, i/b.w, i%b.w, b.classes-1, ErrLabel)
		}
	}
	for i, id := range ids {
		b.votes[i*b.classes+id]++
	}
	return nil
}

// Result is the class with most votes for each pixel, the lowest of equals. The error wraps [tensor.ErrEmpty] if
// nothing was added.
func (b *Ballot) Result() ([]int, error) {
	ids := make([]int, b.h*b.w)
	for i := range ids {
		votes := b.votes[i*b.classes : (i+1)*b.classes]
		ids[i] = tensor.ArgMax(votes)
		if votes[ids[i]] == 0 {
			return nil, fmt.Errorf("tta: Ballot.Result: no votes: %w", tensor.ErrEmpty)
		}
	}
	return ids, nil
}
