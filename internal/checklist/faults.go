package checklist

import (
	"fmt"
	"slices"
	"strings"
)

// Faults is the places where a rule is broken, each once.
type Faults []string

// Add notes a place.
func (f *Faults) Add(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(*f, text) {
		*f = append(*f, text)
	}
}

// String lists the first five and says how many more there are.
func (f Faults) String() string {
	const most = 5
	if n := len(f); n > most {
		return strings.Join(f[:most], "; ") + fmt.Sprintf("; and %d more", n-most)
	}
	return strings.Join(f, "; ")
}
