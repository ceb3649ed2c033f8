// Package progress counts the work that is done on several processors.
package progress

// Start returns a function that counts one more as done, from any goroutine, and one that ends the count. Report is
// called for each, by one goroutine, so that it needs no lock; the last call is over when end returns.
func Start(total int, report func(done, total int)) (done, end func()) {
	ticks, finished := make(chan bool), make(chan bool)
	go func() {
		n := 0
		for range ticks {
			n++
			report(n, total)
		}
		close(finished)
	}()
	return func() { ticks <- true }, func() { close(ticks); <-finished }
}
