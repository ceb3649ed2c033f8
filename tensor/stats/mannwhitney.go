package stats

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/combin"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/internal/report"
)

// UTest is the result of a Mann-Whitney U test of two samples.
type UTest struct {
	U        float64 // pairs in which a is larger, ties counting half
	P        float64 // probability of a U at least as far from its mean if there is no difference
	Less     float64 // probability of a U at most as large
	Greater  float64 // probability of a U at least as large
	NA, NB   int
	Exact    bool    // false: by the normal approximation, which large samples get
	Warnings []error // [ErrTooFew] if no outcome could have P <= 0.05; [ErrDegenerate] if all values are equal
}

// mostExact is the number of pairs up to which the distribution is computed.
const mostExact = 2500

// MannWhitney tests whether values of a tend to be larger or smaller than those of b (Mann and Whitney 1947). The
// distribution is exact, given the values and their ties, for up to 2500 pairs, and normal with corrections for ties
// and continuity beyond. That is good to a few thousandths, but of only three different values to a few hundredths. The
// error is that of [Mean].
func MannWhitney(a, b []float64) (UTest, error) {
	c := config{call: "stats: MannWhitney"}
	if err := c.checkSamples("a", a, "b", b); err != nil {
		return UTest{}, err
	}
	t := UTest{NA: len(a), NB: len(b), Exact: len(a)*len(b) <= mostExact}
	groups, twice := rankSum(a, b)
	u2 := twice - len(a)*(len(a)+1) // twice U
	t.U = float64(u2) / 2
	if t.Exact {
		t.P, t.Less, t.Greater = exactU(groups, len(a), len(b), u2)
	} else {
		t.P, t.Less, t.Greater = normalU(groups, len(a), len(b), t.U)
	}
	if len(groups) == 1 {
		t.Warnings = append(t.Warnings, fmt.Errorf("all samples are equal: %w", ErrDegenerate))
	} else if t.Exact && 2/math.Exp(combin.LogGeneralizedBinomial(float64(len(a)+len(b)),
		float64(len(a)))) > 0.05*(1+1e-9) {
		t.Warnings = append(t.Warnings,
			fmt.Errorf("%d and %d samples cannot show a difference at alpha level 0.05; 4 and 4 can: %w", len(a), len(b),
				ErrTooFew))
	}
	return t, nil
}

// String reads "p=0.035 n=6", or "p=0.035 n=6+7" for samples of different sizes, as benchstat has it.
func (t UTest) String() string {
	if t.NA == t.NB {
		return fmt.Sprintf("p=%.3f n=%d", t.P, t.NA)
	}
	return fmt.Sprintf("p=%.3f n=%d+%d", t.P, t.NA, t.NB)
}

type uTestJSON struct {
	U        float64  `json:"u"`
	P        float64  `json:"p"`
	Less     float64  `json:"p_less"`
	Greater  float64  `json:"p_greater"`
	NA       int      `json:"n_a"`
	NB       int      `json:"n_b"`
	Exact    bool     `json:"exact"`
	Warnings []string `json:"warnings,omitempty"`
}

// MarshalJSON writes warnings as texts.
func (t UTest) MarshalJSON() ([]byte, error) {
	return json.Marshal(uTestJSON{t.U, t.P, t.Less, t.Greater, t.NA, t.NB, t.Exact, report.Texts(t.Warnings)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *UTest) UnmarshalJSON(b []byte) error {
	var j uTestJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*t = UTest{j.U, j.P, j.Less, j.Greater, j.NA, j.NB, j.Exact, report.Warnings(j.Warnings, sentinels...)}
	return nil
}

// rankSum returns the sizes of the groups of equal values, in order, and twice the sum of the ranks of a, ties having
// the mean of theirs.
func rankSum(a, b []float64) (groups []int, twice int) {
	x, y := slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	i, j := 0, 0
	for i < len(x) || j < len(y) {
		v := math.Inf(1)
		if i < len(x) {
			v = x[i]
		}
		if j < len(y) {
			v = min(v, y[j])
		}
		before, mine := i+j, i
		for i < len(x) && x[i] == v {
			i++
		}
		for j < len(y) && y[j] == v {
			j++
		}
		size := i + j - before
		groups = append(groups, size)
		twice += (i - mine) * (2*before + size + 1)
	}
	return groups, twice
}

// exactU counts the ways to choose a's values out of all: by how many are chosen and twice the sum of their ranks,
// group by group.
func exactU(groups []int, na, nb, u2 int) (p, less, greater float64) {
	if na > nb { // U of the other sample is the rest, and the table is smaller
		p, less, greater = exactU(groups, nb, na, 2*na*nb-u2)
		return p, greater, less
	}
	width := 2*na*nb + 1 // twice U goes from 0 to 2*na*nb
	ways := make([][]float64, na+1)
	for k := range ways {
		// Entry s is for a sum of k*(k+1) + s: k values cannot have less.
		ways[k] = make([]float64, width)
	}
	ways[0][0] = 1
	before := 0
	for _, size := range groups {
		rank2 := 2*before + size + 1
		for k := na; k > 0; k-- { // downwards, so that ways[k-j] is still that of the groups before
			for j := 1; j <= min(size, k); j++ {
				choose := combinations(size, j)
				from, to := ways[k-j], ways[k]
				shift := j*rank2 + (k-j)*(k-j+1) - k*(k+1)
				if k-j > before {
					continue // as many have not come yet
				}
				end := min(2*(k-j)*(before-k+j)+1, len(from), len(to)-shift) // nothing is beyond
				for s := max(0, -shift); s < end; s++ {
					to[s+shift] += float64(choose * from[s])
				}
			}
		}
		before += size
	}
	total, mean2 := 0.0, na*nb
	for s, n := range ways[na] {
		total += n
		if s <= u2 {
			less += n
		}
		if s >= u2 {
			greater += n
		}
		if abs(s-mean2) >= abs(u2-mean2) {
			p += n
		}
	}
	return p / total, less / total, greater / total
}

func abs(i int) int { return max(i, -i) }

// combinations is n over k, exact up to 2^53 and rounded beyond.
func combinations(n, k int) float64 {
	c := 1.0
	for i := range min(k, n-k) {
		c = math.Round(c * float64(n-i) / float64(i+1))
	}
	return c
}

func normalU(groups []int, na, nb int, u float64) (p, less, greater float64) {
	n, pairs := float64(na+nb), float64(na)*float64(nb)
	ties := 0.0
	for _, size := range groups {
		t := float64(size)
		ties += t * (t*t - 1)
	}
	sd := math.Sqrt(pairs / 12 * (n + 1 - ties/(n*(n-1))))
	if sd == 0 {
		return 1, 1, 1
	}
	d := u - pairs/2
	cdf := distuv.UnitNormal.CDF
	return min(1, 2*cdf(-max(0, math.Abs(d)-0.5)/sd)), cdf((d + 0.5) / sd), cdf(-(d - 0.5) / sd)
}
