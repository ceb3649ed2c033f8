package tta

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// goldenSet is the outputs of a model and what the reference code makes of them.
type goldenSet struct {
	Name     string
	Views    int      `json:"n_augs"`
	Classes  int      `json:"n_classes"`
	Identity int      `json:"orig_idx"`
	Names    []string `json:"aug_names"`
	Labels   map[string][]int
	Expected struct {
		TempOpt       float64       `json:"temp_opt"`
		TempNLL       float64       `json:"temp_opt_nll"`
		GPS           []int         `json:"gps_ref_idxs_at_temp_opt"`
		GPSTrace      []goldenPick  `json:"gps_ref_trace_at_temp_opt"`
		FullLosses    []float64     `json:"full_losses"`
		PartialLosses []float64     `json:"partial_losses"`
		FullAccs      []float64     `json:"full_accs"`
		PartialAccs   []float64     `json:"partial_accs"`
		ClassWeights  golden.Tensor `json:"class_weights"`
		AugWeights    golden.Tensor `json:"aug_weights"`
		Ours          string
		GPSOfficial   []struct {
			Idx         int
			LL          float64
			Temperature float64
		} `json:"gps_official"`
		Table map[string]goldenRow
	}
	First map[string]any   `json:"-"`
	Pred  map[string][]int `json:"test_pred"`

	outputs map[string]*Outputs
}

type goldenPick struct {
	Idx int
	NLL float64
}

type goldenRow struct {
	Correct, N                             int
	NLL, ECE15, Brier                      float64
	Top5                                   int `json:"top5_correct"`
	Corrections, Corruptions, Net, Changed int
	WrongToWrong                           int     `json:"changed_wrong_to_wrong"`
	Exact                                  float64 `json:"mcnemar_exact_p"`
	MidP                                   float64 `json:"mcnemar_midp"`
}

// goldenSets are all sets; those whose logits are too large for this repository are there only beside shared data.
func goldenSets(t *testing.T) []*goldenSet {
	var sets []*goldenSet
	for _, name := range []string{"synth_fullbatch", "synth_minibatch", "digits_mlp", "notmnist_cnn_expanded"} {
		s := &goldenSet{outputs: map[string]*Outputs{}}
		golden.JSON(t, filepath.Join("testdata", name+".json.gz"), s)
		for part, labels := range s.Labels {
			path := filepath.Join("testdata", name+"."+part+".npy.gz")
			if _, err := os.Stat(path); err != nil {
				path = filepath.Join("..", "..", "shared", "golden", "tta", name+"."+part+".npy")
				if _, err := os.Stat(path); err != nil {
					break
				}
			}
			a := golden.NPY(t, path)
			require.Equal(t, []int{len(labels), s.Views, s.Classes}, a.Shape)
			data := make([]float32, len(a.Data))
			for i, v := range a.Data {
				data[i] = float32(v / 1024)
			}
			o, err := NewOutputs(s.Views, s.Classes, data, WithLabels(labels), WithIdentity(s.Identity), WithNames(s.Names...))
			require.NoError(t, err)
			s.outputs[part] = o
		}
		if len(s.outputs) == 3 {
			sets = append(sets, s)
		}
	}
	require.GreaterOrEqual(t, len(sets), 3)
	return sets
}

func (s *goldenSet) fitted(t *testing.T) *Outputs {
	return concat(t, s.outputs["train"], s.outputs["val"])
}

func concat(t *testing.T, a, b *Outputs) *Outputs {
	o, err := NewOutputs(a.views, a.classes, slices.Concat(a.data, b.data), WithLabels(slices.Concat(a.labels, b.labels)),
		WithIdentity(a.identity), WithNames(a.names...))
	require.NoError(t, err)
	return o
}

func predictions(m tensor.Matrix[float32]) []int {
	p := make([]int, m.Rows)
	for n := range p {
		p[n] = tensor.ArgMax(m.Row(n))
	}
	return p
}

func (s *goldenSet) predicts(t *testing.T, method string, a Aggregator) {
	t.Helper()
	out, err := Aggregate(s.outputs["test"], a)
	require.NoError(t, err)
	assert.Equal(t, s.Pred[method], predictions(out), "%s %s", s.Name, method)
}

func fixedOf(t testing.TB, r Rule, o *Outputs) *Fixed {
	t.Helper()
	f, err := NewFixed(r, o.views, o.classes)
	require.NoError(t, err)
	return f
}

func TestGoldenFixed(t *testing.T) {
	for _, s := range goldenSets(t) {
		o := s.outputs["test"]
		for method, r := range map[string]Rule{"original": Single(s.Identity), "mean": Mean(), "max": MostConfident(),
			"mean_prob": MeanProb(), "gmean_prob": GeoMean(), "vote": Vote()} {
			s.predicts(t, method, fixedOf(t, r, o))
		}
	}
}

func TestGoldenPaper(t *testing.T) {
	for _, s := range goldenSets(t) {
		train := s.outputs["train"]
		class, r, err := FitClassTTA(train, WithPaper())
		require.NoError(t, err)
		golden.Close(t, s.Name+" class weights", class.Weights(), s.Expected.ClassWeights.Data, 0, 5e-6)
		checkEpochs(t, s.Name+" ClassTTA", r, s.Expected.FullLosses)
		s.predicts(t, "class_tta", class)
		aug, r, err := FitAugTTA(train, WithPaper())
		require.NoError(t, err)
		want, _ := normalized(s.Expected.AugWeights.Data)
		golden.Close(t, s.Name+" weights", aug.Weights(), want, 0, 5e-6)
		checkEpochs(t, s.Name+" AugTTA", r, s.Expected.PartialLosses)
		s.predicts(t, "aug_tta", aug)
		raw, _ := paper(train, false, 0)
		golden.Close(t, s.Name+" raw weights", raw, s.Expected.AugWeights.Data, 0, 5e-6)
		ours, _, err := FitPaper(train, s.outputs["val"])
		require.NoError(t, err)
		assert.Equal(t, map[string]Method{"aug_tta": AugTTA, "class_tta": ClassTTA}[s.Expected.Ours], ours.Method())
		s.predicts(t, "ours", ours)
	}
}

func checkEpochs(t *testing.T, name string, r FitReport, want []float64) {
	t.Helper()
	var got []float64
	for _, e := range r.Epochs {
		got = append(got, e.Loss)
	}
	golden.Close(t, name+" losses", got, want, 0, 5e-6)
}

func TestGoldenTemperature(t *testing.T) {
	for _, s := range goldenSets(t) {
		o := s.fitted(t)
		_, r, err := FitTemperature(o, fixedOf(t, Single(s.Identity), o))
		require.NoError(t, err)
		assert.InDelta(t, s.Expected.TempOpt, r.Temperature, 1e-6, s.Name)
		assert.InDelta(t, s.Expected.TempNLL, r.After, 1e-7, s.Name)
		assert.Empty(t, r.Warning)
	}
}

func TestGoldenConvex(t *testing.T) {
	for _, s := range goldenSets(t) {
		path := filepath.Join("testdata", "analysis_"+s.Name+".json.gz")
		if _, err := os.Stat(path); err != nil {
			continue
		}
		var file struct {
			Convex map[string]struct {
				W      golden.Tensor
				Obj    float64
				Lambda float64 `json:"lam"`
				V      golden.Tensor
			}
		}
		golden.JSON(t, path, &file)
		o := s.fitted(t)
		for name, want := range file.Convex {
			var f *Fitted
			var r FitReport
			var err error
			switch {
			case name == "mix_em":
				_, r, err := FitMixture(o)
				require.NoError(t, err)
				assert.InDelta(t, want.Obj, r.Objective, 1e-6, s.Name)
				continue
			case name == "aug_convex":
				f, r, err = FitAugTTA(o)
			case want.W.Shape[0] == len(want.W.Data):
				f, r, err = FitAugTTA(o, WithShrinkage(want.Lambda))
			default:
				f, r, err = FitClassTTA(o, WithShrinkage(want.Lambda))
			}
			require.NoError(t, err)
			assert.InDelta(t, want.Obj, r.Objective, 1e-6, "%s %s", s.Name, name)
			golden.Close(t, s.Name+" "+name, f.Weights(), want.W.Data, 0, 1e-4)
		}
	}
}

func TestGoldenGPS(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and minutes under emulation")
	}
	for _, s := range goldenSets(t) {
		o := s.fitted(t)
		f, picks, err := FitGPS(t.Context(), o, 3, WithReference())
		require.NoError(t, err)
		for i, p := range picks {
			assert.Equal(t, s.Expected.GPS[i], p.View, s.Name)
			assert.InDelta(t, s.Expected.GPSTrace[i].NLL, p.Loss, 1e-6, s.Name)
		}
		s.predicts(t, "gps", f)
		_, picks, err = FitGPS(t.Context(), o, len(s.Expected.GPSOfficial))
		require.NoError(t, err)
		for i, p := range picks {
			assert.Equal(t, s.Expected.GPSOfficial[i].Idx, p.View, s.Name)
			assert.InDelta(t, s.Expected.GPSOfficial[i].LL, -p.Loss, 1e-4, s.Name)
		}
		f, _, err = FitGPS(t.Context(), o, len(s.Expected.GPSOfficial))
		require.NoError(t, err)
		s.predicts(t, "gps_official", f)
	}
}

func TestBestBeatsThePaper(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and minutes under emulation")
	}
	for _, s := range goldenSets(t) {
		o, test := s.fitted(t), s.outputs["test"]
		best, r, err := FitBest(t.Context(), o)
		require.NoError(t, err)
		ours, _, err := FitPaper(s.outputs["train"], s.outputs["val"])
		require.NoError(t, err)
		losses := func(a Aggregator) (all []float64) {
			out, err := Aggregate(test, a)
			require.NoError(t, err)
			for n, y := range test.Labels() {
				all = append(all, crossEntropy(out.Row(n), y))
			}
			return all
		}
		assert.True(t, r.Converged)
		excess, se := paired(losses(best), losses(ours))
		t.Logf("%s: %.5f above the paper's choice, standard error %.5f", s.Name, excess, se)
		assert.Negative(t, excess, s.Name)
	}
}

func TestGoldenTable(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and minutes under emulation")
	}
	for _, s := range goldenSets(t) {
		test := s.outputs["test"]
		gps, _, err := FitGPS(t.Context(), s.fitted(t), 3, WithReference())
		require.NoError(t, err)
		official, _, err := FitGPS(t.Context(), s.fitted(t), 5)
		require.NoError(t, err)
		official.outer = 1 // the table has the mean of probabilities as it is
		class, _, err := FitClassTTA(s.outputs["train"], WithPaper())
		require.NoError(t, err)
		aug, _, err := FitAugTTA(s.outputs["train"], WithPaper())
		require.NoError(t, err)
		for method, a := range map[string]Aggregator{"original": fixedOf(t, Single(s.Identity), test),
			"mean": fixedOf(t, Mean(), test), "max": fixedOf(t, MostConfident(), test), "gps": gps, "class_tta": class,
			"aug_tta": aug, "mean_prob": fixedOf(t, MeanProb(), test), "gmean_prob": fixedOf(t, GeoMean(), test),
			"vote": fixedOf(t, Vote(), test), "gps_official": official} {
			want, name := s.Expected.Table[method], s.Name+" "+method
			r, err := Evaluate(test, a)
			require.NoError(t, err)
			assert.Equal(t, want.Correct, r.Aggregated.Correct, name)
			assert.Equal(t, want.N, r.N, name)
			assert.Equal(t, []int{want.Corrections, want.Corruptions, want.Changed, want.WrongToWrong},
				[]int{r.Corrections, r.Corruptions, r.Changed, r.WrongToWrong}, name)
			assert.InDelta(t, want.Top5, r.Aggregated.Top*float64(r.N), 1e-9, name)
			assert.InDelta(t, float64(want.Net)/float64(want.N), r.Net.Value, 1e-12, name)
			assert.InDelta(t, want.Exact, r.McNemar.P, 1e-9, name)
			assert.InDelta(t, want.MidP, r.McNemar.MidP, 1e-9, name)
			if method != "vote" {
				assert.InDelta(t, want.NLL, r.Aggregated.Loss, 1e-5*max(1, want.NLL), name)
				assert.InDelta(t, want.Brier, r.Aggregated.Brier, 1e-5, name)
				assert.InDelta(t, want.ECE15, r.Aggregated.Calibration.ECE, 1e-5, name)
			}
		}
	}
}

func TestGoldenAnalysis(t *testing.T) {
	for _, s := range goldenSets(t) {
		path := filepath.Join("testdata", "analysis_"+s.Name+".json.gz")
		if _, err := os.Stat(path); err != nil {
			continue
		}
		var file struct {
			Method   string `json:"new_method"`
			Analysis struct {
				Correct     []int         `json:"per_aug_correct"`
				Pairwise    golden.Tensor `json:"pairwise_agreement"`
				Agreement   golden.Tensor `json:"agreement_with_original_per_example_first20"`
				Oracle      int           `json:"oracle_any_correct"`
				All         int           `json:"all_correct"`
				Entropy     golden.Tensor `json:"predictive_entropy_first20"`
				Mutual      golden.Tensor `json:"mutual_information_first20"`
				Corruptions [][3]int      `json:"corruption_pairs"`
				Corrections [][3]int      `json:"correction_pairs"`
				LeaveOneOut []int         `json:"leave_one_out_mean_logit_correct"`
				PerClass    []struct {
					Cls, N, Corrections, Corruptions int
					Orig                             int `json:"orig_correct"`
					New                              int `json:"new_correct"`
				} `json:"per_class"`
			}
			Calibration map[string]map[string]any
		}
		golden.JSON(t, path, &file)
		test, want := s.outputs["test"], file.Analysis
		v, err := AnalyzeViews(test)
		require.NoError(t, err)
		assert.Equal(t, []int{want.Oracle, want.All}, []int{v.Oracle, v.All})
		for a, own := range v.Views {
			assert.Equal(t, []int{want.Correct[a], want.LeaveOneOut[a]}, []int{own.Correct, own.WithoutIt})
			golden.Close(t, "agreement", v.Agreement[a], want.Pairwise.Data[a*s.Views:(a+1)*s.Views], 0, 1e-12)
		}
		u, err := Uncertainties(test)
		require.NoError(t, err)
		for n := range 20 {
			assert.InDelta(t, want.Agreement.Data[n], u[n].Agreement, 1e-9)
			assert.InDelta(t, want.Entropy.Data[n], u[n].Entropy, 1e-6)
			assert.InDelta(t, want.Mutual.Data[n], u[n].MutualInformation, 1e-6)
		}
		method := map[string]Rule{"mean_prob": MeanProb(), "mean": Mean(), "max": MostConfident()}
		require.Contains(t, method, file.Method)
		r, err := Evaluate(test, fixedOf(t, method[file.Method], test), WithBins(10, stats.EqualWidth))
		require.NoError(t, err)
		for c, own := range want.PerClass {
			got := r.PerClass[c]
			assert.Equal(t, []int{own.N, own.Orig, own.New, own.Corrections, own.Corruptions},
				[]int{got.N, got.OriginalCorrect, got.AggregatedCorrect, got.Corrections, got.Corruptions})
		}
		pairs := func(list []Confusion) (out [][3]int) {
			for _, p := range list {
				out = append(out, [3]int{p.Label, p.Predicted, p.N})
			}
			return out
		}
		assert.Equal(t, want.Corruptions, pairs(r.CorruptionPairs))
		assert.Equal(t, want.Corrections, pairs(r.CorrectionPairs))
		assert.InDelta(t, file.Calibration["original"]["ece10"], r.Original.Calibration.ECE, 1e-9)
		assert.InDelta(t, file.Calibration["original"]["brier"], r.Original.Brier, 1e-9)
	}
}
