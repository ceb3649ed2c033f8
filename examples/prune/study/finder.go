package study

import (
	"math"

	"github.com/espalier-ml/espalier/prune/eval"
)

// Finder finds the result of a strategy at a compression for one model and seed.
type Finder struct {
	Results []eval.Result
	Model   string
	Seed    uint64
}

// Get is the result of a strategy at a compression, of NaN if there is none.
func (f Finder) Get(method string, c float64) eval.Result {
	for _, r := range f.Results {
		if r.Model == f.Model && r.Method == method && r.Target == c && r.Seed == f.Seed {
			return r
		}
	}
	return eval.Result{Top1: math.NaN(), Ratio: math.NaN(), Speedup: math.NaN()}
}

// Accuracy is its accuracy.
func (f Finder) Accuracy(method string, c float64) float64 { return f.Get(method, c).Top1 }

// Start is the accuracy of the weights that a result started from: the unpruned model's, found by their hash.
func (f Finder) Start(r eval.Result) float64 {
	for _, d := range f.Results {
		if d.Target == 1 && d.Completed == 0 && d.InitialHash == r.InitialHash {
			return d.Top1
		}
	}
	return math.NaN()
}
