package pipeline

// Step is the times of one optimizer step in seconds, by phase. Micro-batches of one step are one step.
type Step struct {
	Phases [9]float64 // by [Phase]
	Wall   float64    // from the end of the step before
	// Samples is the number of examples, 0 if it is not known.
	Samples int
}

// residual is the time that no phase has.
func (s *Step) residual() float64 {
	sum := 0.0
	for _, v := range s.Phases {
		sum += v
	}
	return max(0, s.Wall-sum)
}

// training is the time of the step without evaluations and checkpoints that fell into it.
func (s *Step) training() float64 {
	t := s.Wall
	for p := range phaseCount {
		if !p.inStep() {
			t -= s.Phases[p]
		}
	}
	return max(0, t)
}

// Stage is background work that fills the queue of batches: worker-seconds spent and batches done.
type Stage struct {
	Name    string  `json:"name"` // "load" and "preprocess" are told apart in the verdict
	Busy    float64 `json:"busy"` // seconds of all workers together
	Batches int     `json:"batches"`
	Workers int     `json:"workers"`
	// Pool is the name of the workers, if several stages share them: the capacity is then that of all its stages
	// together. Stages without one have workers of their own.
	Pool string `json:"pool,omitempty"`
}
