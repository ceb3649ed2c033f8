// Command tradeoff makes claims about speed and quality out of the logs of training runs, and tells what is wrong
// with them.
//
//	tradeoff summarize runs.jsonl              # what is in the logs
//	tradeoff compare runs.jsonl                # speedups and gains against the baseline, with intervals
//	tradeoff check runs.jsonl                  # the checklist T01 to T23
//	tradeoff plot -o curves.svg runs.jsonl     # curves with their bands, fronts, profiles, survival
//	tradeoff profile trace.jsonl               # what a loop waits for, and what can be done
//	tradeoff score -targets targets.json logs.csv.gz     # as AlgoPerf scores
//	tradeoff score -references rcp.json results/         # as MLPerf reviews a submission
//	tradeoff compare -row task -col method runs.jsonl    # speedups as a table, with their geometric mean
//
// Logs are files, folders or globs of what tools write, recognised by content, gzipped or not: JSON lines of package
// runlog, trainer_state.json of Hugging Face, metrics.csv of Lightning, Keras' CSVLogger, event files and CSV of
// TensorBoard, history and charts of Weights & Biases, mlruns of MLflow, result files of MLPerf, tables of ShrinkBench,
// go test -bench, any CSV with a header, and plain text with -pattern. "-" is the standard input. Of several arguments
// each is a method of its name, and -arm NAME=GLOB names others: from a folder of Lightning and one of TensorBoard logs
// to a comparison and a plot it is
//
//	tradeoff compare -cost step -quality acc baseline/ fast/
//	tradeoff plot -cost step -quality acc -o curves.svg baseline/ fast/
//
// The exit status is 0, 1 if something failed or the checklist found errors, and 2 for wrong usage.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/espalier-ml/espalier/tensor/stats"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// command is a subcommand.
type command struct {
	name, args, text string
	run              func(c *call, args []string) error
}

// call is one use of a subcommand.
type call struct {
	flags          *flag.FlagSet
	stdin          io.Reader
	stdout, stderr io.Writer
	progress       *progress
	read           func(n int) // told of bytes as they are read from files, if not nil
}

// resampling is the option that shows how far a bootstrap is.
func (c *call) resampling() stats.ResampleOption {
	c.progress.begin()
	return stats.WithProgress(func(done, total int) { c.progress.report("replicates", done, total) })
}

var commands = []command{
	{"summarize", "FILES", "list tasks, models and methods with their runs, costs and qualities", summarize},
	{"compare", "FILES", "compare methods with the baseline: speedup, gain, tests, verdict, checklist, runs needed",
		compare},
	{"check", "FILES", "apply the checklist; exit 1 on errors", check},
	{"plot", "FILES", "draw curves, fronts, profiles or survival as SVG, PNG or PDF", draw},
	{"profile", "TRACE", "tell what a training loop waits for, from spans that a loop in any language wrote", profile},
	{"score", "FILES", "score by performance profiles, as AlgoPerf does, or against MLPerf's reference points", scoring},
}

var errUsage = errors.New("usage") // the message was printed

var errFindings = errors.New("findings") // they were printed

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		usage(stderr)
		return 2
	}
	if args[0] == "-h" || args[0] == "-help" || args[0] == "--help" || args[0] == "help" {
		usage(stderr)
		return 0
	}
	for _, c := range commands {
		if c.name != args[0] {
			continue
		}
		flags := flag.NewFlagSet("tradeoff "+c.name, flag.ContinueOnError)
		flags.SetOutput(stderr)
		flags.Usage = func() {
			fmt.Fprintf(stderr, "usage: tradeoff %s [flags] %s\n\n%s\n\n", c.name, c.args, c.text)
			flags.PrintDefaults()
		}
		one := &call{flags: flags, stdin: stdin, stdout: stdout, stderr: stderr, progress: newProgress(stderr)}
		err := c.run(one, args[1:])
		one.progress.end()
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return 0
		case errors.Is(err, errUsage):
			return 2
		case !errors.Is(err, errFindings):
			fmt.Fprintln(stderr, "tradeoff:", plain(err))
		}
		return 1
	}
	fmt.Fprintf(stderr, "tradeoff: no command %q\n\n", args[0])
	usage(stderr)
	return 2
}

func usage(w io.Writer) {
	fmt.Fprint(w, "usage: tradeoff COMMAND [flags] FILES\n\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.text)
	}
	fmt.Fprint(w, "\nFILES are logs of training tools, or folders of them; - is the standard "+
		"input.\n\"tradeoff COMMAND -h\" lists the flags of a command.\n")
}

// parse reads flags and wants files after them, unless one of the switches is on.
func (c *call) parse(args []string, switches ...*bool) ([]string, error) {
	if err := c.flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, errUsage
	}
	if c.flags.NArg() == 0 && len(c.named()) == 0 && !slices.ContainsFunc(switches, func(on *bool) bool { return *on }) {
		return nil, c.misuse("no files")
	}
	return c.flags.Args(), nil
}

// named is the values of -arm.
func (c *call) named() armFlags {
	if f := c.flags.Lookup("arm"); f != nil {
		return *f.Value.(*armFlags)
	}
	return nil
}

// misuse prints what is wrong with the arguments, and where to look.
func (c *call) misuse(format string, args ...any) error {
	fmt.Fprintf(c.stderr, c.flags.Name()+": "+format+"\n\""+c.flags.Name()+" -h\" lists the flags\n", args...)
	return errUsage
}
