package stats

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/espalier-ml/espalier/internal/report"
)

// SignedRankTest is the result of Wilcoxon's signed-rank test.
type SignedRankTest struct {
	W        float64 // sum of the ranks of the positive differences
	P        float64 // probability of a W at least as far from its mean if differences are as often up as down
	N        int     // differences that are not 0
	Exact    bool    // false: by the normal approximation, which large samples get
	Warnings []error // [ErrTooFew] if no outcome could have P <= 0.05
}

type signedRankJSON struct {
	W        float64  `json:"w"`
	P        float64  `json:"p"`
	N        int      `json:"n"`
	Exact    bool     `json:"exact"`
	Warnings []string `json:"warnings,omitempty"`
}

// MarshalJSON writes warnings as texts.
func (t SignedRankTest) MarshalJSON() ([]byte, error) {
	return json.Marshal(signedRankJSON{t.W, t.P, t.N, t.Exact, report.Texts(t.Warnings)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *SignedRankTest) UnmarshalJSON(b []byte) error {
	var j signedRankJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*t = SignedRankTest{j.W, j.P, j.N, j.Exact, report.Warnings(j.Warnings, sentinels...)}
	return nil
}

// mostSigned is the number of differences up to which the distribution is computed.
const mostSigned = 200

// SignedRank tests whether the differences x[i] - y[i] are symmetric about 0 (Wilcoxon 1945). Differences of 0 are left
// out and ties share their ranks; the distribution is exact, given the ties, for up to 200 differences, and normal with
// corrections for ties and continuity beyond. The error is that of [PairedDifference], or wraps [ErrDegenerate] if all
// differences are 0.
func SignedRank(x, y []float64) (SignedRankTest, error) {
	c := config{call: "stats: SignedRank"}
	if err := c.checkPairs("x", x, "y", y); err != nil {
		return SignedRankTest{}, err
	}
	d := slices.DeleteFunc(differences(x, y), func(v float64) bool { return v == 0 })
	n := len(d)
	if n == 0 {
		return SignedRankTest{}, c.errorf("all %d differences are 0: %w", len(x), ErrDegenerate)
	}
	slices.SortFunc(d, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) })
	ranks2 := make([]int, 0, n) // twice the ranks
	w2, ties := 0, 0.0
	for i := 0; i < n; {
		j := i
		for ; j < n && math.Abs(d[j]) == math.Abs(d[i]); j++ {
			ranks2 = append(ranks2, 0)
		}
		for k := i; k < j; k++ {
			ranks2[k] = i + j + 1
			if d[k] > 0 {
				w2 += ranks2[k]
			}
		}
		size := float64(j - i)
		ties += size * (size*size - 1)
		i = j
	}
	t := SignedRankTest{W: float64(w2) / 2, N: n, Exact: n <= mostSigned}
	if t.Exact {
		t.P = exactSigned(ranks2, w2)
		if n < 6 { // 2 of 2^n outcomes are as far as can be
			t.Warnings = append(t.Warnings, c.errorf("%d differences cannot show anything at level 0.05; 6 can: %w", n,
				ErrTooFew))
		}
		return t, nil
	}
	m := float64(n)
	sd := math.Sqrt(m*(m+1)*(2*m+1)/24 - ties/48)
	far := max(0, math.Abs(t.W-m*(m+1)/4)-0.5)
	t.P = min(1, 2*distuv.UnitNormal.CDF(-far/sd))
	return t, nil
}

// exactSigned counts the ways to sign the ranks by the sum of those with a plus.
func exactSigned(ranks2 []int, w2 int) float64 {
	total := 0
	for _, r := range ranks2 {
		total += r
	}
	share := make([]float64, total+1) // of all ways
	share[0] = 1
	sum := 0
	for _, r := range ranks2 {
		sum += r
		for s := sum; s >= 0; s-- {
			share[s] /= 2
			if s >= r {
				share[s] += share[s-r] / 2
			}
		}
	}
	p := 0.0
	for s, v := range share {
		if abs(2*s-total) >= abs(2*w2-total) {
			p += v
		}
	}
	return min(1, p)
}
