// Package contest compares the speed of functions on a machine that is neither quiet nor steady.
package contest

import (
	"slices"
	"time"
)

// Contest says how functions take turns.
type Contest struct {
	Clock  func() time.Duration // what is measured
	Turn   time.Duration        // the least length of a turn
	Budget time.Duration        // of a whole comparison, roughly
	Setup  func(who int)        // called before each turn and followed by a tenth of one, outside its time; may be nil
}

// Least number of rounds, whatever the budget.
const minRounds = 5

// A Result holds what n functions needed.
type Result struct {
	Seconds []float64 // the median time of one repetition
	Ratios  []float64 // the median over rounds of the time of one repetition relative to that of the first function
	Rounds  int
}

// Run lets the functions take turns, in reversed order every other round. Each is called with the number of
// times to repeat its work.
func (c Contest) Run(functions ...func(times int)) Result {
	times := make([]int, len(functions))
	var round time.Duration
	for i, f := range functions {
		c.setup(i, f, 1)
		f(1)
		var took time.Duration
		times[i], took = c.calibrate(f)
		round += took
	}
	rounds := max(minRounds, int(c.Budget/max(round, 1)))
	seconds := make([][]float64, len(functions))
	ratios := make([][]float64, len(functions))
	for r := range rounds {
		for i := range functions {
			if r%2 == 1 {
				i = len(functions) - 1 - i
			}
			c.setup(i, functions[i], times[i]/10)
			start := c.Clock()
			functions[i](times[i])
			seconds[i] = append(seconds[i], (c.Clock()-start).Seconds()/float64(times[i]))
		}
		for i := range functions {
			ratios[i] = append(ratios[i], seconds[i][r]/seconds[0][r])
		}
	}
	res := Result{Rounds: rounds}
	for i := range functions {
		res.Seconds = append(res.Seconds, median(seconds[i]))
		res.Ratios = append(res.Ratios, median(ratios[i]))
	}
	return res
}

// setup prepares for the turn of who, and lets it settle: after a change of GOMAXPROCS pools are empty and threads
// begin, which is no part of what a repetition needs.
func (c Contest) setup(who int, f func(int), times int) {
	if c.Setup != nil {
		c.Setup(who)
		f(max(1, times))
	}
}

// calibrate returns the number of repetitions that fill a turn, and how long they take.
func (c Contest) calibrate(f func(int)) (times int, took time.Duration) {
	for times = 1; ; times *= 2 {
		start := c.Clock()
		f(times)
		if took = c.Clock() - start; took >= c.Turn {
			return times, took
		}
	}
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}
