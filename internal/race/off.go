//go:build !race

// Package race tells tests whether the race detector runs: sync.Pool drops objects at random under it,
// so that allocation counts mean nothing there.
package race

// Enabled reports whether the race detector is compiled in.
const Enabled = false
