package tta

import (
	"fmt"
	"math"
	"strings"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// ViewReport is how the views of labelled outputs compare.
type ViewReport struct {
	N     int           `json:"n"`
	Views []ViewSummary `json:"views"`
	// Agreement is the share of the examples for which two views predict the same class, view by view.
	Agreement [][]float64 `json:"agreement"`
	Oracle    int         `json:"oracle"` // examples that some view gets right
	All       int         `json:"all"`    // examples that every view gets right
}

// ViewSummary is one view.
type ViewSummary struct {
	Name    string  `json:"name"`
	Correct int     `json:"correct"`
	Loss    float64 `json:"loss"` // mean cross-entropy
	// WithoutIt is how many examples the mean of the outputs of all other views gets right; 0 of a single view.
	WithoutIt int `json:"without_it"`
}

// AnalyzeViews compares the views, to see which of them the model cannot handle. Options are [WithWorkers]. The error
// wraps [ErrLabel].
func AnalyzeViews(o *Outputs, opts ...FitOption) (ViewReport, error) {
	const call = "AnalyzeViews"
	c, err := configure(call, opts)
	if err == nil {
		err = o.labelled(call)
	}
	if err != nil {
		return ViewReport{}, err
	}
	r := ViewReport{N: o.Len(), Views: make([]ViewSummary, o.views), Agreement: make([][]float64, o.views)}
	predictions := make([]int, o.views*o.Len())
	losses := make([]float64, o.views*o.Len())
	without := make([]bool, o.views*o.Len())
	tensor.ParallelWorkers(c.workers, o.Len(), 64, func(lo, hi int) {
		sum, rest := make([]float32, o.classes), make([]float32, o.classes)
		for n := lo; n < hi; n++ {
			clear(sum)
			for a := range o.views {
				tensor.Add(sum, sum, o.View(n, a))
			}
			for a := range o.views {
				tensor.Sub(rest, sum, o.View(n, a))
				at := n*o.views + a
				predictions[at] = predicted(o.View(n, a))
				losses[at] = crossEntropy(o.View(n, a), o.labels[n])
				without[at] = o.views > 1 && predicted(rest) == o.labels[n]
			}
		}
	})
	for a := range r.Views {
		r.Views[a].Name = o.Name(a)
		r.Agreement[a] = make([]float64, o.views)
	}
	for n, y := range o.labels {
		own := predictions[n*o.views : (n+1)*o.views]
		right := 0
		for a, p := range own {
			v := &r.Views[a]
			v.Loss += losses[n*o.views+a] / float64(r.N)
			if p == y {
				v.Correct++
				right++
			}
			if without[n*o.views+a] {
				v.WithoutIt++
			}
			for b, q := range own {
				if p == q {
					r.Agreement[a][b]++
				}
			}
		}
		if right > 0 {
			r.Oracle++
		}
		if right == o.views {
			r.All++
		}
	}
	for a := range r.Agreement {
		tensor.Scale(r.Agreement[a], 1/float64(r.N), r.Agreement[a])
	}
	return r, nil
}

// String is a table for people.
func (r ViewReport) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%-28s %8s %9s %8s %10s\n", "view", "correct", "accuracy", "loss", "without it")
	for _, v := range r.Views {
		fmt.Fprintf(&s, "%-28s %8d %8.2f%% %8.4f %10d\n", v.Name, v.Correct, 100*float64(v.Correct)/float64(r.N), v.Loss,
			v.WithoutIt)
	}
	fmt.Fprintf(&s, "of %d examples some view gets %d right and every view %d\n", r.N, r.Oracle, r.All)
	return s.String()
}

// Uncertainty is how sure the views of an example are, and how sure of each other.
type Uncertainty struct {
	Entropy           float64 `json:"entropy"`            // of the mean of the probabilities, in nats
	MutualInformation float64 `json:"mutual_information"` // that less the mean entropy of the views, in nats
	// Agreement is the share of the views that predict the class that the original view predicts, itself among them, or
	// if it is not known the one that the mean of the probabilities does.
	Agreement float64 `json:"agreement"`
	Spread    float64 `json:"spread"` // standard deviation over the views of the probability of the predicted class
}

// UncertaintyOption is a choice of [Uncertainties].
type UncertaintyOption interface {
	forUncertainty(*uncertaintyConfig) error
}

type uncertaintyConfig struct{ workers int }

// Uncertainties judges each example by its views. Labels are not needed.
func Uncertainties(o *Outputs, opts ...UncertaintyOption) ([]Uncertainty, error) {
	var c uncertaintyConfig
	if err := option.Apply("tta: Uncertainties", &c, choices(opts, UncertaintyOption.forUncertainty)); err != nil {
		return nil, err
	}
	if o == nil {
		return nil, fmt.Errorf("tta: Uncertainties: no outputs: %w", tensor.ErrEmpty)
	}
	all := make([]Uncertainty, o.Len())
	wide := labelsOf(o.classes)
	tensor.ParallelWorkers(c.workers, o.Len(), 16, func(lo, hi int) {
		p, mean := tensor.NewMatrix[float64](o.views, wide), make([]float64, wide)
		for n := lo; n < hi; n++ {
			all[n] = uncertainty(o, n, p, mean)
		}
	})
	return all, nil
}

func uncertainty(o *Outputs, n int, p tensor.Matrix[float64], mean []float64) Uncertainty {
	var u Uncertainty
	clear(mean)
	for a := range o.views {
		row, x := p.Row(a), o.View(n, a)
		if o.classes == 1 {
			row[0], row[1] = 0, float64(x[0])
		} else {
			for c, v := range x {
				row[c] = float64(v)
			}
		}
		tensor.Softmax(row, row)
		u.MutualInformation -= entropy(row) / float64(o.views)
		tensor.Axpy(mean, 1/float64(o.views), row)
	}
	u.Entropy = entropy(mean)
	u.MutualInformation = max(u.MutualInformation+u.Entropy, 0)
	best := tensor.ArgMax(mean)
	if o.identity >= 0 {
		best = predicted(o.View(n, o.identity))
	}
	for a := range o.views {
		if predicted(o.View(n, a)) == best {
			u.Agreement += 1 / float64(o.views)
		}
		d := p.At(a, best) - mean[best]
		u.Spread += d * d
	}
	u.Spread = math.Sqrt(u.Spread / float64(max(o.views-1, 1)))
	return u
}

func entropy(p []float64) float64 {
	h := 0.0
	for _, v := range p {
		if v > 0 {
			h -= v * math.Log(v)
		}
	}
	return h
}
