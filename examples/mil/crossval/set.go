// Package crossval is bags of instances with labels, a network that learns from them, and its cross-validation.
package crossval

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
)

// Set is bags with labels.
type Set struct {
	Name     string
	Bags     mil.Bags[float32]
	Positive []bool
}

// ReadCSV reads a header and lines of bag, label and features, gzipped if the name ends in .gz.
func ReadCSV(path string) (d Set, err error) {
	f, err := os.Open(path)
	if err != nil {
		return d, err
	}
	defer func() { _ = f.Close() }()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			return d, fmt.Errorf("%s: %w", path, err)
		}
	}
	rows, err := csv.NewReader(in).ReadAll()
	if err != nil {
		return d, fmt.Errorf("%s: %w", path, err)
	}
	if len(rows) < 2 || len(rows[0]) < 3 {
		return d, fmt.Errorf("%s: want a header and lines of a bag, a label and features", path)
	}
	x, ids, label := tensor.NewMatrix[float32](len(rows)-1, len(rows[0])-2), make([]string, len(rows)-1),
		map[string]string{}
	for i, row := range rows[1:] {
		ids[i] = row[0]
		if before, seen := label[row[0]]; row[1] != "0" && row[1] != "1" || seen && before != row[1] {
			return d, fmt.Errorf("%s: line %d: the label of bag %s is %q, want 0 or 1 and the same for all its instances", path,
				i+2, row[0], row[1])
		}
		label[row[0]] = row[1]
		for j, text := range row[2:] {
			v, err := strconv.ParseFloat(text, 32)
			if err != nil {
				return d, fmt.Errorf("%s: line %d: feature %d: %w", path, i+2, j, err)
			}
			x.Set(i, j, float32(v))
		}
	}
	bags, names, _, err := mil.GroupBy(x, ids)
	if err != nil {
		return d, err
	}
	d = Set{Name: path, Bags: bags}
	for _, name := range names {
		d.Positive = append(d.Positive, label[name] == "1")
	}
	return d, nil
}

// Draw deals the bags of each class to folds in turn, in random order.
func Draw(positive []bool, folds int, seed, repeat uint64) [][]int {
	all := make([][]int, folds)
	next := 0
	for c, class := range []bool{true, false} {
		var bags []int
		for i, p := range positive {
			if p == class {
				bags = append(bags, i)
			}
		}
		rng := tensor.Stream(seed, repeat, uint64(c))
		rng.Shuffle(len(bags), func(i, j int) { bags[i], bags[j] = bags[j], bags[i] })
		for _, i := range bags {
			all[next%folds] = append(all[next%folds], i)
			next++
		}
	}
	return all
}
