package espalier_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/causal"
	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/mil/risk"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/sparse"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/schedule/masking"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/gonum"
	"github.com/espalier-ml/espalier/tensor/nn"
	"github.com/espalier-ml/espalier/tensor/stats"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tta"
)

// What README.md and MIGRATING.md show compiles: each of their blocks of Go stands below, and this test finds it.
func TestBlocksOfTheReadme(t *testing.T) {
	own, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	code := flat(string(own))
	for _, name := range []string{"README.md", "MIGRATING.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		blocks := strings.Split(string(text), "```go\n")
		if len(blocks) < 2 {
			t.Errorf("%s has no blocks of Go", name)
		}
		for _, b := range blocks[1:] {
			block, _, _ := strings.Cut(b, "```")
			for line := range strings.Lines(block) {
				if line = flat(line); line != "" && !strings.Contains(code, line) {
					t.Errorf("%s: not in readme_test.go: %s", name, line)
				}
			}
		}
	}
}

// flat is code without comments and layout.
func flat(code string) string {
	var b strings.Builder
	for line := range strings.Lines(code) {
		if i := strings.Index(line, "//"); i >= 0 {
			line = line[:i]
		}
		b.WriteString(strings.Join(strings.Fields(line), " ") + " ")
	}
	return strings.TrimSpace(b.String())
}

var ignored error // what the blocks leave out

func use(err error) { ignored = err }

func masks(vocab, maskID int, optimizer *nn.SGD[float32], ids, labels, batch []int32, samples []int) {
	lr, err := schedule.WarmupCosine(0.1, 500, 10_000, 1e-4)
	use(err)
	rate := schedule.Linear{From: 0.30, To: 0.15, Over: 10_000}
	masker, err := masking.New(vocab, maskID, rate, masking.WithSeed(1))
	use(err)
	for step := range 10_000 {
		optimizer.LR = lr.Value(float64(step))
		n, err := masker.MaskBatch(ids, labels, batch, masking.Key{Epoch: 0, Samples: samples}, step)
		_ = n
		use(err)
	}
}

func curves(cycles tradeoff.Cycles, step int, seconds, accuracy float64, baseCurves, methodCurves []tradeoff.Curve) {
	recorder, err := tradeoff.NewRecorder(cycles, tradeoff.HigherBetter)
	use(err)
	err = recorder.Observe(step, seconds, accuracy)
	use(err)
	curve, err := recorder.Curve()
	_ = curve
	use(err)

	base, err := tradeoff.NewRuns("baseline", baseCurves...)
	use(err)
	method, err := tradeoff.NewRuns("method", methodCurves...)
	use(err)
	speedup, err := tradeoff.Speedup(base, method, tradeoff.AtQuality(0.94))
	use(err)
	fmt.Println(speedup)
}

func pruning(params []*tensor.Param[float32]) {
	pruner, err := prune.New(params, prune.WithCompression(16), prune.WithScope(prune.Global),
		prune.WithSchedule(prune.Cubic(0, 4000)))
	use(err)
	for step := range 5000 {
		info, err := pruner.Step(step)
		_ = info
		use(err)
	}
	err = pruner.Finish()
	use(err)
	fmt.Println(pruner.Stats())
}

func shortcuts(ctx context.Context, y, v, batchY, batchV, testY, testV []int, scores []float64,
	representation, gradient tensor.Matrix[float32]) {
	weights, err := causal.FitWeights(y, v)
	use(err)
	mmd, err := causal.NewMMD[float32](causal.WithKernel(causal.RBF(1)), causal.WithWeights(weights))
	use(err)
	result, err := mmd.Eval(representation, causal.Batch{Y: batchY, V: batchV}, gradient)
	_ = result
	use(err)
	report, err := causal.Audit(ctx, causal.AuditInput{Score: scores, Y: testY, V: testV, TrainY: y, TrainV: v})
	use(err)
	fmt.Println(report.Verdict, report.Reason)
}

func smaller(weights, dst, x tensor.Matrix[float32], masks *prune.Masks) {
	layer, report, err := sparse.Auto(weights, masks.Get("fc1.weight"), 64)
	use(err)
	fmt.Print(report)
	err = layer.MulBatch(dst, x)
	use(err)
}

func views(ctx context.Context, model tta.Model[int], policy *tta.Policy[int], examples iter.Seq2[int, int]) {
	outputs, err := tta.CollectLabelled(ctx, model, policy, examples, 10)
	use(err)
	fit, test, err := outputs.Split(0.5, 1)
	use(err)
	best, summary, err := tta.FitBest(ctx, fit)
	use(err)
	change, err := tta.Evaluate(test, best)
	use(err)
	fmt.Println(summary, change)
}

func patients(ctx context.Context, beats, hidden, dHidden, z, dZ tensor.Matrix[float32], patient []string,
	head []float32, bias float32, score, trainScore []float64, times []stats.Lifetime) {
	var tape mil.Tape[float32]
	bags, patients, rows, err := mil.GroupBy(beats, patient)
	_, _ = patients, rows
	use(err)
	pool, err := mil.NewAttention[float32](64, 64, mil.WithGate(), mil.WithSeed(1))
	use(err)
	err = pool.Forward(z, bags.With(hidden), &tape)
	use(err)
	err = pool.Backward(dHidden, dZ, &tape)
	use(err)
	why, err := mil.Explain(pool, bags.Bag(0), head, bias)
	_ = why
	use(err)
	judged, err := risk.Evaluate(ctx, risk.Patients{Score: score, Times: times, Horizon: 90, Train: trainScore})
	_ = judged
	use(err)
}

func lookups(ctx context.Context, activations, matrix, dst, rows tensor.Matrix[float32], bias []float32) {
	op, err := maddness.Fit(ctx, activations, matrix, maddness.WithCodebooks(16), maddness.WithBias(bias))
	use(err)
	err = op.Mul(dst, rows)
	use(err)
	blob, err := op.MarshalBinary()
	_ = blob
	use(err)
}

func statistics(accuracies, others []float64) {
	mean, err := stats.Mean(accuracies)
	use(err)
	difference, err := stats.Difference(accuracies, others)
	use(err)
	test, err := stats.MannWhitney(accuracies, others)
	use(err)
	fmt.Println(mean, difference, test)
}

func matrices(dense *mat.Dense, weights [][]float64) {
	view := gonum.FromMat(dense)
	general := gonum.Blas64(view)
	_ = general

	var params []*tensor.Param[float64]
	for i, row := range weights {
		params = append(params, &tensor.Param[float64]{Name: fmt.Sprintf("w.%d", i), Shape: []int{len(row)}, Data: row})
	}
	pruner, err := prune.New(params, prune.WithSparsity(0.9), prune.WithScope(prune.Global),
		prune.WithFilter(func(prune.Info) bool { return true }))
	_ = pruner
	use(err)
}

var _ = []any{masks, curves, pruning, smaller, shortcuts, views, patients, lookups, statistics, matrices}
