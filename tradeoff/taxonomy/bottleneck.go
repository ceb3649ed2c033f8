package taxonomy

import "github.com/espalier-ml/espalier/internal/enum"

// Bottleneck is what limits the speed of a training loop.
type Bottleneck uint8

// The bottlenecks.
const (
	Insufficient    Bottleneck = iota // too few steps to tell
	Balanced                          // none stands out
	Input                             // the loop waits for batches
	InputLoad                         // and reading them is what takes the time
	InputPreprocess                   // or preparing them
	Transfer                          // copies to where they are needed
	Compute                           // arithmetic of forward, backward and update
	MemoryBandwidth                   // the same, but limited by moving numbers and not by operations on them
	Optimizer                         // the update
	Communication                     // exchange between workers
	Overhead                          // what belongs to no phase
	Evaluation                        // measuring quality
	Checkpoint                        // saving and logging
	GC                                // the garbage collector
)

var bottlenecks = enum.Of[Bottleneck]("bottleneck", "insufficient data", "balanced", "input", "input/load",
	"input/preprocess",
	"transfer", "compute", "memory-bandwidth", "optimizer", "communication", "overhead", "evaluation", "checkpoint", "gc")

// String is the bottleneck's name.
func (b Bottleneck) String() string { return bottlenecks.String(b) }

// MarshalText writes the name.
func (b Bottleneck) MarshalText() ([]byte, error) { return bottlenecks.Marshal(b) }

// UnmarshalText reads a name.
func (b *Bottleneck) UnmarshalText(text []byte) error { return bottlenecks.Unmarshal(b, text) }

// ParseBottleneck reads a name. The error wraps [tensor.ErrRange] and lists the names there are.
func ParseBottleneck(name string) (Bottleneck, error) { return bottlenecks.Parse(name) }
