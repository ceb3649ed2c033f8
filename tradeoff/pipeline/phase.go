package pipeline

import (
	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/tradeoff/taxonomy"
)

// Phase is what a training loop does at a time. What belongs to none is the residual.
type Phase uint8

// The phases.
const (
	Wait        Phase = iota // for the next batch
	Transfer                 // copies of batches to where they are needed
	Forward                  // the model
	Backward                 // gradients
	Optimizer                // the update of the weights
	Communicate              // exchange with other workers
	Evaluate                 // measuring quality; not part of a step
	Checkpoint               // saving; not part of a step
	Log                      // writing what happened
	phaseCount
)

var phases = enum.Of[Phase]("phase", "wait", "transfer", "forward", "backward", "optimizer", "communicate", "eval",
	"checkpoint", "log")

// String is the phase's name.
func (p Phase) String() string { return phases.String(p) }

// MarshalText writes the name.
func (p Phase) MarshalText() ([]byte, error) { return phases.Marshal(p) }

// UnmarshalText reads a name.
func (p *Phase) UnmarshalText(text []byte) error { return phases.Unmarshal(p, text) }

// inStep reports whether the time belongs to the step it falls into, for rates and percentiles of steps.
func (p Phase) inStep() bool { return p != Evaluate && p != Checkpoint }

// Bottleneck is what limits a training loop; see package taxonomy for its values.
type Bottleneck = taxonomy.Bottleneck
