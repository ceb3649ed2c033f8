package causal

import (
	"fmt"
	"math"
	"strings"
)

// Overlap is whether the data can support the weights, to be read before training.
type Overlap struct {
	Cells []CellWeight `json:"cells"`
	Empty []Cell       `json:"empty,omitempty"` // combinations without a row, whatever smoothing gives them
	// Rows that are counted, and those that are not because their auxiliary label is unknown.
	Rows    int `json:"rows"`
	Unknown int `json:"unknown,omitempty"`

	// The effective sample size, (sum of weights)² over the sum of squared weights: of all rows with the base weights
	// alone and with the table's, and of the rows of each auxiliary label.
	BaseESS  float64         `json:"base_ess"`
	ESS      float64         `json:"ess"`
	ESSByAux map[int]float64 `json:"ess_by_aux"`

	MaxWeight float64 `json:"max_weight"`
	Clipped   int     `json:"clipped"` // rows whose weight was cut

	// The association of the two labels in the data and under the weights. Both are 0 if the labels are independent.
	MutualInformation         float64 `json:"mutual_information"` // in nats
	WeightedMutualInformation float64 `json:"weighted_mutual_information"`
	CramersV                  float64 `json:"cramers_v"`
	WeightedCramersV          float64 `json:"weighted_cramers_v"`

	// Warnings are reasons why the data may not support the weights; none of them if they do.
	Warnings []string `json:"warnings,omitempty"`
}

// CellWeight is a combination of labels with its rows.
type CellWeight struct {
	Cell
	Rows   int     `json:"rows"`
	Share  float64 `json:"share"`  // of the base weights
	Target float64 `json:"target"` // share that the weights stand for
	Weight float64 `json:"weight"`
	// ESS is the effective sample size of the cell's rows, less than their number where base weights differ.
	ESS float64 `json:"ess"`
}

// Overlap reports on the table and the rows that it was made of.
func (w *Weights) Overlap() Overlap {
	o := Overlap{Rows: w.baseRows, Unknown: w.unknown, ESSByAux: map[int]float64{}}
	n := len(w.weight)
	raw, weighted := make([]float64, n), make([]float64, n)
	type sums struct{ one, two float64 }
	var base, all sums
	byAux := make([]sums, len(w.v))
	for at, u := range w.weight {
		own := w.sums[at]
		c := CellWeight{Cell: w.cell(at), Rows: w.count[at], Share: own / w.base, Target: w.target[at], Weight: u}
		if c.Rows > 0 {
			c.ESS = own * own / w.squares[at]
		}
		o.Cells = append(o.Cells, c)
		if c.Rows == 0 {
			o.Empty = append(o.Empty, c.Cell)
			continue
		}
		raw[at], weighted[at] = own, own*u
		base.one, base.two = base.one+own, base.two+w.squares[at]
		all.one, all.two = all.one+own*u, all.two+w.squares[at]*u*u
		b := &byAux[at%len(w.v)]
		b.one, b.two = b.one+own*u, b.two+w.squares[at]*u*u
		o.MaxWeight = max(o.MaxWeight, u)
		if w.cut[at] > w.limit {
			o.Clipped += w.count[at]
		}
	}
	o.BaseESS, o.ESS = base.one*base.one/base.two, all.one*all.one/all.two
	for j, b := range byAux {
		if b.two > 0 {
			o.ESSByAux[w.v[j]] = b.one * b.one / b.two
		}
	}
	o.MutualInformation, o.CramersV = association(raw, len(w.v))
	o.WeightedMutualInformation, o.WeightedCramersV = association(weighted, len(w.v))
	o.warn(w)
	return o
}

func (o *Overlap) warn(w *Weights) {
	add := func(format string, args ...any) { o.Warnings = append(o.Warnings, fmt.Sprintf(format, args...)) }
	for _, c := range o.Empty {
		add("no row has %v: weights cannot make up for it", c)
	}
	for _, c := range o.Cells {
		if c.Rows > 0 && c.Rows < fewRows && c.Target > 0 {
			add("%d rows have %v and stand for %.3g of the target", c.Rows, c.Cell, c.Target)
		}
	}
	if o.ESS < 0.1*o.BaseESS {
		add("the effective sample size is %.4g of %.4g: results will hang on few rows", o.ESS, o.BaseESS)
	}
	if o.Clipped > 0 {
		add("%d rows were clipped, which leaves Cramér's V at %.3g", o.Clipped, o.WeightedCramersV)
	}
}

// fewRows is the size of a cell below which its rows are too few to stand for others.
const fewRows = 10

// association is the mutual information in nats and Cramér's V of a table of sums.
func association(table []float64, cols int) (information, cramersV float64) {
	rows := len(table) / cols
	py, pv := make([]float64, rows), make([]float64, cols)
	total := 0.0
	for at, s := range table {
		py[at/cols] += s
		pv[at%cols] += s
		total += s
	}
	chi2 := 0.0
	for at, s := range table {
		expected := py[at/cols] / total * pv[at%cols] / total
		if expected == 0 {
			continue
		}
		p := s / total
		chi2 += (p - expected) * (p - expected) / expected
		if p > 0 {
			information += p * math.Log(p/expected)
		}
	}
	if least := min(used(py), used(pv)) - 1; least > 0 {
		cramersV = math.Sqrt(chi2 / float64(least))
	}
	return max(information, 0), cramersV
}

// used counts what is above 0.
func used(p []float64) int {
	n := 0
	for _, v := range p {
		if v > 0 {
			n++
		}
	}
	return n
}

// String is a table for people.
func (o Overlap) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%6s %6s %8s %8s %8s %8s\n", "y", "v", "rows", "share", "target", "weight")
	for _, c := range o.Cells {
		fmt.Fprintf(&s, "%6d %6d %8d %8.4f %8.4f %8.4g\n", c.Y, c.V, c.Rows, c.Share, c.Target, c.Weight)
	}
	fmt.Fprintf(&s, "effective sample size %.4g of %.4g, largest weight %.4g, Cramér's V %.3g, weighted %.3g\n",
		o.ESS, o.BaseESS, o.MaxWeight, o.CramersV, o.WeightedCramersV)
	if o.Unknown > 0 {
		fmt.Fprintf(&s, "%d rows have an unknown auxiliary label and are not counted\n", o.Unknown)
	}
	for _, w := range o.Warnings {
		fmt.Fprintf(&s, "warning: %s\n", w)
	}
	return s.String()
}

// list joins at most five texts and says how many more there are.
func list(all []string) string {
	const most = 5
	if n := len(all); n > most {
		return strings.Join(all[:most], ", ") + fmt.Sprintf(" and %d more", n-most)
	}
	return strings.Join(all, ", ")
}
