package importers

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

var nan = math.NaN()

// AlgoPerfTargets is a version of the benchmark: its workloads, base workloads first, and the metric that each is
// judged by.
type AlgoPerfTargets struct {
	Version   string
	Workloads []score.Workload
	Metric    map[string]string // of each workload: "loss", "ssim", ...
}

// lowerIsBetter is the metrics of AlgoPerf that are to be small; all others are to be large.
var lowerIsBetter = map[string]bool{"loss": true, "wer": true, "ppl": true, "perplexity": true}

// ReadAlgoPerfTargets reads the JSON file of targets that the benchmark publishes with each version. A held-out
// workload is a variant of the base workload whose name it begins with. The error wraps [tensor.ErrShape] for a
// workload without a target or base.
func ReadAlgoPerfTargets(r io.Reader) (AlgoPerfTargets, error) {
	var file struct {
		Version string   `json:"benchmark_version"`
		Base    []string `json:"base_workloads"`
		HeldOut []string `json:"held_out_workloads"`
		All     map[string]struct {
			Metric string   `json:"target_metric_name"`
			Target *float64 `json:"validation_target_value"`
		} `json:"workloads"`
	}
	data, err := readAll("AlgoPerf targets", r)
	if err == nil {
		err = unmarshal("AlgoPerf targets", data, &file)
	}
	if err != nil {
		return AlgoPerfTargets{}, err
	}
	if len(file.Base) == 0 {
		return AlgoPerfTargets{}, fmt.Errorf("importers: AlgoPerf targets: no base_workloads: %w", tensor.ErrEmpty)
	}
	t := AlgoPerfTargets{Version: file.Version, Metric: map[string]string{}}
	for i, name := range slices.Concat(file.Base, file.HeldOut) {
		w, ok := file.All[name]
		if !ok || w.Target == nil || w.Metric == "" {
			return AlgoPerfTargets{}, fmt.Errorf("importers: AlgoPerf targets: workload %q has no metric and target: %w", name,
				tensor.ErrShape)
		}
		load := score.Workload{Name: name, Target: *w.Target}
		if lowerIsBetter[w.Metric] {
			load.Direction = tradeoff.LowerBetter
		}
		if i >= len(file.Base) {
			for _, base := range file.Base {
				if strings.HasPrefix(name, base+"_") && len(base) > len(load.VariantOf) {
					load.VariantOf = base
				}
			}
			if load.VariantOf == "" {
				return AlgoPerfTargets{},
					fmt.Errorf("importers: AlgoPerf targets: held-out workload %q begins with no base workload: %w", name,
						tensor.ErrShape)
			}
		}
		t.Workloads = append(t.Workloads, load)
		t.Metric[name] = w.Metric
	}
	return t, nil
}

// Without is the targets without some workloads, such as those that came after the runs at hand, and their variants.
func (t AlgoPerfTargets) Without(names ...string) AlgoPerfTargets {
	rest := AlgoPerfTargets{Version: t.Version, Metric: map[string]string{}}
	for _, w := range t.Workloads {
		if !slices.Contains(names, w.Name) && (w.VariantOf == "" || !slices.Contains(names, w.VariantOf)) {
			rest.Workloads = append(rest.Workloads, w)
			rest.Metric[w.Name] = t.Metric[w.Name]
		}
	}
	return rest
}

// ReadAlgoPerf reads trials from a table with the columns submission, workload, study, trial, eval_index, score
// (seconds) and value (of the metric), gzipped or not. Rows of a trial follow each other; evaluations may be left out.
// The suffixes _jax and _pytorch of workloads are dropped, and workloads that are not among the targets are passed
// over.
func ReadAlgoPerf(r io.Reader, targets AlgoPerfTargets) ([]score.Trial, error) {
	l, err := newLines("AlgoPerf", r)
	if err != nil {
		return nil, err
	}
	at, err := l.columns("submission", "workload", "study", "trial", "eval_index", "score", "value")
	if err != nil {
		return nil, err
	}
	var trials []score.Trial
	for l.next() {
		if _, ok := targets.Metric[string(workloadName(l.fields[at[1]]))]; !ok {
			continue
		}
		n := len(trials) - 1
		if n < 0 || !is(trials[n].Submission, l.fields[at[0]]) || !is(trials[n].Workload, workloadName(l.fields[at[1]])) ||
			!is(trials[n].Study, l.fields[at[2]]) || !is(trials[n].Name, l.fields[at[3]]) {
			trials = append(trials, score.Trial{Submission: string(l.fields[at[0]]),
				Workload: string(workloadName(l.fields[at[1]])),
				Study:    string(l.fields[at[2]]), Name: string(l.fields[at[3]])})
			n++
		}
		t := &trials[n]
		t.Index = append(t.Index, l.whole(at[4]))
		t.Time = append(t.Time, l.float(at[5], false))
		t.Value = append(t.Value, l.float(at[6], true))
	}
	if l.err != nil {
		return nil, l.err
	}
	return trials, nil
}

func is(s string, field []byte) bool { return s == string(field) }

// workloadName drops the framework.
func workloadName[S ~[]byte | ~string](s S) S {
	for _, framework := range []string{"_jax", "_pytorch"} {
		if n := len(s) - len(framework); n > 0 && string(s[n:]) == framework {
			return s[:n]
		}
	}
	return s
}

// AlgoPerfLogs reads a tree of logs SUBMISSION/study_*/WORKLOAD_FRAMEWORK/trial_*/eval_measurements.csv, as the
// benchmark writes them: the submission's time in column score, and of each workload the validation metric of the
// targets. Other workloads and files are passed over. Files are read on all processors; trials are in the order of
// their paths.
func AlgoPerfLogs(tree fs.FS, targets AlgoPerfTargets) ([]score.Trial, error) {
	files, err := fs.Glob(tree, "*/study_*/*/trial_*/eval_measurements.csv")
	if err != nil {
		return nil, fmt.Errorf("importers: %w", err)
	}
	files = slices.DeleteFunc(files, func(file string) bool {
		_, ok := targets.Metric[workloadName(strings.Split(file, "/")[2])]
		return !ok
	})
	if len(files) == 0 {
		return nil, fmt.Errorf("importers: no SUBMISSION/study_*/WORKLOAD/trial_*/eval_measurements.csv of the %d "+
			"workloads: %w", len(targets.Workloads), tensor.ErrEmpty)
	}
	slices.Sort(files)
	trials, faults := make([]score.Trial, len(files)), make([]error, len(files))
	tensor.Parallel(len(files), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			trials[i], faults[i] = readLog(tree, files[i], targets)
		}
	})
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return trials, nil
}

func readLog(tree fs.FS, file string, targets AlgoPerfTargets) (score.Trial, error) {
	f, err := tree.Open(file)
	if err != nil {
		return score.Trial{}, fmt.Errorf("importers: %w", err)
	}
	defer f.Close()
	parts := strings.Split(path.Dir(file), "/")
	t := score.Trial{Submission: parts[0], Study: parts[1], Workload: workloadName(parts[2]), Name: parts[3]}
	l, err := newLines(file, f)
	if err != nil {
		return t, err
	}
	at, err := l.columns("score", "validation/"+targets.Metric[t.Workload])
	if err != nil {
		return t, err
	}
	for l.next() {
		t.Time = append(t.Time, l.float(at[0], false))
		t.Value = append(t.Value, l.float(at[1], true))
	}
	return t, l.err
}
