package window

import (
	"math"

	"github.com/espalier-ml/espalier/schedule"
)

// Arm is one way to choose the rate.
type Arm struct {
	Name   string
	Rate   func(steps float64) schedule.Schedule
	Subset bool   // labels at 15 % only
	Masks  uint64 // other masks for the same seed and batches
}

// Arms is the schedules of the paper, by the constants below.
var Arms = []Arm{
	{Name: "constant 15 %", Rate: func(float64) schedule.Schedule { return schedule.Constant{V: 0.15} }},
	{Name: "constant 30 %", Rate: func(float64) schedule.Schedule { return schedule.Constant{V: 0.30} }},
	{Name: "linear 30 -> 15 %", Rate: falling},
	{Name: "increasing 15 -> 30 %", Rate: func(t float64) schedule.Schedule {
		return schedule.Linear{From: 0.15, To: 0.30, Over: t}
	}},
	{Name: "step 30, 15 %", Rate: func(t float64) schedule.Schedule {
		return schedule.Choice[float64]{Bounds: []float64{t / 2}, Values: []float64{0.30, 0.15}}
	}},
	{Name: "subset of linear", Rate: falling, Subset: true},
}

// Places of [Arms].
const (
	Constant15 = iota
	Constant30
	Linear
	Increasing
	Step
	Subset
)

func falling(t float64) schedule.Schedule { return schedule.Linear{From: 0.30, To: 0.15, Over: t} }

// Fewer is the number of steps that have as many targets as constant 15 % has in a whole run: the mean rate decides.
func (a Arm) Fewer(steps int) (int, error) {
	sum, err := schedule.Integral(a.Rate(float64(steps)), 0, steps)
	if err != nil {
		return 0, err
	}
	return int(math.Round(float64(steps) * 0.15 / (sum / float64(steps)))), nil
}
