package eval_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/eval"
	"github.com/espalier-ml/espalier/prune/prunetest"
	"github.com/espalier-ml/espalier/tensor"
)

// good is a study that breaks no rule.
func good() *eval.Study {
	s := &eval.Study{
		Year: 2024, Library: "espalier 1", Hardware: "amd64", Code: "example.org",
		Plotted: true, SizeCountsAll: true, MACsWithoutBias: true,
		Datasets: map[string]eval.Dataset{"CIFAR-10": {Classes: 10}, "CIFAR-100": {Classes: 100},
			"ImageNet": {Classes: 1000}},
		OldModel: map[string]bool{"AlexNet": true},
		Claims:   [][2]string{{"ImageNet", "ResNet-50"}},
		Methods: map[string]eval.Method{
			"dense":   {Roles: []eval.Role{eval.Control}, Provenance: eval.Ours},
			"tuned":   {Roles: []eval.Role{eval.TunedControl}, Provenance: eval.Ours},
			"ours":    {Roles: []eval.Role{eval.Proposed}, Provenance: eval.Ours, Year: 2024},
			"random":  {Roles: []eval.Role{eval.RandomUniform}, Provenance: eval.Ours},
			"matched": {Roles: []eval.Role{eval.RandomMatched}, Provenance: eval.Ours},
			"mag":     {Roles: []eval.Role{eval.MagnitudeBase}, Provenance: eval.Ours},
			"magm":    {Roles: []eval.Role{eval.MagnitudeMatched}, Provenance: eval.Ours},
			"OBD": {Roles: []eval.Role{eval.Competitor}, Year: 1990, Provenance: eval.Reimplemented,
				Differences: "diagonal"},
			"new": {Roles: []eval.Role{eval.Competitor}, Year: 2021, Provenance: eval.AuthorsCode,
				Differences: "ours longer"},
		},
	}
	for _, at := range [][2]string{{"CIFAR-10", "ResNet-56"}, {"CIFAR-100", "ResNet-56"}, {"ImageNet", "ResNet-50"}} {
		for _, m := range []string{"dense", "tuned", "ours", "random", "matched", "mag", "magm", "OBD", "new"} {
			targets := []float64{2, 4, 8, 16, 32}
			if m == "dense" || m == "tuned" {
				targets = []float64{1}
			}
			for _, c := range targets {
				for seed := range uint64(3) {
					r := eval.Result{Dataset: at[0], Model: at[1], Method: m, Seed: seed, Target: c, Size: 3200, Kept: int(3200 / c),
						Ratio: c, MACs: 6400, MACsNZ: int64(6400 / c), Speedup: c,
						Top1: 0.9 - 0.005*c + 0.001*float64(seed), Top5: 0.99, Selection: eval.Last, InitialHash: fmt.Sprint(at, seed),
						ConfigHash: at[0]}
					s.Results = append(s.Results, r)
				}
			}
		}
	}
	return s
}

// Each of the rules fires on a study that breaks it, and on no other of these.
func TestRules(t *testing.T) {
	review := func(s *eval.Study) []eval.Finding {
		findings, err := s.Review()
		require.NoError(t, err)
		return findings
	}
	require.Empty(t, review(good()))
	any := func(f func(r *eval.Result)) func(*eval.Study) {
		return func(s *eval.Study) { f(&s.Results[len(s.Results)-1]) }
	}
	drop := func(gone func(r eval.Result) bool) func(*eval.Study) {
		return func(s *eval.Study) { s.Results = slices.DeleteFunc(s.Results, gone) }
	}
	method := func(name string, f func(m *eval.Method)) func(*eval.Study) {
		return func(s *eval.Study) { m := s.Methods[name]; f(&m); s.Methods[name] = m }
	}
	broken := map[string]map[string]func(*eval.Study){
		"P01": {"no hardware": func(s *eval.Study) { s.Hardware = "" },
			"is not described": func(s *eval.Study) { delete(s.Methods, "mag"); s.Methods["mag2"] = eval.Method{} }},
		"P02": {"2": func(s *eval.Study) { s.OldModel["ResNet-50"] = true }},
		"P03": {"speedup 0": any(func(r *eval.Result) { r.Speedup = 0 }),
			"do not follow": any(func(r *eval.Result) { r.Size += 4 })},
		"P04": {"ImageNet/ResNet-50 new at 32": any(func(r *eval.Result) { r.Top5 = 0 })},
		"P05": {"ImageNet/ResNet-50 seed 1": drop(func(r eval.Result) bool {
			return r.Method == "dense" &&
				r.Dataset == "ImageNet" && r.Seed == 1
		})},
		"P05b": {"ImageNet/ResNet-50 seed 1": drop(func(r eval.Result) bool {
			return r.Method == "tuned" &&
				r.Dataset == "ImageNet" && r.Seed == 1
		})},
		"P06": {"4 points from 2 to 32": drop(func(r eval.Result) bool { return r.Method == "new" && r.Target == 8 }),
			"4 points from 2 to 16": drop(func(r eval.Result) bool { return r.Method == "OBD" && r.Target == 32 })},
		"P07": {"falls by 2": func(s *eval.Study) {
			for i := range s.Results {
				if r := &s.Results[i]; r.Method == "new" {
					r.Top1 = 0.87
				}
			}
		}},
		"P08": {"has 0": any(func(r *eval.Result) { r.Top1 = 0 })},
		"P09": {"has 2": drop(func(r eval.Result) bool { return r.Method == "mag" && r.Seed == 1 && r.Target == 4 }),
			"twice": any(func(r *eval.Result) { r.Seed = 1 })},
		"P10": {"uniform": method("random", func(m *eval.Method) { m.Roles = nil }),
			"matched": method("matched", func(m *eval.Method) { m.Roles = nil })},
		"P11": {"global or uniform": method("mag", func(m *eval.Method) { m.Roles = nil }),
			"matched": method("magm", func(m *eval.Method) { m.Roles = nil })},
		"P12": {"starts from other weights": any(func(r *eval.Result) { r.InitialHash = "x" }),
			"no hash": any(func(r *eval.Result) { r.InitialHash = "" })},
		"P13": {"trained differently": any(func(r *eval.Result) { r.ConfigHash = "x" }),
			"no hash": any(func(r *eval.Result) { r.ConfigHash = "" })},
		"P14": {"new": method("new", func(m *eval.Method) { m.Differences = "" }),
			"ours": method("ours", func(m *eval.Method) { m.Provenance = eval.Unstated })},
		"P15": {"no plot": func(s *eval.Study) { s.Plotted = false }, "outside the range of OBD": func(s *eval.Study) {
			for i := range s.Results {
				if r := &s.Results[i]; r.Method == "OBD" {
					r.Size, r.Ratio, r.Target = 100*r.Size, 100*r.Ratio, 100*r.Target
				}
			}
		}},
		"P16": {"no recent one": method("new", func(m *eval.Method) { m.Year = 2011 }),
			"no old one": method("OBD", func(m *eval.Method) { m.Year = 2015 })},
		"P17": {"best on the test set": any(func(r *eval.Result) { r.Selection = eval.ByTest }),
			"does not say": any(func(r *eval.Result) { r.Selection = 0 })},
		"P18": {"compression 32": any(func(r *eval.Result) { r.Target = 32.5; r.Seed = 9; r.InitialHash = "y" }),
			"lost fc": any(func(r *eval.Result) { r.Collapsed, r.EffectiveRatio = []string{"fc"}, 40 })},
		"P19": {"without biases: false": func(s *eval.Study) { s.MACsWithoutBias = false }},
		"P20": {"SVHN/VGG is claimed": func(s *eval.Study) { s.Claims = append(s.Claims, [2]string{"SVHN", "VGG"}) },
			"new at 32": any(func(r *eval.Result) { r.Collapsed, r.CollapseDeclared = []string{"fc"}, true })},
	}
	// what the same fault breaks too
	follow := map[string][]string{"P18": {"P05", "P05b",
		"P09"}, "P09": {"P12"}, "P05": {"P09"}, "P05b": {"P09"}, "P01": {"P11", "P14"}}
	ids := map[string]bool{}
	for _, r := range eval.Rules() {
		ids[r.ID] = true
		require.NotEmpty(t, broken[r.ID], r.ID)
		for text, f := range broken[r.ID] {
			s := good()
			f(s)
			found := false
			for _, v := range review(s) {
				if v.ID == r.ID {
					require.Contains(t, v.String(), text)
					require.Equal(t, r.Severity, v.Severity)
					found = true
				} else {
					require.Contains(t, follow[r.ID], v.ID, "%s: %v", r.ID, v)
				}
			}
			require.True(t, found, "%s %s", r.ID, text)
		}
	}
	require.Len(t, ids, 21)
	require.NotEmpty(t, review(new(eval.Study)))
	_, err := good().Review("P21")
	require.ErrorIs(t, err, tensor.ErrRange)
	require.ErrorContains(t, err, `eval: Review: no rule "P21"`)
}

// Accuracy is over samples, not over batches of the nominal size: a perfect model scores 1.
func TestAccuracy(t *testing.T) {
	var m eval.Meter
	theirs, batches := 0.0, 0
	for left := 10000; left > 0; left -= 128 {
		n := min(128, left)
		logits, labels := tensor.NewMatrix[float32](n, 10), make([]int, n)
		for i := range n {
			labels[i] = i % 10
			logits.Set(i, i%10, 1)
		}
		require.NoError(t, eval.Add(&m, logits, labels))
		theirs += float64(n) / 128
		batches++
	}
	top1, top5, err := m.Accuracy()
	require.NoError(t, err)
	require.Equal(t, []float64{1, 1}, []float64{top1, top5})
	require.InDelta(t, 0.98892, theirs/float64(batches), 1e-5)
}

func TestMeter(t *testing.T) {
	var m eval.Meter
	_, _, err := m.Accuracy()
	require.ErrorIs(t, err, tensor.ErrEmpty)
	logits := tensor.Of(2, 7, []float64{7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0})
	require.NoError(t, eval.Add(&m, logits, []int{5, 4})) // of equal logits the lower classes come first
	require.Equal(t, eval.Meter{N: 2, Top5: 1}, m)
	require.NoError(t, eval.Add(&m, logits, []int{0, 0}))
	require.Equal(t, eval.Meter{N: 4, Top1: 2, Top5: 3}, m)
	before := m
	require.ErrorIs(t, eval.Add(&m, logits, []int{0}), tensor.ErrShape)
	require.ErrorIs(t, eval.Add(&m, logits, []int{0, 7}), tensor.ErrRange)
	require.ErrorIs(t, eval.Add(&m, tensor.Of(1, 2, []float64{1, math.NaN()}), []int{0}), tensor.ErrNotFinite)
	require.ErrorIs(t, eval.Add(&m, tensor.Matrix[float64]{Rows: 1, Cols: 2}, []int{0}), tensor.ErrShape)
	require.Equal(t, before, m)
}

// The epoch to report is chosen by validation; choosing it by the test set reports the largest of many draws.
func TestSelection(t *testing.T) {
	validation, test := []float64{0.7, 0.9, 0.9, 0.8}, []float64{0.7, 0.85, 0.95, 0.8}
	at, err := eval.SelectEpoch(validation)
	require.NoError(t, err)
	require.Equal(t, 0.85, test[at])
	require.Less(t, test[at], slices.Max(test))
	_, err = eval.SelectEpoch(nil)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = eval.SelectEpoch([]float64{math.NaN(), 0.5})
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	s := good()
	s.Results[0].Selection = eval.ByTest
	v, err := s.Review()
	require.NoError(t, err)
	require.Len(t, v, 1)
	require.Equal(t, "P17", v[0].ID)
}

func TestCurveStatistics(t *testing.T) {
	s := good()
	c := s.Curve("ImageNet", "ResNet-50", "ours", eval.BySpeedup)
	require.Len(t, c, 5)
	require.Equal(t, 4.0, c[1].X)
	require.InDelta(t, 0.881, c[1].Mean, 1e-12)
	require.InDelta(t, 0.001, c[1].Std, 1e-12) // of -1, 0, 1 thousandths with divisor 2
	require.Equal(t, 3, c[1].N)
	require.InDelta(t, 0.88, c[1].Lowest, 1e-12)
	require.Empty(t, s.Curve("x", "y", "z", eval.ByCompression))
	one := eval.Study{Results: s.Results[:1]}
	c1 := one.Curve("CIFAR-10", "ResNet-56", "dense", eval.ByCompression)
	require.Len(t, c1, 1)
	require.Equal(t, 1, c1[0].N)
	require.True(t, math.IsNaN(c1[0].Std))
	_, places, err := eval.Compare(eval.Points(c), eval.Points(c))
	require.NoError(t, err)
	for _, p := range places {
		require.Equal(t, eval.Incomparable, p, "a curve is on itself")
	}
	for _, bad := range [][]eval.Point{nil, {{X: math.NaN()}}, {{Y: math.Inf(1)}}} {
		_, _, err := eval.Compare(bad, eval.Points(c))
		require.Error(t, err)
		_, _, err = eval.Compare(eval.Points(c), bad)
		require.Error(t, err)
	}
	require.Equal(t, "dominated dominant", fmt.Sprint(eval.Dominated, " ", eval.Dominant)[:len("dominated dominant")])
	require.Equal(t, "placement(7)", eval.Placement(7).String())
}

// Controls keep the numbers of every tensor; the random one is a fair draw and repeats with its seed.
func TestMatchedControls(t *testing.T) {
	params := prunetest.Params[float32](1)
	masks, err := prune.ComputeMasks(params, prune.WithScope(prune.Global), prune.WithScorer(prune.Taylor[float32]()),
		prune.WithSparsity(0.8))
	require.NoError(t, err)
	random := eval.MatchedRandom(masks, 1)
	require.True(t, random.Equal(eval.MatchedRandom(masks, 1)))
	require.False(t, random.Equal(eval.MatchedRandom(masks, 2)))
	magnitude, err := eval.MatchedMagnitude(masks, params)
	require.NoError(t, err)
	for name, m := range masks.All() {
		require.Equal(t, m.Count(), random.Get(name).Count())
		require.Equal(t, m.Count(), magnitude.Get(name).Count())
	}
	kept := 0
	for seed := range uint64(2000) {
		if eval.MatchedRandom(masks, seed).Get("fc1.weight").Keep(17) {
			kept++
		}
	}
	m := masks.Get("fc1.weight")
	require.InDelta(t, float64(m.Count())/float64(m.Len()), float64(kept)/2000, 0.04)
	global, err := prune.ComputeMasks(params, prune.WithScope(prune.Global), prune.WithSparsity(0.8))
	require.NoError(t, err)
	same, err := eval.MatchedMagnitude(global, params)
	require.NoError(t, err)
	require.True(t, same.Equal(global), "global magnitude pruning is its own magnitude control")
	_, err = eval.MatchedMagnitude(masks, params[:1])
	require.ErrorIs(t, err, tensor.ErrRange)
	short := prunetest.Params[float32](1)
	short[0].Data = short[0].Data[:7]
	_, err = eval.MatchedMagnitude(masks, short)
	require.ErrorIs(t, err, tensor.ErrShape)
}

func TestCSV(t *testing.T) {
	s := good()
	s.Results[0].Path, s.Results[0].Optimizer, s.Results[0].LR, s.Results[0].Seed = `a,"b`, "SGD", 1e-3, math.MaxUint64
	var b bytes.Buffer
	require.NoError(t, eval.WriteCSV(&b, s.Results))
	require.True(t, strings.HasPrefix(b.String(),
		"dataset,model,strategy,compression,size,size_nz,real_compression,flops,flops_nz,"+
			"speedup,pre_acc1,pre_acc5,post_acc1,post_acc5,"+
			"seed,batch_size,epochs,optim,lr,completed_epochs,path\n"))
	got, err := eval.ReadCSV(&b)
	require.NoError(t, err)
	require.Len(t, got, len(s.Results))
	for i, r := range s.Results {
		r.Selection, r.InitialHash, r.ConfigHash = 0, "", "" // no columns for these
		require.Equal(t, r, got[i])
	}
	for text, want := range map[string]string{"": "no header", "dataset,model\n": `no column "strategy"`,
		"dataset,model,strategy,lr\na,b,c,x\n":                      `line 2, column "lr": "x", want a finite number`,
		"dataset,model,strategy,size\na,b,c,1.5\n":                  "want a whole number",
		"dataset,model,strategy\na,b\n":                             "wrong number of fields",
		"dataset,model,strategy,seed\na,b,c,-x\n":                   "want a finite number",
		"dataset,model,strategy,size\na,b,c,9223372036854775808\n":  `line 2, column "size": "9223372036854775808"`,
		"dataset,model,strategy,size\na,b,c,1\n\na,b,c,1e17\n":      `line 4, column "size": "1e17"`,
		"dataset,model,strategy,flops\na,b,c,1e300\n":               "a whole number of 64 bits",
		"dataset,model,strategy,flops_nz\n\"a\nb\",b,c,1.25\n":      `line 2, column "flops_nz"`,
		"dataset,model,strategy,seed\na,b,c,-1\n":                   "0 or more",
		"dataset,model,strategy,seed\na,b,c,-5\n":                   `column "seed": "-5"`,
		"dataset,model,strategy,size\na,b,c,-5\n":                   `column "size": "-5"`,
		"dataset,model,strategy,flops\na,b,c,9223372036854775808\n": `column "flops"`,
		"dataset,model,strategy,lr\na,b,c,NaN\n":                    "want a finite number",
		"dataset,model,strategy,speedup\na,b,c,Inf\n":               "want a finite number",
		"dataset,model,strategy,lr\n\"a\n\nb\",b,c,1\na,b,c,x\n":    `line 5, column "lr"`} {
		_, err := eval.ReadCSV(strings.NewReader(text))
		require.ErrorContains(t, err, want)
	}
}

func FuzzReadCSV(f *testing.F) {
	var b bytes.Buffer
	require.NoError(f, eval.WriteCSV(&b, good().Results[:3]))
	f.Add(b.String())
	f.Add("dataset,model,strategy,size\na,b,c,1e300\n")
	f.Fuzz(func(t *testing.T, s string) {
		results, err := eval.ReadCSV(strings.NewReader(s))
		if err != nil {
			return
		}
		var out bytes.Buffer
		require.NoError(t, eval.WriteCSV(&out, results))
	})
}

func FuzzReadPublished(f *testing.F) {
	f.Add("paper,dataset,model,compression_ratio,theoretical_speedup,d_top1\na,b,c,2,,-1\na,b,c,,1.5,\n")
	f.Add("paper,dataset,model,compression_ratio,theoretical_speedup,d_top1,year\na,b,c,NaN,1e400,-1,99999999999999\n")
	f.Fuzz(func(t *testing.T, s string) {
		rows, err := eval.ReadPublished(strings.NewReader(s))
		if err != nil {
			return
		}
		for _, r := range rows {
			for _, v := range []float64{r.Compression, r.Speedup, r.Top1, r.Top5, r.DTop1, r.DTop5, r.StdTop1} {
				require.Zero(t, v-v)
			}
			for _, axis := range []eval.Axis{eval.ByCompression, eval.BySpeedup} {
				for _, curve := range eval.PublishedCurves(rows, r.Dataset, r.Model, axis) {
					require.NotEmpty(t, curve)
				}
			}
		}
	})
}

func TestFingerprint(t *testing.T) {
	a, b := prunetest.Params[float32](1), prunetest.Params[float32](1)
	require.Equal(t, eval.Fingerprint(a), eval.Fingerprint(b))
	b[3].Data[5] = math.Nextafter32(b[3].Data[5], 9)
	require.NotEqual(t, eval.Fingerprint(a), eval.Fingerprint(b))
}

// The published table, where it is at hand: rows per configuration and what dominates what are the paper's.
func TestPublished(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data", "pruning_literature")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no published results here")
	}
	rows, err := eval.LoadPublished(filepath.Join(dir, "published_results.csv"))
	require.NoError(t, err)
	require.Len(t, rows, 228)
	b, err := os.ReadFile(filepath.Join(dir, "curve_compare.json"))
	require.NoError(t, err)
	var g struct {
		Pairs []struct {
			Dataset, Model, X, Y string
			NameA                string `json:"a"`
			NameB                string `json:"b"`
			A, B                 [][2]float64
			Result               []int `json:"result_pareto"`
		}
	}
	require.NoError(t, json.Unmarshal(b, &g))
	require.NotEmpty(t, g.Pairs)
	n := 0
	for _, p := range g.Pairs {
		a, places, err := eval.Comparison{A: eval.Pareto, B: eval.Pareto}.Compare(pointsOf(p.A), pointsOf(p.B))
		require.NoError(t, err)
		if len(a) != len(p.Result) {
			continue
		}
		for i, v := range places {
			require.Equal(t, p.Result[i], int(v)-int(eval.Incomparable), "%+v", p)
			n++
		}
	}
	t.Logf("%d comparisons of %d pairs", n, len(g.Pairs))
	curves := eval.PublishedCurves(rows, "ImageNet", "VGG-16", eval.BySpeedup)
	require.NotEmpty(t, curves)
	_, err = eval.LoadPublished(filepath.Join(dir, "none.csv"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestReadPublished(t *testing.T) {
	const table = "paper,method,year,dataset,model,compression_ratio,theoretical_speedup," +
		"top1,top5,d_top1,d_top5,std_top1,orig_top1,orig_top5\n" +
		"p,P 2017,2017,D,M,2,,0.9,,0.01,,,0.89,\np,P 2017,2017,D,M,4,3,0.8,,0,,,0.89,\nq,Q,2018,D,M,4,,,,,-0.1,,,\n"
	rows, err := eval.ReadPublished(strings.NewReader(table))
	require.NoError(t, err)
	require.Len(t, rows, 3)
	require.Equal(t, map[string][]eval.Point{"p": {{X: 2, Y: 0.01}, {X: 4, Y: 0}}}, eval.PublishedCurves(rows, "D", "M",
		eval.ByCompression))
	require.Equal(t, map[string][]eval.Point{"p": {{X: 3, Y: 0}}}, eval.PublishedCurves(rows, "D", "M", eval.BySpeedup))
	_, err = eval.ReadPublished(strings.NewReader("paper\n"))
	require.ErrorIs(t, err, tensor.ErrRange)
}

// What is written as JSON reads back equal, numbers that are not finite included.
func TestJSONReadsBack(t *testing.T) {
	s := good()
	s.Results[0].Ratio, s.Results[0].Speedup, s.Results[0].Collapsed = math.Inf(1), math.Inf(1), []string{"fc"}
	b, err := json.Marshal(s)
	require.NoError(t, err)
	require.Contains(t, string(b), `"ratio":null`)
	require.Contains(t, string(b), `"provenance":"authors' code"`)
	require.Contains(t, string(b), `"selection":"last"`)
	back := new(eval.Study)
	require.NoError(t, json.Unmarshal(b, back))
	require.Equal(t, s, back)

	one := eval.Summary{Target: 2, X: 2, Mean: 0.5, Std: math.NaN(), N: 1, Lowest: 0.5, Highest: 0.5}
	b, err = json.Marshal(one)
	require.NoError(t, err)
	require.Equal(t, `{"target":2,"x":2,"mean":0.5,"std":null,"n":1,"lowest":0.5,"highest":0.5}`, string(b))
	var read eval.Summary
	require.NoError(t, json.Unmarshal(b, &read))
	require.True(t, math.IsNaN(read.Std))
	read.Std, one.Std = 0, 0
	require.Equal(t, one, read)

	findings, err := new(eval.Study).Review()
	require.NoError(t, err)
	b, err = json.Marshal(findings)
	require.NoError(t, err)
	require.Contains(t, string(b), `{"id":"P01","severity":"error","message":"`)
	var found []eval.Finding
	require.NoError(t, json.Unmarshal(b, &found))
	require.Equal(t, findings, found)
	places := map[eval.Placement]eval.Hull{eval.Dominated: eval.ParetoHull, eval.Above: eval.AsIs}
	b, err = json.Marshal(places)
	require.NoError(t, err)
	require.Equal(t, `{"above":"as is","dominated":"pareto hull"}`, string(b))
	var placed map[eval.Placement]eval.Hull
	require.NoError(t, json.Unmarshal(b, &placed))
	require.Equal(t, places, placed)
}
