package sparse

import "github.com/espalier-ml/espalier/internal/enum"

// Format is how the elements of a [Matrix] are stored. Those of all formats but [Dense] give products of the same
// bits.
type Format uint8

// The formats.
const (
	// Panels is the fastest: the elements in panels of neighbouring columns, inside a panel row by row, rows of most
	// elements first. An element takes its own bytes and two, a row four in each panel where it has elements.
	Panels Format = iota
	// Compressed is compressed sparse rows, the form of scipy's csr_matrix, with columns of two bytes where there are
	// at most 65536 and of four otherwise. Products convert 256 rows at a time to panels.
	Compressed
	// Bitmask is a bit for every element, kept or not, and those kept in order: the smallest from about 6 % of elements
	// kept on. Products convert as those of Compressed do.
	Bitmask
	// NM is n of every m neighbours in a row with their places in the fewest bits; see [WithNM]. Products convert.
	NM
	// Dense is all elements with zeros for those pruned, and the products of package tensor: what is fastest when few
	// are pruned. Sums are grouped otherwise than those of the sparse formats, zeros are multiplied, so that an input
	// that is not finite spreads, and the workers are those of [tensor.Gemm].
	Dense
)

var formats = enum.Of[Format]("format", "panels", "compressed", "bitmask", "n:m", "dense")

// String is the name.
func (f Format) String() string { return formats.String(f) }

// MarshalText writes the name.
func (f Format) MarshalText() ([]byte, error) { return formats.Marshal(f) }

// UnmarshalText reads a name.
func (f *Format) UnmarshalText(text []byte) error { return formats.Unmarshal(f, text) }
