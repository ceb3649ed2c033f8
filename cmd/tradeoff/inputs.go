package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/espalier-ml/espalier/tradeoff/importers"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// input is a file to read, and the method that its runs are of if they do not tell.
type input struct{ path, method string }

// armFlags is the values of -arm.
type armFlags []input

// String is empty: there is no default.
func (a *armFlags) String() string { return "" }

// Set adds NAME=GLOB.
func (a *armFlags) Set(text string) error {
	name, glob, ok := strings.Cut(text, "=")
	if !ok || name == "" || glob == "" {
		return errors.New("want NAME=GLOB")
	}
	*a = append(*a, input{glob, name})
	return nil
}

// inputs is the files that arguments and -arm name. Of several arguments each is a method, named after it.
func (s *selection) inputs(args []string) ([]input, error) {
	given := slices.Clone(s.named)
	for _, arg := range args {
		method := ""
		if len(args) > 1 || len(s.named) > 0 {
			method = strings.TrimSuffix(filepath.Base(arg), ".gz")
			method = strings.TrimSuffix(method, filepath.Ext(method))
		}
		given = append(given, input{arg, method})
	}
	var all []input
	for _, g := range given {
		if g.path == "-" {
			all = append(all, g)
			continue
		}
		paths := []string{g.path}
		if _, err := os.Stat(g.path); err != nil && strings.ContainsAny(g.path, "*?[") {
			if paths, err = filepath.Glob(g.path); err != nil || len(paths) == 0 {
				return nil, fmt.Errorf("no files match %q", g.path)
			}
		}
		for _, path := range paths {
			files, err := s.files(path)
			if err != nil {
				return nil, err
			}
			for _, f := range files {
				all = append(all, input{f, g.method})
			}
		}
	}
	return all, nil
}

// files is a file, or the logs in a folder and those below it.
func (s *selection) files(path string) ([]string, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return []string{path}, err
	}
	var files []string
	err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && s.isLog(filepath.ToSlash(name)) {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if files = lastCheckpoints(files); len(files) == 0 {
		return nil, fmt.Errorf("%s has no logs: no CSV, JSON lines, trainer_state.json, event files or MLflow metrics; "+
			"plain text needs -pattern", path)
	}
	return files, nil
}

func (s *selection) isLog(name string) bool {
	base := strings.TrimSuffix(filepath.Base(name), ".gz")
	switch {
	case strings.HasPrefix(base, "."):
		return false
	case strings.HasPrefix(base, "result_") && filepath.Ext(base) == ".txt": // of MLPerf
		return true
	case base == "trainer_state.json", strings.Contains(base, "tfevents"), strings.Contains(name, "/metrics/"):
		return true
	}
	wanted := []string{".csv", ".tsv", ".jsonl", ".ndjson"}
	if s.pattern != "" {
		wanted = []string{".txt", ".log", ".out"}
	}
	return slices.Contains(wanted, filepath.Ext(base))
}

var checkpoint = regexp.MustCompile(`^checkpoint-(\d+)$`)

// lastCheckpoints keeps, of the states of one run that its checkpoints hold, the last: it has what the others have.
func lastCheckpoints(files []string) []string {
	last := map[string]int{}
	number := func(f string) (dir string, n int, ok bool) {
		dir = filepath.Dir(f)
		m := checkpoint.FindStringSubmatch(filepath.Base(dir))
		if filepath.Base(f) != "trainer_state.json" || m == nil {
			return dir, 1 << 30, filepath.Base(f) == "trainer_state.json"
		}
		n, err := strconv.Atoi(m[1])
		return filepath.Dir(dir), n, err == nil
	}
	for _, f := range files {
		if dir, n, ok := number(f); ok {
			last[dir] = max(last[dir], n)
		}
	}
	return slices.DeleteFunc(files, func(f string) bool {
		dir, n, ok := number(f)
		return ok && n < last[dir]
	})
}

// read adds a file to the log.
func (s *selection) read(l *runlog.Log, in input, r *bufio.Reader, rename map[string]string) error {
	source := importers.Source{Name: filepath.ToSlash(in.path), Rename: rename}
	if s.pattern != "" {
		var err error
		if source.Pattern, err = regexp.Compile(s.pattern); err != nil {
			return fmt.Errorf("-pattern: %w", err)
		}
	}
	if head, _ := r.Peek(1 << 10); source.Pattern == nil && bytes.Contains(head, []byte("tradeoff.record/")) {
		return l.ReadJSONL(in.path, r)
	}
	records, err := source.Read(r)
	if err != nil {
		return err
	}
	shift, err := pairs(s.shift)
	if err != nil {
		return fmt.Errorf("-shift: %w", err)
	}
	for i := range records {
		record := &records[i]
		if len(record.Method) == 0 && in.method != "" {
			record.Method = []string{in.method}
		}
		for name, text := range shift {
			by, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return fmt.Errorf("-shift: %s is %q, want a number", name, text)
			}
			if v, ok := record.Cost[name]; ok {
				record.Cost[name] = v + by
			} else if name == "step" {
				record.Step += int(by)
			}
		}
	}
	return l.Add(source.Run(), records...)
}
