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
	"slices"
	"strconv"
	"strings"

	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// selection is the flags that say what to read from logs.
type selection struct {
	cost, quality, direction string
	task, model, rename      string
	resume                   bool
	pattern                  string
	named                    armFlags
	shift                    string
}

func (s *selection) register(f *flag.FlagSet) {
	f.StringVar(&s.cost, "cost", "",
		"cost to compare over: seconds, train_seconds, step, flops, ... (default train_seconds, seconds, or what all have)")
	f.StringVar(&s.quality, "quality", "", "quality to compare (default the only one there is)")
	f.StringVar(&s.direction, "direction", "",
		"higher or lower is better (default as the log says, or lower for losses and errors)")
	f.StringVar(&s.task, "task", "", "this task only")
	f.StringVar(&s.model, "model", "", "this model only")
	f.BoolVar(&s.resume, "resume-clock", false,
		"continue costs that fall where a run was resumed: each segment begins where the one before ended")
	f.StringVar(&s.rename, "rename", "", "columns and metrics, as algo=method,wall=seconds,notes=")
	f.StringVar(&s.pattern, "pattern", "",
		"read plain text: a regular expression whose named groups are columns, as "+
			`step (?P<step>\d+) acc (?P<accuracy>\S+)`)
	f.Var(&s.named, "arm", "NAME=GLOB: files and folders that are runs of a method (repeatable)")
	f.StringVar(&s.shift, "shift", "", "add to costs that are counted from 0, as epochs=1 or step=1")
}

// log reads all files.
func (c *call) log(files []string, s *selection) (*runlog.Log, error) {
	l, err := c.readLog(files, s, false)
	if err == nil {
		c.warn(l, 0)
	}
	return l, err
}

// thinLog reads all files for readings of the best quality so far, in a small part of the memory if their evaluations
// are in order.
func (c *call) thinLog(files []string, s *selection) (*runlog.Log, error) {
	thin := !s.resume && !slices.Contains(files, "-")
	l, err := c.readLog(files, s, thin)
	if thin && errors.Is(err, runlog.ErrOrder) {
		l, err = c.readLog(files, s, false)
	}
	if err == nil {
		c.warn(l, 0)
	}
	return l, err
}

func (c *call) readLog(files []string, s *selection, thin bool) (*runlog.Log, error) {
	rename, err := pairs(s.rename)
	if err != nil {
		return nil, c.misuse("-rename: %v", err)
	}
	l := &runlog.Log{}
	if thin {
		l.Thin()
	}
	if s.direction != "" {
		d, err := tradeoff.ParseDirection(s.direction)
		if err != nil {
			return nil, c.misuse("-direction is %q, want higher or lower", s.direction)
		}
		l.SetDirection(d)
	}
	inputs, err := s.inputs(files)
	if err != nil {
		return nil, err
	}
	done, total := int64(0), size(inputs)
	c.progress.begin()
	c.read = func(n int) {
		done += int64(n)
		if total > 0 {
			c.progress.report("MB read", int(done>>20), int(total>>20))
		}
	}
	for _, in := range inputs {
		if err := c.open(in.path, func(r *bufio.Reader) error { return s.read(l, in, r, rename) }); err != nil {
			return nil, err
		}
	}
	c.progress.end()
	l.Select(s.task, s.model)
	if s.resume {
		l.ResumeClock()
	}
	return l, nil
}

// size is the bytes of files, as far as they tell.
func size(inputs []input) (total int64) {
	for _, in := range inputs {
		if info, err := os.Stat(in.path); err == nil {
			total += info.Size()
		}
	}
	return total
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
	if c.read != nil {
		in = counting{in, c.read}
	}
	r := bufio.NewReader(in)
	if magic, _ := r.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r = bufio.NewReader(z)
	}
	if err = f(r); err != nil && !strings.Contains(err.Error(), name) {
		return fmt.Errorf("%s: %w", name, err)
	}
	return err
}

// warn prints the warnings of a log but for those that are known.
func (c *call) warn(l *runlog.Log, known int) {
	for _, w := range l.Warnings()[known:] {
		fmt.Fprintln(c.stderr, "tradeoff: warning:", plain(w))
	}
}

// arms groups the runs by setting: task and model.
func (c *call) arms(l *runlog.Log, s *selection) ([][]runlog.Arm, error) {
	known := len(l.Warnings())
	all, err := l.Arms(s.cost, s.quality)
	c.warn(l, known)
	if err != nil {
		return nil, err
	}
	var settings [][]runlog.Arm
	for _, a := range all {
		if a.Before > 0 {
			fmt.Fprintf(c.stderr, "tradeoff: %d evaluations at %s 0 are left out of %s; -shift %s=1 counts from 1\n", a.Before,
				a.Cost, a.Runs.Name, a.Cost)
		}
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
