package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Design is what a bootstrap draws: the units that were sampled independently of each other, numbered from 0. It is
// immutable. A fault in what it was made of is reported by the function that draws.
type Design struct {
	units    int
	clusters [][]int32 // units that are drawn together; nil: each by itself
	strata   [][]int32 // clusters, or units, that are drawn from by themselves
	nested   bool
	err      error
}

// Units draws n units with replacement from n.
func Units(n int) Design { return Samples(n) }

// Samples draws from several samples, each by itself and as many units as it has: those of the first sample are
// numbered from 0, those of the next one follow. Draws come in the same order, so that drawn[:sizes[0]] is from the
// first sample.
func Samples(sizes ...int) Design {
	var d Design
	for k, n := range sizes {
		if n < 1 || n > math.MaxInt32-d.units {
			return Design{err: fmt.Errorf("sample %d has %d units: %w", k, n, tensor.ErrRange)}
		}
		d.units += n
	}
	first := 0
	for _, n := range sizes {
		d.strata = append(d.strata, ascending(first, n))
		first += n
	}
	return d
}

// Strata draws from each stratum by itself, as many units as it has: of[i] is the stratum of unit i. Draws come stratum
// by stratum, in ascending order of their numbers.
func Strata(of []int) Design { return Design{units: len(of), strata: groups(of)} }

// Clusters draws whole clusters, as many as there are, with all their units: patients with their visits, users with
// their sessions. of[i] is the cluster of unit i. The number of units drawn varies if clusters differ in size.
func Clusters(of []int) Design {
	d := Design{units: len(of), clusters: groups(of)}
	d.strata = [][]int32{ascending(0, len(d.clusters))}
	return d
}

// StratifiedClusters is [Clusters] within strata. All units of a cluster must belong to one stratum.
func StratifiedClusters(strata, clusters []int) Design {
	d := Clusters(clusters)
	if len(strata) != len(clusters) {
		d.err = fmt.Errorf("strata of %d units and clusters of %d: %w", len(strata), len(clusters), tensor.ErrShape)
		return d
	}
	of := make([]int, len(d.clusters))
	for k, members := range d.clusters {
		of[k] = strata[members[0]]
		for _, i := range members {
			if strata[i] != of[k] {
				d.err = fmt.Errorf("units %d and %d of cluster %d belong to strata %d and %d: %w",
					members[0], i, clusters[i], of[k], strata[i], tensor.ErrConflict)
				return d
			}
		}
	}
	d.strata = groups(of)
	return d
}

// Nested draws clusters, as many as there are, and from each drawn cluster as many of its units as it has, both with
// replacement: tasks, and runs of each task.
func Nested(clusters []int) Design {
	d := Clusters(clusters)
	d.nested = true
	return d
}

// groups is the members of each label, in ascending order of the labels.
func groups(of []int) [][]int32 {
	labels := slices.Compact(slices.Sorted(slices.Values(of)))
	all := make([][]int32, len(labels))
	for i, label := range of {
		k, _ := slices.BinarySearch(labels, label)
		all[k] = append(all[k], int32(i))
	}
	return all
}

func ascending(from, n int) []int32 {
	x := make([]int32, n)
	for i := range x {
		x[i] = int32(from + i)
	}
	return x
}

func (d *Design) check(c *config) error {
	if d.err != nil {
		return c.errorf("%w", d.err)
	}
	if d.units == 0 {
		return c.errorf("the design has no units: %w", tensor.ErrEmpty)
	}
	if int64(d.units) > math.MaxInt32 {
		return c.errorf("the design has %d units, want up to 2^31-1: %w", d.units, tensor.ErrRange)
	}
	for b, drawn := range c.draws {
		for i, unit := range drawn {
			if unit < 0 || unit >= d.units {
				return c.errorf("draws[%d][%d] = %d of %d units: %w", b, i, unit, d.units, tensor.ErrRange)
			}
		}
	}
	return nil
}

// smallest is the number of units, or of clusters, of the stratum that has the fewest.
func (d *Design) smallest() int {
	n := len(d.strata[0])
	for _, s := range d.strata {
		n = min(n, len(s))
	}
	return n
}

// draw appends the units of one resample.
func (d *Design) draw(drawn []int, rng *rand.Rand) []int {
	for _, stratum := range d.strata {
		for range stratum {
			k := stratum[rng.IntN(len(stratum))]
			switch {
			case d.clusters == nil:
				drawn = append(drawn, int(k))
			case d.nested:
				members := d.clusters[k]
				for range members {
					drawn = append(drawn, int(members[rng.IntN(len(members))]))
				}
			default:
				drawn = appendUnits(drawn, d.clusters[k])
			}
		}
	}
	return drawn
}

// count counts how often each unit is in one resample.
func (d *Design) count(counts []int32, rng *rand.Rand) {
	if d.clusters == nil {
		for _, stratum := range d.strata {
			countDraws(counts, stratum, rng)
		}
		return
	}
	for _, stratum := range d.strata {
		for range stratum {
			members := d.clusters[stratum[rng.IntN(len(stratum))]]
			if d.nested {
				countDraws(counts, members, rng)
				continue
			}
			for _, i := range members {
				counts[i]++
			}
		}
	}
}

// CountDraws draws as many units with replacement as there are and adds to the count of each. Two draws share 64 random
// bits. It is for schemes of one's own (see [Replicate]).
func CountDraws(counts []int32, rng *rand.Rand) {
	n := uint64(len(counts))
	for i := 0; i < len(counts); i += 2 {
		bits := rng.Uint64()
		counts[bits>>32*n>>32]++
		if i+1 < len(counts) {
			counts[bits&(1<<32-1)*n>>32]++
		}
	}
}

// countDraws draws as many units as there are and counts them. Two draws share 64 random bits.
func countDraws(counts, units []int32, rng *rand.Rand) {
	first, last := units[0], units[len(units)-1]
	if int(last-first) == len(units)-1 { // they ascend, so that they are neighbours
		CountDraws(counts[first:last+1], rng)
		return
	}
	n := uint64(len(units))
	for i := 0; i < len(units); i += 2 {
		bits := rng.Uint64()
		counts[units[bits>>32*n>>32]]++
		if i+1 < len(units) {
			counts[units[bits&(1<<32-1)*n>>32]]++
		}
	}
}

// all appends every unit once, in the order of draws, without cluster or unit number skip of one stratum.
func (d *Design) all(drawn []int, stratum, skip int) []int {
	for s, members := range d.strata {
		for i, k := range members {
			switch {
			case s == stratum && i == skip:
			case d.clusters == nil:
				drawn = append(drawn, int(k))
			default:
				drawn = appendUnits(drawn, d.clusters[k])
			}
		}
	}
	return drawn
}

func appendUnits(drawn []int, units []int32) []int {
	for _, i := range units {
		drawn = append(drawn, int(i))
	}
	return drawn
}
