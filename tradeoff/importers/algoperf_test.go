package importers

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

const published = "../../../shared/data/algoperf"

func open(tb testing.TB, name string) *os.File {
	tb.Helper()
	f, err := os.Open(filepath.Join(published, name))
	if err != nil {
		tb.Skip("the published logs are not here")
	}
	tb.Cleanup(func() { f.Close() })
	return f
}

func targets(tb testing.TB, version string) AlgoPerfTargets {
	tb.Helper()
	t, err := ReadAlgoPerfTargets(open(tb, "workload_targets_"+version+".json"))
	require.NoError(tb, err)
	return t
}

// The leaderboards of AlgoPerf to the last digit published, and the scores of its code.
func TestPublishedLeaderboards(t *testing.T) {
	scores := 0
	for _, k := range []struct {
		name, version string
		files         []string
	}{
		{"self_v05", "v05", []string{"self_v05"}},
		{"ext_v05", "v05", []string{"ext_v05_part0", "ext_v05_part1", "ext_v05_part2", "ext_v05_part3"}},
		{"ext_v06", "v06", []string{"ext_v06"}},
	} {
		version := targets(t, k.version).Without("finewebedu_lm") // came after these runs
		workloads := version.Workloads
		var trials []score.Trial
		for _, file := range k.files {
			more, err := ReadAlgoPerf(open(t, file+".csv.gz"), version)
			require.NoError(t, err)
			trials = append(trials, more...)
		}
		var want struct {
			Published map[string]float64        `json:"published_score_4dp"`
			Reference map[string]float64        `json:"score_reference_trapz100_index_pick"`
			ByTime    map[string]float64        `json:"score_trapz100_time_pick"`
			Exact     map[string]float64        `json:"score_exact_index_pick"`
			ExactTime map[string]float64        `json:"score_exact_time_pick"`
			Times     map[string]map[string]any `json:"time_to_target_reference"`
		}
		golden.JSON(t, filepath.Join(published, k.name+"_expected.json"), &want)
		for _, v := range []struct {
			table  []score.TrialOption
			scores []score.ProfileOption
			want   map[string]float64
		}{
			{nil, []score.ProfileOption{score.AlgoPerf()}, want.Reference},
			{[]score.TrialOption{score.ByTime()}, []score.ProfileOption{score.AlgoPerf()}, want.ByTime},
			{nil, nil, want.Exact},
			{[]score.TrialOption{score.ByTime()}, nil, want.ExactTime},
		} {
			table, err := score.NewTrialTable(trials, workloads, v.table...)
			require.NoError(t, err)
			p, err := table.Profile(v.scores...)
			require.NoError(t, err)
			require.Len(t, p.Submissions(), len(v.want))
			for s, name := range p.Submissions() {
				require.InDelta(t, v.want[name], p.BenchmarkScores()[s], 1e-12, "%s %s", k.name, name)
			}
		}
		table, err := score.NewTrialTable(trials, workloads)
		require.NoError(t, err)
		p, err := table.Profile(score.AlgoPerf())
		require.NoError(t, err)
		for s, name := range p.Submissions() {
			got := fmt.Sprintf("%.4f", p.BenchmarkScores()[s])
			require.Equal(t, fmt.Sprintf("%.4f", want.Published[name]), got, "%s %s", k.name, name)
			scores++
			for w, load := range workloads {
				if v, ok := want.Times[name][load.Name].(float64); ok {
					require.InEpsilon(t, v, table.Times()[s][w], 1e-12)
				}
			}
		}
	}
	require.Equal(t, 19, scores)
}

// The scores have no error bars where they are published. These were made by bootstrap over the studies in another
// implementation.
func TestPublishedIntervals(t *testing.T) {
	version := targets(t, "v05")
	var trials []score.Trial
	for part := range 4 {
		more, err := ReadAlgoPerf(open(t, fmt.Sprintf("ext_v05_part%d.csv.gz", part)), version)
		require.NoError(t, err)
		trials = append(trials, more...)
	}
	table, err := score.NewTrialTable(trials, version.Workloads)
	require.NoError(t, err)
	scores, err := table.BenchmarkScores(score.AlgoPerf(), score.WithInterval(stats.WithReplicates(2000)))
	require.NoError(t, err)
	got, first := map[string]score.BenchmarkScore{}, 0.0
	for _, s := range scores {
		got[s.Submission] = s
		first += s.First
		require.ErrorIs(t, s.Score.Warnings[0], tradeoff.ErrTooFewRuns)
	}
	require.InDelta(t, 1, first, 1e-9)
	for name, want := range map[string][2]float64{
		"shampoo_submission": {0.64, 0.91}, "schedule_free_adamw": {0.59, 0.78}, "generalized_adam": {0.50, 0.65},
		"cyclic_lr": {0.52, 0.67}, "nadamp": {0.48, 0.73}, "baseline": {0.46, 0.69},
	} {
		require.InDelta(t, want[0], got[name].Score.Lo, 0.015, name)
		require.InDelta(t, want[1], got[name].Score.Hi, 0.015, name)
	}
}

// Logs as the benchmark writes them.
func TestPublishedLogs(t *testing.T) {
	open(t, "workload_targets_v05.json")
	trials, err := AlgoPerfLogs(os.DirFS(filepath.Join(published, "raw")), targets(t, "v05"))
	require.NoError(t, err)
	require.Len(t, trials, 3)
	for _, r := range trials {
		require.NotEmpty(t, r.Time)
		require.IsIncreasing(t, r.Time)
	}
	require.Equal(t, "fastmri", trials[0].Workload)
}

const someTargets = `{"benchmark_version": "x", "base_workloads": ["a", "a_big"],
	"held_out_workloads": ["a_big_tanh"], "workloads": {
	"a": {"target_metric_name": "loss", "validation_target_value": 0.5},
	"a_big": {"target_metric_name": "accuracy", "validation_target_value": 0.9},
	"a_big_tanh": {"target_metric_name": "accuracy", "validation_target_value": 0.8}}}`

func TestAlgoPerfTree(t *testing.T) {
	want, err := ReadAlgoPerfTargets(strings.NewReader(someTargets))
	require.NoError(t, err)
	require.Equal(t, []score.Workload{{Name: "a", Target: 0.5, Direction: tradeoff.LowerBetter},
		{Name: "a_big", Target: 0.9},
		{Name: "a_big_tanh", Target: 0.8, VariantOf: "a_big"}}, want.Workloads)
	tree := fstest.MapFS{}
	for _, s := range []string{"slow", "fast"} {
		for w, metric := range want.Metric {
			for study := range 2 {
				file := fmt.Sprintf("%s/study_%d/%s_jax/trial_1/eval_measurements.csv", s, study, w)
				seconds := 10 * (study + 1)
				if s == "slow" {
					seconds *= 2
				}
				good := map[string]string{"loss": "0.4", "accuracy": "0.95"}[metric]
				tree[file] = &fstest.MapFile{Data: []byte(fmt.Sprintf("score,global_step,validation/%s\n1,1,\n%d,2,%s\n", metric,
					seconds, good))}
			}
		}
	}
	tree["fast/study_0/other_jax/trial_1/eval_measurements.csv"] = &fstest.MapFile{Data: []byte("nonsense")}
	trials, err := AlgoPerfLogs(tree, want)
	require.NoError(t, err)
	table, err := score.NewTrialTable(trials, want.Workloads)
	require.NoError(t, err)
	require.Equal(t, []string{"fast", "slow"}, table.Submissions())
	require.Equal(t, [][]float64{{15, 15, 15}, {30, 30, 30}}, table.Times())
	p, err := table.Profile()
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{1, 2.0 / 3}, p.BenchmarkScores(), 1e-15)
}

func TestAlgoPerfRefuses(t *testing.T) {
	few := AlgoPerfTargets{Metric: map[string]string{"b": "loss"}}
	const header = "submission,workload,study,trial,eval_index,score,value\n"
	for name, k := range map[string]struct {
		text, says string
		is         error
	}{
		"empty":          {"", "no header", tensor.ErrEmpty},
		"columns":        {"submission,workload\n", `no column "study"`, tensor.ErrShape},
		"short line":     {header + "a,b,c,d,0,1,2\na,b,c\n", "AlgoPerf:3: 3 fields", tensor.ErrShape},
		"no number":      {header + "a,b,c,d,0,x,2\n", `AlgoPerf:2: score is "x"`, tensor.ErrNotFinite},
		"no time":        {header + "a,b,c,d,0,,2\n", `AlgoPerf:2: score is ""`, tensor.ErrNotFinite},
		"no index":       {header + "a,b,c,d,0.5,1,2\n", `AlgoPerf:2: eval_index is "0.5"`, tensor.ErrRange},
		"open quotation": {header + "\"a,b,c,d,0,1,2\n", "AlgoPerf:2", nil},
		"no gzip":        {"\x1f\x8b\x00", "AlgoPerf", nil},
		"long line":      {header + strings.Repeat("x", 2*longest), "AlgoPerf:2: more than", tensor.ErrRange},
	} {
		_, err := ReadAlgoPerf(strings.NewReader(k.text), few)
		require.ErrorContains(t, err, k.says, name)
		if k.is != nil {
			require.ErrorIs(t, err, k.is, name)
		}
	}
	for name, k := range map[string]struct{ text, says string }{
		"no JSON":   {"x", "AlgoPerf targets"},
		"empty":     {"{}", "no base_workloads"},
		"no target": {`{"base_workloads": ["a"]}`, `"a" has no metric`},
		"no base":   {strings.Replace(someTargets, "a_big_tanh", "b", -1), `"b" begins with no base`},
	} {
		_, err := ReadAlgoPerfTargets(strings.NewReader(k.text))
		require.ErrorContains(t, err, k.says, name)
	}
	_, err := AlgoPerfLogs(fstest.MapFS{}, AlgoPerfTargets{})
	require.ErrorIs(t, err, tensor.ErrEmpty)
	const file = "s/study_0/b_jax/trial_1/eval_measurements.csv"
	for name, k := range map[string]struct{ text, says string }{
		"no log":    {"", file + ":1: no header"},
		"no metric": {"score,validation/wer\n1,2\n", file + `:1: no column "validation/loss"`},
		"no score":  {"validation/loss\n2\n", `no column "score"`},
		"no time":   {"score,validation/loss\n1,2\nnan,2\n", file + `:3: score is "nan"`},
	} {
		_, err := AlgoPerfLogs(fstest.MapFS{file: {Data: []byte(k.text)}}, few)
		require.ErrorContains(t, err, k.says, name)
	}
}

func FuzzReadAlgoPerf(f *testing.F) {
	f.Add([]byte("submission,workload,study,trial,eval_index,score,value\na,b_jax,study_0,trial_1,0,1.5,\n"))
	f.Add([]byte("submission,workload,study,trial,eval_index,score,value\r\n\"a\",b,c,d,-1,nan,inf"))
	f.Fuzz(func(t *testing.T, data []byte) {
		trials, err := ReadAlgoPerf(strings.NewReader(string(data)), AlgoPerfTargets{Metric: map[string]string{"b": "loss"}})
		for _, r := range trials {
			require.NoError(t, err)
			require.Len(t, r.Time, len(r.Value))
			require.Len(t, r.Index, len(r.Value))
		}
	})
}

// The eleven external submissions of version 0.5: reading their logs, and their scores with intervals.
func BenchmarkAlgoPerf(b *testing.B) {
	want := targets(b, "v05")
	var files [][]byte
	for part := range 4 {
		data, err := os.ReadFile(filepath.Join(published, fmt.Sprintf("ext_v05_part%d.csv.gz", part)))
		require.NoError(b, err)
		files = append(files, data)
	}
	var trials []score.Trial
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			parts := make([][]score.Trial, len(files))
			tensor.Parallel(len(files), 1, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					var err error
					parts[i], err = ReadAlgoPerf(strings.NewReader(string(files[i])), want)
					if err != nil {
						b.Error(err)
					}
				}
			})
			trials = slices.Concat(parts...)
		}
	})
	b.Run("score", func(b *testing.B) {
		table, err := score.NewTrialTable(trials, want.Workloads)
		require.NoError(b, err)
		for b.Loop() {
			if _, err := table.BenchmarkScores(score.AlgoPerf(), score.WithInterval(stats.WithReplicates(2000))); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A tree of logs with the 18 columns and 50 rows of a large one.
func BenchmarkAlgoPerfLogs(b *testing.B) {
	const header = "accumulated_eval_time,accumulated_logging_time,accumulated_submission_time," +
		"global_step,preemption_count,score,test/accuracy,test/bleu," +
		"test/loss,test/num_examples,total_duration,train/accuracy,train/bleu,train/loss," +
		"validation/accuracy,validation/bleu,validation/loss,validation/num_examples"
	log := []byte(header + "\n")
	for row := range 50 {
		for column := range strings.Count(header, ",") {
			log = fmt.Appendf(log, "%v,", float64(100*row+1)+0.7137194895744324/float64(column+1))
		}
		log = append(log, "3000\n"...)
	}
	want, err := ReadAlgoPerfTargets(strings.NewReader(`{"base_workloads": ["wmt"], ` +
		`"workloads": {"wmt": {"target_metric_name": "bleu", "validation_target_value": 1}}}`))
	require.NoError(b, err)
	dir := b.TempDir()
	const files = 400
	for i := range files {
		trial := filepath.Join(dir, fmt.Sprint("submission", i%10), fmt.Sprint("study_", i/10%4), "wmt_jax",
			fmt.Sprint("trial_", i/40))
		require.NoError(b, os.MkdirAll(trial, 0o777))
		require.NoError(b, os.WriteFile(filepath.Join(trial, "eval_measurements.csv"), log, 0o666))
	}
	b.SetBytes(int64(files * len(log)))
	b.ReportAllocs()
	for b.Loop() {
		trials, err := AlgoPerfLogs(os.DirFS(dir), want)
		if err != nil || len(trials) != files {
			b.Fatal(len(trials), err)
		}
	}
}
