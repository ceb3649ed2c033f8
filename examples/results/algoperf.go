package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff/importers"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

var algoperfExperiment = experiment{
	name: "algoperf",
	about: "the published logs of AlgoPerf 0.5 and 0.6, which are not in this repository, reduced to submission, " +
		"workload, study, trial, evaluation, time and value. Of the claims, the score of a submission is that of Dahl et " +
		"al. on one workload, from 0 to 1, and the seed draws the lots of the controls. Workloads were not drawn from " +
		"anything: the interval says what others of their kind would.",
	needs: []string{"algoperf/workload_targets_v05.json", "algoperf/workload_targets_v06.json",
		"algoperf/ext_v05_part0.csv.gz", "algoperf/ext_v05_part1.csv.gz", "algoperf/ext_v05_part2.csv.gz",
		"algoperf/ext_v05_part3.csv.gz", "algoperf/ext_v06.csv.gz", "algoperf/self_v05.csv.gz"},
	unit:    "workloads",
	run:     ranking,
	compare: leaderboards,
}

// leaderboard is a table of AlgoPerf, with the scores as published.
type leaderboard struct {
	name, version string
	files         []string
	scores        map[string]float64
}

var algoperfBoards = []leaderboard{
	{"external tuning 0.5", "v05", []string{"ext_v05_part0", "ext_v05_part1", "ext_v05_part2", "ext_v05_part3"},
		map[string]float64{"shampoo_submission": 0.7784, "schedule_free_adamw": 0.7077, "generalized_adam": 0.6383,
			"cyclic_lr": 0.6301, "nadamp": 0.5909, "baseline": 0.5707, "amos": 0.4918, "caspr_adaptive": 0.4722,
			"lawa_queue": 0.3699, "lawa_ema": 0.3384, "schedule_free_prodigy": 0}},
	{"self-tuning 0.5", "v05", []string{"self_v05"}, map[string]float64{"schedule_free_adamw": 0.8542,
		"baseline": 0.8194, "nadamw_sequential": 0.3308, "sinv6_75": 0.142, "sinv6": 0.0903, "adamg": 0}},
	{"external tuning 0.6", "v06", []string{"ext_v06"}, map[string]float64{"shampoo": 0.6244, "baseline": 0.459}},
}

// table reads the logs of a leaderboard.
func (b leaderboard) table(dir string) (score.TimeTable, error) {
	targets, err := readTargets(filepath.Join(dir, "workload_targets_"+b.version+".json"))
	if err != nil {
		return score.TimeTable{}, err
	}
	targets = targets.Without("finewebedu_lm") // came after these runs
	var trials []score.Trial
	for _, name := range b.files {
		f, err := os.Open(filepath.Join(dir, name+".csv.gz"))
		if err != nil {
			return score.TimeTable{}, err
		}
		more, err := importers.ReadAlgoPerf(f, targets)
		if err := errors.Join(err, f.Close()); err != nil {
			return score.TimeTable{}, fmt.Errorf("%s: %w", name, err)
		}
		trials = append(trials, more...)
	}
	return score.NewTrialTable(trials, targets.Workloads)
}

func readTargets(path string) (importers.AlgoPerfTargets, error) {
	f, err := os.Open(path)
	if err != nil {
		return importers.AlgoPerfTargets{}, err
	}
	defer f.Close()
	return importers.ReadAlgoPerfTargets(f)
}

// leaderboards is the published scores, and intervals that another implementation made by bootstrap over studies.
func leaderboards(t trial) ([]Exact, error) {
	dir := filepath.Join(t.data, "algoperf")
	scores := Exact{Text: "the scores of the three leaderboards to their four decimals", Tolerance: 0.00005 + 1e-12,
		Control: "the integral itself for that of their 100 points"}
	for _, b := range algoperfBoards {
		table, err := b.table(dir)
		if err != nil {
			return nil, err
		}
		theirs, err1 := table.Profile(score.AlgoPerf())
		plain, err2 := table.Profile()
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		for s, name := range theirs.Submissions() {
			want, ok := b.scores[name]
			if !ok {
				return nil, fmt.Errorf("%s: no score of %q is known", b.name, name)
			}
			err1 := scores.Found.differ(theirs.BenchmarkScores()[s]-want, scores.Tolerance)
			err2 := scores.Changed.differ(plain.BenchmarkScores()[s]-want, scores.Tolerance)
			if err := errors.Join(err1, err2); err != nil {
				return nil, err
			}
		}
		scores.Least += len(b.scores)
	}
	intervals, err := studyIntervals(dir)
	return []Exact{scores, intervals}, err
}

// studyIntervals is the intervals of scores if studies are drawn anew, of which there are five or fewer: they cover
// less than they say.
func studyIntervals(dir string) (Exact, error) {
	known := []struct {
		name   string
		lo, hi float64
	}{{"shampoo_submission", 0.64, 0.91}, {"schedule_free_adamw", 0.59, 0.78}, {"generalized_adam", 0.50, 0.65},
		{"cyclic_lr", 0.52, 0.67}, {"nadamp", 0.48, 0.73}, {"baseline", 0.46, 0.69}}
	e := Exact{Text: "the ends of the 95 % intervals by bootstrap over studies, of six submissions to external tuning " +
		"0.5, are those of another implementation, which gives two decimals", Tolerance: 0.015, Least: 2 * len(known),
		Control: "intervals of the next submission"}
	table, err := algoperfBoards[0].table(dir)
	if err != nil {
		return e, err
	}
	all, err := table.BenchmarkScores(score.AlgoPerf(), score.WithInterval(stats.WithReplicates(2000)))
	if err != nil {
		return e, err
	}
	for k, want := range known {
		i := slices.IndexFunc(all, func(b score.BenchmarkScore) bool { return b.Submission == want.name })
		if i < 0 {
			return e, fmt.Errorf("no submission %q", want.name)
		}
		got, next := all[i].Score, known[(k+1)%len(known)]
		err1 := errors.Join(e.Found.differ(got.Lo-want.lo, e.Tolerance), e.Found.differ(got.Hi-want.hi, e.Tolerance))
		err2 := errors.Join(e.Changed.differ(got.Lo-next.lo, e.Tolerance), e.Changed.differ(got.Hi-next.hi, e.Tolerance))
		if err := errors.Join(err1, err2); err != nil {
			return e, err
		}
	}
	return e, nil
}

// ranking is whether one submission scores above another on workloads of this kind.
func ranking(_ context.Context, t trial) ([]Claim, error) {
	rng := tensor.Stream(t.seeds[0], 1<<20)
	var claims []Claim
	for k, pairs := range [][][2]string{
		{{"shampoo_submission", "baseline"}, {"schedule_free_adamw", "baseline"},
			{"shampoo_submission", "schedule_free_adamw"}},
		{{"schedule_free_adamw", "baseline"}, {"schedule_free_adamw", "sinv6"}},
		{{"shampoo", "baseline"}},
	} {
		b := algoperfBoards[k]
		table, err := b.table(filepath.Join(t.data, "algoperf"))
		if err != nil {
			return nil, err
		}
		p, err := table.Profile()
		if err != nil {
			return nil, err
		}
		names := p.Submissions()
		for _, pair := range pairs {
			c := Claim{Text: fmt.Sprintf("%s scores above %s in %s", pair[0], pair[1], b.name),
				Quantity: "difference of scores", Bar: above(0), Control: "two submissions drawn by lot for each workload"}
			x, y := onWorkloads(p, slices.Index(names, pair[0])), onWorkloads(p, slices.Index(names, pair[1]))
			for w := range x {
				lot := rng.Perm(len(names))
				add(&c, x[w]-y[w], onWorkloads(p, lot[0])[w]-onWorkloads(p, lot[1])[w])
			}
			claims = append(claims, c)
		}
	}
	return claims, nil
}

// onWorkloads is what each base workload adds to the score of a submission: 1 for the fastest, 0 for one that takes as
// long as the largest ratio or longer. Their mean is the score.
func onWorkloads(p score.Profile, submission int) []float64 {
	most := p.MaxRatio()
	var all []float64
	for _, r := range p.Ratios(submission) {
		all = append(all, (most-min(r, most))/(most-1))
	}
	return all
}
