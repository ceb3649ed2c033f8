package main

import (
	"time"

	"github.com/espalier-ml/espalier/tensor/stats"
)

// medianTime is the median of runs in nanoseconds per item, each of calls of f for two milliseconds, after one call to
// warm up.
func medianTime(runs, items int, f func() error) (float64, error) {
	if err := f(); err != nil {
		return 0, err
	}
	var times []float64
	for range max(runs, 1) {
		calls, start := 0, time.Now()
		for time.Since(start) < 2*time.Millisecond {
			if err := f(); err != nil {
				return 0, err
			}
			calls++
		}
		times = append(times, float64(time.Since(start).Nanoseconds())/float64(calls*items))
	}
	q, err := stats.Quantiles(times, 0.5)
	if err != nil {
		return 0, err
	}
	return q[0], nil
}
