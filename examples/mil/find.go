package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/examples/mil/crossval"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// find trains on all folds but the first and shows which instances of its bags raised the score, by contributions,
// which add up to it, and by attention, which does not say in which direction an instance speaks.
func find(d dataset, s settings) error {
	test := d.folds[0][0]
	p, err := crossval.Split(d.Set, test)
	if err != nil {
		return err
	}
	m, err := crossval.Train(p, s.Settings, "gated", s.seed)
	if err != nil {
		return err
	}
	var truth []bool
	var contributions, attention, alone []float64
	shown := 0
	for k, i := range test {
		e, err := m.Explain(p.Test.Bag(k))
		if err != nil {
			return err
		}
		if !d.Positive[i] {
			continue
		}
		own := d.instance[d.Bags.Offsets[i]:d.Bags.Offsets[i+1]]
		truth = append(truth, own...)
		contributions = append(contributions, e.Contributions...)
		attention = append(attention, e.Weights...)
		alone = append(alone, e.Alone...)
		if shown < 3 {
			show(e, d.digit[d.Bags.Offsets[i]:d.Bags.Offsets[i+1]])
			shown++
		}
	}
	fmt.Print("Which instances of positive bags are nines, AUC:")
	for _, by := range []struct {
		name   string
		scores []float64
	}{{"contribution", contributions}, {"attention", attention}, {"the instance's own score", alone}} {
		area, err := stats.AUC(truth, by.scores, nil)
		if err != nil {
			return err
		}
		fmt.Printf(" %.3f by %s.", area.Value, by.name)
	}
	fmt.Println()
	return nil
}

// show lists the digits of a bag by what they bring about.
func show(e mil.Explanation, digits []int) {
	order := make([]int, len(digits))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(e.Contributions[b], e.Contributions[a]) })
	fmt.Printf("a positive bag, logit %.2f: digit (contribution; logit of the bag without it)\n ", e.Output)
	for _, i := range order {
		fmt.Printf(" %d (%+.2f; %+.2f)", digits[i], e.Contributions[i], e.Without[i])
	}
	fmt.Println()
}
