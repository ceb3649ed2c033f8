package tta

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/tensor"
)

// Method is how an aggregator was fitted.
type Method uint8

// The methods.
const (
	AugTTA   Method = iota // one weight a view, on logits
	ClassTTA               // one weight a view and class, on logits
	GPS                    // a few views by greedy policy search, each counting the same
	Mixing                 // one weight a view, on probabilities
	Original               // the untransformed view, calibrated
)

var methods = enum.Of[Method]("method", "AugTTA", "ClassTTA", "GPS", "mixture", "original")

// String is the method's name.
func (m Method) String() string { return methods.String(m) }

// MarshalText writes the name.
func (m Method) MarshalText() ([]byte, error) { return methods.Marshal(m) }

// UnmarshalText reads a name.
func (m *Method) UnmarshalText(text []byte) error { return methods.Unmarshal(m, text) }

// Fitted is an [Aggregator] that was learned. It is immutable. It marshals as JSON and reads back equal, but for the
// memory of which examples it was fitted on.
type Fitted struct {
	method  Method
	shape   Shape
	policy  string
	weights []float32 // [A], or [A, C] of ClassTTA
	mixture bool      // weights are of probabilities and not of outputs
	// Of a mixture: outputs are multiplied by the first before their softmax, logarithms by the second after mixing.
	inner, outer float32
	rows         []uint64 // hashes of the examples it was fitted on, sorted
	scratch      *sync.Pool
}

// newFitted makes an aggregator for outputs like o; weights of one logit are those of AugTTA.
func newFitted(m Method, o *Outputs, weights []float32, mixture bool) *Fitted {
	f := &Fitted{method: m, shape: Shape{Views: o.views, Classes: o.classes, Kind: o.kind}, policy: o.policy,
		weights: weights, mixture: mixture, inner: 1, outer: 1, rows: o.rowHashes()}
	f.prepare()
	return f
}

// prepare sets what follows from the rest.
func (f *Fitted) prepare() {
	f.shape.Invariance = PerView
	if f.perClass() {
		f.shape.Invariance = NoInvariance
	}
	if !f.mixture {
		return
	}
	views, classes := f.shape.Views, labelsOf(f.shape.Classes)
	f.scratch = &sync.Pool{New: func() any {
		return &fixedScratch{pair: make([]float32, views*classes+classes), row: make([]float32, classes),
			top: make([]float32, classes), sum: make([]float32, classes), logSum: make([]float32, views)}
	}}
}

func (f *Fitted) perClass() bool { return len(f.weights) != f.shape.Views }

// Method is how it was fitted.
func (f *Fitted) Method() Method { return f.method }

// Shape is what it was fitted on. Weights of classes have no invariance: adding one constant to all logits changes
// what they predict.
func (f *Fitted) Shape() Shape { return f.shape }

// Policy is the fingerprint of the views it was fitted on, "" if it is not known.
func (f *Fitted) Policy() string { return f.policy }

// Weights are those of the views, [A], or for ClassTTA of views and classes, [A, C]. They multiply outputs, or for GPS
// and mixtures of probabilities, and must not be modified.
func (f *Fitted) Weights() []float32 { return f.weights }

// Active are the views with a weight above 0: the others need not be computed.
func (f *Fitted) Active() []int {
	var active []int
	width := len(f.weights) / f.shape.Views
	for a := range f.shape.Views {
		if slices.ContainsFunc(f.weights[a*width:(a+1)*width], func(w float32) bool { return w != 0 }) {
			active = append(active, a)
		}
	}
	return active
}

// fittedOn counts the examples of o that it was fitted on.
func (f *Fitted) fittedOn(o *Outputs) int {
	n := 0
	for _, h := range o.rowHashes() {
		if _, ok := slices.BinarySearch(f.rows, h); ok {
			n++
		}
	}
	return n
}

// Aggregate writes the weighted output to dst. Views of weight 0 are not read.
func (f *Fitted) Aggregate(dst, views []float32) {
	f.shape.checkLengths(dst, views)
	switch classes := f.shape.Classes; {
	case f.mixture:
		f.mix(dst, views)
	case f.perClass():
		clear(dst)
		for a := range f.shape.Views {
			x, w := views[a*classes:(a+1)*classes], f.weights[a*classes:(a+1)*classes]
			for c := range dst {
				if w[c] != 0 {
					dst[c] += w[c] * x[c]
				}
			}
		}
	default:
		clear(dst)
		for a, w := range f.weights {
			if w != 0 {
				tensor.Axpy(dst, w, views[a*classes:(a+1)*classes])
			}
		}
	}
}

func (f *Fitted) mix(dst, views []float32) {
	s := f.scratch.Get().(*fixedScratch)
	defer f.scratch.Put(s)
	classes := labelsOf(f.shape.Classes)
	in, out := s.pair[:f.shape.Views*classes], s.pair[f.shape.Views*classes:]
	if f.shape.Classes == 1 {
		for a, x := range views {
			in[2*a], in[2*a+1] = -f.inner*x/2, f.inner*x/2
		}
	} else {
		tensor.Scale(in, f.inner, views)
	}
	for a, w := range f.weights {
		if w == 0 { // whatever is there
			clear(in[a*classes : (a+1)*classes])
		}
	}
	s.logSums(in, classes)
	s.powers(out, in, classes, 1, f.weights)
	if f.shape.Classes == 1 {
		dst[0] = f.outer * (out[1] - out[0])
		return
	}
	tensor.Scale(dst, f.outer, out)
}

// fittedJSON is the form in which a fitted aggregator is stored.
type fittedJSON struct {
	Version int       `json:"version"`
	Method  Method    `json:"method"`
	Shape   Shape     `json:"shape"`
	Policy  string    `json:"policy,omitempty"`
	Weights []float32 `json:"weights"`
	Mixture bool      `json:"mixture,omitempty"`
	Inner   float32   `json:"inner_scale"`
	Outer   float32   `json:"outer_scale"`
}

// MarshalJSON writes the aggregator with its version.
func (f *Fitted) MarshalJSON() ([]byte, error) {
	return json.Marshal(fittedJSON{1, f.method, f.shape, f.policy, f.weights, f.mixture, f.inner, f.outer})
}

// UnmarshalJSON reads what MarshalJSON wrote. The error wraps [ErrFormat], and f is then unchanged.
func (f *Fitted) UnmarshalJSON(b []byte) error {
	var j fittedJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("tta: Fitted: %w", errors.Join(err, ErrFormat))
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf("tta: Fitted: "+format+": %w", append(args, ErrFormat)...)
	}
	s := j.Shape
	switch {
	case j.Version != 1:
		return bad("version %d, want 1", j.Version)
	case s.Views < 1 || s.Classes < 1 || s.Views > math.MaxInt32/block/s.Classes:
		return bad("%d views of %d classes", s.Views, s.Classes)
	case s.Kind == Any || (s.Kind == Binary) != (s.Classes == 1):
		return bad("kind %v with %d classes", s.Kind, s.Classes)
	case len(j.Weights) != s.Views && (len(j.Weights) != s.Views*s.Classes || j.Mixture || j.Method != ClassTTA):
		return bad("%d weights for %d views of %d classes", len(j.Weights), s.Views, s.Classes)
	case !(j.Inner > 0) || !(j.Outer > 0):
		return bad("scales %v and %v, want more than 0", j.Inner, j.Outer)
	}
	sum := 0.0
	for i, w := range j.Weights {
		if !(w >= 0) {
			return bad("weight %d is %v, want 0 or more", i, w)
		}
		sum += float64(w)
	}
	if j.Mixture && !(sum > 0) {
		return bad("no weight of the mixture is above 0")
	}
	*f = Fitted{method: j.Method, shape: s, policy: j.Policy, weights: j.Weights, mixture: j.Mixture, inner: j.Inner,
		outer: j.Outer}
	f.prepare()
	return nil
}

// Scaled is an [Aggregator] with its outputs divided by a temperature. It is immutable.
type Scaled struct {
	of      Aggregator
	inverse float32
}

// Shape is that of the aggregator inside; its invariance holds too.
func (s *Scaled) Shape() Shape { return s.of.Shape() }

// Temperature is what outputs are divided by, +Inf for one that makes every prediction uniform.
func (s *Scaled) Temperature() float64 { return 1 / float64(s.inverse) }

// Unwrap is the aggregator inside.
func (s *Scaled) Unwrap() Aggregator { return s.of }

// Aggregate writes what the aggregator inside makes of the views, divided by the temperature.
func (s *Scaled) Aggregate(dst, views []float32) {
	s.of.Aggregate(dst, views)
	tensor.Scale(dst, s.inverse, dst)
}

// Policy is that of the aggregator inside.
func (s *Scaled) Policy() string {
	if f, ok := s.of.(interface{ Policy() string }); ok {
		return f.Policy()
	}
	return ""
}

// Active is that of the aggregator inside, all views if it does not say.
func (s *Scaled) Active() []int { return activeViews(s.of) }

// activeViews are those that an aggregator reads.
func activeViews(a Aggregator) []int {
	switch f := a.(type) {
	case interface{ Active() []int }:
		return f.Active()
	case *Fixed:
		if f.rule.kind == single {
			return []int{f.rule.at}
		}
	}
	all := make([]int, a.Shape().Views)
	for i := range all {
		all[i] = i
	}
	return all
}
