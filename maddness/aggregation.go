package maddness

import (
	"fmt"
	"math"
	"strings"

	"github.com/espalier-ml/espalier/maddness/internal/kernel"
	"github.com/espalier-ml/espalier/tensor"
)

// Aggregation is how the table entries of a row are added up. The zero value is [Exact].
type Aggregation uint32

// Exact adds int8 entries, which have a scale for each output, exactly.
const Exact Aggregation = 0

// Average is the paper's approximation for processors without wide sums: within groups of u codebooks, entries of 8
// bits without sign are averaged in pairs, each average rounding up, and the expected excess is taken off at the end. u
// is a power of two, 1 to 256, and divides the number of codebooks. All outputs share one scale, as in the reference.
// It loses accuracy, about u/8 squared units per entry, and is here to compare with.
func Average(u int) Aggregation { return aggregate(averaging, u) }

// Saturate is Bolt's approximation: within groups of u codebooks, 1 to 256, entries of 8 bits without sign are added
// and clipped at 255. u divides the number of codebooks. All outputs share one scale, set so that a group's sum is
// clipped from four standard deviations on.
func Saturate(u int) Aggregation { return aggregate(saturating, u) }

// String is "exact", "average(16)" or "saturate(16)".
func (a Aggregation) String() string {
	switch {
	case a == Exact:
		return exact
	case a.kind() < len(sums) && sums[a.kind()].name != "":
		return fmt.Sprintf("%s(%d)", sums[a.kind()].name, a.group())
	}
	return fmt.Sprintf("aggregation(%d)", uint32(a))
}

// MarshalText writes what String says. The error wraps [tensor.ErrRange] for what is no aggregation.
func (a Aggregation) MarshalText() ([]byte, error) {
	if err := a.validate(0); err != nil {
		return nil, fmt.Errorf("maddness: %w", err)
	}
	return []byte(a.String()), nil
}

// UnmarshalText reads what MarshalText wrote. The error wraps [tensor.ErrRange].
func (a *Aggregation) UnmarshalText(text []byte) error {
	name, group, grouped := strings.Cut(string(text), "(")
	if name == exact && !grouped {
		*a = Exact
		return nil
	}
	for kind, sum := range sums {
		var u int
		if sum.name == "" || sum.name != name {
			continue
		}
		if n, err := fmt.Sscanf(group, "%d)", &u); err != nil || n != 1 || fmt.Sprintf("%d)", u) != group {
			break
		}
		v := aggregate(kind, u)
		if err := v.validate(0); err != nil {
			return fmt.Errorf("maddness: %w", err)
		}
		*a = v
		return nil
	}
	return fmt.Errorf("maddness: aggregation %q: want exact, average(u) or saturate(u): %w", text, tensor.ErrRange)
}

const exact = "exact"

// The kinds of aggregation that add entries without sign, by groups of codebooks.
const (
	averaging  = 1
	saturating = 2
)

// sums is what there is to know of each kind.
var sums = [...]struct {
	name  string
	group func(u int) bool // groups that there can be
	want  string           // these in words
	// scale is what entries are multiplied with before they are rounded, and by how much their sums are too large then.
	// They lie above low, by up to gap.
	scale  func(lut *LUT, low []float64, gap float64, u int) (scale, excess float64)
	tables func(codebooks, outputs int, entries []uint8, u int) *kernel.Tables
}{
	averaging: {
		"average", func(u int) bool { return u >= 1 && u <= 256 && u&(u-1) == 0 }, "a power of two, 1 to 256",
		averagedScale, kernel.NewAveraging,
	},
	saturating: {
		"saturate", func(u int) bool { return u >= 1 && u <= 256 }, "1 to 256", saturatedScale, kernel.NewSaturating,
	},
}

func aggregate(kind, u int) Aggregation {
	if u < 0 || u > 1<<20 {
		u = 0 // refused by WithAggregation
	}
	return Aggregation(u<<2 | kind)
}

func (a Aggregation) kind() int  { return int(a & 3) }
func (a Aggregation) group() int { return int(a >> 2) }

// validate says what is wrong with a; codebooks 0 means that their number is not known yet.
func (a Aggregation) validate(codebooks int) error {
	if a == Exact {
		return nil
	}
	if a.kind() >= len(sums) || sums[a.kind()].name == "" {
		return fmt.Errorf("aggregation %d is none: %w", uint32(a), tensor.ErrRange)
	}
	want := ""
	if sum := sums[a.kind()]; !sum.group(a.group()) {
		want = sum.want
	} else if codebooks%a.group() != 0 {
		want = fmt.Sprintf("a divisor of the %d codebooks", codebooks)
	}
	if want != "" {
		return fmt.Errorf("%v: want %s: %w", a, want, tensor.ErrRange)
	}
	return nil
}

// round rounds tables as their sums want them.
func (a Aggregation) round(lut *LUT, bits int) rounded {
	if a == Exact {
		return roundSigned(lut, bits)
	}
	return roundUnsigned(lut, a)
}

// tables lays rounded ones out for the kernels.
func (a Aggregation) tables(r rounded, codebooks, outputs int) *kernel.Tables {
	if a == Exact {
		return kernel.NewTables(codebooks, outputs, r.signed)
	}
	return sums[a.kind()].tables(codebooks, outputs, r.unsigned, a.group())
}

// averagedScale is that of a gap of the next power of two, which the reference shrinks by a hair.
func averagedScale(_ *LUT, low []float64, gap float64, u int) (scale, excess float64) {
	return math.Exp2(-math.Ceil(math.Log2(gap))) * (255.5 - 1e-10),
		math.Floor(float64(len(low)) / 4 * math.Log2(float64(u)))
}

// saturatedScale lets no sum be clipped that can be had, or that four standard deviations give.
func saturatedScale(lut *LUT, low []float64, gap float64, u int) (scale, excess float64) {
	return 255 / min(widestSum(lut, low, u), gap*float64(u)), 0
}
