package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/espalier-ml/espalier/causal"
)

// read returns the columns of the test file, and of the training file if there is one. Names are the levels of v, if
// they are words.
func read(s settings, stdin io.Reader) (in causal.AuditInput, names []string, err error) {
	test, err := columns(s.file, stdin, s.score, s.y, s.v)
	if err != nil {
		return in, nil, err
	}
	train := [][]string{nil, nil}
	if s.train != "" {
		if train, err = columns(s.train, stdin, s.y, s.v); err != nil {
			return in, nil, err
		}
	}
	for i, text := range test[0] {
		score, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return in, nil, fmt.Errorf("%s: row %d: the score is %q, want a number", s.file, i+1, text)
		}
		in.Score = append(in.Score, score)
	}
	if in.Y, err = binary(s.file, test[1]); err != nil {
		return in, nil, err
	}
	if in.TrainY, err = binary(s.train, train[0]); err != nil {
		return in, nil, err
	}
	names = words(slices.Concat(test[2], train[1]))
	if in.V, err = levels(s.file, test[2], names); err != nil {
		return in, nil, err
	}
	in.TrainV, err = levels(s.train, train[1], names)
	return in, names, err
}

// columns returns the named columns of a CSV file.
func columns(name string, stdin io.Reader, want ...string) ([][]string, error) {
	r := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	c := csv.NewReader(r)
	c.ReuseRecord = true
	header, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: no header", name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	header = slices.Clone(header)
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	at := make([]int, len(want))
	for k, column := range want {
		if at[k] = slices.Index(header, column); at[k] < 0 {
			return nil, fmt.Errorf("%s: no column %q among %q; name it with a flag", name, column, header)
		}
	}
	out := make([][]string, len(want))
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for k, i := range at {
			out[k] = append(out[k], strings.Clone(strings.TrimSpace(row[i])))
		}
	}
}

// binary reads labels 0 and 1.
func binary(name string, column []string) ([]int, error) {
	var y []int
	for i, text := range column {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || v != 0 && v != 1 {
			return nil, fmt.Errorf("%s: row %d: the label is %q, want 0 or 1", name, i+1, text)
		}
		y = append(y, int(v))
	}
	return y, nil
}

// unknown are the ways to write that a label is not known.
var unknown = []string{"", "na", "n/a", "nan", "null", "none", "unknown", "-1"}

func isUnknown(text string) bool { return slices.Contains(unknown, strings.ToLower(text)) }

// words returns the levels in order if one of them is not a whole number.
func words(column []string) []string {
	var all []string
	isWord := false
	for _, text := range column {
		if isUnknown(text) {
			continue
		}
		if _, err := whole(text); err != nil {
			isWord = true
		}
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	slices.Sort(all)
	if !isWord {
		return nil
	}
	return all
}

func whole(text string) (int, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v != float64(int(v)) || v < 0 {
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	return int(v), nil
}

func levels(name string, column, names []string) ([]int, error) {
	var v []int
	for i, text := range column {
		switch {
		case isUnknown(text):
			v = append(v, causal.Unknown)
		case names != nil:
			v = append(v, slices.Index(names, text))
		default:
			n, err := whole(text)
			if err != nil {
				return nil, fmt.Errorf("%s: row %d: %w", name, i+1, err)
			}
			v = append(v, n)
		}
	}
	return v, nil
}
