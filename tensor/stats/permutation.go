package stats

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/espalier-ml/espalier/internal/report"
	"github.com/espalier-ml/espalier/tensor"
)

// Permutation is the result of a permutation test.
type Permutation struct {
	Statistic   float64 // as observed
	P           float64 // share of the assignments with a statistic at least as large, the observed one among them
	Smallest    float64 // the smallest P that any outcome could have had
	Assignments float64 // different ways to assign the labels, +Inf if beyond the range of a float64
	Drawn       int     // assignments that P rests on
	Exact       bool    // all of them, each once; else they were drawn at random
	Null        []float64
	Warnings    []error // [ErrTooFew] if no outcome could have P <= 0.05
}

type permutationJSON struct {
	Statistic   float64      `json:"statistic"`
	P           float64      `json:"p"`
	Smallest    float64      `json:"smallest_p"`
	Assignments report.Upper `json:"assignments"`
	Drawn       int          `json:"drawn"`
	Exact       bool         `json:"exact"`
	Null        []float64    `json:"null,omitempty"`
	Warnings    []string     `json:"warnings,omitempty"`
}

// MarshalJSON writes warnings as texts.
func (p Permutation) MarshalJSON() ([]byte, error) {
	return json.Marshal(permutationJSON{p.Statistic, p.P, p.Smallest, report.Upper(p.Assignments), p.Drawn, p.Exact,
		p.Null,
		report.Texts(p.Warnings)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (p *Permutation) UnmarshalJSON(b []byte) error {
	var j permutationJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*p = Permutation{j.Statistic, j.P, j.Smallest, float64(j.Assignments), j.Drawn, j.Exact, j.Null,
		report.Warnings(j.Warnings, sentinels...)}
	return nil
}

// PermutationTest tests whether labels have to do with what a statistic looks at, by assigning them anew within strata:
// under the null hypothesis all assignments are as likely. worker returns the statistic, with scratch memory of its own
// for one goroutine: it gets an assignment in which unit i has the label of unit assigned[i], must not modify or keep
// it, and returns a number that is larger the more the labels matter; a two-sided test returns an absolute value.
// labels[i] tells units of one label apart from those of others and strata[i] is the stratum of unit i; nil is a label
// of its own for each unit of the longer one, and a single stratum.
//
// If there are no more different assignments than [WithReplicates] asks for, all are enumerated and P is exact. Else
// that many are drawn, and P is (1 + those at least as large) / (1 + drawn), which is never 0 and keeps its level
// (Phipson and Smyth 2010). Statistics count as equal if they differ by a billionth of the larger.
//
// The error wraps [tensor.ErrEmpty], [tensor.ErrShape], [tensor.ErrNotFinite] if a statistic is not finite, or that of
// ctx if it ends first.
func PermutationTest(
	ctx context.Context, labels, strata []int, worker func() func(assigned []int) float64, opts ...ResampleOption,
) (Permutation, error) {
	c, err := configure("PermutationTest", opts)
	if err != nil {
		return Permutation{}, err
	}
	x, err := c.exchange(labels, strata)
	if err != nil {
		return Permutation{}, err
	}
	identity := make([]int, x.n)
	for i := range identity {
		identity[i] = i
	}
	p := Permutation{Statistic: worker()(identity), Assignments: x.assignments}
	if p.Statistic-p.Statistic != 0 {
		return Permutation{}, c.errorf("the statistic is %v: %w", p.Statistic, tensor.ErrNotFinite)
	}
	if p.Exact = c.draws == nil && x.assignments <= float64(c.replicates); p.Exact {
		c.replicates = int(x.assignments)
	}
	null, err := c.replicate(ctx, 1, func() func(int, *rand.Rand, []float64) {
		stat, assigned, s := worker(), make([]int, x.n), x.scratch()
		return func(b int, rng *rand.Rand, out []float64) {
			switch {
			case p.Exact:
				s.enumerate(assigned, int64(b))
			case c.draws != nil:
				copy(assigned, c.draws[b])
			default:
				s.shuffle(assigned, rng)
			}
			out[0] = stat(assigned)
		}
	})
	if err != nil {
		return Permutation{}, err
	}
	p.Null, p.Drawn = null[0], c.replicates
	return p, p.judge(&c)
}

// judge counts the statistics that are as large as the observed one, and as the largest.
func (p *Permutation) judge(c *config) error {
	for b, v := range p.Null {
		if v-v != 0 {
			return c.errorf("the statistic of assignment %d is %v: %w", b, v, tensor.ErrNotFinite)
		}
	}
	const rounding = 1e-9
	atLeast := func(bound float64) (n float64) {
		for _, v := range p.Null {
			if v >= bound-rounding*max(math.Abs(v), math.Abs(bound)) {
				n++
			}
		}
		return n
	}
	if drawn := float64(p.Drawn); p.Exact {
		p.P, p.Smallest = atLeast(p.Statistic)/drawn, atLeast(slices.Max(p.Null))/drawn
	} else {
		p.P, p.Smallest = (1+atLeast(p.Statistic))/(1+drawn), 1/(1+drawn)
	}
	if p.Smallest > 0.05 {
		p.Warnings = append(p.Warnings, fmt.Errorf("no outcome has a P below %.3g: %w", p.Smallest, ErrTooFew))
	}
	return nil
}

// exchange is which units may swap their labels.
type exchange struct {
	n           int
	strata      [][]int32
	labels      [][][]int32 // [stratum][label]: the units that have it
	ways        []int64     // assignments of each stratum, where all can be enumerated
	assignments float64
}

func (c *config) exchange(labels, strata []int) (*exchange, error) {
	n := max(len(labels), len(strata))
	if labels == nil {
		labels = make([]int, n)
		for i := range labels {
			labels[i] = i
		}
	}
	if strata == nil {
		strata = make([]int, n)
	}
	switch {
	case n == 0:
		return nil, c.errorf("no units: %w", tensor.ErrEmpty)
	case len(labels) != len(strata):
		return nil, c.errorf("%d labels and strata of %d units: %w", len(labels), len(strata), tensor.ErrShape)
	}
	for b, draw := range c.draws {
		if len(draw) != n {
			return nil, c.errorf("draws[%d] has %d units, want %d: %w", b, len(draw), n, tensor.ErrShape)
		}
		for i, unit := range draw {
			if unit < 0 || unit >= n {
				return nil, c.errorf("draws[%d][%d] = %d of %d units: %w", b, i, unit, n, tensor.ErrRange)
			}
		}
	}
	x := &exchange{n: n, strata: groups(strata), assignments: 1}
	for _, units := range x.strata {
		of := make([]int, len(units))
		for i, unit := range units {
			of[i] = labels[unit]
		}
		byLabel := groups(of)
		ways, left := 1.0, len(units)
		for _, members := range byLabel {
			for i := range members { // left over len(members), a factor at a time
				ways = math.Round(ways * float64(left-i) / float64(i+1))
				members[i] = units[members[i]]
			}
			left -= len(members)
		}
		x.labels = append(x.labels, byLabel)
		x.assignments *= ways
		if ways <= math.MaxInt32 {
			x.ways = append(x.ways, int64(ways))
		}
	}
	return x, nil
}

// exchanger is the scratch memory of a goroutine.
type exchanger struct {
	*exchange
	left  [][]int // [stratum][label]: units not yet given away
	units []int
}

func (x *exchange) scratch() *exchanger {
	s := &exchanger{exchange: x, units: make([]int, 0, x.n)}
	for _, byLabel := range x.labels {
		s.left = append(s.left, make([]int, len(byLabel)))
	}
	return s
}

// shuffle assigns labels at random.
func (s *exchanger) shuffle(assigned []int, rng *rand.Rand) {
	for _, units := range s.strata {
		s.units = appendUnits(s.units[:0], units)
		rng.Shuffle(len(units), func(i, j int) { s.units[i], s.units[j] = s.units[j], s.units[i] })
		for i, unit := range units {
			assigned[unit] = s.units[i]
		}
	}
}

// enumerate is the b-th of all assignments: its digit for each stratum is the number of a permutation of a multiset. Of
// those that are left, a label comes next in as many as its share of the units left.
func (s *exchanger) enumerate(assigned []int, b int64) {
	for k, units := range s.strata {
		ways := s.ways[k]
		number := b % ways
		b /= ways
		left := s.left[k]
		for label, members := range s.labels[k] {
			left[label] = len(members)
		}
		for i, unit := range units {
			for label, members := range s.labels[k] {
				first := ways * int64(left[label]) / int64(len(units)-i)
				if number >= first {
					number -= first
					continue
				}
				assigned[unit] = int(members[len(members)-left[label]])
				left[label]--
				ways = first
				break
			}
		}
	}
}
