package masking_test

import (
	"testing"

	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/schedule/masking"
	"github.com/espalier-ml/espalier/schedule/masking/maskingtest"
)

// The rates at which the statistics are tested, at steps 0 to 4, and none and all of the tokens.
var (
	rates     = []float64{0.05, 0.15, 0.2973, 0.5, 0.9, 0, 1}
	rateSteps = schedule.Choice[float64]{Bounds: []float64{1, 2, 3, 4, 5, 6}, Values: rates}
)

const (
	vocab  = 1000
	maskID = 4
)

func continues(id int) bool { return id >= 700 }

func TestKit(t *testing.T) {
	special := []int{0, 1, 2, 3, 500}
	all := []int{0, 1, 2, 3, 4, 5, 6}
	words := masking.WithWords(continues)
	type (
		options = []masking.Option
		claims  = []maskingtest.Option
	)
	for name, c := range map[string]struct {
		opts  options
		about claims
		steps []int
	}{
		"tokens":        {nil, nil, all},
		"one goroutine": {options{masking.WithWorkers(1)}, nil, all},
		"probabilities": {options{masking.WithReplaceProbs(0.5, 0.25)}, claims{maskingtest.WithReplaceProbs(0.5, 0.25)},
			all},
		"mask only":   {options{masking.WithReplaceProbs(1, 0)}, claims{maskingtest.WithReplaceProbs(1, 0)}, all},
		"random only": {options{masking.WithReplaceProbs(0, 1)}, claims{maskingtest.WithReplaceProbs(0, 1)}, all},
		"keep only":   {options{masking.WithReplaceProbs(0, 0)}, claims{maskingtest.WithReplaceProbs(0, 0)}, all},
		"sum of 1": {options{masking.WithReplaceProbs(0.7, 0.3)}, claims{maskingtest.WithReplaceProbs(0.7, 0.3)},
			all},
		"ignore index":   {options{masking.WithIgnoreIndex(-1)}, claims{maskingtest.WithIgnoreIndex(-1)}, all},
		"ignore padding": {options{masking.WithIgnoreIndex(0)}, claims{maskingtest.WithIgnoreIndex(0)}, all},
		"RTS":            {options{masking.WithRTS()}, claims{maskingtest.WithRTS()}, all},
		"subset":         {options{masking.WithTargetRate(0.15)}, claims{maskingtest.WithTargetRate(0.15)}, all},
		"exact":          {options{masking.WithExactCount()}, nil, all},
		"minimum":        {options{masking.WithMinTargets(1)}, nil, all[1:5]},
		"exact maximum":  {options{masking.WithExactCount(), masking.WithMaxTargets(100)}, nil, all[:4]},
		"words":          {options{words}, claims{maskingtest.WithClusters(2.2)}, all},
		"words subset": {options{words, masking.WithTargetRate(0.15)},
			claims{maskingtest.WithTargetRate(0.15), maskingtest.WithClusters(2.2)}, all},
		"words exact": {options{words, masking.WithExactCount()},
			claims{maskingtest.WithoutNesting(), maskingtest.WithClusters(2.2)}, all},
		"spans":          {options{masking.WithSpans(0.2, 10)}, claims{maskingtest.WithClusters(5)}, all},
		"spans of words": {options{words, masking.WithSpans(0.4, 3)}, claims{maskingtest.WithClusters(5)}, all},
		"T5": {options{masking.WithT5Spans(3)},
			claims{maskingtest.WithoutNesting(), maskingtest.WithClusters(5)}, []int{0, 1, 2, 3, 5}},
		"T5 roll": {options{masking.WithT5Spans(3), masking.WithRoll()},
			claims{maskingtest.WithoutNesting(), maskingtest.WithClusters(5)}, []int{0, 1, 2, 3, 5}},
		"poisson": {options{masking.WithPoissonSpans(3, 10)}, claims{maskingtest.WithClusters(5)}, all},
		"fixed":   {options{masking.WithFixedSpans(3)}, claims{maskingtest.WithClusters(5)}, all},
		"RTS words, exact": {options{masking.WithRTS(), words, masking.WithExactCount()},
			claims{maskingtest.WithRTS(), maskingtest.WithoutNesting(), maskingtest.WithClusters(2.2)}, all},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMasker(t, vocab, maskID, rateSteps, append(c.opts, masking.WithSeed(7), masking.WithSpecial(special...))...)
			about := append(c.about, maskingtest.WithSpecial(special...), maskingtest.WithSteps(c.steps...))
			maskingtest.Check(t, m, vocab, maskID, rateSteps, about...)
		})
	}
	t.Run("defaults", func(t *testing.T) {
		rate := schedule.Linear{From: 0.3, To: 0.15, Over: 1000}
		maskingtest.Check(t, newMasker(t, vocab, maskID, rate), vocab, maskID, rate)
	})
}
