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
	RunIDs      []string // of the curves; of tradeoff curves, those of each joined by "+"
	Runs        tradeoff.Runs
	// Tradeoff reports whether each curve consists of the ends of runs of several lengths, and not of the evaluations
	// of one run.
	Tradeoff bool
}

// Arms groups the evaluations of a log: a curve of quality over cost for each run, by task, model and method, in that
// order and the baseline first. The costs and qualities are keys of the records; "step" is a cost too, and "" stands
// for the only one there is, or train_seconds, seconds or step if there are several. Where the runs of an arm were
// planned for several budgets, the last evaluations of the runs of each seed make one curve. Runs without the cost or
// the quality are an error that wraps [tensor.ErrShape].
func Arms(records []Record, cost, quality string) ([]Arm, error) {
	runs, order := logged(records)
	if len(order) == 0 {
		return nil, fmt.Errorf("runlog: Arms: no evaluations among %d records: %w", len(records), tensor.ErrEmpty)
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
	for _, id := range order {
		r := runs[id]
		key := strings.Join([]string{r.Task, r.Model, methodName(r.Method)}, "\x00")
		if groups[key] == nil {
			arms = append(arms, Arm{Task: r.Task, Model: r.Model, Method: methodName(r.Method)})
		}
		groups[key] = append(groups[key], r)
	}
	for i := range arms {
		a := &arms[i]
		members := groups[strings.Join([]string{a.Task, a.Model, a.Method}, "\x00")]
		if err := a.fill(members, cost, quality); err != nil {
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

// loggedRun is the records of a run: what its first one says, and its evaluations.
type loggedRun struct {
	Record
	evals []Record
}

// logged collects runs, in the order of their first records.
func logged(records []Record) (runs map[string]*loggedRun, order []string) {
	runs = map[string]*loggedRun{}
	for _, r := range records {
		if r.RunID == "" || r.Kind != "run" && r.Kind != "eval" {
			continue
		}
		run := runs[r.RunID]
		if run == nil {
			run = &loggedRun{Record: r}
			runs[r.RunID] = run
			order = append(order, r.RunID)
		}
		if r.Kind == "eval" {
			run.evals = append(run.evals, r)
		}
		for name, dir := range r.Direction {
			if run.Direction == nil {
				run.Direction = map[string]string{}
			}
			run.Direction[name] = dir
		}
	}
	order = slices.DeleteFunc(order, func(id string) bool { return len(runs[id].evals) == 0 })
	return runs, order
}

func onlyQuality(runs map[string]*loggedRun) (string, error) {
	names := qualityNames(runs)
	if len(names) != 1 {
		return "", fmt.Errorf("runlog: Arms: the log has the qualities %q; say which: %w", names, tensor.ErrShape)
	}
	return names[0], nil
}

// qualityNames is the names of all qualities.
func qualityNames(runs map[string]*loggedRun) []string {
	names := map[string]bool{}
	for _, r := range runs {
		for _, e := range r.evals {
			for name := range e.Quality {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// usualCost is the cost that all evaluations have, by preference.
func usualCost(runs map[string]*loggedRun) string {
	counts, total := map[string]int{}, 0
	for _, r := range runs {
		for _, e := range r.evals {
			total++
			for name := range e.Cost {
				counts[name]++
			}
		}
	}
	for _, name := range append([]string{"train_seconds", "seconds"}, slices.Sorted(maps.Keys(counts))...) {
		if counts[name] == total {
			return name
		}
	}
	return "step"
}

// lowerNames is what names of qualities say when the records do not.
var lowerNames = []string{"loss", "error", "perplexity", "ppl", "nll", "wer", "mse", "mae", "rmse"}

// DirectionOf is the direction of a quality by what its name is usually used for: names with "loss", "error",
// "perplexity" and the like in them are better when lower.
func DirectionOf(quality string) tradeoff.Direction {
	for _, part := range strings.FieldsFunc(strings.ToLower(quality), func(r rune) bool {
		return r == '/' || r == '_' ||
			r == '-' || r == ' ' || r == '.'
	}) {
		if slices.Contains(lowerNames, part) {
			return tradeoff.LowerBetter
		}
	}
	return tradeoff.HigherBetter
}

func (r *loggedRun) direction(quality string) tradeoff.Direction {
	if d, err := tradeoff.ParseDirection(r.Direction[quality]); err == nil {
		return d
	}
	return DirectionOf(quality)
}

// points is the costs and qualities of the evaluations that have the quality.
func (r *loggedRun) points(cost, quality string) (costs, qualities []float64, err error) {
	for _, e := range r.evals {
		q, ok := e.Quality[quality]
		if !ok {
			continue
		}
		c, ok := e.Cost[cost]
		if !ok && cost == "step" {
			c, ok = float64(e.Step), e.Step > 0
		}
		if !ok {
			return nil, nil, fmt.Errorf("runlog: Arms: run %q, step %d has no cost %q: %w", r.RunID, e.Step, cost,
				tensor.ErrShape)
		}
		if c > 0 { // an evaluation before the first step costs nothing and has no place on a curve
			costs, qualities = append(costs, c), append(qualities, q)
		}
	}
	if len(costs) == 0 {
		return nil, nil, fmt.Errorf("runlog: Arms: run %q has no quality %q: %w", r.RunID, quality, tensor.ErrShape)
	}
	return costs, qualities, nil
}

func (a *Arm) fill(members []*loggedRun, cost, quality string) error {
	name := a.Method
	if name == "" {
		name = "baseline"
	}
	a.Runs.Name = name
	budgets := map[Budget]bool{}
	for _, r := range members {
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
	for _, r := range members {
		costs, qualities, err := r.points(cost, quality)
		if err != nil {
			return err
		}
		key := r.RunID
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
		c, err := tradeoff.NewCurve(p.costs, p.qualities, members[0].direction(quality))
		if err != nil {
			return fmt.Errorf("runlog: Arms: run %q: %w", p.ids[0], err)
		}
		a.RunIDs = append(a.RunIDs, strings.Join(p.ids, "+"))
		a.Runs.Curves = append(a.Runs.Curves, c)
	}
	return nil
}
