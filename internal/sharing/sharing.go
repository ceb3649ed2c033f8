// Package sharing decides which work is worth a second goroutine: to wake a sleeping processor takes some 50 µs, and
// work that takes less is done sooner by one.
package sharing

import "sync/atomic"

var everything atomic.Bool

// Workers is workers, the most goroutines that may share some work, or 1 if the work is at most what one does alone
// before another would have begun. The unit is the caller's.
func Workers(workers int, work, alone float64) int {
	if work <= alone && !everything.Load() {
		return 1
	}
	return workers
}

// Everything makes all work worth it until undo is called, for tests of what several goroutines do.
func Everything() (undo func()) {
	everything.Store(true)
	return func() { everything.Store(false) }
}
