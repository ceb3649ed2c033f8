package runlog

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// soundRecords is a study that breaks no rule: three tasks, a baseline and a method, three seeds, five budgets each.
func soundRecords() []Record {
	env := Env{Go: "go1.26", OS: "linux", Arch: "amd64", CPU: "a processor", Cores: 2, GOMAXPROCS: 2, Revision: "abc",
		Modules: map[string]string{"m": "v1"}, Load: []float64{0, 0, 0}}
	margin := 0.01
	records := []Record{
		{Kind: "env", EnvID: "e", Env: &env},
		{Kind: "phase", Phase: "warmup", Cost: map[string]float64{"seconds": 1}},
		{Kind: "claim", Claim: &Claim{Kind: "speedup", Method: "fast", Cost: "seconds", Quality: "accuracy",
			Targets: []float64{0.6, 0.65, 0.7}, Average: true, Margin: &margin,
			Interval: "log-t", Level: 0.95, Runs: 3, Adjustment: "holm", OnTopOf: []string{"augmentation"},
			Code: "example.org@abc", Data: "example.org/runs.jsonl"}},
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, task := range []string{"digits", "text", "sound"} {
		for seed := range 3 {
			for k := range 5 {
				for _, method := range []string{"", "fast"} {
					epochs := float64(int(1) << k)
					id := fmt.Sprintf("%s-%s-%d-%d", task, method, seed, k)
					seconds := 10 * epochs
					var methods []string
					if method != "" {
						methods, seconds = []string{method}, 5*epochs
					}
					run := Record{Kind: "run", RunID: id, Task: task, Model: "mlp", Dataset: task, DatasetSHA256: "d" + task,
						Method: methods, Seed: uint64(seed), TuningTrials: 5,
						TunedOn: "validation", Budget: &Budget{"epochs", epochs}, Schedule: "decayed",
						Config: map[string]any{"batch": 32.0}, EnvID: "e", Time: start}
					start = start.Add(time.Second)
					eval := Record{Kind: "eval", RunID: id, Step: int(100 * epochs), Cost: map[string]float64{"seconds": seconds},
						Quality: map[string]float64{"accuracy": 0.9 - 0.4/epochs - 0.001*float64(seed)}, EnvID: "e", Time: start}
					records = append(records, run, eval)
				}
			}
		}
	}
	for i := range records {
		records[i].Schema = Schema
	}
	return records
}

func each(records []Record, f func(r *Record)) []Record {
	for i := range records {
		f(&records[i])
	}
	return records
}

func claim(f func(c *Claim)) func([]Record) []Record {
	return func(records []Record) []Record {
		return each(records, func(r *Record) {
			if r.Claim != nil {
				f(r.Claim)
			}
		})
	}
}

func runsOnly(f func(r *Record)) func([]Record) []Record {
	return func(records []Record) []Record {
		return each(records, func(r *Record) {
			if r.Kind == "run" {
				f(r)
			}
		})
	}
}

func without(f func(r Record) bool) func([]Record) []Record {
	return func(records []Record) []Record { return slices.DeleteFunc(records, f) }
}

func isFast(r *Record) bool { return len(r.Method) > 0 }

func TestSoundRecordsPass(t *testing.T) {
	records := soundRecords()
	for _, r := range records {
		require.NoError(t, r.Validate())
	}
	findings, err := Review(records)
	require.NoError(t, err)
	require.Empty(t, findings)
}

// Each rule finds what it is for, at its severity, and says where.
func TestRules(t *testing.T) {
	var ids []string
	for _, r := range Rules() {
		require.NotEmpty(t, r.Name)
		require.NotEmpty(t, r.Text)
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	for i, id := range ids {
		require.Equal(t, fmt.Sprintf("T%02d", i+1), id)
	}
	require.Len(t, ids, 23)
	covered := map[string]bool{}
	for _, k := range []struct {
		id       string
		severity Severity
		says     string
		breaks   func([]Record) []Record
	}{
		{"T01", Warning, "with neither seconds", func(r []Record) []Record {
			return each(r, func(r *Record) {
				if r.Kind == "eval" {
					r.Cost = nil
				}
			})
		}},
		{"T01", Warning, "without step", func(r []Record) []Record { return each(r, func(r *Record) { r.Step = 0 }) }},
		{"T02", Error, "counts flops", claim(func(c *Claim) { c.Cost = "flops" })},
		{"T03", Warning, "has 3 points", without(func(r Record) bool {
			return r.RunID != "" && (r.RunID[len(r.RunID)-1] == '0' || r.RunID[len(r.RunID)-1] == '4')
		})},
		{"T04", Warning, "has 2", without(func(r Record) bool { return len(r.RunID) > 3 && r.RunID[len(r.RunID)-3] == '2' })},
		{"T04", Warning, "for bca intervals", claim(func(c *Claim) { c.Interval = "bca" })},
		{"T05", Warning, "has none", claim(func(c *Claim) { c.Interval = "" })},
		{"T06", Error, "without an environment", without(func(r Record) bool { return r.Kind == "env" })},
		{"T06", Error, "differ in cpu", func(r []Record) []Record {
			other := *r[0].Env
			other.CPU, other.Modules = "another", map[string]string{"m": "v2"}
			r = append(r, Record{Kind: "env", EnvID: "f", Env: &other})
			return each(r, func(r *Record) {
				if r.Kind == "run" && isFast(r) {
					r.EnvID = "f"
				}
			})
		}},
		{"T06", Error, "different data", runsOnly(func(r *Record) { r.DatasetSHA256 = fmt.Sprint(isFast(r)) })},
		{"T06", Undecided, "no hash", runsOnly(func(r *Record) { r.DatasetSHA256 = "" })},
		{"T07", Error, "digits/mlp has only fast", without(func(r Record) bool {
			return r.RunID != "" && !isFast(&r) && r.Kind == "run" && r.Task == "digits" || r.Kind == "eval" &&
				len(r.RunID) > 7 && r.RunID[:7] == "digits-" && r.RunID[7] == '-'
		})},
		{"T08", Warning, "constant schedule", runsOnly(func(r *Record) { r.Schedule = "constant" })},
		{"T08", Undecided, "without the name of a schedule", runsOnly(func(r *Record) { r.Schedule = "" })},
		{"T08", Warning, "middle of a decay", func(r []Record) []Record {
			return each(r, func(r *Record) {
				r.Budget = nil
				if r.RunID != "" {
					r.RunID = r.RunID[:len(r.RunID)-2]
				}
			})
		}},
		{"T09", Error, "5 and 9 tuning trials", runsOnly(func(r *Record) {
			if isFast(r) {
				r.TuningTrials = 9
			}
		})},
		{"T09", Error, "on the test data", runsOnly(func(r *Record) { r.TunedOn = "test" })},
		{"T09", Undecided, "without tuning_trials", runsOnly(func(r *Record) { r.TuningTrials = 0 })},
		{"T10", Warning, "no margin", claim(func(c *Claim) { c.Margin = nil })},
		{"T10", Warning, "no target", claim(func(c *Claim) { c.Targets = nil })},
		{"T11", Warning, "1 targets and no average", claim(func(c *Claim) { c.Targets, c.Average = c.Targets[:1], false })},
		{"T12", Warning, ": 0", runsOnly(func(r *Record) { r.Dataset = "MNIST" })},
		{"T13", Error, "at 0.99, and the best", claim(func(c *Claim) { c.Targets = []float64{0.6, 0.7, 0.99} })},
		{"T13", Error, "rests on 2 of the 3", claim(func(c *Claim) { c.Runs = 2 })},
		{"T14", Warning, "none is warmup", func(r []Record) []Record {
			return each(r, func(r *Record) {
				if r.Kind == "phase" {
					r.Phase = "forward"
				}
			})
		}},
		{"T14", Undecided, "no phases", without(func(r Record) bool { return r.Kind == "phase" })},
		{"T15", Warning, "differs from the baseline in batch", runsOnly(func(r *Record) {
			if isFast(r) {
				r.Config = map[string]any{"batch": 64.0}
			}
		})},
		{"T16", Warning, "was over", func(r []Record) []Record {
			return each(r, func(r *Record) {
				if isFast(r) || r.Kind == "eval" && slices.Contains([]byte(r.RunID), 'f') {
					r.Time = r.Time.Add(1000 * time.Hour)
				}
			})
		}},
		{"T16", Undecided, "without times", func(r []Record) []Record {
			return each(r,
				func(r *Record) { r.Time = time.Time{} })
		}},
		{"T17", Warning, "one of 4", claim(func(c *Claim) { c.Adjustment, c.Comparisons = "", 4 })},
		{"T18", Warning, "no level", claim(func(c *Claim) { c.Kind, c.Level = "frontier", 0 })},
		{"T19", Warning, "measured alone", claim(func(c *Claim) { c.OnTopOf = nil })},
		{"T20", Warning, "no revision",
			func(r []Record) []Record { r[0].Env.Revision = ""; return claim(func(c *Claim) { c.Code = "" })(r) }},
		{"T20", Warning, "without random and magnitude", runsOnly(func(r *Record) {
			if isFast(r) {
				r.Method = []string{"pruning"}
			}
		})},
		{"T20", Undecided, "where the records are", claim(func(c *Claim) { c.Data = "" })},
		{"T21", Error, "seconds falls", func(r []Record) []Record {
			i := slices.IndexFunc(r, func(r Record) bool { return r.Kind == "eval" })
			again := r[i].clone()
			again.Step, again.Cost["seconds"] = again.Step+1, again.Cost["seconds"]/2
			return slices.Insert(r, i+1, again)
		}},
		{"T22", Error, "two values of accuracy", func(r []Record) []Record {
			i := slices.IndexFunc(r, func(r Record) bool { return r.Kind == "eval" })
			again := r[i].clone()
			again.Quality["accuracy"] /= 2
			return slices.Insert(r, i+1, again)
		}},
		{"T23", Warning, "that failed", func(r []Record) []Record {
			i := slices.IndexFunc(r, func(r Record) bool { return r.Kind == "eval" })
			r[i].Quality["accuracy"] = math.NaN()
			return r
		}},
		{"T05", Undecided, "no claims", without(func(r Record) bool { return r.Kind == "claim" })},
	} {
		covered[k.id] = true
		findings, err := Review(k.breaks(soundRecords()), k.id)
		require.NoError(t, err, "%s: %s", k.id, k.says)
		require.Len(t, findings, 1, "%s: %s", k.id, k.says)
		require.Equal(t, k.severity, findings[0].Severity, findings[0])
		require.Contains(t, findings[0].String(), k.says)
	}
	require.Len(t, covered, 23, slices.Sorted(maps.Keys(covered)))
}

func TestReviewRefuses(t *testing.T) {
	_, err := Review(soundRecords(), "T99")
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = Review(nil)
	require.ErrorIs(t, err, tensor.ErrEmpty)
}

// Names of intervals are names and not parts of a sentence: "t" is none of the bootstrap.
func TestSeedsByInterval(t *testing.T) {
	names := []string{"bootstrap", "sd", "s", "in", ""}
	for i := stats.Auto; i <= stats.LogLog; i++ {
		names = append(names, i.String())
	}
	resampled := []string{"bootstrap", "percentile", "basic", "bc", "bca", "studentized"}
	for _, name := range names {
		findings, err := Review(claim(func(c *Claim) { c.Interval = name })(soundRecords()), "T04")
		require.NoError(t, err)
		switch {
		case slices.Contains(resampled, name):
			require.Len(t, findings, 1, name)
			require.Contains(t, findings[0].Message, "has 3 for "+name+" intervals")
		case name == "order statistics":
			require.Len(t, findings, 1, name)
			require.Contains(t, findings[0].Message, "for the interval of a median")
		default:
			require.Empty(t, findings, name)
		}
	}
}

func TestFindingsAsJSON(t *testing.T) {
	findings, err := Review(claim(func(c *Claim) { c.Cost = "flops" })(soundRecords()))
	require.NoError(t, err)
	b, err := json.Marshal(findings)
	require.NoError(t, err)
	require.Contains(t, string(b), `"severity":"error"`)
	var back []Finding
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, findings, back)
}
