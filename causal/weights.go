package causal

import (
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Weights is a table of importance weights by main and auxiliary label: how often the target has a combination of
// labels, over how often the data have it. It is immutable and safe for concurrent use.
//
// Weights are made once, from all rows of a split, and never from a batch. Training, validation and test data each
// have their own.
type Weights struct {
	y, v   []int // the levels, in increasing order
	target []float64
	sums   []float64 // of the base weights of a cell
	share  []float64 // of all, smoothed
	count  []int     // rows of a cell
	cut    []float64 // weights before clipping
	weight []float64
	limit  float64 // +Inf without clipping

	unknown  int     // rows whose auxiliary label is not known
	base     float64 // sum of the base weights of the others
	squares  []float64
	baseRows int // rows with a base weight above 0 and a known label
}

// FitWeights makes the table of labels y and v, a pair a row. Options are [WithTarget], [WithBase], [WithSmoothing],
// [WithClip], [WithQuantileClip] and [WithUnknownRows].
//
// The error wraps [ErrNoOverlap] and lists the combinations that the target has and the data have not: no weight can
// make up for rows that do not exist. [WithSmoothing] gives them a weight for other data, and [Weights.Overlap] still
// lists them. It wraps [tensor.ErrShape] if the lengths differ, [tensor.ErrEmpty] if no row counts, [ErrLabelRange]
// for a negative label, and [tensor.ErrRange] or [tensor.ErrNotFinite] for base weights.
func FitWeights(y, v []int, opts ...WeightsOption) (*Weights, error) {
	const call = "FitWeights"
	c := weightsConfig{target: Unconfounded(), clip: math.Inf(1)}
	err := option.Apply("causal: "+call, &c, opts)
	if err == nil {
		err = c.given.Exclusive("WithClip", "WithQuantileClip")
	}
	if err != nil {
		return nil, err
	}
	if err := c.check(call, y, v); err != nil {
		return nil, err
	}
	w := &Weights{limit: math.Inf(1)}
	rows := w.gather(y, v, c)
	if len(rows) == 0 {
		return nil, fmt.Errorf("causal: %s: no row of %d has a weight and a known label: %w", call, len(y), tensor.ErrEmpty)
	}
	w.estimate(c.smoothing)
	if w.target, err = c.target.shares(w); err != nil {
		return nil, fmt.Errorf("causal: %s: %w", call, err)
	}
	if err := w.divide(call); err != nil {
		return nil, err
	}
	w.clip(c)
	return w, nil
}

func (c *weightsConfig) check(call string, y, v []int) error {
	if len(y) != len(v) {
		return fmt.Errorf("causal: %s: %d main and %d auxiliary labels: %w", call, len(y), len(v), tensor.ErrShape)
	}
	if c.base != nil && len(c.base) != len(y) {
		return fmt.Errorf("causal: %s: WithBase: %d weights for %d rows: %w", call, len(c.base), len(y), tensor.ErrShape)
	}
	if err := checkLabels(call, "y", y, false); err != nil {
		return err
	}
	if err := checkLabels(call, "v", v, c.unknown); err != nil {
		return err
	}
	return checkWeights(call, "WithBase", c.base)
}

// gather counts the rows that take part and returns them.
func (w *Weights) gather(y, v []int, c weightsConfig) (rows []int) {
	for i := range y {
		switch {
		case v[i] == Unknown:
			w.unknown++
		case c.base == nil || c.base[i] > 0:
			rows = append(rows, i)
		}
	}
	var ys, vs levels
	ys.of(y, rows)
	vs.of(v, rows)
	w.y, w.v = ys.values, vs.values
	cells := len(w.y) * len(w.v)
	w.count, w.sums, w.squares = make([]int, cells), make([]float64, cells), make([]float64, cells)
	for _, i := range rows {
		at := ys.at(y[i])*len(w.v) + vs.at(v[i])
		b := 1.0
		if c.base != nil {
			b = c.base[i]
		}
		w.count[at]++
		w.sums[at] += b
		w.squares[at] += b * b
		w.base += b
	}
	w.baseRows = len(rows)
	return rows
}

// estimate turns sums into shares, alpha being added to each cell.
func (w *Weights) estimate(alpha float64) {
	w.share = make([]float64, len(w.sums))
	total := w.base + alpha*float64(len(w.sums))
	for at, s := range w.sums {
		w.share[at] = (s + alpha) / total
	}
}

// divide makes the weights and finds the cells that have none.
func (w *Weights) divide(call string) error {
	w.weight = make([]float64, len(w.share))
	var empty []string
	for at, share := range w.share {
		switch {
		case share > 0:
			w.weight[at] = w.target[at] / share
		case w.target[at] > 0:
			empty = append(empty, w.cell(at).String())
		}
	}
	w.cut = slices.Clone(w.weight)
	if len(empty) > 0 {
		return fmt.Errorf("causal: %s: the data have no row with %v, and the target has; leave the level out, choose "+
			"another target, or see WithSmoothing: %w",
			call, list(empty), ErrNoOverlap)
	}
	return nil
}

// clip cuts the weights.
func (w *Weights) clip(c weightsConfig) {
	w.limit = c.clip
	if c.given.Has("WithQuantileClip") {
		w.limit = w.quantile(c.quantile)
	}
	for at, u := range w.weight {
		w.weight[at] = min(u, w.limit)
	}
}

// quantile is the smallest weight that at least a share q of the rows does not exceed, of rows with a weight above 0.
func (w *Weights) quantile(q float64) float64 {
	var cells []int
	total := 0
	for at, u := range w.weight {
		if n := w.count[at]; n > 0 && u > 0 {
			cells = append(cells, at)
			total += n
		}
	}
	slices.SortFunc(cells, func(a, b int) int {
		if w.weight[a] < w.weight[b] {
			return -1
		}
		return 1
	})
	below := 0
	for _, at := range cells {
		if below += w.count[at]; float64(below) >= q*float64(total) {
			return w.weight[at]
		}
	}
	return math.Inf(1)
}

// Cell is a combination of labels.
type Cell struct {
	Y int `json:"y"`
	V int `json:"v"`
}

// String reads "y=0 v=1".
func (c Cell) String() string { return fmt.Sprintf("y=%d v=%d", c.Y, c.V) }

func (w *Weights) cell(at int) Cell { return Cell{w.y[at/len(w.v)], w.v[at%len(w.v)]} }

// at is the place of a combination in the table, or -1.
func (w *Weights) at(y, v int) int {
	i, known := slices.BinarySearch(w.y, y)
	j, also := slices.BinarySearch(w.v, v)
	if !known || !also {
		return -1
	}
	return i*len(w.v) + j
}

// At is the weight of a combination of labels, and false for one with a label that the table does not know.
func (w *Weights) At(y, v int) (weight float64, known bool) {
	at := w.at(y, v)
	if at < 0 {
		return 0, false
	}
	return w.weight[at], true
}

// Apply writes the weights of the rows to dst, which it makes if that is nil, and returns it. A row whose auxiliary
// label is [Unknown] has weight 1. The error wraps [tensor.ErrShape] or, for a label that the table does not know,
// [ErrLabelRange]; dst is then unchanged.
func (w *Weights) Apply(dst []float64, y, v []int) ([]float64, error) {
	if len(y) != len(v) || dst != nil && len(dst) != len(y) {
		return dst, fmt.Errorf("causal: Weights.Apply: %d weights, %d main and %d auxiliary labels: %w",
			len(dst), len(y), len(v), tensor.ErrShape)
	}
	if dst == nil {
		dst = make([]float64, len(y))
	}
	return dst, w.apply("Weights.Apply", dst, y, v, true)
}

func (w *Weights) apply(call string, dst []float64, y, v []int, unknown bool) error {
	for i := range y {
		if w.at(y[i], v[i]) < 0 && !(unknown && v[i] == Unknown) {
			return fmt.Errorf("causal: %s: row %d has %v, which the table does not know: %w",
				call, i, Cell{y[i], v[i]}, ErrLabelRange)
		}
	}
	for i := range y {
		dst[i] = 1
		if v[i] != Unknown {
			dst[i] = w.weight[w.at(y[i], v[i])]
		}
	}
	return nil
}

// WeightsOption is a choice of [FitWeights].
type WeightsOption func(*weightsConfig) error

type weightsConfig struct {
	given     option.Given
	target    Target
	base      []float64
	smoothing float64
	clip      float64
	quantile  float64
	unknown   bool
}

// WithTarget sets the distribution of labels that the weights stand for; default [Unconfounded].
func WithTarget(t Target) WeightsOption {
	return func(c *weightsConfig) error {
		c.target = t
		return nil
	}
}

// WithBase gives each row a weight that it has for other reasons, such as a sampling weight; 0 leaves a row out.
// Default 1 each. [Weights.Apply] gives the table's weights without them.
func WithBase(w []float64) WeightsOption {
	return func(c *weightsConfig) error {
		c.base = w
		return option.Nil(w != nil, "WithBase")
	}
}

// WithSmoothing adds alpha, 0 or more, to the count of each combination of labels before shares are taken; default 0.
// Weights then no longer sum to the number of rows, and a combination without rows stays one: see [Overlap].
func WithSmoothing(alpha float64) WeightsOption {
	return func(c *weightsConfig) error {
		c.smoothing = alpha
		return option.Range(alpha >= 0 && !math.IsInf(alpha, 1), "WithSmoothing", alpha, "a finite number of 0 or more")
	}
}

// WithClip cuts weights at most, above 0; default no limit. A better effective sample size is paid for with association
// that is left: [Overlap] has both. It excludes [WithQuantileClip].
func WithClip(most float64) WeightsOption {
	return func(c *weightsConfig) error {
		c.given.Mark("WithClip")
		c.clip = most
		return option.Range(most > 0, "WithClip", most, "a number above 0")
	}
}

// WithQuantileClip cuts weights at the smallest one that at least a share q of the rows does not exceed, q in (0, 1].
// There are as many different weights as combinations of labels, so a small change of q can change much or nothing.
// It excludes [WithClip].
func WithQuantileClip(q float64) WeightsOption {
	return func(c *weightsConfig) error {
		c.given.Mark("WithQuantileClip")
		c.quantile = q
		return option.Range(q > 0 && q <= 1, "WithQuantileClip", q, "a share in (0, 1]")
	}
}

// WithUnknownRows lets rows have the auxiliary label [Unknown]: they are counted in the report, are in no cell and have
// weight 1. By default they are an error.
func WithUnknownRows() WeightsOption {
	return func(c *weightsConfig) error {
		c.unknown = true
		return nil
	}
}
