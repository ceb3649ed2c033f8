package score

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Statistic is an aggregate of scores, for [Scores.Interval].
type Statistic struct {
	name string
	of   func(byTask [][]float64) float64
	// counted is the statistic of a sample that has counts[s.order[i]] of the i-th smallest score; scratch has an element
	// per task.
	counted func(s *Scores, counts []int32, scratch []float64) float64
}

// The statistics that rliable reports; see the methods of [Scores] of the same names.
var (
	MeanScore   = Statistic{"mean", meanOf, countedMean}
	MedianScore = Statistic{"median", medianOf, countedMedian}
	IQM         = Statistic{"IQM", iqmOf, countedIQM}
)

// OptimalityGap is the statistic of [Scores.OptimalityGap].
func OptimalityGap(gamma float64) Statistic {
	return Statistic{"optimality gap",
		func(byTask [][]float64) float64 {
			mean := 0.0
			for _, runs := range byTask {
				for _, v := range runs {
					mean += min(v, gamma) / float64(len(runs)*len(byTask))
				}
			}
			return gamma - mean
		},
		func(s *Scores, counts []int32, _ []float64) float64 {
			mean := 0.0
			for i, at := range s.order {
				mean += float64(float64(counts[at]) * s.weights[i] * min(s.values[i], gamma))
			}
			return gamma - mean
		}}
}

// shareAbove is the fraction of all scores above tau.
func shareAbove(tau float64) Statistic {
	return Statistic{fmt.Sprintf("share above %v", tau),
		func(byTask [][]float64) (share float64) {
			for _, runs := range byTask {
				share += above(runs, tau) / float64(len(byTask))
			}
			return share
		},
		func(s *Scores, counts []int32, _ []float64) (share float64) {
			for i := len(s.order) - 1; i >= 0 && s.values[i] > tau; i-- {
				share += float64(float64(counts[s.order[i]]) * s.weights[i])
			}
			return share
		}}
}

// NewStatistic makes a statistic of a function of the runs of each task, which must not modify or keep them.
func NewStatistic(name string, of func(byTask [][]float64) float64) Statistic {
	return Statistic{name: name, of: of}
}

// String returns the name.
func (s Statistic) String() string { return s.name }

func meanOf(byTask [][]float64) float64 {
	m := stat.Mean(taskMeans(byTask), nil)
	return m
}

func medianOf(byTask [][]float64) float64 { return median(taskMeans(byTask)) }

func iqmOf(byTask [][]float64) float64 {
	all := slices.Concat(byTask...)
	slices.Sort(all)
	cut := len(all) / 4
	m := stat.Mean(all[cut:len(all)-cut], nil)
	return m
}

func countedMean(s *Scores, counts []int32, _ []float64) float64 {
	mean := 0.0
	for i, at := range s.order {
		mean += float64(float64(counts[at]) * s.weights[i] * s.values[i])
	}
	return mean
}

func countedMedian(s *Scores, counts []int32, means []float64) float64 {
	clear(means)
	tasks := float64(len(means))
	for i, at := range s.order {
		means[s.task[i]] += float64(float64(counts[at]) * s.weights[i] * tasks * s.values[i])
	}
	return median(means)
}

func countedIQM(s *Scores, counts []int32, _ []float64) float64 {
	total := int32(len(s.values))
	first, last := total/4, total-total/4
	sum, at := 0.0, int32(0)
	for i, run := range s.order {
		next := at + counts[run]
		sum += float64(float64(max(0, min(next, last)-max(at, first))) * s.values[i])
		at = next
	}
	return sum / float64(last-first)
}
