package gomlx

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/train/loss"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/host"
	"github.com/espalier-ml/espalier/tensor"
)

// SelfNormalized is a loss of GoMLX that divides by the sum of the weights, where they are among its labels, and not by
// the number of rows: with weights of 3 and 1, two losses of 0.6931 are 0.6931 and not 1.3863. A mask among the labels
// counts as weights of 0. If all weights are 0 the loss is 0.
func SelfNormalized(of loss.LossFn) loss.LossFn {
	return func(labels, predictions []*graph.Node) *graph.Node {
		own := append([]*graph.Node{}, labels...)
		weights, mask := -1, -1
		for i, extra := range labels[1:] {
			if extra.DType() == dtypes.Bool {
				mask = i + 1
			} else {
				weights = i + 1
			}
		}
		if weights < 0 {
			return of(labels, predictions)
		}
		w := graph.StopGradient(labels[weights])
		rows := graph.OnesLike(w)
		if mask > 0 {
			rows = graph.ConvertDType(labels[mask], w.DType())
			w = graph.Mul(w, rows)
		}
		own[weights] = graph.Mul(w, graph.Div(graph.ReduceAllSum(rows), host.OrOne(graph.ReduceAllSum(w))))
		return of(own, predictions)
	}
}

// WeightedMean is the mean of losses under weights, sum of w·loss over sum of w, and 0 if all weights are 0. Weights
// have the shape of the losses, or are booleans that say which count; no gradient goes through them. A loss that does
// not count may be anything, NaN too.
func WeightedMean(losses, weights *graph.Node) *graph.Node {
	if !losses.Shape().EqualDimensions(weights.Shape()) {
		panic(fmt.Errorf("gomlx: WeightedMean: losses of %v, weights of %v: %w", losses.Shape(), weights.Shape(),
			tensor.ErrShape))
	}
	w := graph.StopGradient(graph.ConvertDType(weights, losses.DType()))
	zero := graph.ZerosLike(w)
	losses = graph.Where(graph.GreaterThan(w, zero), losses, zero)
	return graph.Div(graph.ReduceAllSum(graph.Mul(w, losses)), host.OrOne(graph.ReduceAllSum(w)))
}
