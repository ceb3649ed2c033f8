package main

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tradeoff/pipeline"
)

func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds of real work, and minutes where the processor is emulated")
	}
	dir := t.TempDir()
	require.NoError(t, run(context.Background(), 20, 1, dir))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, 3)
}

// Waiting is long enough here for any machine to show it.
func TestASlowLoaderIsFound(t *testing.T) {
	r, err := profile(context.Background(), setting{16, 20 * time.Millisecond, 1, 1},
		pipeline.Peaks{Flops: 1e11, Bytes: 1e10}, 20)
	require.NoError(t, err)
	assert.Equal(t, "input/load", r.Verdict.String())
}
