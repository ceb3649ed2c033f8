// Package allocs counts allocations where testing.AllocsPerRun cannot: on all processors.
package allocs

import "runtime"

// PerCall is how often a call of f allocates when every processor may take part; testing.AllocsPerRun leaves it one.
// The runtime counts for the whole process: goroutines met for the first time, pools emptied by a collection and other
// tests' leftovers all add to it, so this takes the least of several rounds and rounds down. Something allocated by
// every call is in all of them.
func PerCall(f func()) int {
	const rounds, calls = 20, 50
	for range 2 * calls {
		f()
	}
	best := -1
	for range rounds {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range calls {
			f()
		}
		runtime.ReadMemStats(&after)
		if n := int(after.Mallocs-before.Mallocs) / calls; best < 0 || n < best {
			best = n
		}
		if best == 0 {
			break
		}
	}
	return best
}
