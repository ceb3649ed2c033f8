package mil

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/mil/survival"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// CoxLoss is the negative logarithm of Cox's partial likelihood of log risks (Cox 1972; Katzman et al. 2018). The bags
// of a batch are each other's risk sets, so that it wants large batches: one bag says nothing. It keeps its memory and
// is not safe for concurrent use. The zero value takes
// [survival.Efron].
type CoxLoss[T tensor.Float] struct {
	Ties survival.Ties

	order             []int
	group             []int // of each bag: equal times are one
	ascending         []float64
	top, inverse, off []float64
}

// Eval is the loss over the number of events and, unless grad is nil, its gradient, which overwrites grad. eta is the
// log risk of each bag: higher is earlier. Times that differ by rounding alone count as one, by the rule of
// [stats.MergeTimes]. It takes O(n log n). Errors wrap [survival.ErrNoEvents] if all bags are censored, which have no loss and not
// one of 0, [tensor.ErrEmpty], [tensor.ErrShape], [tensor.ErrNotFinite] and [tensor.ErrRange]; grad is unchanged then.
func (l *CoxLoss[T]) Eval(grad, eta []T, times []stats.Lifetime) (float64, error) {
	const call = "mil: CoxLoss.Eval"
	if l.Ties > survival.Breslow {
		return 0, fmt.Errorf("%s: %v: %w", call, l.Ties, tensor.ErrRange)
	}
	if _, err := checkLoss(call, "eta", grad, eta, len(times), nil); err != nil {
		return 0, err
	}
	events, err := countEvents(call, times)
	if err != nil {
		return 0, err
	}
	l.sort(times)
	loss := l.backwards(eta, times)
	if grad != nil {
		l.forwards(grad, eta, times, 1/float64(events))
	}
	return loss / float64(events), nil
}

func countEvents(call string, times []stats.Lifetime) (int, error) {
	events := 0
	for i, t := range times {
		if !(t.Time >= 0) || math.IsInf(t.Time, 1) {
			return 0, fmt.Errorf("%s: times[%d] is %v, want a finite number of 0 or more: %w", call, i, t.Time, tensor.ErrRange)
		}
		if t.Event {
			events++
		}
	}
	if events == 0 {
		return 0, fmt.Errorf("%s: all %d lifetimes are censored: %w", call, len(times), survival.ErrNoEvents)
	}
	return events, nil
}

// sort orders the bags by time and groups those of one time.
func (l *CoxLoss[T]) sort(times []stats.Lifetime) {
	order, group, ascending := grow(&l.order, len(times)), grow(&l.group, len(times)), grow(&l.ascending, len(times))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(times[a].Time, times[b].Time), cmp.Compare(a, b))
	})
	for k, i := range order {
		ascending[k] = times[i].Time
	}
	stats.MergeTimes(ascending)
	group[order[0]] = 0
	for k := 1; k < len(order); k++ {
		group[order[k]] = group[order[k-1]]
		if ascending[k] != ascending[k-1] {
			group[order[k]]++
		}
	}
}

// backwards adds up the loss from the last time to the first. For each group of bags it leaves the largest log risk m
// of those that are left, so that nothing underflows however far apart they are, and, relative to e^m, the sum of 1/S
// over its events, S being what each meets, and the same of what Efron's rule takes off the events of that time.
func (l *CoxLoss[T]) backwards(eta []T, times []stats.Lifetime) float64 {
	groups := l.group[l.order[len(l.order)-1]] + 1
	grow(&l.top, groups)
	grow(&l.inverse, groups)
	grow(&l.off, groups)
	loss, top, risk := 0.0, math.Inf(-1), 0.0
	for end := len(l.order); end > 0; {
		k := l.group[l.order[end-1]]
		start := end
		for ; start > 0 && l.group[l.order[start-1]] == k; start-- {
			top, risk = logAdd(top, risk, float64(eta[l.order[start-1]]), 1)
		}
		deaths, own := 0, 0.0
		for _, i := range l.order[start:end] {
			if times[i].Event {
				deaths++
				own += math.Exp(float64(eta[i]) - top)
				loss -= float64(eta[i]) - top
			}
		}
		l.top[k], l.inverse[k], l.off[k] = top, 0, 0
		for d := range deaths {
			share := 0.0
			if l.Ties == survival.Efron {
				share = float64(d) / float64(deaths)
			}
			s := risk - share*own
			loss += math.Log(s)
			l.inverse[k] += 1 / s
			l.off[k] += share / s
		}
		end = start
	}
	return loss
}

// forwards makes gradients: each bag is in the risk sets of all events up to its own time.
func (l *CoxLoss[T]) forwards(grad, eta []T, times []stats.Lifetime, scale float64) {
	top, met, k := 0.0, 0.0, -1 // met is relative to e^-top
	for _, i := range l.order {
		for ; k < l.group[i]; k++ {
			next := l.top[k+1]
			if k >= 0 {
				met *= math.Exp(next - top)
			}
			top, met = next, met+l.inverse[k+1]
		}
		e := math.Exp(float64(eta[i]) - top)
		if times[i].Event {
			grad[i] = T(scale * (e*(met-l.off[k]) - 1))
		} else {
			grad[i] = T(scale * e * met)
		}
	}
}

// DiscreteHazard is the likelihood of lifetimes in intervals, of which a network gives the logit of the hazard each:
// the probability that the event happens there if it has not before (Zadeh and Schmid 2021).
type DiscreteHazard[T tensor.Float] struct {
	// Edges are where an interval ends and the next begins, in increasing order: interval k has the times from
	// Edges[k-1] up to below Edges[k], the last one those from the last edge on. There is one interval more than edges.
	Edges []float64
	// Censoring is what censored bags count less, in [0, 1): 0 is the likelihood.
	Censoring float64
}

// NewDiscreteHazard cuts time into intervals with about as many events each: n of them, or fewer if there are fewer
// distinct times of events. The error wraps [survival.ErrNoEvents] or [tensor.ErrRange].
func NewDiscreteHazard[T tensor.Float](times []stats.Lifetime, n int) (DiscreteHazard[T], error) {
	const call = "mil: NewDiscreteHazard"
	if n < 1 {
		return DiscreteHazard[T]{}, fmt.Errorf("%s: %d intervals, want 1 or more: %w", call, n, tensor.ErrRange)
	}
	if _, err := countEvents(call, times); err != nil {
		return DiscreteHazard[T]{}, err
	}
	var events, orders []float64
	for _, t := range times {
		if t.Event {
			events = append(events, t.Time)
		}
	}
	for k := 1; k < n; k++ {
		orders = append(orders, float64(k)/float64(n))
	}
	edges, err := stats.Quantiles(events, orders...)
	if err != nil {
		return DiscreteHazard[T]{}, fmt.Errorf("%s: %w", call, err)
	}
	edges = slices.Compact(edges)
	if len(edges) > 0 && edges[0] <= slices.Min(events) { // nothing would be before it
		edges = edges[1:]
	}
	return DiscreteHazard[T]{Edges: edges}, nil
}

// Interval is that of a time.
func (h DiscreteHazard[T]) Interval(time float64) int {
	k, found := slices.BinarySearch(h.Edges, time)
	if found {
		k++
	}
	return k
}

// Eval is the mean loss over bags and, unless grad.Data is nil, its gradient, which overwrites grad. logits has a row
// for each bag and a column for each interval. A bag with the event in interval k has -log h_k - sum_{j<k} log(1-h_j);
// a censored one has survived its interval, -sum_{j<=k} log(1-h_j). Errors wrap [tensor.ErrEmpty], [tensor.ErrShape],
// [tensor.ErrNotFinite] and [tensor.ErrRange]; grad is unchanged then.
func (h DiscreteHazard[T]) Eval(grad, logits tensor.Matrix[T], times []stats.Lifetime) (float64, error) {
	if err := h.check("mil: DiscreteHazard.Eval", grad, logits, times); err != nil {
		return 0, err
	}
	sum, n := 0.0, float64(logits.Rows)
	for i, t := range times {
		row, w := logits.Row(i), 1/n
		if !t.Event {
			w *= 1 - h.Censoring
		}
		var g []T
		if grad.Data != nil {
			g = grad.Row(i)
			clear(g)
		}
		last := h.Interval(t.Time)
		for j := range last + 1 {
			z := float64(row[j])
			if j == last && t.Event {
				sum += w * softplus(-z)
				set(g, j, -w*sigmoid(-z))
			} else {
				sum += w * softplus(z)
				set(g, j, w*sigmoid(z))
			}
		}
	}
	return sum, nil
}

func (h DiscreteHazard[T]) check(call string, grad, logits tensor.Matrix[T], times []stats.Lifetime) error {
	if !slices.IsSorted(h.Edges) || tensor.ValidateFinite("Edges", h.Edges) != nil {
		return fmt.Errorf("%s: Edges are %v, want finite numbers in increasing order: %w", call, h.Edges, tensor.ErrRange)
	}
	if !(h.Censoring >= 0 && h.Censoring < 1) {
		return fmt.Errorf("%s: Censoring is %v, want [0, 1): %w", call, h.Censoring, tensor.ErrRange)
	}
	if len(times) == 0 {
		return fmt.Errorf("%s: no bags: %w", call, tensor.ErrEmpty)
	}
	if err := checkShape(call, "logits", logits, len(times), len(h.Edges)+1); err != nil {
		return err
	}
	if err := validateFinite(call, "logits", logits); err != nil {
		return err
	}
	for i, t := range times {
		if !(t.Time >= 0) {
			return fmt.Errorf("%s: times[%d] is %v, want 0 or more: %w", call, i, t.Time, tensor.ErrRange)
		}
	}
	if grad.Data == nil {
		return nil
	}
	return checkShape(call, "grad", grad, logits.Rows, logits.Cols)
}

// Survival writes the probability that the event has not happened by the end of each interval to s, which may be the
// logits themselves.
func (h DiscreteHazard[T]) Survival(s, logits tensor.Matrix[T]) error {
	const call = "mil: DiscreteHazard.Survival"
	if err := checkShape(call, "logits", logits, logits.Rows, len(h.Edges)+1); err != nil {
		return err
	}
	if err := checkShape(call, "s", s, logits.Rows, logits.Cols); err != nil {
		return err
	}
	if err := validateFinite(call, "logits", logits); err != nil {
		return err
	}
	for i := range logits.Rows {
		log, to := 0.0, s.Row(i)
		for j, z := range logits.Row(i) {
			log -= softplus(float64(z))
			to[j] = T(math.Exp(log))
		}
	}
	return nil
}
