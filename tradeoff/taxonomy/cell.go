package taxonomy

import "github.com/espalier-ml/espalier/internal/enum"

// Cell is a place in the table: what is changed, and in what way.
type Cell struct {
	Subcomponent Subcomponent `json:"subcomponent"`
	Action       Action       `json:"action"`
}

// String reads "parameters/remove".
func (c Cell) String() string { return c.Subcomponent.String() + "/" + c.Action.String() }

// Component is one of the three building blocks of training.
type Component uint8

// The components.
const (
	Function     Component = iota // the model
	Data                          // what it sees and what is derived from that
	Optimization                  // how it is changed
)

var components = enum.Of[Component]("component", "function", "data", "optimization")

// String is the component's name.
func (c Component) String() string { return components.String(c) }

// MarshalText writes the name.
func (c Component) MarshalText() ([]byte, error) { return components.Marshal(c) }

// UnmarshalText reads a name.
func (c *Component) UnmarshalText(text []byte) error { return components.Unmarshal(c, text) }

// Subcomponent is a part of a component.
type Subcomponent uint8

// The subcomponents.
const (
	Parameters   Subcomponent = iota // of the function: its weights
	Architecture                     // of the function: its layers
	TrainingData                     // of the data: the examples
	DerivedData                      // of the data: activations, gradients, outputs
	Objective                        // of the optimization: what is minimised
	Algorithm                        // of the optimization: how, in which steps
)

var subcomponents = enum.Of[Subcomponent]("subcomponent", "parameters", "architecture", "training data", "derived data",
	"objective", "algorithm")

// Component is what the subcomponent is a part of.
func (s Subcomponent) Component() Component { return Component(s / 2) }

// String is the subcomponent's name.
func (s Subcomponent) String() string { return subcomponents.String(s) }

// MarshalText writes the name.
func (s Subcomponent) MarshalText() ([]byte, error) { return subcomponents.Marshal(s) }

// UnmarshalText reads a name.
func (s *Subcomponent) UnmarshalText(text []byte) error { return subcomponents.Unmarshal(s, text) }

// ParseSubcomponent reads a name. The error wraps [tensor.ErrRange] and lists the names there are.
func ParseSubcomponent(name string) (Subcomponent, error) { return subcomponents.Parse(name) }

// Action is what a method does to a subcomponent.
type Action uint8

// The actions.
const (
	Remove   Action = iota // elements are deleted
	Restrict               // elements get a smaller space of values, or a lower fidelity
	Reorder                // elements are used at other times or places
	Replace                // an element makes way for another
	Retrofit               // elements are added
)

var actions = enum.Of[Action]("action", "remove", "restrict", "reorder", "replace", "retrofit")

// String is the action's name.
func (a Action) String() string { return actions.String(a) }

// MarshalText writes the name.
func (a Action) MarshalText() ([]byte, error) { return actions.Marshal(a) }

// UnmarshalText reads a name.
func (a *Action) UnmarshalText(text []byte) error { return actions.Unmarshal(a, text) }

// ParseAction reads a name. The error wraps [tensor.ErrRange] and lists the names there are.
func ParseAction(name string) (Action, error) { return actions.Parse(name) }
