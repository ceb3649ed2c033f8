package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	require.NoError(t, run(1, 60, .8))
	require.Error(t, run(1, 1, .8))
	require.Error(t, run(1, 100, 1))
}
