package allocs

import (
	"sync"
	"testing"

	"github.com/espalier-ml/espalier/internal/race"
	"github.com/stretchr/testify/require"
)

func TestPerCall(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations mean nothing under the race detector")
	}
	var sink [3]*int
	once := false
	require.Zero(t, PerCall(func() {
		if !once {
			sink[0] = new(int)
		}
		once = true
	}), "the first call's are not counted")
	require.Equal(t, 3, PerCall(func() {
		for i := range sink {
			sink[i] = new(int)
		}
	}))
	var wg sync.WaitGroup
	elsewhere := func() { sink[0] = new(int); wg.Done() }
	require.GreaterOrEqual(t, PerCall(func() { wg.Add(1); go elsewhere(); wg.Wait() }), 1, "by another goroutine")
}
