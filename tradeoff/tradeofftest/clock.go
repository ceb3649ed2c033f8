package tradeofftest

import (
	"sync"
	"time"
)

// Clock is a clock that moves only when told: for loops that take their time from a func() time.Time, so that the
// times of a test are the same on every machine. The zero value is ready, and it is safe for concurrent use.
type Clock struct {
	mu      sync.Mutex
	elapsed time.Duration
}

// Now is the time on the clock, which starts on 1 January 2000, UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC).Add(c.elapsed)
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.elapsed += d
}

// Seconds is how far the clock has moved: a cost.
func (c *Clock) Seconds() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.elapsed.Seconds()
}
