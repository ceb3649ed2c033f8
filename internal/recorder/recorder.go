// Package recorder tests tests: it runs a check with a testing.TB that keeps failures instead of failing.
package recorder

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Failures runs f as a test would and returns what it reported, a line each, or nothing. Everything but failing goes
// to tb.
func Failures(tb testing.TB, f func(testing.TB)) string {
	r := &recorder{TB: tb}
	done := make(chan struct{})
	go func() { // of its own, for Fatalf to end
		defer close(done)
		f(r)
	}()
	<-done
	return strings.Join(r.failures, "\n")
}

type recorder struct {
	testing.TB
	mu       sync.Mutex
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}
