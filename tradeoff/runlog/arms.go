package runlog

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// Arm is a method on a task and model, with its runs.
type Arm struct {
	Task, Model string
	Method      string   // methods joined by "+"; "" is the baseline
	Cost        string   // the key of the costs
	Quality     string   // the key of the qualities
	RunIDs      []string // of the curves; of tradeoff curves, those of each joined by "+"
	Runs        tradeoff.Runs
	// Tradeoff reports whether each curve consists of the ends of runs of several lengths, and not of the evaluations
	// of one run.
	Tradeoff bool
	// Guessed reports whether the direction of the quality is by its name alone ([DirectionOf]).
	Guessed bool
	Before  int                // evaluations at cost 0, which the curves are without
	Target  map[string]float64 // of qualities, as the records have it
}

// Arms is [Log.Arms] of records.
func Arms(records []Record, cost, quality string) ([]Arm, error) {
	l, err := NewLog(records...)
	if err != nil {
		return nil, err
	}
	return l.Arms(cost, quality)
}

// Arms groups the evaluations of a log: a curve of quality over cost for each run, by task, model and method, in that
// order and the baseline first. The costs and qualities are keys of the records; "step" is a cost too, and "" stands
// for the only one there is, or train_seconds, seconds or step if there are several. Where the runs of an arm were
// planned for several budgets, the last evaluations of the runs of each seed make one curve. Evaluations at cost 0 were
// made before training; they have no place on a curve and are counted in [Arm.Before].
//
// The error wraps [tensor.ErrShape] for runs without the cost or the quality, or a quality whose direction nobody
// tells, and [tensor.ErrConflict] for a run whose cost falls or that has two values at one step.
func (l *Log) Arms(cost, quality string) ([]Arm, error) {
	runs := l.evaluated()
	if len(runs) == 0 {
		return nil, fmt.Errorf("runlog: Arms: no evaluations among %d records: %w", l.records, tensor.ErrEmpty)
	}
	if quality == "" {
		var err error
		if quality, err = onlyQuality(runs); err != nil {
			return nil, err
		}
	}
	if cost == "" {
		cost = usualCost(runs)
	}
	var arms []Arm
	groups := map[string][]*loggedRun{}
	for _, r := range runs {
		key := strings.Join([]string{r.Task, r.Model, methodName(r.Method)}, "\x00")
		if groups[key] == nil {
			arms = append(arms, Arm{Task: r.Task, Model: r.Model, Method: methodName(r.Method), Cost: cost, Quality: quality})
		}
		groups[key] = append(groups[key], r)
	}
	for i := range arms {
		a := &arms[i]
		if err := a.fill(l, groups[strings.Join([]string{a.Task, a.Model, a.Method}, "\x00")]); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(arms, func(a, b Arm) int {
		return cmp.Or(cmp.Compare(a.Task, b.Task), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Method, b.Method))
	})
	return arms, nil
}

// methodName is the methods of a record as one name, without those that say that there is none.
func methodName(methods []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(methods), func(m string) bool {
		return m == "" ||
			m == "baseline"
	}), "+")
}

func onlyQuality(runs []*loggedRun) (string, error) {
	names := qualityNames(runs)
	if len(names) != 1 {
		return "", fmt.Errorf("runlog: Arms: the log has the qualities %q; say which: %w", names, tensor.ErrShape)
	}
	return names[0], nil
}

// qualityNames is the names of all qualities.
func qualityNames(runs []*loggedRun) []string {
	names := map[string]bool{}
	for _, r := range runs {
		for _, name := range r.quality.names() {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// usualCost is the cost that all evaluations have, by preference.
func usualCost(runs []*loggedRun) string {
	counts, total := map[string]int{}, 0
	for _, r := range runs {
		for _, name := range r.costs.names() {
			_, has := r.at(name)
			for _, ok := range has {
				if ok {
					counts[name]++
				}
			}
		}
		total += len(r.steps)
	}
	for _, name := range append([]string{"train_seconds", "seconds"}, slices.Sorted(maps.Keys(counts))...) {
		if counts[name] == total {
			return name
		}
	}
	return "step"
}

// points is the costs and qualities of the evaluations that have the quality, and how many of them were made before
// training.
func (l *Log) points(r *loggedRun, cost, quality string) (costs, qualities []float64, before int, err error) {
	if !l.resume {
		if err := r.twice(quality); err != nil {
			return nil, nil, 0, err
		}
	}
	values, has, err := l.clock(r, cost)
	if err != nil {
		return nil, nil, 0, err
	}
	column := r.quality.of(quality)
	if !r.hasSteps() {
		l.tied(r, cost, values, column)
	}
	for i, at := range column.at {
		switch {
		case !has[at]:
			return nil, nil, 0, fmt.Errorf("runlog: Arms: run %s, step %d has no cost %q: %w", r.label(), r.steps[at], cost,
				tensor.ErrShape)
		case values[at] == 0: // an evaluation before the first step costs nothing and has no place on a curve
			before++
		default:
			costs, qualities = append(costs, values[at]), append(qualities, column.value[i])
		}
	}
	switch {
	case len(column.at) == 0:
		return nil, nil, 0, fmt.Errorf("runlog: Arms: run %s has no quality %q: %w", r.label(), quality, tensor.ErrShape)
	case len(costs) == 0:
		return nil, nil, 0, fmt.Errorf("runlog: Arms: all %d evaluations of run %s are at %s 0: %w", before, r.label(), cost,
			tensor.ErrShape)
	}
	return costs, qualities, before, nil
}

func (a *Arm) fill(l *Log, members []*loggedRun) error {
	dir, guessed, err := l.directionOf(members[0], a.Quality)
	if err != nil {
		return err
	}
	a.Guessed = guessed
	name := a.Method
	if name == "" {
		name = "baseline"
	}
	a.Runs.Name = name
	budgets := map[Budget]bool{}
	for _, r := range members {
		if a.Target == nil {
			a.Target = r.Target
		}
		if r.Budget != nil {
			budgets[*r.Budget] = true
		}
	}
	a.Tradeoff = len(budgets) > 1
	type points struct {
		ids              []string
		costs, qualities []float64
	}
	curves := map[string]*points{}
	var order []string
	for i, r := range members {
		costs, qualities, before, err := l.points(r, a.Cost, a.Quality)
		if err != nil {
			return err
		}
		a.Before += before
		key := fmt.Sprint(i)
		if a.Tradeoff {
			key = fmt.Sprint(r.Study, "\x00", r.Trial, "\x00", r.Seed)
			last := len(costs) - 1
			for i, c := range costs {
				if c > costs[last] {
					last = i
				}
			}
			costs, qualities = costs[last:last+1], qualities[last:last+1]
		}
		p := curves[key]
		if p == nil {
			p = &points{}
			curves[key] = p
			order = append(order, key)
		}
		p.ids = append(p.ids, r.RunID)
		p.costs, p.qualities = append(p.costs, costs...), append(p.qualities, qualities...)
	}
	for _, key := range order {
		p := curves[key]
		c, err := tradeoff.NewCurve(p.costs, p.qualities, dir)
		if err != nil {
			return fmt.Errorf("runlog: Arms: run %q: %w", p.ids[0], err)
		}
		a.RunIDs = append(a.RunIDs, strings.Join(p.ids, "+"))
		a.Runs.Curves = append(a.Runs.Curves, c)
	}
	return nil
}
