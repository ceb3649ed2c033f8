package tta

import "github.com/espalier-ml/espalier/internal/enum"

// Kind is what the numbers of [Outputs] are. An average means something else for each of them: of logits it is that of
// the model's evidence, of probabilities that of its beliefs.
type Kind uint8

// The kinds.
const (
	// Any is that of aggregators that take logits and log-probabilities alike. Outputs are of one of the others.
	Any Kind = iota
	// Logits are numbers whose softmax is the predicted distribution.
	Logits
	// LogProbs are logarithms of probabilities that sum to one.
	LogProbs
	// Binary is a single logit, whose sigmoid is the probability of class 1.
	Binary
)

var kinds = enum.Of[Kind]("kind", "any", "logits", "log-probabilities", "binary")

// String is the kind's name.
func (k Kind) String() string { return kinds.String(k) }

// MarshalText writes the name.
func (k Kind) MarshalText() ([]byte, error) { return kinds.Marshal(k) }

// UnmarshalText reads a name.
func (k *Kind) UnmarshalText(text []byte) error { return kinds.Unmarshal(k, text) }

// labels is how many classes outputs of a width distinguish.
func labelsOf(classes int) int { return max(classes, 2) }
