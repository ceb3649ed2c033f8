package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Record is a run of an experiment.
type Record struct {
	Experiment string   `json:"experiment"`
	Setting    string   `json:"setting"` // data, model, what was compared
	Seed       uint64   `json:"seed"`    // of the command line
	Seeds      []uint64 `json:"seeds"`   // that were drawn from it
	Quick      bool     `json:"quick,omitempty"`
	Seconds    int      `json:"seconds"`
	Claims     []Claim  `json:"claims"`
}

const (
	version     = 1
	resultsFile = "results.json"
	pageFile    = "RESULTS.md"
)

// Results is the last run of every experiment.
type Results struct {
	Version int      `json:"version"`
	Records []Record `json:"records"`
}

// put replaces the record of the same experiment, or adds it.
func (r *Results) put(one Record) {
	i := slices.IndexFunc(r.Records, func(old Record) bool { return old.Experiment == one.Experiment })
	if i < 0 {
		r.Records = append(r.Records, one)
		return
	}
	r.Records[i] = one
}

// readResults reads results.json of a directory; one without the file has no results yet.
func readResults(dir string) (Results, error) {
	r := Results{Version: version}
	b, err := os.ReadFile(filepath.Join(dir, resultsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("%s: %w", resultsFile, err)
	}
	if r.Version != version {
		return r, fmt.Errorf("%s has version %d, want %d", resultsFile, r.Version, version)
	}
	return r, nil
}

// save writes results.json, and the sections of RESULTS.md that belong to its records.
func (r Results) save(dir string) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	name := filepath.Join(dir, pageFile)
	page, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text := string(page)
	for _, one := range r.Records {
		text = replace(text, one)
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, resultsFile), append(b, '\n'), 0o644),
		os.WriteFile(name, []byte(text), 0o644))
}
