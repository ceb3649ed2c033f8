package main

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/importers"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// selection is the flags that say what to read from logs.
type selection struct {
	cost, quality, direction string
	task, model, rename      string
}

func (s *selection) register(f *flag.FlagSet) {
	f.StringVar(&s.cost, "cost", "",
		"cost to compare over: seconds, train_seconds, step, flops, ... (default train_seconds, seconds, or what all have)")
	f.StringVar(&s.quality, "quality", "", "quality to compare (default the only one there is)")
	f.StringVar(&s.direction, "direction", "",
		"higher or lower is better (default as the log says, or lower for losses and errors)")
	f.StringVar(&s.task, "task", "", "this task only")
	f.StringVar(&s.model, "model", "", "this model only")
	f.StringVar(&s.rename, "rename", "", "columns of CSV files, as algo=method,wall=seconds,notes=")
}

// records reads all files.
func (c *call) records(files []string, s *selection) ([]runlog.Record, error) {
	rename, err := pairs(s.rename)
	if err != nil {
		return nil, c.misuse("-rename: %v", err)
	}
	if s.direction != "" {
		if _, err := tradeoff.ParseDirection(s.direction); err != nil {
			return nil, c.misuse("-direction is %q, want higher or lower", s.direction)
		}
	}
	var all []runlog.Record
	for _, name := range files {
		err := c.open(name, func(r *bufio.Reader) error {
			more, err := read(r, rename)
			all = append(all, more...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return s.choose(all)
}

// choose drops the records of other tasks and models and sets the direction.
func (s *selection) choose(all []runlog.Record) ([]runlog.Record, error) {
	mine := map[string]bool{}
	for _, r := range all {
		if r.RunID != "" && (s.task == "" || r.Task == s.task) && (s.model == "" || r.Model == s.model) &&
			(r.Kind == "run" || r.Task+r.Model != "" || s.task+s.model == "") {
			mine[r.RunID] = true
		}
	}
	var chosen []runlog.Record
	for _, r := range all {
		if r.RunID != "" && !mine[r.RunID] {
			continue
		}
		if s.direction != "" && r.Kind == "eval" {
			r.Direction = map[string]string{}
			for name := range r.Quality {
				r.Direction[name] = s.direction
			}
		}
		chosen = append(chosen, r)
	}
	return chosen, nil
}

// pairs reads a=b,c=d.
func pairs(text string) (map[string]string, error) {
	m := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		if part == "" {
			continue
		}
		from, to, ok := strings.Cut(part, "=")
		if !ok || from == "" {
			return nil, fmt.Errorf("%q is not of the form name=name", part)
		}
		m[from] = to
	}
	return m, nil
}

// open calls f with a file, unpacked, and puts its name before errors.
func (c *call) open(name string, f func(r *bufio.Reader) error) (err error) {
	in := c.stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	r := bufio.NewReader(in)
	if magic, _ := r.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r = bufio.NewReader(z)
	}
	if err := f(r); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// read reads JSON lines or CSV, whichever it is.
func read(r *bufio.Reader, rename map[string]string) ([]runlog.Record, error) {
	if first(r) == '{' {
		return runlog.ReadJSONL(r)
	}
	return importers.ReadCSV(r, rename)
}

// first is the first byte that is not blank.
func first(r *bufio.Reader) byte {
	head, _ := r.Peek(64)
	if head = bytes.TrimLeft(head, " \t\r\n"); len(head) > 0 {
		return head[0]
	}
	return 0
}

// arms groups the records by setting: task and model.
func (s *selection) arms(records []runlog.Record) ([][]runlog.Arm, error) {
	all, err := runlog.Arms(records, s.cost, s.quality)
	if err != nil {
		return nil, err
	}
	var settings [][]runlog.Arm
	for _, a := range all {
		if n := len(settings) - 1; n >= 0 && settings[n][0].Task == a.Task && settings[n][0].Model == a.Model {
			settings[n] = append(settings[n], a)
		} else {
			settings = append(settings, []runlog.Arm{a})
		}
	}
	return settings, nil
}

// setting names the task and the model of an arm.
func setting(a runlog.Arm) string {
	if a.Task+a.Model == "" {
		return "all runs"
	}
	return cmp.Or(a.Task, "?") + "/" + cmp.Or(a.Model, "?")
}

// numbers is a flag that takes numbers with commas between.
type numbers []float64

func (n *numbers) String() string {
	var texts []string
	for _, v := range *n {
		texts = append(texts, strconv.FormatFloat(v, 'g', -1, 64))
	}
	return strings.Join(texts, ",")
}

func (n *numbers) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		v, err := strconv.ParseFloat(part, 64)
		if err != nil || v-v != 0 {
			return errors.New("want numbers with commas between")
		}
		*n = append(*n, v)
	}
	return nil
}
