package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/maddness/amm"
)

// claim is an assertion that must hold at every size it names, as far as there are results.
type claim struct {
	text  string
	sizes []int
	test  func(at func(method string) amm.Report) bool
	needs []string
}

var random = []string{"Gauss", "Rademacher", "CountSketch", "OSNAP", "FastJL", "columns"}

var all = []int{2, 4, 8, 16, 32, 64}

// claims are about errors: of the paper's setting, of ours, and what speaks against the method. What the paper's
// abstract claims is speed, which the function speed judges.
var claims = []claim{
	{"the paper's setting: less error than without optimised prototypes", all, func(at func(string) amm.Report) bool {
		return at(paper).NMSE < at("MaddnessPQ").NMSE
	}, []string{paper, "MaddnessPQ"}},
	{"the paper's setting: less error than random projections and sampled columns of the same size",
		all, func(at func(string) amm.Report) bool {
			return !slices.ContainsFunc(random, func(m string) bool { return at(m).NMSE <= at(paper).NMSE })
		}, append([]string{paper}, random...)},
	{"the paper's setting: less error than Bolt of the same size", all, func(at func(string) amm.Report) bool {
		return at(paper).NMSE < at("Bolt").NMSE
	}, []string{paper, "Bolt"}},
	{"ours: less error than the paper's setting with as many codebooks", all, func(at func(string) amm.Report) bool {
		return at(ours).NMSE < at(paper).NMSE
	}, []string{ours, paper}},
	{"ours: tables fitted to labels are more accurate than tables fitted to outputs",
		all, func(at func(string) amm.Report) bool {
			return at(labels).Accuracy > at(ours).Accuracy
		}, []string{ours, labels}},
	{"against it: with few codebooks the nearest centroids (Bolt) decide better than trees",
		[]int{2, 4}, func(at func(string) amm.Report) bool {
			return at("Bolt").Accuracy > at(ours).Accuracy
		}, []string{"Bolt", ours}},
	{"against it: 8 principal components have less error than 8 codebooks",
		[]int{8}, func(at func(string) amm.Report) bool {
			return at("PCA").NMSE < at(ours).NMSE
		}, []string{"PCA", ours}},
	{"against it: rounding to bytes has an error that no number of codebooks reaches",
		all, func(at func(string) amm.Report) bool {
			return at("int8").NMSE < at(ours).NMSE/10
		}, []string{"int8", ours}},
}

// verdicts prints what was claimed and what was found just now.
func verdicts(s settings, results []result, networks []replaced) {
	fmt.Printf("\nClaims, on these layers and this machine, seed %d:\n", s.seed)
	for _, c := range claims {
		var held, missed []string
		for _, size := range c.sizes {
			missing := func(method string) bool {
				_, ok := find(results, method, size)
				return !ok
			}
			if !slices.Contains(s.sizes, size) || slices.ContainsFunc(c.needs, missing) {
				continue
			}
			at := func(method string) amm.Report {
				r, _ := find(results, method, size)
				return r.report
			}
			if c.test(at) {
				held = append(held, fmt.Sprint(size))
			} else {
				missed = append(missed, fmt.Sprint(size))
			}
		}
		if len(held)+len(missed) > 0 {
			word := "confirmed"
			if len(missed) > 0 {
				word = "NOT confirmed"
			}
			fmt.Printf("  %-14s %s (%s)\n", word, c.text, places(held, missed))
		}
	}
	speed(s, results, networks)
}

// places says at which sizes a claim holds.
func places(held, missed []string) string {
	switch {
	case len(missed) == 0:
		return "at " + strings.Join(held, ", ")
	case len(held) == 0:
		return "not at " + strings.Join(missed, ", ")
	}
	return "at " + strings.Join(held, ", ") + ", not at " + strings.Join(missed, ", ")
}

// kept tells whether a result is within a point of the exact accuracy.
func kept(r amm.Report) bool { return r.Accuracy >= r.ExactAccuracy-0.01 }

// speed judges the paper's "often 100 times as fast as the exact product and 10 times as fast as other
// approximations".
func speed(s settings, results []result, networks []replaced) {
	exact, ok := find(results, "exact", 0)
	if !ok || s.runs == 0 {
		return
	}
	word := map[bool]string{true: "confirmed", false: "NOT confirmed"}
	best, where := 0.0, ""
	note := func(ratio float64, size int, what string, lost float64) {
		if ratio > best {
			best, where = ratio, fmt.Sprintf("%.1f times: %s, %d codebooks, feature-major, %.1f points of accuracy lost",
				ratio, what, size, 100*lost)
		}
	}
	for _, r := range results {
		if r.method == ours {
			note(fastest(exact.report)/r.report.NsPerRowT, r.size, "the last layer", r.report.ExactAccuracy-r.report.Accuracy)
		}
	}
	for _, n := range networks {
		note(n.exactNs/n.nsT, n.codebooks, "both layers", n.exact-n.accuracy)
	}
	fmt.Printf("  %-14s the paper: a hundred times as fast as the exact product (%s)\n", word[best >= 100], where)

	rival := result{}
	for _, r := range results {
		if !strings.HasPrefix(r.method, "Maddness") && r.counted != amm.Fixed && r.report.NsPerRow > 0 && kept(r.report) &&
			(rival.method == "" || fastest(r.report) < fastest(rival.report)) {
			rival = r
		}
	}
	for _, size := range s.sizes {
		r, ok := find(results, ours, size)
		if !ok || !kept(r.report) {
			continue
		}
		fmt.Printf("  The last layer within a point of the exact accuracy: from %d codebooks on, %.1f times as fast "+
			"row-major, %.1f feature-major.\n",
			size, fastest(exact.report)/r.report.NsPerRow, fastest(exact.report)/r.report.NsPerRowT)
		if rival.method == "" {
			break
		}
		ratio := fastest(rival.report) / fastest(r.report)
		fmt.Printf("  %-14s the paper: ten times as fast as other approximations (%.1f times the fastest rival within a "+
			"point, %s %d)\n",
			word[ratio >= 10], ratio, rival.method, rival.size)
		break
	}
	for _, n := range networks {
		if n.accuracy >= n.exact-0.01 {
			fmt.Printf("  Both layers within a point: from %d codebooks on, %.1f times as fast row-major, %.1f feature-major.\n",
				n.codebooks, n.exactNs/n.ns, n.exactNs/n.nsT)
			return
		}
	}
	fmt.Println("  Both layers at once lose more than a point with any of these numbers of codebooks, before tables " +
		"are fitted to labels.")
}

// fastest is the better of the times in both layouts.
func fastest(r amm.Report) float64 {
	if r.NsPerRowT > 0 {
		return min(r.NsPerRow, r.NsPerRowT)
	}
	return r.NsPerRow
}

// notes prints what these numbers do not say.
func notes(images int) {
	fmt.Printf(`
What to keep in mind:
  An accuracy near 95%% on %d images has a standard error of %.1f points: smaller differences mean little.
  Factors are over the exact product in its better layout, and rivals are taken in theirs.
  Speed-ups assume that the matrix is fixed and columns per codebook are many. Feature-major rows are the fast case,
  since only the columns that trees look at are read; row-major, reading them costs as much as looking up.
  The exact product is float32. A product of bytes with instructions made for it is several times as fast, with an error
  below that of any table here: compare with one. An NMSE below 0.001 is out of reach with few codebooks.
  Bolt, PQ and int8 are plain Go around the same products in float32, and so are the averages of the paper's setting and
  of MaddnessPQ: their authors' kernels are faster. Count operations too.
  The last layer forgives most, since only the largest output matters. Errors of replaced layers add up: whole networks
  lose accuracy unless tables are trained afterwards.
  Test rows are repeated for the clock; accuracies are those of the images. Nothing was chosen on them.
`, images, 100*math.Sqrt(0.95*0.05/float64(images)))
}
