package maddness

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

var background = context.Background()

// A fit ends with its context, and reports until then.
func TestContext(t *testing.T) {
	a, b := layer(200, 8, 3)
	y := tensor.NewMatrix[float32](200, 3)
	op, err := Fit(background, a, b, WithCodebooks(2))
	require.NoError(t, err)
	for name, fit := range map[string]func(context.Context, func(done, total int)) error{
		"Fit": func(ctx context.Context, f func(done, total int)) error {
			_, err := Fit(ctx, a, b, WithCodebooks(4), WithProgress(f))
			return err
		},
		"FitTargets": func(ctx context.Context, f func(done, total int)) error {
			_, err := FitTargets(ctx, a, y, WithCodebooks(4), WithProgress(f))
			return err
		},
		"FitEncoder": func(ctx context.Context, f func(done, total int)) error {
			_, err := FitEncoder(ctx, a, WithCodebooks(4), WithProgress(f), WithPaper())
			return err
		},
		"RefitLabels": func(ctx context.Context, f func(done, total int)) error {
			_, err := op.RefitLabels(ctx, a, make([]int, 200), WithProgress(f))
			return err
		},
	} {
		ctx, cancel := context.WithCancel(background)
		last := 0
		err := fit(ctx, func(done, total int) {
			require.Equal(t, last+1, done, name)
			require.LessOrEqual(t, done, total, name)
			if last = done; done == 2 {
				cancel()
			}
		})
		require.ErrorIs(t, err, context.Canceled, name)
		require.Equal(t, "maddness: "+name+": context canceled", err.Error())
		require.Equal(t, 2, last, name)
		err = fit(ctx, func(int, int) { t.Fatal("already over") })
		require.ErrorIs(t, err, context.Canceled, name)
		cancel()
	}
	_, err = op.RefitLUT(background, a, y, WithProgress(func(done,
		total int) {
		require.Equal(t, []int{1, 1}, []int{done, total})
	}))
	require.NoError(t, err)
	var none context.Context
	_, err = Fit(none, a, b)
	require.ErrorIs(t, err, tensor.ErrEmpty)
}
