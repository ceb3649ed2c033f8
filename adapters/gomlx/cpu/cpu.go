// Package cpu is GoMLX's backend in Go, in the mode in which programs come to their end.
package cpu

import (
	"errors"
	"os"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend" // registers the backend
	"github.com/gomlx/gomlx/support/exceptions"
)

// Sequential is the configuration of the backend: one operation of a graph after the other, each on all processors. In
// its default mode, which runs operations side by side, more than half of the runs of a small transformer on two
// processors come to no end (GoMLX v0.28.8).
const Sequential = "go:ops_sequential"

// New is a backend with the configuration Sequential, or the one that the environment names in GOMLX_BACKEND, for which
// compute.New panics if there is none of that name and New returns an error.
func New() (b compute.Backend, err error) {
	config := os.Getenv("GOMLX_BACKEND")
	if config == "" {
		config = Sequential
	}
	thrown := exceptions.TryCatch[error](func() { b, err = compute.NewWithConfig(config) })
	return b, errors.Join(err, thrown)
}
