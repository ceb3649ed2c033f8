package causal

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// GroupDRO is distributionally robust optimization over groups (Sagawa et al. 2020), a [Risk] with state: groups with a
// high loss gain weight, step by step. Groups are combinations of Batch.Y and Batch.V. It is not safe for concurrent
// use.
type GroupDRO struct {
	config groupDROConfig
	groups []Cell
	size   []float64
	q      []float64
}

// GroupDROOption is a choice of [NewGroupDRO].
type GroupDROOption func(*groupDROConfig) error

type groupDROConfig struct {
	step       float64
	adjustment float64
	hold       bool
}

// WithStep sets the step size eta of the weights of the groups, above 0; default 0.01.
func WithStep(eta float64) GroupDROOption {
	return func(c *groupDROConfig) error {
		c.step = eta
		return option.Range(eta > 0 && !math.IsInf(eta, 1), "WithStep", eta, "a finite number above 0")
	}
}

// WithAdjustment adds c/sqrt(rows of the group in the training data) to the loss of each group, 0 or more; default 0.
func WithAdjustment(c float64) GroupDROOption {
	return func(o *groupDROConfig) error {
		o.adjustment = c
		return option.Range(c >= 0 && !math.IsInf(c, 1), "WithAdjustment", c, "a finite number of 0 or more")
	}
}

// WithHold leaves the weight of a group alone in steps whose batch has no row of it, and lets the others share the
// rest. By default, as in the reference, an absent group counts as one with a loss of 0, so that a rare group loses its
// weight by not being seen.
func WithHold() GroupDROOption {
	return func(c *groupDROConfig) error {
		c.hold = true
		return nil
	}
}

// NewGroupDRO starts with equal weights for the groups of the training data, given with their rows. Options are
// [WithStep], [WithAdjustment] and [WithHold]. The error wraps [tensor.ErrEmpty] without groups and [tensor.ErrRange]
// for one without rows.
func NewGroupDRO(rows map[Cell]int, opts ...GroupDROOption) (*GroupDRO, error) {
	g := &GroupDRO{config: groupDROConfig{step: 0.01}}
	if err := option.Apply("causal: NewGroupDRO", &g.config, opts); err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("causal: NewGroupDRO: no groups: %w", tensor.ErrEmpty)
	}
	g.groups = slices.Collect(maps.Keys(rows))
	sortCells(g.groups)
	for _, c := range g.groups {
		if rows[c] < 1 {
			return nil, fmt.Errorf("causal: NewGroupDRO: group %v has %d rows: %w", c, rows[c], tensor.ErrRange)
		}
		g.size = append(g.size, float64(rows[c]))
		g.q = append(g.q, 1/float64(len(rows)))
	}
	return g, nil
}

// Combine is described at [Risk]. It moves the weights of the groups. The error wraps [ErrLabelRange] for a row of a
// group that there was none of at the start.
func (g *GroupDRO) Combine(loss []float64, b Batch, coef []float64) (float64, error) {
	const call = "GroupDRO.Combine"
	if err := checkRisk(call, loss, b, coef); err != nil {
		return 0, err
	}
	batch, err := groupLosses(call, loss, b, true)
	if err != nil {
		return 0, err
	}
	at := make([]int, len(batch.cells)) // number of each group of the batch among all
	mean, present := make([]float64, len(g.groups)), make([]bool, len(g.groups))
	for k, c := range batch.cells {
		if at[k] = slices.Index(g.groups, c); at[k] < 0 {
			return 0, fmt.Errorf("causal: %s: a row has %v, which no group has: %w", call, c, ErrLabelRange)
		}
		mean[at[k]], present[at[k]] = batch.mean[k], true
	}
	for k := range mean {
		if g.config.adjustment > 0 {
			mean[k] += g.config.adjustment / math.Sqrt(g.size[k])
		}
	}
	g.update(mean, present)
	value := 0.0
	for k, q := range g.q {
		value += q * mean[k]
	}
	for i, k := range batch.of {
		coef[i] = 0
		if k >= 0 {
			coef[i] = g.q[at[k]] * batch.share[i]
		}
	}
	return value, nil
}

// update multiplies each weight by exp(eta * loss) and makes them sum to 1 again.
func (g *GroupDRO) update(mean []float64, present []bool) {
	top := math.Inf(-1)
	for _, m := range mean {
		top = max(top, m)
	}
	held, total := 0.0, 0.0
	next := make([]float64, len(g.q))
	for k, q := range g.q {
		if g.config.hold && !present[k] {
			held += q
			continue
		}
		next[k] = q * math.Exp(g.config.step*(mean[k]-top))
		total += next[k]
	}
	for k := range g.q {
		if total > 0 && !(g.config.hold && !present[k]) {
			g.q[k] = next[k] / total * (1 - held)
		}
	}
}

// GroupWeights is the present weights of the groups.
func (g *GroupDRO) GroupWeights() map[Cell]float64 {
	w := map[Cell]float64{}
	for k, c := range g.groups {
		w[c] = g.q[k]
	}
	return w
}
