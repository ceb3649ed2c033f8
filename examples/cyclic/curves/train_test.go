package curves

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Batches depend on seed and step alone, and a fifth of the labels is wrong if wanted.
func TestData(t *testing.T) {
	clean, err := Load(Usual, 7)
	require.NoError(t, err)
	noisy, err := Load(Training{Batch: 30, Peak: 0.1, Noise: 0.2}, 7)
	require.NoError(t, err)
	require.Len(t, clean.train.Y, Trained)
	require.Equal(t, clean.test, noisy.test)
	wrong := 0
	for i, y := range clean.train.Y {
		if noisy.train.Y[i] != y {
			wrong++
		}
	}
	require.Equal(t, Trained/5, wrong)
	a, b := batches{r: Recipes[4], d: clean, seed: 1}, batches{r: Recipes[4], d: clean, seed: 1}
	for step := range 2 * EpochSteps {
		x, err := a.draw(step)
		require.NoError(t, err)
		if step%EpochSteps == 0 {
			b = batches{r: Recipes[4], d: clean, seed: 1}
		}
		y, err := b.draw(step)
		require.NoError(t, err)
		require.Equal(t, x.Data, y.Data)
	}
}
