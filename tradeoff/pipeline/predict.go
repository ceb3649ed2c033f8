package pipeline

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Prediction is how much faster the loop would be.
type Prediction struct {
	Name  string  `json:"name"`  // of a phase, a stage, or "residual"
	Twice float64 `json:"twice"` // if it took half as long
	Free  float64 `json:"free"`  // if it took nothing: the most there is to gain
}

// predict fills in the predictions, the largest gain first.
func (r *Report) predict() {
	var names []string
	for _, p := range append(slices.Clone(r.Phases), r.Residual) {
		if p.Share > 0 {
			names = append(names, p.Name)
		}
	}
	for _, s := range r.Stages {
		names = append(names, s.Name)
	}
	for _, name := range names {
		twice, err1 := r.Predict(name, 2)
		free, err2 := r.Predict(name, math.Inf(1))
		if err1 == nil && err2 == nil {
			r.WhatIf = append(r.WhatIf, Prediction{name, twice, free})
		}
	}
	slices.SortStableFunc(r.WhatIf, func(a, b Prediction) int { return cmp.Compare(b.Free, a.Free) })
}

// Predict is how much faster the loop would be if a phase, a stage or the residual were factor times as fast, factor
// being 1 or more and +Inf for one that takes no time. Errors are those of [Report.PredictAll].
func (r *Report) Predict(name string, factor float64) (float64, error) {
	return r.PredictAll(map[string]float64{name: factor})
}

// PredictAll is Predict for several at once, by name.
//
// Where the loop does everything itself, and for waiting, that is Amdahl's law. With background stages that fill a
// queue, the loop and each pool of workers run side by side, and the slowest of them sets the pace. The error wraps
// [tensor.ErrRange] for a name that was not measured or a factor below 1.
func (r *Report) PredictAll(factors map[string]float64) (float64, error) {
	saved := 0.0 // share of the time that phases save
	waits := false
	divide := map[string]float64{}
	for name, factor := range factors {
		phase := r.find(name)
		stage := slices.ContainsFunc(r.Stages, func(s StageTime) bool { return s.Name == name })
		switch {
		case !(factor >= 1):
			return 0, fmt.Errorf("pipeline: Predict: the factor of %s is %v, want 1 or more: %w", name, factor, tensor.ErrRange)
		case phase == nil && !stage || r.Steps < 2:
			return 0, fmt.Errorf("pipeline: Predict: %q was not measured: %w", name, tensor.ErrRange)
		case stage:
			divide[name] = factor
		default:
			saved += phase.Share * (1 - 1/factor)
			waits = waits || name == Wait.String()
		}
	}
	if len(r.Stages) == 0 || waits && len(divide) == 0 {
		return 1 / (1 - saved), nil
	}
	// Seconds a batch now, and then: the most that the loop or a pool needs.
	now := r.Seconds / float64(r.Steps)
	slowest := 1/r.Consumer - saved*now
	busy := map[string]float64{}
	for i, s := range r.Stages {
		perBatch := s.Busy / float64(s.Batches) / float64(s.Workers)
		if f, ok := divide[s.Name]; ok {
			perBatch /= f
		}
		busy[poolOf(s.Stage, i)] += perBatch
	}
	for _, b := range busy {
		slowest = max(slowest, b)
	}
	return max(1, now/slowest), nil
}

// poolOf is the name of the workers of a stage.
func poolOf(s Stage, i int) string {
	if s.Pool == "" {
		return fmt.Sprint("\x00", i)
	}
	return s.Pool
}

// capacity finds what each stage and the loop could do, and the slowest.
func (r *Report) capacity(stages []Stage, steps []Step, warmup, total int) {
	busy := map[string]float64{}
	for i, s := range stages {
		if s.Batches < 1 || !(s.Busy > 0) || s.Workers < 1 {
			r.note("stage %s did nothing, or its workers are not known", s.Name)
			continue
		}
		busy[poolOf(s, i)] += s.Busy / float64(s.Batches)
	}
	if len(busy) == 0 {
		return
	}
	waited := 0.0
	for i := range steps {
		waited += steps[i].Phases[Wait]
	}
	r.Consumer = float64(len(steps)) / (r.Seconds - waited)
	least := r.Consumer
	r.Limiting = "the loop"
	most := 0.0
	for i, s := range stages {
		if s.Batches < 1 || !(s.Busy > 0) || s.Workers < 1 {
			continue
		}
		t := StageTime{s, float64(s.Workers) / busy[poolOf(s, i)]}
		r.Stages = append(r.Stages, t)
		// Of the stages of a pool, which have the same capacity, the one with the most work is named.
		if own := s.Busy / float64(s.Batches); t.Capacity < least || t.Capacity == least && own > most &&
			r.Limiting != "the loop" {
			least, most, r.Limiting = t.Capacity, own, s.Name
		}
	}
}
