package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/gxtest"
)

func TestRun(t *testing.T) {
	gxtest.Limit(t)
	require.NoError(t, run(1, 2))
	require.Error(t, run(1, 1))
}
