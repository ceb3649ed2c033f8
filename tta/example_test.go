package tta_test

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tta"
)

// outputs are logits of four views of 400 examples, of which the third and fourth are worse and worse.
func outputs(seed uint64) *tta.Outputs {
	const n, views, classes = 400, 4, 3
	rng := tensor.Stream(seed)
	data, labels := make([]float32, n*views*classes), make([]int, n)
	for i := range labels {
		labels[i] = rng.IntN(classes)
		for a := range views {
			row := data[(i*views+a)*classes:][:classes]
			for c := range row {
				row[c] = float32(rng.NormFloat64() * (1 + float64(a*a)))
			}
			row[labels[i]] += 2
		}
	}
	o, err := tta.NewOutputs(views, classes, data, tta.WithLabels(labels), tta.WithIdentity(0),
		tta.WithNames("identity", "good", "bad", "awful"))
	if err != nil {
		panic(err)
	}
	return o
}

func Example() {
	fit, test := outputs(1), outputs(2)
	best, report, err := tta.FitBest(context.Background(), fit)
	if err != nil {
		fmt.Println(err)
		return
	}
	mean, err := tta.NewFixed(tta.Mean(), test.Views(), test.Classes())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range []tta.Aggregator{mean, best} {
		r, err := tta.Evaluate(test, a)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d corrections, %d corruptions, significant: %v\n", r.Corrections, r.Corruptions, r.Significant(0.05))
	}
	fmt.Println(report.Method, "reads", report.Active)
	// Output:
	// 18 corrections, 169 corruptions, significant: true
	// 16 corrections, 10 corruptions, significant: false
	// AugTTA reads [0 1 2 3]
}

func ExampleNewFixed() {
	views := []float32{10, 0, 0, 0, 3, 0, 0, 3, 0}
	for _, r := range []tta.Rule{tta.Mean(), tta.MeanProb(), tta.GeoMean(), tta.Vote(), tta.Median(), tta.ElementMax(),
		tta.ElementMin(), tta.MaxProb()} {
		f, err := tta.NewFixed(r, 3, 3)
		if err != nil {
			fmt.Println(err)
			return
		}
		dst := make([]float32, 3)
		f.Aggregate(dst, views)
		fmt.Printf("%v: class %d\n", f.Rule(), tensor.ArgMax(dst))
	}
	// Output:
	// mean: class 0
	// mean of probabilities: class 1
	// geometric mean of probabilities: class 0
	// vote: class 1
	// median: class 1
	// largest of each class: class 0
	// smallest of each class: class 0
	// largest probability of each class: class 0
}

func ExampleFitTemperature() {
	o := outputs(1)
	f, err := tta.NewFixed(tta.MeanProb(), o.Views(), o.Classes())
	if err != nil {
		fmt.Println(err)
		return
	}
	scaled, r, err := tta.FitTemperature(o, f)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("T %.2f, loss %.3f before and %.3f after\n", scaled.Temperature(), r.Before, r.After)
	// Output:
	// T 0.56, loss 0.732 before and 0.686 after
}

func ExampleCollect() {
	// A policy of numbers and a model of two classes.
	add := func(v float64) []tta.Transform[float64] {
		return []tta.Transform[float64]{tta.Func(fmt.Sprint("add ", v), func(x float64) (float64, error) {
			return x + v,
				nil
		})}
	}
	p, err := tta.NewPolicy(tta.View[float64]{Name: "identity", Original: true},
		tta.View[float64]{Name: "up", Steps: add(1)}, tta.View[float64]{Name: "mirror", Classes: []int{1, 0}})
	if err != nil {
		fmt.Println(err)
		return
	}
	model := func(_ context.Context, batch []float64, out []float32) error {
		for i, x := range batch {
			out[2*i], out[2*i+1] = float32(x), float32(-x)
		}
		return nil
	}
	o, err := tta.Collect(context.Background(), model, p, slices.Values([]float64{3, 4}), 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(o)
	fmt.Println(o.Example(0))
	// Output:
	// 2 examples, 3 views, 2 classes, logits, no labels
	// [3 -3 4 -4 -3 3]
}

func ExampleSelectViews() {
	o := outputs(1)
	path, err := tta.SelectViews(context.Background(), o, tta.WithBudget(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	tau, cost, err := path.Threshold(o, 0.01)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("views %v, exit at %.2f, mean cost %.2f\n", path.Order(), tau, cost)
	// Output:
	// views [0 1], exit at 0.84, mean cost 1.33
}

func ExampleUncertainties() {
	u, err := tta.Uncertainties(outputs(1), tta.WithWorkers(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("entropy %.2f, mutual information %.2f, agreement %.2f\n", u[0].Entropy, u[0].MutualInformation,
		u[0].Agreement)
	// Output:
	// entropy 1.02, mutual information 0.52, agreement 0.25
}

func ExampleEvaluator() {
	e, err := tta.NewEvaluator(2, tta.WithTop(1), tta.WithBins(10, stats.EqualMass), tta.WithLevel(0.9))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, x := range []struct {
		original, aggregated []float32
		label                int
	}{{[]float32{1, 0}, []float32{0, 1}, 1}, {[]float32{2, 0}, []float32{3, 0}, 0}} {
		if err := e.Add(x.original, x.aggregated, x.label); err != nil {
			fmt.Println(err)
			return
		}
	}
	r, err := e.Report()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Corrections, r.Corruptions, r.Aggregated.Correct)
	// Output:
	// 1 0 2
}

func ExampleMerger() {
	m, err := tta.NewMerger(tta.MergeMean, 4, 4, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	windows, err := tta.Windows(4, 4, 3, 0.5)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, w := range windows {
		scores := slices.Repeat([]float32{float32(i)}, w.H*w.W)
		if err := m.AddWindow(scores, w.Top, w.Left, w.H, w.W, tta.Hann(w.H, w.W)); err != nil {
			fmt.Println(err)
			return
		}
	}
	dst := make([]float32, 16)
	if err := m.Result(dst); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.1f\n", dst)
	// Output:
	// [0.0 0.2 0.8 1.0 0.4 0.6 1.2 1.4 1.6 1.8 2.4 2.6 2.0 2.2 2.8 3.0]
}

func ExampleFuseBoxes() {
	a := tta.Box{X0: .1, Y0: .1, X1: .5, Y1: .5, Score: .9}
	b := tta.Box{X0: .12, Y0: .1, X1: .52, Y1: .5, Score: .6}
	fused, err := tta.FuseBoxes([][]tta.Box{{a}, {b}, nil}, nil, 0.5)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.3f to %.3f, score %.2f\n", fused[0].X0, fused[0].X1, fused[0].Score)
	kept, err := tta.Suppress([][]tta.Box{{a}, {b}}, 0.5)
	if err != nil {
		fmt.Println(err)
		return
	}
	soft, err := tta.SoftSuppress([][]tta.Box{{a}, {b}}, 0.5, 0.05)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.1f, %.2f\n", kept[0].Score, soft[1].Score)
	// Output:
	// 0.108 to 0.508, score 0.50
	// 0.9, 0.12
}

func ExampleGeometry() {
	g, err := tta.Frame(6, 10)
	if err != nil {
		fmt.Println(err)
		return
	}
	g = g.FlipH()
	x, y := g.Pixel(2, 3)
	fmt.Println(x, y, g.Angle(0.5))
	m, err := tta.MeanAngle(350*math.Pi/180, 10*math.Pi/180)
	fmt.Printf("%.1f %v\n", math.Abs(m), err)
	axis, err := tta.MeanAxis(178*math.Pi/180, 4*math.Pi/180)
	fmt.Printf("%.1f %v\n", axis*180/math.Pi, err)
	// Output:
	// 7 3 -0.5
	// 0.0 <nil>
	// 1.0 <nil>
}

func ExampleBallot() {
	b, err := tta.NewBallot(1, 2, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, ids := range [][]int{{0, 2}, {2, 2}, {2, 1}} {
		if err := b.Add(ids); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(b.Result())
	// Output:
	// [2 2] <nil>
}

func ExampleNewPredictor() {
	fit := outputs(1)
	// The inputs are numbers of examples, the transforms choose a view, and the model looks its outputs up.
	var views []tta.View[int]
	for a := range fit.Views() {
		choose := tta.Func(fit.Name(a), func(n int) (int, error) { return n*fit.Views() + a, nil })
		views = append(views, tta.View[int]{Name: fit.Name(a), Original: a == 0, Steps: []tta.Transform[int]{choose}})
	}
	p, err := tta.NewPolicy(views...)
	if err != nil {
		fmt.Println(err)
		return
	}
	model := func(_ context.Context, batch []int, out []float32) error {
		for i, x := range batch {
			copy(out[i*fit.Classes():], fit.View(x/fit.Views(), x%fit.Views()))
		}
		return nil
	}
	inputs := func(yield func(int, int) bool) {
		for n, y := range fit.Labels() {
			if !yield(n, y) {
				return
			}
		}
	}
	collected, err := tta.CollectLabelled(context.Background(), model, p, inputs, fit.Classes(), tta.WithWorkers(2),
		tta.WithSeed(1), tta.WithProgress(func(int, int) {}), tta.WithOutputs())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(collected.Policy() == p.Fingerprint(), collected.Kind(), collected.Warnings())
	path, err := tta.SelectViews(context.Background(), collected, tta.WithCosts(p.Costs()), tta.WithMost(3),
		tta.WithShrinkage(0.1), tta.WithWorkers(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	predictor, err := tta.NewPredictor(model, p, path.Step(path.Len()), tta.WithEarlyExit(path, 0.9),
		tta.WithCollect(tta.WithBatch(32)))
	if err != nil {
		fmt.Println(err)
		return
	}
	dst := tensor.NewMatrix[float32](3, fit.Classes())
	used, err := predictor.Predict(context.Background(), []int{0, 1, 2}, dst)
	fmt.Println(len(path.Loss()), "sets of views,", used, "views for 3 inputs", err)
	// Output:
	// true logits []
	// 3 sets of views, 5 views for 3 inputs <nil>
}

func ExampleFitAugTTA() {
	o := outputs(1)
	f, r, err := tta.FitAugTTA(o, tta.WithShrinkage(0.1), tta.WithTolerance(1e-5), tta.WithIterations(50),
		tta.WithWorkers(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%v: views %v, converged %v, policy %q\n", f.Method(), f.Active(), r.Converged, f.Policy())
	gps, picks, err := tta.FitGPS(context.Background(), o, 2, tta.WithReference(), tta.WithWorkers(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(gps.Method(), len(picks))
	best, _, err := tta.FitBest(context.Background(), o, tta.WithFolds(4), tta.WithSeed(1), tta.WithCaution(2),
		tta.WithWorkers(1), tta.WithProgress(func(int, int) {}))
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := tta.Aggregate(o, best, tta.WithWorkers(1))
	fmt.Println(best.Method(), out.Rows, err)
	// Output:
	// AugTTA: views [0 1 2 3], converged true, policy ""
	// GPS 2
	// AugTTA 400 <nil>
}

func ExampleNewOutputs() {
	o, err := tta.NewOutputs(1, 2, []float32{-0.1, -2.35, -3, -0.051}, tta.WithLogProbs(), tta.WithPolicy("none"))
	if err != nil {
		fmt.Println(err)
		return
	}
	second, err := o.Subset(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	half, err := o.MarshalFloat16()
	fmt.Println(second, len(half) > 0, err)
	// Output:
	// 1 examples, 1 views, 2 classes, log-probabilities, no labels true <nil>
}

func ExampleEvaluator_Merge() {
	a, err := tta.NewEvaluator(2, tta.WithTop(1), tta.WithSuperclasses([]int{0, 0}))
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := tta.NewEvaluator(2, tta.WithTop(1), tta.WithSuperclasses([]int{0, 0}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(a.Add([]float32{1, 0}, []float32{0, 1}, 0), b.Add([]float32{1, 0}, []float32{1, 0}, 0), a.Merge(b))
	r, err := a.Report()
	fmt.Println(r.N, r.CorruptionsWithin, err)
	t, err := tta.Evaluate(outputs(1), mustFixed(tta.Vote()), tta.WithWorkers(1))
	fmt.Println(t.N, err)
	// Output:
	// <nil> <nil> <nil>
	// 2 1 <nil>
	// 400 <nil>
}

func mustFixed(r tta.Rule) *tta.Fixed {
	f, err := tta.NewFixed(r, 4, 3)
	if err != nil {
		panic(err)
	}
	return f
}

func ExampleGeometry_Box() {
	g, err := tta.Frame(6, 10)
	if err != nil {
		fmt.Println(err)
		return
	}
	g = g.Rot90(1)
	b := g.Box(tta.Box{X0: 1, Y0: 5, X1: 4, Y1: 8})
	h, w := g.Size()
	fmt.Println(b.X0, b.Y0, b.X1, b.Y1, b.IoU(b.Clip(h, w)))
	x, y := g.Point(1, 5)
	u, v := g.Vector(1, 0)
	fmt.Println(x, y, u, v)
	eyes := []string{"left", "right"}
	fmt.Println(tta.SwapPairs(eyes, [][2]int{{0, 1}}), eyes)
	// Output:
	// 2 1 5 4 1
	// 5 1 0 1
	// <nil> [right left]
}

func ExampleScaled() {
	o := outputs(1)
	best, _, err := tta.FitMixture(o)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, _, err := tta.FitTemperature(o, best)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%q %v %v\n", s.Policy(), s.Active(), s.Unwrap() == tta.Aggregator(best))
	// Output:
	// "" [0 1] true
}

// A view that joins a policy costs only itself.
func ExampleMemoryCache() {
	calls := 0
	model := func(_ context.Context, batch []float32, out []float32) error {
		calls += len(batch)
		for i, x := range batch {
			out[2*i], out[2*i+1] = x, 0
		}
		return nil
	}
	double := tta.Func("double", func(x float32) (float32, error) { return 2 * x, nil })
	half := tta.Func("half", func(x float32) (float32, error) { return x / 2, nil })
	views := []tta.View[float32]{{Name: "original", Original: true},
		{Name: "double", Steps: []tta.Transform[float32]{double}},
		{Name: "half", Steps: []tta.Transform[float32]{half}}}
	var cache tta.MemoryCache
	for n := 2; n <= 3; n++ {
		policy, err := tta.NewPolicy(views[:n]...)
		if err != nil {
			fmt.Println(err)
			return
		}
		outputs, err := tta.Collect(context.Background(), model, policy, slices.Values([]float32{1, 2, 3}), 2,
			tta.WithCache(&cache))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(calls, outputs.Example(2), cache.Len())
	}
	row := make([]float32, 2)
	fmt.Println(cache.Load(tta.CacheKey{Example: 2, View: `"half" "half"`}, row), row)
	saved, err := cache.MarshalBinary()
	fmt.Println(len(saved) > 0, err)
	// Output:
	// 6 [3 0 6 0] 6
	// 9 [3 0 6 0 1.5 0] 9
	// true [1.5 0]
	// true <nil>
}

// Classes that do not exclude each other are decided one by one.
func ExampleNewMultiLabel() {
	logits := []float32{ // two examples in two views of three classes
		2, -1, 0.5, 1, -2, -0.5,
		-3, 4, 0.2, -1, 2, -0.4,
	}
	truth := []bool{true, false, true, false, true, false}
	o, err := tta.NewMultiLabel(2, 3, logits, truth, tta.WithIdentity(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	mean, err := tta.NewFixed(tta.Mean(), o.Views(), o.Classes())
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := tta.Aggregate(o, mean)
	fmt.Println(o.Len(), o.Kind(), out.Data, err)
	// Output: 6 binary [1.5 -1.5 0 -2 3 -0.1] <nil>
}
