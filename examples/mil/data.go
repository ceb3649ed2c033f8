package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/espalier-ml/espalier/examples/digits"
	"github.com/espalier-ml/espalier/examples/mil/crossval"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/tensor"
)

// dataset is bags with labels and folds.
type dataset struct {
	crossval.Set
	instance []bool // labels of the instances where they are known, only to judge by
	digit    []int
	folds    [][][]int // of each repeat, the test bags of each fold
}

func load(s settings) (dataset, error) {
	var d dataset
	var err error
	if s.data == "" {
		d, err = digitBags(s.seed, s.digits)
	} else {
		d.Set, err = crossval.ReadCSV(s.data)
	}
	if err != nil {
		return d, err
	}
	if s.test != "" {
		d.folds, err = readFolds(s.test, d.Bags.Len())
		return d, err
	}
	if s.folds < 2 || s.repeat < 1 {
		return d, fmt.Errorf("%d folds and %d repeats, want 2 and 1 or more", s.folds, s.repeat)
	}
	for r := range s.repeat {
		d.folds = append(d.folds, crossval.Draw(d.Positive, s.folds, s.seed, uint64(r)))
	}
	return d, nil
}

// digitBags deals the digits to bags of 4 to 10, each digit to one. About half of the bags have a 9 among them.
func digitBags(seed uint64, most int) (dataset, error) {
	set, err := digits.Load()
	if err != nil {
		return dataset{}, err
	}
	if most < 100 || most > set.Len() {
		return dataset{}, fmt.Errorf("%d digits, want 100 to %d", most, set.Len())
	}
	set, _ = set.Split(seed, most)
	d := dataset{Set: crossval.Set{Name: "digits"}, digit: set.Y}
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
	if d.Bags, err = mil.New(tensor.Of(n, size, set.X[:n*size]), offsets); err != nil {
		return d, err
	}
	for i := range d.Bags.Len() {
		found := false
		for _, y := range set.Y[offsets[i]:offsets[i+1]] {
			d.instance = append(d.instance, y == 9)
			found = found || y == 9
		}
		d.Positive = append(d.Positive, found)
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
