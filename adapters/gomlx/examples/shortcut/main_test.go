package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/gxtest"
)

func TestWeightsAndPenaltyHelp(t *testing.T) {
	backend := gxtest.Backend(t)
	train, test, err := stripes(1)
	require.NoError(t, err)
	var results []result
	for _, m := range []method{{"plain", false, 0}, {"both", true, 1}} {
		scores, err := m.fit(backend, train, test, 1, 120)
		require.NoError(t, err)
		r, err := judge(test, scores)
		require.NoError(t, err)
		results = append(results, r)
	}
	assert.Greater(t, results[1].reversed, results[0].reversed+.05)
	assert.Less(t, results[1].stripes, results[0].stripes)
}

func TestRunRefuses(t *testing.T) {
	assert.Error(t, run(1, 1, 1))
	assert.Error(t, run(1, 100, -1))
}
