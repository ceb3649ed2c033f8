// Package timing takes times for reports; tests assert none.
package timing

import (
	"slices"
	"time"
)

// Median returns nanoseconds per item: the median of runs, each of calls of f for two milliseconds, after one to warm
// up.
func Median(runs, items int, f func() error) (float64, error) {
	if err := f(); err != nil {
		return 0, err
	}
	times := make([]float64, max(runs, 1))
	for i := range times {
		calls, start := 0, time.Now()
		for time.Since(start) < 2*time.Millisecond {
			if err := f(); err != nil {
				return 0, err
			}
			calls++
		}
		times[i] = float64(time.Since(start).Nanoseconds()) / float64(calls*items)
	}
	slices.Sort(times)
	n := len(times)
	return (times[(n-1)/2] + times[n/2]) / 2, nil
}
