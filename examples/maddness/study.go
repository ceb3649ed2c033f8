package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/espalier-ml/espalier/examples/maddness/network"
	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/maddness/amm"
	"github.com/espalier-ml/espalier/tensor"
)

// compare evaluates every method with every size on a layer. Fits use all processors, evaluations one.
func compare(s settings, l network.Layer, processors int, progress func(name string)) ([]result, error) {
	task := amm.Task{B: l.B, Bias: l.Bias, Runs: s.runs}
	task.A, task.Labels = network.Repeated(l.Test, l.TestLabels, s.rows)
	var results []result
	for _, m := range amm.Methods() {
		for _, size := range s.sizes {
			once := m.Size == amm.Fixed && size != s.sizes[0]
			if once || m.Size != amm.Fixed && size > l.B.Rows || deterministic(m.Name) && size >= l.B.Cols {
				continue
			}
			progress(fmt.Sprint(m.Name, " ", size))
			runtime.GOMAXPROCS(processors)
			ap, err := m.Fit(context.Background(), l.Train, l.B, size, s.seed)
			runtime.GOMAXPROCS(1)
			if err != nil {
				return nil, fmt.Errorf("%s, size %d: %w", m.Name, size, err)
			}
			own := task
			if m.Whole {
				own.Runs = 0 // a decomposition in each call: slower than anything by far
			}
			report, err := amm.Evaluate(ap, own)
			if err != nil {
				return nil, fmt.Errorf("%s, size %d: %w", m.Name, size, err)
			}
			results = append(results, result{m.Name, m.Size, size, false, report})
			if m.Name == ours {
				more, err := refit(ap.(amm.Maddness), size, l, task)
				if err != nil {
					return nil, err
				}
				results = append(results, more...)
			}
		}
	}
	return results, nil
}

// deterministic projections need fewer dimensions than there are outputs: with as many the product itself costs less.
func deterministic(method string) bool {
	return slices.Contains([]string{"SVD of b", "PCA", "SVD of the rows", "directions"}, method)
}

const (
	ours   = "Maddness"
	paper  = "Maddness, paper"
	labels = "Maddness, labels"
	soft   = "Maddness, soft"
)

// refit fits the tables of an operator to the labels, and to the probabilities of the exact layer, with the
// cross-entropy.
func refit(op amm.Maddness, size int, l network.Layer, task amm.Task) ([]result, error) {
	p := tensor.NewMatrix[float32](l.Train.Rows, l.B.Cols)
	tensor.GemmBias(tensor.NoTrans, tensor.NoTrans, 1, l.Train, l.B, 0, p, l.Bias, tensor.Identity)
	tensor.SoftmaxRows(p, p)
	toLabels, err1 := op.RefitLabels(context.Background(), l.Train, l.TrainLabels)
	toSoft, err2 := op.RefitSoft(context.Background(), l.Train, p)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	task.Bias = nil // it is in the tables
	var results []result
	for k, o := range []*maddness.Operator{toLabels, toSoft} {
		report, err := amm.Evaluate(amm.Maddness{Operator: o}, task)
		if err != nil {
			return nil, err
		}
		results = append(results, result{[]string{labels, soft}[k], amm.Codebooks, size, true, report})
	}
	return results, nil
}

// replaced is a network whose last two layers are lookups.
type replaced struct {
	codebooks       int
	accuracy, exact float64
	// accuracy after the last tables were fitted to labels, on what the replaced hidden layer gives
	labels           float64
	hiddenNMSE       float64 // of what the second layer hands on, on test rows
	ns, nsT          float64 // per row, row-major and feature-major
	exactNs          float64 // of the exact product in its better layout
	bytes, rawWeight int     // tables, and weights in float32
}

// replace fits both of the last two layers to what flows into them in the exact network, and runs them one after the
// other.
func replace(s settings, hidden, last network.Layer, y []int, processors int) ([]replaced, error) {
	a, labels := network.Repeated(hidden.Test, y, s.rows)
	across := a.Transposed()
	n := a.Rows
	middle, logits := tensor.NewMatrix[float32](n, hidden.B.Cols), tensor.NewMatrix[float32](n, last.B.Cols)
	middleT, logitsT := tensor.Of(hidden.B.Cols, n, middle.Data), tensor.Of(last.B.Cols, n, logits.Data)
	classes := make([]int32, n)
	exact := func() error {
		tensor.GemmBias(tensor.NoTrans, tensor.NoTrans, 1, a, hidden.B, 0, middle, hidden.Bias, tensor.ReLUActivation)
		tensor.GemmBias(tensor.NoTrans, tensor.NoTrans, 1, middle, last.B, 0, logits, last.Bias, tensor.Identity)
		for i := range classes {
			classes[i] = int32(tensor.ArgMax(logits.Row(i)))
		}
		return nil
	}
	exactT := func() error { // bias and decision left out: the product alone is what takes the time
		tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, hidden.B, across, 0, middleT)
		tensor.ReLU(middleT.Data, middleT.Data)
		tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, last.B, middleT, 0, logitsT)
		return nil
	}
	base := replaced{rawWeight: 4 * (len(hidden.B.Data) + len(last.B.Data))}
	exactAcross, err1 := medianTime(s.runs, n, exactT)
	exactAlong, err2 := medianTime(s.runs, n, exact)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	base.exactNs = min(exactAlong, exactAcross)
	base.exact = share(classes, labels)
	want := append([]float32(nil), middle.Data...)

	fmt.Printf("\nThe last two layers replaced, %d and 10 outputs, fitted to %d rows of the exact network. Exact: "+
		"accuracy %.2f%%,\n",
		hidden.B.Cols, hidden.Train.Rows, 100*base.exact)
	fmt.Printf("%.0f ns per row, %.0f feature-major, weights %d kB. Factors are over the better of these times.\n",
		exactAlong, exactAcross, base.rawWeight>>10)
	fmt.Printf("%10s %12s %9s %10s %14s %14s %10s\n", "codebooks", "hidden NMSE", "accuracy", "to labels", "ns/row",
		"feature-major", "tables")
	var all []replaced
	for _, c := range s.sizes {
		if c > hidden.B.Rows {
			continue
		}
		runtime.GOMAXPROCS(processors)
		first, err1 := maddness.Fit(context.Background(), hidden.Train, hidden.B, maddness.WithCodebooks(c),
			maddness.WithSeed(s.seed),
			maddness.WithBias(hidden.Bias), maddness.WithReLU())
		second, err2 := maddness.Fit(context.Background(), last.Train, last.B, maddness.WithCodebooks(c),
			maddness.WithSeed(s.seed),
			maddness.WithBias(last.Bias))
		runtime.GOMAXPROCS(1)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		r := base
		r.codebooks, r.bytes = c, first.Stats().TableBytes+second.Stats().TableBytes
		r.nsT, err1 = medianTime(s.runs, n, func() error {
			return errors.Join(first.MulT(middleT, across), second.ArgMaxT(classes, middleT))
		})
		r.ns, err2 = medianTime(s.runs, n, func() error {
			return errors.Join(first.Mul(middle, a), second.ArgMax(classes, middle))
		})
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		r.accuracy, r.hiddenNMSE = share(classes, labels), relativeError(middle.Data, want)
		approximate := tensor.NewMatrix[float32](hidden.Train.Rows, hidden.B.Cols)
		if err := first.Mul(approximate, hidden.Train); err != nil {
			return nil, err
		}
		fitted, err := second.RefitLabels(context.Background(), approximate, last.TrainLabels)
		if err != nil {
			return nil, err
		}
		if err := fitted.ArgMax(classes, middle); err != nil {
			return nil, err
		}
		r.labels = share(classes, labels)
		fmt.Printf("%10d %12.4f %8.2f%% %9.2f%% %8.0f %4.0fx %8.0f %4.0fx %7d kB\n",
			c, r.hiddenNMSE, 100*r.accuracy, 100*r.labels,
			r.ns, r.exactNs/r.ns, r.nsT, r.exactNs/r.nsT, r.bytes>>10)
		all = append(all, r)
	}
	return all, nil
}

// relativeError is the mean squared error over the variance.
func relativeError(got, want []float32) float64 {
	mean, wrong, variance := tensor.Sum(want)/float64(len(want)), 0.0, 0.0
	for i, v := range want {
		e, d := float64(got[i])-float64(v), float64(v)-mean
		wrong += e * e
		variance += d * d
	}
	return wrong / variance
}

// share is that of the decisions that are right.
func share(classes []int32, labels []int) float64 {
	right := 0
	for i, y := range labels {
		if int(classes[i]) == y {
			right++
		}
	}
	return float64(right) / float64(len(labels))
}
