package tta

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

// The loss is binary cross-entropy over all decisions, and rows of a class are its decisions.
func TestMultiLabel(t *testing.T) {
	const n, views, classes = 50, 3, 4
	rng := tensor.Stream(5)
	data, truth := make([]float32, n*views*classes), make([]bool, n*classes)
	for i := range truth {
		truth[i] = rng.IntN(3) == 0
		for a := range views {
			v := rng.NormFloat64()*2 - 1
			if truth[i] {
				v += 2
			}
			data[(i/classes*views+a)*classes+i%classes] = float32(v)
		}
	}
	o, err := NewMultiLabel(views, classes, data, truth, WithIdentity(0), WithNames("a", "b", "c"))
	require.NoError(t, err)
	require.Equal(t, []any{n * classes, 1, Binary}, []any{o.Len(), o.Classes(), o.Kind()})
	f, r, err := FitAugTTA(o)
	require.NoError(t, err)
	w := f.Weights()
	loss := 0.0
	for i, yes := range truth {
		z := 0.0
		for a := range views {
			z += float64(w[a]) * float64(data[(i/classes*views+a)*classes+i%classes])
		}
		if yes {
			z = -z
		}
		loss += math.Log1p(math.Exp(z)) / float64(len(truth))
	}
	require.InDelta(t, loss, r.Loss, 1e-6)
	out, err := Aggregate(o, fixedOf(t, Mean(), o))
	require.NoError(t, err)
	require.InDelta(t, (data[1]+data[classes+1]+data[2*classes+1])/3, out.Data[1], 1e-6, "[N, classes]")

	var second []int
	for i := range n {
		second = append(second, i*classes+1)
	}
	one, err := o.Subset(second...)
	require.NoError(t, err)
	require.Equal(t, data[views*classes+1], one.View(1, 0)[0])

	_, err = NewMultiLabel(views, classes, data, truth[1:])
	require.ErrorIs(t, err, tensor.ErrShape)
	_, err = NewMultiLabel(views, classes, data[1:], nil)
	require.ErrorIs(t, err, tensor.ErrShape)
	_, err = NewMultiLabel(views, classes, data, truth, WithLabels(make([]int, n)))
	require.ErrorIs(t, err, tensor.ErrConflict)
	_, err = NewMultiLabel(views, classes, data, nil, nil)
	require.ErrorIs(t, err, tensor.ErrEmpty)
}
