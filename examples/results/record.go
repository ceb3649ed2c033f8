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

// Run is the claims of an experiment, judged over seeds, and its statements without chance.
type Run struct {
	Seed    uint64   `json:"seed"`           // of the command line
	Seeds   []uint64 `json:"seeds"`          // that were drawn from it
	Unit    string   `json:"unit,omitempty"` // what there is a number of for each claim; empty: seeds
	Quick   bool     `json:"quick,omitempty"`
	Seconds int      `json:"seconds"`
	Exact   []Exact  `json:"exact,omitempty"`
	Claims  []Claim  `json:"claims,omitempty"`
}

// judge judges all claims and statements.
func (r *Run) judge() error {
	var errs []error
	for i := range r.Exact {
		errs = append(errs, r.Exact[i].judge())
	}
	for i := range r.Claims {
		errs = append(errs, r.Claims[i].judge())
	}
	return errors.Join(errs...)
}

// Record is the last run of an experiment, and those in other settings.
type Record struct {
	Experiment string `json:"experiment"`
	About      string `json:"about"` // data, model, what was compared
	Run
	Elsewhere []Elsewhere `json:"elsewhere,omitempty"`
}

// Elsewhere is the claims of a record in another setting.
type Elsewhere struct {
	Setting string `json:"setting"`
	Text    string `json:"text"`
	Run
}

const (
	version     = 2
	resultsFile = "results.json"
	pageFile    = "RESULTS.md"
)

// Results is the last run of every experiment.
type Results struct {
	Version int      `json:"version"`
	Records []Record `json:"records"`
}

// of is the record of an experiment, or nil.
func (r *Results) of(experiment string) *Record {
	i := slices.IndexFunc(r.Records, func(old Record) bool { return old.Experiment == experiment })
	if i < 0 {
		return nil
	}
	return &r.Records[i]
}

// put replaces the record of the same experiment, or adds it. Runs in other settings stay as long as they are about the
// same claims.
func (r *Results) put(one Record) {
	old := r.of(one.Experiment)
	if old == nil {
		r.Records = append(r.Records, one)
		return
	}
	one.Elsewhere = nil
	if sameClaims(old.Claims, one.Claims) {
		one.Elsewhere = old.Elsewhere
	}
	*old = one
}

// putElsewhere replaces the runs of an experiment in other settings, which has a record.
func (r *Results) putElsewhere(experiment string, runs []Elsewhere) error {
	record := r.of(experiment)
	for _, run := range runs {
		if !sameClaims(record.Claims, run.Claims) {
			return fmt.Errorf("%s, %s: other claims than those of the table; run it without -settings first", experiment,
				run.Setting)
		}
	}
	record.Elsewhere = runs
	return nil
}

func sameClaims(a, b []Claim) bool {
	return slices.EqualFunc(a, b, func(c, d Claim) bool { return c.Text == d.Text && c.Bar.String() == d.Bar.String() })
}

// judge judges all runs anew.
func (r *Results) judge() error {
	var errs []error
	for i := range r.Records {
		errs = append(errs, r.Records[i].judge())
		for k := range r.Records[i].Elsewhere {
			errs = append(errs, r.Records[i].Elsewhere[k].judge())
		}
	}
	return errors.Join(errs...)
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
