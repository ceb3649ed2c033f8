package tta

import (
	"fmt"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
)

// Rule is a way to aggregate that has nothing to learn. Its zero value is [Mean].
type Rule struct {
	kind  ruleKind
	at    int     // Single, Blend: the view
	param float64 // of the others
}

type ruleKind uint8

const (
	mean ruleKind = iota
	meanProb
	geoMean
	mostConfident
	elementMax
	elementMin
	maxProb
	vote
	median
	trimmed
	sharpened
	entropyWeighted
	single
	blend
)

var ruleNames = [...]string{"mean", "mean of probabilities", "geometric mean of probabilities", "most confident view",
	"largest of each class", "smallest of each class", "largest probability of each class", "vote", "median",
	"trimmed mean", "sharpened mean of probabilities", "entropy-weighted mean of probabilities", "single view", "blend"}

// Mean is the mean of the outputs as they are, which is what test-time augmentation of logits means by default, and
// that of the reference code. Up to a constant it is [GeoMean]. One confident view can outweigh all others: views
// (10,0,0), (0,3,0) and (0,3,0) give class 0.
func Mean() Rule { return Rule{kind: mean} }

// MeanProb is the mean of the probabilities. Views (10,0,0), (0,3,0) and (0,3,0) give class 1.
func MeanProb() Rule { return Rule{kind: meanProb} }

// GeoMean is the mean of the log-probabilities, the rule of APAC (Sato et al. 2015). A view that rules a class out has
// a veto.
func GeoMean() Rule { return Rule{kind: geoMean} }

// MostConfident is the outputs of the view with the largest single output, the first one of equals: the reference
// code's max.
func MostConfident() Rule { return Rule{kind: mostConfident} }

// ElementMax is the largest output of each class over the views.
func ElementMax() Rule { return Rule{kind: elementMax} }

// ElementMin is the smallest output of each class over the views.
func ElementMin() Rule { return Rule{kind: elementMin} }

// MaxProb is the largest probability of each class over the views, as fastai's use_max takes it. They do not sum to
// one; the softmax of their logarithms does.
func MaxProb() Rule { return Rule{kind: maxProb} }

// Vote counts the views whose largest output is each class. Half a vote more is shared out by the mean probabilities,
// which decides ties. Remaining ties go to the lowest class.
func Vote() Rule { return Rule{kind: vote} }

// Median is the median of the outputs of each class, of an even number of views the mean of the middle two.
func Median() Rule { return Rule{kind: median} }

// Trimmed is the mean without the given share, in [0, 1/2), of the views at either end, rounded down, for each class.
func Trimmed(share float64) Rule { return Rule{kind: trimmed, param: share} }

// Sharpened is the mean of powers of the probabilities, with an exponent above 0; ttach's tsharpen has 1/2.
func Sharpened(exponent float64) Rule { return Rule{kind: sharpened, param: exponent} }

// EntropyWeighted is the mean of the probabilities weighted by 1 - H/log C, H being the entropy of a view's.
func EntropyWeighted() Rule { return Rule{kind: entropyWeighted} }

// Single is the outputs of one view.
func Single(view int) Rule { return Rule{kind: single, at: view} }

// Blend is a share beta, in [0, 1], of one view's probabilities and 1-beta of the mean of the others': fastai has 0.4,
// later 0.25, for the untransformed view.
func Blend(view int, beta float64) Rule { return Rule{kind: blend, at: view, param: beta} }

// String is the rule's name and what it was given.
func (r Rule) String() string {
	name := ruleNames[r.kind]
	switch r.kind {
	case single:
		return fmt.Sprintf("%s %d", name, r.at)
	case blend:
		return fmt.Sprintf("%s of view %d at %g", name, r.at, r.param)
	case trimmed, sharpened:
		return fmt.Sprintf("%s (%g)", name, r.param)
	}
	return name
}

func (r Rule) validate(views int) error {
	ok, want := true, ""
	switch r.kind {
	case trimmed:
		ok, want = r.param >= 0 && r.param < 0.5, "a share in [0, 1/2)"
	case sharpened:
		ok, want = r.param > 0 && r.param < 1e3, "an exponent in (0, 1000)"
	case blend:
		ok, want = r.at >= 0 && r.at < views && r.param >= 0 && r.param <= 1, "a view and a share in [0, 1]"
	case single:
		ok, want = r.at >= 0 && r.at < views, "a view"
	}
	if !ok {
		return fmt.Errorf("%v of %d views: want %s: %w", r, views, want, tensor.ErrRange)
	}
	return nil
}

// invariance of the predictions of a rule.
func (r Rule) invariance() Invariance {
	switch r.kind {
	case mostConfident, elementMax, elementMin, median, trimmed:
		return Global
	}
	return PerView
}

// Rules are those that need no parameter, by their names: what a comparison of everything goes through.
func Rules() map[string]Rule {
	rules := map[string]Rule{}
	for k := mean; k < trimmed; k++ {
		r := Rule{kind: k}
		rules[strings.ReplaceAll(r.String(), " ", "-")] = r
	}
	return rules
}
