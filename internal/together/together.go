// Package together lets goroutines meet, for the kits that check what may be used by several at once, and for the
// tests of those kits.
package together

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Run calls f with 0 to n-1, each from a goroutine of its own, and returns when all are done. All are let go at once:
// started one after the other, the first is often done when the second begins.
func Run(n int, f func(i int)) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// Clash tells calls that others are under way, so that a deliberately broken implementation can go wrong exactly
// then. The zero value is ready.
type Clash struct {
	inside, met atomic.Int64
}

// Enter waits until another goroutine is in Enter too, for up to patience, and reports whether one was. Without
// patience it lets the others run once: right for calls so many that one of them will clash.
func (c *Clash) Enter(patience time.Duration) bool {
	met := c.met.Load()
	defer c.inside.Add(-1)
	if c.inside.Add(1) > 1 {
		c.met.Add(1)
		return true
	}
	runtime.Gosched()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Microsecond) {
		if c.met.Load() > met {
			return true
		}
	}
	return c.met.Load() > met
}
