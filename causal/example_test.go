package causal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/causal/causaltest"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// labels has n00, n01, n10 and n11 rows of each combination of y and v.
func labels(n ...int) (y, v []int) {
	for at, k := range n {
		for range k {
			y, v = append(y, at/2), append(v, at%2)
		}
	}
	return y, v
}

func Example() {
	// Rows of one column that both labels move, v more than y, and a linear model of it.
	d := causaltest.Shortcut(1, 1000, 0.9)
	w, err := causal.FitWeights(d.Y, d.V)
	if err != nil {
		fmt.Println(err)
		return
	}
	train := func(risk causal.Risk, terms ...causal.Term[float64]) []float64 {
		o, err := causal.NewObjective(risk, terms)
		if err != nil {
			fmt.Println(err)
			return nil
		}
		coef := make([]float64, d.X.Cols)
		logits, dLogits := tensor.NewMatrix[float64](d.X.Rows, 1), tensor.NewMatrix[float64](d.X.Rows, 1)
		grad := make([]float64, len(coef))
		for step := range 300 {
			tensor.Gemv(tensor.NoTrans, 1, d.X, coef, 0, logits.Data)
			if _, err := o.Step(float64(step), logits, tensor.Matrix[float64]{}, causal.Batch{Y: d.Y, V: d.V}, dLogits,
				tensor.Matrix[float64]{}); err != nil {
				fmt.Println(err)
				return nil
			}
			tensor.Gemv(tensor.Trans, 1, d.X, dLogits.Data, 0, grad)
			tensor.Axpy(coef, -0.3, grad)
		}
		return coef
	}
	weighted, err := causal.NewWeighted(causal.WithTable(w))
	if err != nil {
		fmt.Println(err)
		return
	}
	mmd, err := causal.NewMMD[float64](causal.WithKernel(causal.Linear()), causal.WithWeights(w))
	if err != nil {
		fmt.Println(err)
		return
	}
	plain := train(causal.Weighted{})
	robust := train(weighted, causal.Term[float64]{Penalty: mmd, Alpha: 0.1, OnLogits: true})

	test := causaltest.Shortcut(2, 1000, 0.5)
	for _, m := range []struct {
		name string
		coef []float64
	}{{"plain", plain}, {"weights and penalty", robust}} {
		scores := make([]float64, test.X.Rows)
		tensor.Gemv(tensor.NoTrans, 1, test.X, m.coef, 0, scores)
		r, err := causal.Audit(
			context.Background(),
			causal.AuditInput{Score: scores, Y: test.Y, V: test.V, TrainY: d.Y, TrainV: d.V},
		)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%-20s %v, AUC at P(v=y)=.1: %.2f\n", m.name, r.Verdict, r.Shift.Points[0].AUC.Value)
	}
	// Output:
	// plain                uses the shortcut, AUC at P(v=y)=.1: 0.65
	// weights and penalty  clean, AUC at P(v=y)=.1: 0.91
}

func ExampleFitWeights() {
	y, v := labels(45, 5, 5, 45)
	w, err := causal.FitWeights(y, v, causal.WithTarget(causal.Unconfounded()), causal.WithClip(4))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(w.Overlap())
	u, _ := w.At(0, 1)
	fmt.Printf("weight of y=0 v=1: %.3g\n", u)
	// Output:
	// y      v     rows    share   target   weight
	//      0      0       45   0.4500   0.2500   0.5556
	//      0      1        5   0.0500   0.2500        4
	//      1      0        5   0.0500   0.2500        4
	//      1      1       45   0.4500   0.2500   0.5556
	// effective sample size 43.14 of 100, largest weight 4, Cramér's V 0.8, weighted 0.111
	// warning: 5 rows have y=0 v=1 and stand for 0.25 of the target
	// warning: 5 rows have y=1 v=0 and stand for 0.25 of the target
	// warning: 10 rows were clipped, which leaves Cramér's V at 0.111
	// weight of y=0 v=1: 4
}

func ExampleFitWeights_options() {
	y, v := []int{0, 0, 0, 1, 1, 1, 1}, []int{0, 0, 1, 0, 1, 1, causal.Unknown}
	for _, opts := range [][]causal.WeightsOption{
		{causal.WithUnknownRows(), causal.WithTarget(causal.UniformGivenAux())},
		{causal.WithUnknownRows(), causal.WithTarget(causal.GroupBalanced()), causal.WithQuantileClip(0.9)},
		{causal.WithUnknownRows(), causal.WithSmoothing(1), causal.WithBase([]float64{1, 1, 2, 1, 1, 1, 1})},
	} {
		w, err := causal.FitWeights(y, v, opts...)
		if err != nil {
			fmt.Println(err)
			return
		}
		u, err := w.Apply(nil, y, v)
		fmt.Printf("%.3f %v\n", u, err)
	}
	// Output:
	// [0.750 0.750 1.500 1.500 0.750 0.750 1.000] <nil>
	// [0.750 0.750 1.500 1.500 0.750 0.750 1.000] <nil>
	// [0.909 0.909 1.091 1.136 0.909 0.909 1.000] <nil>
}

func ExampleFitWeights_missing() {
	y, v := labels(45, 5, 0, 50)
	_, err := causal.FitWeights(y, v)
	fmt.Println(errors.Is(err, causal.ErrNoOverlap))
	// Output:
	// true
}

func ExampleCustomTarget() {
	y, v := labels(40, 10, 10, 40)
	// What the model will meet: the labels go against each other.
	w, err := causal.FitWeights(y, v, causal.WithTarget(causal.CustomTarget(map[causal.Cell]float64{
		{Y: 0, V: 0}: .1, {Y: 0, V: 1}: .4, {Y: 1, V: 0}: .4, {Y: 1, V: 1}: .1})))
	if err != nil {
		fmt.Println(err)
		return
	}
	u, err := w.Apply(nil, []int{0, 0}, []int{0, 1})
	fmt.Println(u, err)
	// Output:
	// [0.25 4] <nil>
}

func ExampleMMD() {
	z := tensor.Of(6, 2, []float64{0, 0, 1, 0, 0, 1, 3, 3, 4, 3, 3, 4})
	grad := tensor.NewMatrix[float64](6, 2)
	mmd, err := causal.NewMMD[float64](causal.WithKernel(causal.RBF(2)), causal.WithUnknown(), causal.WithWorkers(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := mmd.Eval(z, causal.Batch{V: []int{0, 0, 0, 1, 1, 1}}, grad)
	fmt.Printf(
		"%.4f, of which %.4f is the size of the groups; gradient of the first row %.3f (%v)\n",
		r.Value,
		r.Expected,
		grad.Row(0),
		err,
	)
	r, err = mmd.Eval(z, causal.Batch{V: []int{1, 1, 1, 1, 1, 1}}, grad)
	fmt.Printf("%v, skipped: %s (%v)\n", r.Value, r.Skipped, err)
	// Output:
	// 1.5834, of which 0.3978 is the size of the groups; gradient of the first row [0.014 0.014] (<nil>)
	// 0, skipped: all rows are of one group (<nil>)
}

func ExampleMMD_conditional() {
	// Equal opportunity and its like: independence within each class, without weights.
	z := tensor.Of(8, 1, []float64{0, 0.1, 0, 0.1, 5, 5.1, 7, 7.1})
	b := causal.Batch{Y: []int{0, 0, 0, 0, 1, 1, 1, 1}, V: []int{0, 0, 1, 1, 0, 0, 1, 1}}
	for _, w := range []causal.ClassWeighting{causal.Prior, causal.Uniform, causal.Total} {
		p, err := causal.NewMMD[float64](
			causal.WithKernel(causal.Energy()),
			causal.WithConditional(w),
			causal.WithEstimator(causal.VStatistic),
		)
		if err != nil {
			fmt.Println(err)
			return
		}
		r, err := p.Clone().Eval(z, b, tensor.Matrix[float64]{})
		fmt.Printf("%v %.3f %v\n", w, r.Value, err)
	}
	// Output:
	// prior 1.950 <nil>
	// uniform 1.950 <nil>
	// total 3.900 <nil>
}

func ExampleHSIC() {
	// A continuous auxiliary label, such as an age.
	rng := tensor.Stream(1)
	z, age := tensor.NewMatrix[float64](200, 1), tensor.NewMatrix[float64](200, 1)
	for i := range z.Data {
		age.Data[i] = 20 + 60*rng.Float64()
		z.Data[i] = age.Data[i]/30 + rng.NormFloat64()
	}
	h, err := causal.NewHSIC[float64](causal.MedianRBF(), causal.WithKernel(causal.MedianRBF()))
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := h.Eval(z, causal.Batch{Aux: age}, tensor.Matrix[float64]{})
	fmt.Printf("%.4f, independent %.4f (%v)\n", r.Value, r.Expected, err)
	cka, err := h.Clone().CKA(z, causal.Batch{Aux: age})
	fmt.Printf("CKA %.3f (%v)\n", cka.Value, err)
	// Output:
	// 0.0178, independent 0.0016 (<nil>)
	// CKA 0.162 (<nil>)
}

func ExampleRadial() {
	cauchy := causal.Radial("Cauchy", func(k, dk, d2 []float64) {
		for i, x := range d2 {
			k[i], dk[i] = -x/(1+x), -1/((1+x)*(1+x))
		}
	})
	mmd, err := causal.NewMMD[float64](causal.WithKernel(cauchy))
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := mmd.Eval(
		tensor.Of(4, 1, []float64{0, 1, 2, 3}),
		causal.Batch{V: []int{0, 0, 1, 1}},
		tensor.Matrix[float64]{},
	)
	fmt.Printf("%v: %.4f %v\n", cauchy, r.Value, err)
	// Output:
	// Cauchy(): 1.0000 <nil>
}

func ExampleKernel() {
	sigma, err := causal.MedianSigma(tensor.Of(4, 1, []float64{0, 1, 3, 7}))
	fmt.Printf("median sigma %.3f %v\n", sigma, err)
	for _, k := range []causal.Kernel{causal.RBF(1), causal.RBF(1, 4, 16), causal.RBFGamma(0.5),
		causal.RBFLength(math.Sqrt2), causal.MedianRBF(),
		causal.Laplace(2), causal.Energy(), causal.IMQ(1), causal.Linear(), causal.Poly(2, 1)} {
		fmt.Println(k, k.Validate())
	}
	// Output:
	// median sigma 2.500 <nil>
	// RBF(1) <nil>
	// RBF(1, 4, 16) <nil>
	// RBF(1) <nil>
	// RBF(1) <nil>
	// MedianRBF() <nil>
	// Laplace(2) <nil>
	// Energy() <nil>
	// IMQ(1) <nil>
	// Linear() <nil>
	// Poly(2, 1) <nil>
}

func ExampleFourier() {
	// Two workers see different rows and agree on the features by the seed alone.
	f, err := causal.NewFourier[float64](1, 256, 1, 7)
	if err != nil {
		fmt.Println(err)
		return
	}
	var one, two causal.FourierSums
	z := tensor.Of(6, 1, []float64{0, 2, 0.5, 2.5, 0.2, 2.2})
	b := causal.Batch{V: []int{0, 1, 0, 1, 0, 1}}
	err = f.Add(&one, z.Slice(0, 4, 0, 1), causal.Batch{V: b.V[:4]})
	if err == nil {
		err = f.Add(&two, z.Slice(4, 6, 0, 1), causal.Batch{V: b.V[4:]})
	}
	if err == nil {
		err = one.Merge(two)
	}
	sum, ok := one.MMD()
	all, _ := f.Eval(z, b, tensor.Matrix[float64]{})
	fmt.Printf("%.6f %v %v %v\n", sum, ok, math.Abs(sum-all.Value) < 1e-12, err)
	grad := tensor.NewMatrix[float64](2, 1)
	err = f.Grad(one, z.Slice(4, 6, 0, 1), causal.Batch{V: b.V[4:]}, grad)
	fmt.Printf("%.4f %v\n", grad.Data, err)
	// Output:
	// 1.580644 true true <nil>
	// [-0.1972 0.1731] <nil>
}

func ExampleNewFourierOf() {
	f, err := causal.NewFourierOf(tensor.Of(1, 2, []float64{1, 2}), []float64{0, 0})
	if err != nil {
		fmt.Println(err)
		return
	}
	dst := tensor.NewMatrix[float64](1, 2)
	f.Features(dst, tensor.Of(1, 1, []float64{math.Pi}))
	fmt.Printf("%.1f\n", dst.Data)
	// Output:
	// [-1.0 1.0]
}

func ExampleObjective() {
	irm := causal.Term[float64]{
		Penalty:  causal.IRMv1[float64]{},
		AlphaAt:  func(step float64) float64 { return min(step/100, 1) },
		OnLogits: true,
	}
	coral := causal.Term[float64]{Penalty: causal.CORAL[float64]{Convention: causal.DeepCORAL}, Alpha: 0.5}
	o, err := causal.NewObjective(causal.VREx{Lambda: 1}, []causal.Term[float64]{irm, coral}, causal.WithSoftmax())
	if err != nil {
		fmt.Println(err)
		return
	}
	logits := tensor.Of(4, 2, []float64{1, 0, 0, 1, 2, 0, 0, 2})
	z := tensor.Of(4, 1, []float64{1, 2, 2, 4})
	dLogits, dZ := tensor.NewMatrix[float64](4, 2), tensor.NewMatrix[float64](4, 1)
	out, err := o.Step(50, logits, z, causal.Batch{Y: []int{0, 1, 0, 1}, V: []int{0, 0, 1, 1}}, dLogits, dZ)
	fmt.Printf(
		"loss %.4f, risk %.4f, penalties %.4f and %.4f (%v)\n",
		out.Loss,
		out.Risk,
		out.Terms[0].Value,
		out.Terms[1].Value,
		err,
	)
	// Output:
	// loss 0.5423, risk 0.2288, penalties 0.0646 and 0.5625 (<nil>)
}

func ExampleNewWeighted() {
	// Accumulated over micro-batches: add up, divide once.
	risk, err := causal.NewWeighted(causal.WithNormalizer(causal.BySum))
	if err != nil {
		fmt.Println(err)
		return
	}
	loss, weights := 0.0, 0.0
	for _, m := range []struct{ w, loss []float64 }{{[]float64{1, 1}, []float64{10, 20}},
		{[]float64{3, 5}, []float64{1, 2}}} {
		b := causal.Batch{W: m.w}
		value, err := risk.Combine(m.loss, b, make([]float64, 2))
		if err != nil {
			fmt.Println(err)
		}
		sum, err := risk.WeightSum(b)
		if err != nil {
			fmt.Println(err)
		}
		loss, weights = loss+value, weights+sum
	}
	fmt.Printf("%.2f\n", loss/weights)
	byRows, err := causal.NewWeighted(causal.WithNormalizer(causal.ByRows), causal.WithMeanWeight(2.5))
	value, _ := byRows.Combine([]float64{1, 2}, causal.Batch{W: []float64{1, 4}}, make([]float64, 2))
	fmt.Printf("%.2f %v\n", value, err)
	// Output:
	// 4.30
	// 1.80 <nil>
}

func ExampleBCE() {
	loss, grad := make([]float64, 2), make([]float64, 2)
	err := causal.BCE(loss, grad, []float64{40, -2}, []int{0, 0})
	fmt.Printf("%.4f %.4f %v\n", loss, grad, err)
	// Output:
	// [40.0000 0.1269] [1.0000 0.1192] <nil>
}

func ExampleSoftmaxCE() {
	loss, grad := make([]float64, 1), tensor.NewMatrix[float64](1, 3)
	err := causal.SoftmaxCE(loss, grad, tensor.Of(1, 3, []float64{1, 2, 3}), []int{2})
	fmt.Printf("%.4f %.4f %v\n", loss, grad.Data, err)
	// Output:
	// [0.4076] [0.0900 0.2447 -0.3348] <nil>
}

func ExampleNewGroupDRO() {
	g, err := causal.NewGroupDRO(
		map[causal.Cell]int{{Y: 0, V: 0}: 90, {Y: 0, V: 1}: 10},
		causal.WithStep(0.1),
		causal.WithAdjustment(0.5), // small groups are expected to generalise worse
		causal.WithHold(),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	coef := make([]float64, 2)
	for range 20 {
		if _, err := g.Combine([]float64{0.1, 2}, causal.Batch{Y: []int{0, 0}, V: []int{0, 1}}, coef); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Printf("%.3f\n", g.GroupWeights()[causal.Cell{Y: 0, V: 1}])
	// Output:
	// 0.982
}

func ExampleCVaR() {
	coef := make([]float64, 4)
	value, err := causal.CVaR{Alpha: 0.5}.Combine([]float64{1, 4, 2, 3}, causal.Batch{}, coef)
	fmt.Println(value, coef, err)
	// Output:
	// 3.5 [0 0.5 0 0.5] <nil>
}

func ExampleNewStratified() {
	y, v := labels(45, 5, 5, 45)
	w, err := causal.FitWeights(y, v)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := causal.NewStratified(w, y, v, 16, causal.WithMinPerCell(2), causal.WithSeed(1), causal.WithoutRepeats())
	if err != nil {
		fmt.Println(err)
		return
	}
	rows, weights := s.Batch(0, 0)
	fmt.Println(s.Len(), "batches;", len(rows), "rows with the weights")
	fmt.Printf("%.2f\n", weights)
	// Output:
	// 2 batches; 16 rows with the weights
	// [0.67 0.67 0.67 0.67 0.67 0.67 2.00 2.00 2.00 2.00 0.67 0.67 0.67 0.67 0.67 0.67]
}

func ExampleNewResampler() {
	y, v := labels(45, 5, 5, 45)
	w, err := causal.FitWeights(y, v)
	if err != nil {
		fmt.Println(err)
		return
	}
	u, err := w.Apply(nil, y, v)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := causal.NewResampler(len(y), u, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	epoch, batch := uint64(0), uint64(3)
	rows := make([]int, 8)
	r.Draw(rows, epoch, batch)
	fmt.Println(rows)
	// Output:
	// [50 47 46 32 25 49 45 83]
}

func ExampleBalancedSubset() {
	y, v := labels(45, 5, 5, 45)
	rows, err := causal.BalancedSubset(y, v, 100, 1)
	fmt.Println(len(rows), err)
	// Output:
	// 20 <nil>
}

func ExampleUpweighted() {
	w, err := causal.Upweighted([]bool{false, true, false}, 20)
	fmt.Println(w, err)
	// Output:
	// [1 20 1] <nil>
}

func ExampleAttributes() {
	attributes, v, err := causal.Attributes([][]int{{3, 8}, {3}, {}})
	fmt.Println(attributes, v, err)
	// Output:
	// [3 8] [[1 1 0] [1 0 0]] <nil>
}

func ExampleBins() {
	ages := []float64{23, 67, 45, 31, 80, 52}
	v, err := causal.Bins(ages, 3)
	fmt.Println(v, err)
	// Output:
	// [0 2 1 0 2 1] <nil>
}

func ExampleRatioWeights() {
	w, cut, err := causal.RatioWeights([]float64{0.5, 0.2, 0.99}, 1, 20)
	fmt.Printf("%.2f %d %v\n", w, cut, err)
	// Output:
	// [1.00 0.25 20.00] 1 <nil>
}

func ExampleIndependenceTest() {
	z := tensor.Of(8, 1, []float64{.13, .37, 2.11, 2.9, .21, .44, 2.3, 2.75})
	y, v := []int{0, 0, 0, 0, 1, 1, 1, 1}, []int{0, 0, 1, 1, 0, 0, 1, 1}
	p, err := causal.IndependenceTest(context.Background(), z, y, v, causal.MedianRBF(), stats.WithSeed(1))
	fmt.Printf(
		"P %.4f of %v assignments, %.4f at best; could reject at 5 %%: %v (%v)\n",
		p.P,
		p.Assignments,
		p.Smallest,
		p.CanReject(.05),
		err,
	)
	// Output:
	// P 0.0556 of 36 assignments, 0.0556 at best; could reject at 5 %: false (<nil>)
}

func ExampleFoldTTest() {
	z := tensor.Of(12, 1, []float64{0, 1, 0.2, 1.1, 0.1, 0.9, 0, 1.2, 0.3, 1, 0.1, 0.8})
	v := []int{0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}
	mmd, err := causal.NewMMD[float64](causal.WithKernel(causal.RBF(1)))
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := causal.FoldTTest(mmd, z, causal.Batch{V: v}, 3)
	fmt.Printf("%.3f P %.3f %v\n", f.Folds, f.P, err)
	// Output:
	// [0.715 0.763 0.423] P 0.027 <nil>
}

func ExampleTwoStep() {
	candidates := []causal.Candidate{
		{Name: "plain", Loss: 0.21, P: 0.005, SmallestP: 0.005},
		{Name: "weak", Loss: 0.24, P: 0.12, SmallestP: 0.005},
		{Name: "strong", Loss: 0.31, P: 0.6, SmallestP: 0.005},
	}
	s, err := causal.TwoStep(candidates, causal.WithTestLevel(0.05), causal.WithFallback(causal.LargestP))
	fmt.Println(candidates[s.Selected].Name, s.Verdicts, err)
	best, err := causal.SmallestLoss(candidates)
	fmt.Println(candidates[best].Name, err)
	// Output:
	// weak [rejected not rejected not rejected] <nil>
	// plain <nil>
}

func ExampleShiftCurve() {
	scores := []float64{-2, -1.5, -1, 0.5, 1, -0.5, 0.2, 2, 2.5, 3}
	y := []int{0, 0, 0, 0, 0, 1, 1, 1, 1, 1}
	v := []int{0, 0, 0, 1, 1, 0, 0, 1, 1, 1}
	s, err := causal.ShiftCurve(
		context.Background(),
		scores,
		y,
		v,
		[]float64{.1, .5, .9},
		causal.WithScoreKind(
			causal.Logit,
		),
		causal.WithThreshold(0),
		causal.WithInterval(stats.WithReplicates(200), stats.WithSeed(1)),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(s)
	var b bytes.Buffer
	fmt.Println(s.WriteSVG(&b), b.Len() > 1000)
	// Output:
	// P(v=y)  AUC                      accuracy                 log loss
	//      0.1  0.1900 [0.1900, 0.1900]  0.3250 [0.1000, 0.5500]  0.8833 [0.7233, 1.0465]
	//      0.5  0.7500 [0.7500, 0.7500]  0.6250 [0.5000, 0.7500]  0.5571 [0.4720, 0.6580]
	//      0.9  0.9900 [0.9900, 0.9900]  0.9250 [0.9000, 0.9500]  0.2309 [0.1912, 0.2768]
	// <nil> true
}

func ExampleShiftUnder() {
	scores := []float64{-2, -1, 1, 0, 2, 3}
	s, err := causal.ShiftUnder(context.Background(), scores, []int{0, 0, 0, 1, 1, 1}, []int{0, 1, 2, 0, 1, 2},
		[]map[causal.Cell]float64{{{Y: 0, V: 0}: .5, {Y: 1, V: 2}: .5}, {{Y: 0, V: 2}: .5, {Y: 1, V: 0}: .5}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Points[0].AUC.Value, s.Points[1].AUC.Value)
	// Output:
	// 1 0
}

func ExampleAudit() {
	d := causaltest.Shortcut(3, 1000, 0.5)
	scores := make([]float64, len(d.Y)) // of a model that leans on the shortcut
	for i := range scores {
		scores[i] = d.X.At(i, 0) + d.X.At(i, 1)
	}
	trainY, trainV := labels(450, 50, 50, 450)
	r, err := causal.Audit(
		context.Background(),
		causal.AuditInput{Score: scores, Y: d.Y, V: d.V, TrainY: trainY, TrainV: trainV},
		causal.WithAuditLevel(0.05),
		causal.WithMargin(0.1),
		causal.WithAuditSeed(1),
		causal.WithShift([]float64{.1, .9}),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Verdict)
	fmt.Println(r.Reason)
	var b bytes.Buffer
	fmt.Println(r.WriteSVG(&b))
	// Output:
	// uses the shortcut
	// among rows of the same y, scores tell v=1 with an AUC of 0.896 in the direction of the training data (P 0.001)
	// <nil>
}
