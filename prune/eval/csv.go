package eval

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/espalier-ml/espalier/tensor"
)

// columns are those of ShrinkBench's plot/data.py, in its order.
var columns = []string{"dataset", "model", "strategy", "compression", "size", "size_nz", "real_compression", "flops",
	"flops_nz", "speedup",
	"pre_acc1", "pre_acc5", "post_acc1", "post_acc5", "seed", "batch_size", "epochs", "optim", "lr", "completed_epochs",
	"path"}

// WriteCSV writes results under the columns of ShrinkBench's tables, so that its plots read them. Sizes and flops are
// the right ones: see [prune.Stats]. Hashes, selection and collapsed layers have no column there.
func WriteCSV(w io.Writer, results []Result) error {
	c := csv.NewWriter(w)
	if err := c.Write(columns); err != nil {
		return err
	}
	num := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	for _, r := range results {
		if err := c.Write([]string{r.Dataset, r.Model, r.Method, num(r.Target), strconv.Itoa(r.Size), strconv.Itoa(r.Kept),
			num(r.Ratio),
			strconv.FormatInt(r.MACs, 10), strconv.FormatInt(r.MACsNZ, 10), num(r.Speedup), num(r.PreTop1), num(r.PreTop5),
			num(r.Top1), num(r.Top5),
			strconv.FormatUint(r.Seed, 10), strconv.Itoa(r.Batch), strconv.Itoa(r.Epochs), r.Optimizer, num(r.LR),
			strconv.Itoa(r.Completed), r.Path}); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// ReadCSV reads such a table; columns may stand in any order, unknown ones are skipped, and missing or empty numbers
// are 0. The error wraps tensor.ErrRange and names line and column of what is no number, or of a whole number that is
// none or does not fit, or is that of encoding/csv.
func ReadCSV(r io.Reader) ([]Result, error) {
	t, err := readTable(r, []string{"dataset", "model", "strategy"})
	if err != nil {
		return nil, err
	}
	var results []Result
	for t.next() {
		results = append(results, Result{Dataset: t.text("dataset"), Model: t.text("model"), Method: t.text("strategy"),
			Target: t.number("compression"),
			Size:   t.whole("size"), Kept: t.whole("size_nz"), Ratio: t.number("real_compression"), MACs: t.integer("flops",
				64), MACsNZ: t.integer("flops_nz", 64),
			Speedup: t.number("speedup"), PreTop1: t.number("pre_acc1"), PreTop5: t.number("pre_acc5"),
			Top1: t.number("post_acc1"), Top5: t.number("post_acc5"),
			Seed: t.seed("seed"), Batch: t.whole("batch_size"), Epochs: t.whole("epochs"), Optimizer: t.text("optim"),
			LR:        t.number("lr"),
			Completed: t.whole("completed_epochs"), Path: t.text("path")})
	}
	return results, t.err
}

// table is a CSV file whose columns go by name.
type table struct {
	rows  [][]string
	lines []int // of the file, by row
	at    map[string]int
	row   int
	err   error
}

func readTable(r io.Reader, required []string) (*table, error) {
	c := csv.NewReader(r)
	t := &table{at: map[string]int{}}
	var err error
	for {
		row, err := c.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("eval: %w", err)
		}
		line, _ := c.FieldPos(0)
		t.rows, t.lines = append(t.rows, row), append(t.lines, line)
	}
	if len(t.rows) == 0 {
		return nil, fmt.Errorf("eval: no header: %w", tensor.ErrEmpty)
	}
	for i, name := range t.rows[0] {
		t.at[name] = i
	}
	for _, name := range required {
		if !slices.Contains(t.rows[0], name) {
			err = errors.Join(err, fmt.Errorf("eval: no column %q: %w", name, tensor.ErrRange))
		}
	}
	return t, err
}

func (t *table) next() bool {
	t.row++
	return t.err == nil && t.row < len(t.rows)
}

func (t *table) text(column string) string {
	if i, ok := t.at[column]; ok {
		return t.rows[t.row][i]
	}
	return ""
}

func (t *table) number(column string) float64 {
	s := t.text(column)
	if s == "" {
		return 0
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v-v != 0 {
		t.fail(column, "a finite number")
	}
	return v
}

// whole is a count that an int holds.
func (t *table) whole(column string) int {
	v := t.integer(column, strconv.IntSize)
	if v < 0 {
		t.fail(column, "a whole number, 0 or more")
	}
	return int(v)
}

// integer is a number without a fraction that so many bits hold, a sign among them. One that is written with a point or
// an exponent must be one that a float64 holds exactly.
func (t *table) integer(column string, bits int) int64 {
	s := t.text(column)
	if v, err := strconv.ParseInt(s, 10, bits); err == nil {
		return v
	}
	v := t.number(column)
	if limit := min(1<<53, math.Ldexp(1, bits-1)-1); v != math.Trunc(v) || !(math.Abs(v) <= limit) {
		t.fail(column, fmt.Sprintf("a whole number of %d bits", bits))
		return 0
	}
	return int64(v)
}

// seed is a whole number without a sign.
func (t *table) seed(column string) uint64 {
	if v, err := strconv.ParseUint(t.text(column), 10, 64); err == nil {
		return v
	}
	v := t.integer(column, 64)
	if v < 0 {
		t.fail(column, "a whole number, 0 or more")
	}
	return uint64(v)
}

// fail notes the first field that is not what is wanted.
func (t *table) fail(column, want string) {
	if t.err == nil {
		t.err = fmt.Errorf("eval: line %d, column %q: %q, want %s: %w",
			t.lines[t.row], column, t.text(column), want, tensor.ErrRange)
	}
}
