package schedule

import (
	"maps"
	"slices"
)

// Builtins are the names of the built-in types.
var Builtins = slices.Sorted(maps.Keys(builtins))
