// Package views collects the outputs of a GoMLX model for package tta: of several views of each input, to be
// aggregated.
//
//	exec, err := model.NewExec(backend, store, net)        // inputs [n, 8, 8, 1], outputs [n, 10]
//	m, err := views.Model(exec, 64, []int{8, 8, 1}, 10, func(dst []float32, x vision.Image) error {
//		copy(dst, x.Pix)
//		return nil
//	})
//	outputs, err := tta.CollectLabelled(ctx, m, policy, images, 10, tta.WithBatch(64))
//	best, report, err := tta.FitBest(ctx, outputs)
//
// The last batch is padded, so that the model is compiled once. The rows of a batch must not depend on each other, as
// they would with batch normalisation in training mode: build the executor's graph for inference, which is the
// default.
//
// Outputs of different machines or devices that each had a part of the inputs are concatenated, in the order of the
// inputs; nothing has to be reduced.
package views
