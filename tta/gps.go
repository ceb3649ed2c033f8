package tta

import (
	"context"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Pick is a step of a greedy search.
type Pick struct {
	View        int     `json:"view"`
	Loss        float64 `json:"loss"`        // mean cross-entropy with the view
	Temperature float64 `json:"temperature"` // at which that is
}

// GPSOption is a choice of [FitGPS].
type GPSOption interface{ forGPS(*gpsConfig) error }

type gpsChoice func(*gpsConfig) error

func (f gpsChoice) forGPS(c *gpsConfig) error { return f(c) }

type gpsConfig struct {
	reference bool
	workers   int
}

// WithReference searches as the reference code of the paper does: a view is chosen once, the i-th gets the weight 1-(i-
// 1)/k of the mix, all at the temperature of the original view, and the prediction is the mean of the logits. The
// default is the search of the GPS paper, which takes views with replacement, refits the temperature for every
// candidate and predicts the calibrated mean of probabilities.
func WithReference() GPSOption {
	return gpsChoice(func(c *gpsConfig) error {
		c.reference = true
		return nil
	})
}

// FitGPS chooses k views greedily, one after the other by the likelihood of the labels (Molchanov et al. 2020, "Greedy
// policy search"). It returns the choices in order, too. Errors are those of [FitAugTTA], or wrap [tensor.ErrRange] for
// a k below 1, or with [WithReference] above the number of views, or that of ctx.
func FitGPS(ctx context.Context, o *Outputs, k int, opts ...GPSOption) (*Fitted, []Pick, error) {
	const call = "FitGPS"
	var c gpsConfig
	if err := option.Apply("tta: "+call, &c, choices(opts, GPSOption.forGPS)); err != nil {
		return nil, nil, err
	}
	if err := checkFit(call, o); err != nil {
		return nil, nil, err
	}
	if k < 1 || c.reference && k > o.views {
		return nil, nil, fmt.Errorf("tta: %s: k is %d for %d views: %w", call, k, o.views, tensor.ErrRange)
	}
	if !c.reference {
		return gpsGreedy(ctx, o, k, c.workers)
	}
	view, err := o.original(call)
	if err != nil {
		return nil, nil, err
	}
	picks := gpsReference(o, k, calibratedView(o, nil, view), c.workers)
	w := make([]float32, o.views)
	for _, p := range picks {
		w[p.View] = 1 / float32(k)
	}
	return newFitted(GPS, o, w, false), picks, ctx.Err()
}

// gpsReference needs no more of the outputs than the probabilities of the labels.
func gpsReference(o *Outputs, k int, inverse float64, workers int) []Pick {
	q := logLikelihoods(o, inverse, workers)
	current := make([]float64, o.Len()) // log-probability of the mix so far
	chosen := make([]bool, o.views)
	var picks []Pick
	for i := range k {
		old := math.Log(float64(i) / float64(k))
		fresh := math.Log(1 - float64(i)/float64(k))
		best := Pick{View: -1, Temperature: 1 / inverse}
		for a := range o.views {
			if chosen[a] {
				continue
			}
			loss := 0.0
			for n, c := range current {
				loss -= logAdd(fresh+q.At(n, a), old+c) / float64(o.Len())
			}
			if best.View < 0 || loss < best.Loss {
				best.View, best.Loss = a, loss
			}
		}
		chosen[best.View] = true
		for n, c := range current {
			current[n] = logAdd(fresh+q.At(n, best.View), old+c)
		}
		picks = append(picks, best)
	}
	return picks
}

// logAdd is log(exp(x) + exp(y)).
func logAdd(x, y float64) float64 {
	x, y = max(x, y), min(x, y)
	if math.IsInf(y, -1) {
		return x
	}
	return x + math.Log1p(math.Exp(y-x))
}

func gpsGreedy(ctx context.Context, o *Outputs, k, workers int) (*Fitted, []Pick, error) {
	probs := probabilities(o, workers)
	sum := tensor.NewMatrix[float32](o.Len(), probs.classes)
	counts := make([]float32, o.views)
	var picks []Pick
	for range k {
		candidates := make([]Pick, o.views)
		tensor.ParallelWorkers(workers, o.views, 1, func(lo, hi int) {
			mix := tensor.NewMatrix[float32](o.Len(), probs.classes)
			for a := lo; a < hi && ctx.Err() == nil; a++ {
				for n := range o.Len() {
					tensor.Add(mix.Row(n), sum.Row(n), probs.view(n, a))
					for c, v := range mix.Row(n) {
						mix.Row(n)[c] = logOf(v) // of a sum: the temperature's business is differences
					}
				}
				t := newTempering(mix, o.labels)
				inverse := t.minimize(0, largestInverse)
				candidates[a] = Pick{View: a, Loss: t.loss(inverse), Temperature: 1 / inverse}
			}
		})
		if err := ctx.Err(); err != nil {
			return nil, nil, fmt.Errorf("tta: FitGPS: %w", err)
		}
		best := candidates[0]
		for _, p := range candidates[1:] {
			if p.Loss < best.Loss {
				best = p
			}
		}
		picks = append(picks, best)
		counts[best.View]++
		for n := range o.Len() {
			tensor.Add(sum.Row(n), sum.Row(n), probs.view(n, best.View))
		}
	}
	tensor.Scale(counts, 1/float32(k), counts)
	f := newFitted(GPS, o, counts, true)
	// A scale of 0 would make every prediction uniform, and have nothing to be scaled back from.
	f.outer = max(float32(1/picks[k-1].Temperature), 1e-6)
	return f, picks, nil
}

// probs are the probabilities of all outputs, two for one logit.
type probs struct {
	views, classes int
	data           []float32
}

func probabilities(o *Outputs, workers int) probs {
	p := probs{o.views, labelsOf(o.classes), nil}
	p.data = make([]float32, o.Len()*p.views*p.classes)
	tensor.ParallelWorkers(workers, o.Len(), 64, func(lo, hi int) {
		for n := lo; n < hi; n++ {
			for a := range o.views {
				row := p.view(n, a)
				if o.classes == 1 {
					row[0], row[1] = 0, o.View(n, a)[0]
				} else {
					copy(row, o.View(n, a))
				}
				tensor.Softmax(row, row)
			}
		}
	})
	return p
}

func (p probs) view(n, a int) []float32 {
	at := (n*p.views + a) * p.classes
	return p.data[at : at+p.classes]
}
