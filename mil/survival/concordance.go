package survival

import (
	"encoding/json"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/internal/report"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Concordance is in how many pairs the one with the higher risk had its event first. A pair counts if it is known who
// had: if the shorter time is that of an event, or of equal times only one is. Pairs of two events at one time do not.
type Concordance struct {
	Concordant float64 // the higher risk came first; with weights, sums of products
	Discordant float64 // the lower one did
	TiedRisk   float64 // of equal risk: half a pair
	SE         float64 // of C, by the infinitesimal jackknife; NaN for a single pair
	N          int     // lifetimes
}

// Concord counts the pairs of Harrell's C (Harrell et al. 1982) in O(n log n). risk is higher for those whose event
// comes earlier; scores are never turned round, and predicted times have to be negated. Times that differ by rounding
// alone count as one.
//
// The error wraps [ErrNoPairs] where no two can be compared, as if all are censored, [tensor.ErrShape],
// [tensor.ErrNotFinite] or [tensor.ErrRange].
func Concord(times []stats.Lifetime, risk []float64, opts ...SampleOption) (Concordance, error) {
	c, err := configure("Concord", opts)
	if err != nil {
		return Concordance{}, err
	}
	return c.concord(times, risk, nil)
}

// concord counts pairs, each by the factor of its event.
func (c *config) concord(times []stats.Lifetime, risk []float64, factor func(t float64) float64) (Concordance, error) {
	if err := c.check(times); err != nil {
		return Concordance{}, err
	}
	if err := c.checkScores("risk", risk, len(times)); err != nil {
		return Concordance{}, err
	}
	s, err := newSample(times, c)
	if err != nil {
		return Concordance{}, c.errorf("no event among %d lifetimes: %w", len(times), ErrNoPairs)
	}
	k := newPairs(s)
	for at, i := range s.row {
		k.score[at] = risk[i]
	}
	if factor != nil {
		k.factor = make([]float64, len(s.groups))
		for g, at := range s.groups {
			k.factor[g] = factor(at.time)
		}
	}
	k.count()
	r := k.result()
	if !k.any {
		return Concordance{}, c.errorf("none of %d events came before another lifetime ended: %w", k.events(),
			ErrNoPairs)
	}
	return r, nil
}

// C is the share of concordant pairs, those of equal risk counting half.
func (c Concordance) C() float64 {
	return (c.Concordant + c.TiedRisk/2) / (c.Concordant + c.Discordant + c.TiedRisk)
}

// Estimate is C with a normal interval, cut off at 0 and 1. A C of 0 or 1 has an interval of no width, with a warning
// that wraps [stats.ErrDegenerate].
func (c Concordance) Estimate(opts ...stats.LevelOption) (stats.Estimate, error) {
	call := config{call: "survival: Concordance.Estimate"}
	level, err := levelOf(&call, opts)
	if err != nil {
		return stats.Estimate{}, err
	}
	if !(c.Concordant+c.Discordant+c.TiedRisk > 0) {
		return stats.Estimate{}, call.errorf("no pairs: %w", ErrNoPairs)
	}
	half := c.SE * distuv.UnitNormal.Quantile((1+level)/2)
	e := stats.Estimate{Value: c.C(), Lo: max(0, c.C()-half), Hi: min(1, c.C()+half), Level: level,
		Interval: stats.Normal,
		N:        c.N}
	if c.SE == 0 {
		e.Warnings = append(e.Warnings, call.errorf("all pairs agree and leave no variance: %w", stats.ErrDegenerate))
	}
	return e, nil
}

type concordanceJSON struct {
	Concordant float64       `json:"concordant"`
	Discordant float64       `json:"discordant"`
	TiedRisk   float64       `json:"tied_risk"`
	C          report.Number `json:"c"`
	SE         report.Number `json:"se"`
	N          int           `json:"n"`
}

// MarshalJSON writes C beside what it is made of.
func (c Concordance) MarshalJSON() ([]byte, error) {
	return json.Marshal(concordanceJSON{c.Concordant, c.Discordant, c.TiedRisk, report.Number(c.C()),
		report.Number(c.SE),
		c.N})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *Concordance) UnmarshalJSON(b []byte) error {
	var j concordanceJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*c = Concordance{j.Concordant, j.Discordant, j.TiedRisk, float64(j.SE), j.N}
	return nil
}

// pairs counts, for each position, the pairs in which it is.
type pairs struct {
	*sample
	score  []float64
	factor []float64 // of the events, by group; nil for 1

	any                 bool      // there is a pair
	above, below, equal []float64 // by position: weights of pairs in which the event's score is above, below, equal
}

func newPairs(s *sample) *pairs {
	n := len(s.row)
	return &pairs{sample: s, score: make([]float64, n), above: make([]float64, n), below: make([]float64, n),
		equal: make([]float64, n)}
}

func (k *pairs) events() int {
	n := 0
	for _, g := range k.groups {
		n += g.events
	}
	return n
}

// count takes strata one by one: their ranks, the pairs of each event with all that outlive it, and the pairs of each
// with all events that it outlives.
func (k *pairs) count() {
	rank := make([]int32, len(k.row))
	order := make([]int32, 0, len(k.row))
	for _, of := range k.strata {
		order = order[:0]
		for at := of.lo; at < of.hi; at++ {
			order = append(order, int32(at))
		}
		slices.SortFunc(order, func(a, b int32) int {
			switch x, y := k.score[a], k.score[b]; {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		ranks := int32(0)
		for i, at := range order {
			if i > 0 && k.score[at] > k.score[order[i-1]] {
				ranks++
			}
			rank[at] = ranks
		}
		sums := newRankSums(int(ranks) + 1)
		k.asEvent(of, rank, sums)
		sums.clear()
		k.asOther(of, rank, sums)
	}
}

// asEvent walks back in time with those who outlive a time in the tree.
func (k *pairs) asEvent(of stratum, rank []int32, sums *rankSums) {
	from, gone := of.hi, of.lo
	for g := of.end - 1; g >= of.first; g-- {
		at := k.groups[g]
		for ; from > at.lo+at.events; from-- { // events of this time do not outlive it
			sums.add(rank[from-1], 1, k.weightAt(from-1))
		}
		for ; k.byEntry != nil && gone < of.hi && k.entry[k.byEntry[gone]] >= at.time; gone++ {
			i := int(k.byEntry[gone])
			sums.add(rank[i], -1, k.weightAt(i))
		}
		for i := at.lo; i < at.lo+at.events; i++ {
			k.add(i, rank[i], sums, k.factorAt(g))
		}
		from = at.lo + at.events
		for ; from > at.lo; from-- {
			sums.add(rank[from-1], 1, k.weightAt(from-1))
		}
	}
}

// add notes the pairs of an event with what is in the tree.
func (k *pairs) add(i int, rank int32, sums *rankSums, factor float64) {
	below, equal, above := sums.around(rank)
	k.above[i] += factor * below
	k.equal[i] += factor * equal
	k.below[i] += factor * above
	k.any = k.any || sums.members > 0 && factor > 0
}

// asOther walks on in time with the events in the tree. A position takes what was there at its time, less what was
// there already when it entered.
func (k *pairs) asOther(of stratum, rank []int32, sums *rankSums) {
	visit := func(i int, sign float64) {
		below, equal, above := sums.around(rank[i])
		k.below[i] += sign * below
		k.equal[i] += sign * equal
		k.above[i] += sign * above
	}
	late := of.hi - 1 // in byEntry, whose last entry comes first
	next := of.lo
	for g := of.first; g < of.end; g++ {
		at := k.groups[g]
		for ; next < at.lo+at.events; next++ {
			visit(next, 1)
		}
		for ; k.byEntry != nil && late >= of.lo && k.entry[k.byEntry[late]] < at.time; late-- {
			visit(int(k.byEntry[late]), -1)
		}
		for i := at.lo; i < at.lo+at.events; i++ {
			sums.add(rank[i], 1, k.factorAt(g)*k.weightAt(i))
		}
	}
	for ; next < of.hi; next++ {
		visit(next, 1)
	}
	for ; k.byEntry != nil && late >= of.lo; late-- {
		visit(int(k.byEntry[late]), -1)
	}
}

func (k *pairs) factorAt(g int) float64 {
	if k.factor == nil {
		return 1
	}
	return k.factor[g]
}

// result adds up. Every pair is counted with both of its members.
func (k *pairs) result() Concordance {
	r := Concordance{N: len(k.row)}
	for i := range k.row {
		w := k.weightAt(i) / 2
		r.Concordant += w * k.above[i]
		r.Discordant += w * k.below[i]
		r.TiedRisk += w * k.equal[i]
	}
	total, c := r.Concordant+r.Discordant+r.TiedRisk, r.C()
	variance := 0.0
	for i := range k.row {
		d := (k.above[i] + k.equal[i]/2 - c*(k.above[i]+k.below[i]+k.equal[i])) / total * k.weightAt(i)
		variance += d * d
	}
	r.SE = math.Sqrt(variance)
	return r
}

// rankSums are the weights at ranks and a tree of their prefix sums (Fenwick 1994). Who is there is counted, too: what
// comes and goes would leave its rounding behind.
type rankSums struct {
	tree, own []float64
	count     []int32
	total     float64
	members   int
}

func newRankSums(n int) *rankSums {
	return &rankSums{tree: make([]float64, n+1), own: make([]float64, n), count: make([]int32, n)}
}

func (s *rankSums) clear() {
	clear(s.tree)
	clear(s.own)
	clear(s.count)
	s.total, s.members = 0, 0
}

// add adds one of a weight, or takes it away if by is -1.
func (s *rankSums) add(rank, by int32, weight float64) {
	v := float64(by) * weight
	s.count[rank] += by
	s.members += int(by)
	s.own[rank] += v
	if s.count[rank] == 0 {
		s.own[rank] = 0
	}
	s.total += v
	for i := int(rank) + 1; i < len(s.tree); i += i & -i {
		s.tree[i] += v
	}
}

// around is the weight at ranks below, at, and above a rank.
func (s *rankSums) around(rank int32) (below, equal, above float64) {
	for i := int(rank); i > 0; i -= i & -i {
		below += s.tree[i]
	}
	equal = s.own[rank]
	return below, equal, s.total - below - equal
}
