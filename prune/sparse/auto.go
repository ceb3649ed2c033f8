package sparse

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/espalier-ml/espalier/internal/timing"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// Report is how long the product of one matrix takes in each format, as [Auto] measured it.
type Report struct {
	Rows  int    `json:"rows"`
	Cols  int    `json:"cols"`
	Kept  int    `json:"kept"`
	Batch int    `json:"batch"` // examples of a product
	Best  Format `json:"best"`  // the fastest
	Lines []Line `json:"lines"` // one per format that can hold the matrix
}

// Line is one format.
type Line struct {
	Format      Format  `json:"format"`
	Bytes       int     `json:"bytes"`
	Nanoseconds float64 `json:"nanoseconds"` // of a product: the median of seven runs
	Speedup     float64 `json:"speedup"`     // relative to Dense, more being faster
}

const timingRuns = 7

// Auto stores the elements of w that mask keeps, as [New] does, in the format whose product with so many examples is
// fastest on this machine, and reports how long each took. [Dense] is among them and often right: with more than half
// of the elements kept, and for small matrices. [NM] is tried as 2:4, if the mask allows it. Products of random
// inputs are timed, with the goroutines that there are by default; times depend on what else the machine does, so
// another run may choose another format where two are close. Errors are those of New, and wrap tensor.ErrRange for
// less than one example.
func Auto[T tensor.Float](w tensor.Matrix[T], mask *prune.Mask, examples int) (*Matrix[T], Report, error) {
	const call = "sparse: Auto"
	if examples < 1 {
		return nil, Report{}, fmt.Errorf("%s: %d examples, want 1 or more: %w", call, examples, tensor.ErrRange)
	}
	if err := checkMasked(w, mask); err != nil {
		return nil, Report{}, fmt.Errorf("%s: %w", call, err)
	}
	e, err := gather(w, mask)
	if err != nil {
		return nil, Report{}, fmt.Errorf("%s: %w", call, err)
	}
	x, dst := tensor.NewMatrix[T](examples, w.Cols), tensor.NewMatrix[T](examples, w.Rows)
	rng := tensor.Stream(1)
	for i := range x.Data {
		x.Data[i] = T(rng.NormFloat64())
	}
	r := Report{Rows: w.Rows, Cols: w.Cols, Kept: len(e.Data), Batch: examples}
	var best *Matrix[T]
	least, plain := 0.0, 0.0
	for _, f := range []Format{Dense, Panels, Compressed, Bitmask, NM} {
		m, err := build(call, e, config{format: f, n: 2, m: 4})
		if f == NM && errors.Is(err, tensor.ErrRange) {
			continue
		}
		if err != nil {
			return nil, Report{}, err
		}
		ns, err := timing.Median(timingRuns, 1, func() error { return m.MulBatch(dst, x) })
		if err != nil {
			return nil, Report{}, err
		}
		if f == Dense {
			plain = ns
		}
		if best == nil || ns < least {
			best, least, r.Best = m, ns, f
		}
		r.Lines = append(r.Lines, Line{f, m.Bytes(), ns, plain / ns})
	}
	return best, r, nil
}

// String is a table with a line for each format.
func (r Report) String() string {
	var b strings.Builder
	density := 0.0
	if n := r.Rows * r.Cols; n > 0 {
		density = 100 * float64(r.Kept) / float64(n)
	}
	fmt.Fprintf(&b, "%d outputs, %d inputs, %.1f %% kept, %d examples at a time\n", r.Rows, r.Cols, density, r.Batch)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "format\tbytes\tmicroseconds\tspeedup\t")
	for _, l := range r.Lines {
		note := ""
		if l.Format == r.Best {
			note = "fastest"
		}
		fmt.Fprintf(w, "%v\t%d\t%.1f\t%.2f\t %s\n", l.Format, l.Bytes, l.Nanoseconds/1e3, l.Speedup, note)
	}
	w.Flush()
	return b.String()
}
