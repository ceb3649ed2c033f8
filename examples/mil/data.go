package main

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
)

// dataset is bags with labels.
type dataset struct {
	name     string
	bags     mil.Bags[float32]
	positive []bool
	instance []bool // labels of the instances where they are known, only to judge by
	digit    []int
	folds    [][][]int // of each repeat, the test bags of each fold
}

func load(s settings) (dataset, error) {
	var d dataset
	var err error
	if s.data == "" {
		d, err = digitBags(s.seed)
	} else {
		d, err = readCSV(s.data)
	}
	if err != nil {
		return d, err
	}
	if s.test != "" {
		d.folds, err = readFolds(s.test, d.bags.Len())
		return d, err
	}
	if s.folds < 2 || s.repeat < 1 {
		return d, fmt.Errorf("%d folds and %d repeats, want 2 and 1 or more", s.folds, s.repeat)
	}
	for r := range s.repeat {
		d.folds = append(d.folds, draw(d.positive, s.folds, s.seed, uint64(r)))
	}
	return d, nil
}

// draw deals the bags of each class to folds in turn, in random order.
func draw(positive []bool, folds int, seed, repeat uint64) [][]int {
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

// digitBags deals the digits to bags of 4 to 10, each digit to one. About half of the bags have a 9 among them.
func digitBags(seed uint64) (dataset, error) {
	set, err := digits.Load()
	if err != nil {
		return dataset{}, err
	}
	set, _ = set.Split(seed, set.Len())
	d := dataset{name: "digits", digit: set.Y}
	offsets, rng := []int{0}, tensor.Stream(seed, 7)
	for at := 0; ; {
		n := 4 + rng.IntN(7)
		if at+n > set.Len() {
			break
		}
		at += n
		offsets = append(offsets, at)
	}
	n := offsets[len(offsets)-1]
	const size = digits.Size * digits.Size
	if d.bags, err = mil.New(tensor.Of(n, size, set.X[:n*size]), offsets); err != nil {
		return d, err
	}
	for i := range d.bags.Len() {
		found := false
		for _, y := range set.Y[offsets[i]:offsets[i+1]] {
			d.instance = append(d.instance, y == 9)
			found = found || y == 9
		}
		d.positive = append(d.positive, found)
	}
	return d, nil
}

// readCSV reads lines of bag, label and features.
func readCSV(path string) (d dataset, err error) {
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
	x, ids, label := tensor.NewMatrix[float32](len(rows)-1, len(rows[0])-2), make([]string, len(rows)-1), map[string]string{}
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
	d = dataset{name: path, bags: bags}
	for _, name := range names {
		d.positive = append(d.positive, label[name] == "1")
	}
	return d, nil
}

func readFolds(path string, bags int) ([][][]int, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var f struct {
		Bags [][][]int `json:"test_bags"`
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for r, folds := range f.Bags {
		seen := make([]bool, bags)
		for _, fold := range folds {
			for _, i := range fold {
				if i < 0 || i >= bags || seen[i] {
					return nil, fmt.Errorf("%s: repeat %d: bag %d of %d is not there or in two folds", path, r, i, bags)
				}
				seen[i] = true
			}
		}
		for i, ok := range seen {
			if !ok {
				return nil, fmt.Errorf("%s: repeat %d: bag %d is in no fold", path, r, i)
			}
		}
	}
	if len(f.Bags) == 0 {
		return nil, fmt.Errorf("%s: no folds", path)
	}
	return f.Bags, nil
}
