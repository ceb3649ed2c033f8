package prunetest_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/recorder"
	"github.com/espalier-ml/espalier/internal/together"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/prunetest"
	"github.com/espalier-ml/espalier/tensor"
)

func TestOurScorers(t *testing.T) {
	params := prunetest.Params[float32](1)
	snip, err := prune.NewSNIP(params)
	require.NoError(t, err)
	fisher, err := prune.NewFisher(params)
	require.NoError(t, err)
	movement, err := prune.NewMovement(params)
	require.NoError(t, err)
	require.NoError(t, snip.Add())
	require.NoError(t, fisher.Add())
	require.NoError(t, movement.Add(1))
	flow, err := prune.NewSynFlow(params, func() error {
		for _, p := range params {
			for i, w := range p.Data {
				p.Grad[i] = 1 + w
			}
		}
		return nil
	})
	require.NoError(t, err)
	var acts prune.Activations[float32]
	x := tensor.NewDense[float32](3, 24)
	for i := range x.Data {
		x.Data[i] = float32(i%7) - 3
	}
	require.NoError(t, acts.Add(x, "fc1.weight", "fc1.bias"))
	require.NoError(t, acts.Add(tensor.DenseOf(x.Data[:48], 3, 16), "fc2.weight", "fc2.bias"))
	require.NoError(t, acts.Add(tensor.DenseOf(x.Data[:64], 2, 4, 4, 2), "conv.weight", "conv.bias"))
	var linear []*tensor.Param[float32]
	for _, p := range params {
		if p.Name != "norm.scale" {
			linear = append(linear, p)
		}
	}
	for _, s := range []prune.Scorer[float32]{prune.Magnitude[float32](), prune.SignedMagnitude[float32](),
		prune.Random[float32](), prune.Taylor[float32](),
		prune.TaylorSquared[float32](), prune.LAMP[float32](), snip, fisher, movement, flow,
		prune.Normalized(prune.Taylor[float32]()),
		prune.MeanOf(prune.Magnitude[float32](), prune.Taylor[float32]()),
		prune.MaxOf(prune.Normalized[float32](flow), prune.Magnitude[float32]())} {
		prunetest.CheckScorer(t, s, params)
	}
	for _, s := range []prune.Scorer[float32]{acts.Wanda(), acts.Magnitude(), acts.ShrinkBench()} {
		prunetest.CheckScorer(t, s, linear)
	}
	for _, s := range []prune.Scorer[float32]{prune.Magnitude[float32](), prune.Taylor[float32](), prune.LAMP[float32](),
		prune.Normalized(prune.TaylorSquared[float32]())} {
		prunetest.CheckElementwise(t, s, params)
	}
	prunetest.CheckScorer(t, prune.Magnitude[float64](), prunetest.Params[float64](2))
	want := [][]float64{}
	for _, p := range params {
		var w []float64
		for _, v := range p.Data {
			w = append(w, float64(max(v, -v)))
		}
		want = append(want, w)
	}
	prunetest.Golden(t, prune.Magnitude[float32](), params, want, 0)
}

func TestOurPatterns(t *testing.T) {
	for _, p := range []prune.Pattern{prune.Unstructured{}, prune.NM(2, 4), prune.NM(1, 4).Along(0),
		prune.NM(2, 4).WithTail(),
		prune.Channel(prune.L1), prune.Channel(prune.L2), prune.Channel(prune.LInf).Along(0)} {
		prunetest.CheckPattern(t, p)
	}
	prunetest.CheckPattern(t, prune.Block(2, 2, prune.Avg), []int{4, 8}, []int{8, 12}, []int{2, 4, 5})
	prunetest.CheckPattern(t, prune.Block(1, 4, prune.Max), []int{8}, []int{1, 4}, []int{3, 8, 2, 2})
}

func TestOurDistributions(t *testing.T) {
	for _, d := range []prune.Distribution{prune.Uniform{}, prune.ERK{}, prune.ERK{InputsOnly: true}, prune.ERK{Power: 2},
		prune.PerLayer{}, prune.PerLayer{Rest: prune.ERK{}}} {
		prunetest.CheckDistribution(t, d)
	}
}

func TestOurSchedules(t *testing.T) {
	every := func(s prune.Schedule, n int) prune.Schedule { s.Every = n; return s }
	for _, s := range []prune.Schedule{prune.OneShot(0), prune.OneShot(7), prune.Cubic(0, 400),
		every(prune.Cubic(5, 18), 5), prune.Linear(3, 3), prune.Exponential(10, 250),
		prune.Iterative(0, 1, 100), prune.Iterative(20, 30, 5), prune.Iterative(2, 9, 1), prune.Follow(half{}, 0, 300)} {
		prunetest.CheckSchedule(t, s, 0.5)
	}
}

// half rises to 0.5 in 300 steps.
type half struct{}

func (half) Value(t float64) float64 { return 0.5 * min(1, t/300) }

func TestOurMasks(t *testing.T) {
	gradual := prune.Cubic(10, 150)
	gradual.Every = 7
	rigl, set := prune.RigL(280), prune.SET(280)
	rigl.Every, set.Every = 11, 13
	for name, opts := range map[string][]prune.Option{
		"global": {prune.WithScope(prune.Global), prune.WithSparsity(0.9), prune.WithSchedule(gradual),
			prune.WithCollapse()},
		"biases": {prune.WithBiases(), prune.WithCompression(3), prune.WithSchedule(gradual)},
		"rows":   {prune.WithScope(prune.PerRow), prune.WithCompression(2), prune.WithSchedule(gradual)},
		"groups": {prune.WithGroups(func(i prune.Info) string { return i.Name[:2] }), prune.WithSparsity(0.5),
			prune.WithSchedule(gradual)},
		"ERK": {prune.WithDistribution(prune.ERK{}), prune.WithNonzeros(250), prune.WithSchedule(gradual)},
		"2:4": {prune.WithPattern(prune.NM(2, 4).Along(0).WithTail())},
		"blocks": {prune.WithPattern(prune.Block(2, 2, prune.Avg)), prune.WithCompression(2),
			prune.WithSchedule(gradual)},
		"channels": {prune.WithPattern(prune.Channel(prune.L2)), prune.WithSparsity(0.5), prune.WithSchedule(gradual)},
		"speedup": {prune.WithScope(prune.Global), prune.WithSpeedup(3),
			prune.WithMACs(map[string]int64{"conv.weight": 14400, "fc1.weight": 384, "fc2.weight": 64}),
			prune.WithSchedule(gradual)},
		"quantile": {prune.WithPreset("shrinkbench/GlobalMagWeight"), prune.WithSparsity(0.7),
			prune.WithSchedule(gradual)},
		"bernoulli": {prune.WithPreset("shrinkbench/RandomPruning"), prune.WithSparsity(0.7), prune.WithSchedule(gradual)},
		"random": {prune.WithScorer(prune.Random[float32]()), prune.WithSparsity(0.7), prune.WithSchedule(gradual),
			prune.WithSeed(4)},
		"regrow": {prune.WithScorer(prune.Taylor[float32]()), prune.WithSparsity(0.7), prune.WithSchedule(gradual),
			prune.WithRegrow()},
		"RigL": {prune.WithScorer(prune.Random[float32]()), prune.WithSparsity(0.7), prune.WithRewire(rigl)},
		"SET":  {prune.WithScorer(prune.Random[float32]()), prune.WithSparsity(0.7), prune.WithRewire(set)},
		"minimum": {prune.WithScope(prune.Global), prune.WithSparsity(0.95), prune.WithMinKeep(3),
			prune.WithSchedule(gradual)},
		"SNIP global": {prune.WithScorer(prune.Normalized(prune.Taylor[float32]())), prune.WithScope(prune.Global),
			prune.WithSparsity(0.8)},
	} {
		t.Run(name, func(t *testing.T) { prunetest.CheckMasks(t, prunetest.Params[float32](1), opts...) })
	}
	prunetest.CheckMasks(t, prunetest.Params[float64](1), prune.WithSparsity(0.9), prune.WithSchedule(gradual))
}

type scorerFunc = prune.ScorerFunc[float32]

type preparing struct {
	scorerFunc
	f func()
}

func (p preparing) Prepare(*prune.Masks) error { p.f(); return nil }

func magnitude(dst []float32, c *prune.Context[float32]) error {
	return prune.Magnitude[float32]().Score(dst, c)
}

func TestCheckScorerCanFail(t *testing.T) {
	params := prunetest.Params[float32](1)
	var calls atomic.Int64
	var clash together.Clash
	for want, s := range map[string]prune.Scorer[float32]{
		"was not written": scorerFunc(func(dst []float32, c *prune.Context[float32]) error {
			return magnitude(dst[1:], &prune.Context[float32]{Param: &tensor.Param[float32]{Data: c.Param.Data[1:]}})
		}),
		"changed weights": scorerFunc(func(dst []float32,
			c *prune.Context[float32]) error {
			c.Param.Grad[0]++
			return magnitude(dst, c)
		}),
		"in another order": scorerFunc(func(dst []float32, c *prune.Context[float32]) error {
			err := magnitude(dst, c)
			dst[0] = float32(calls.Add(1))
			return err
		}),
		"several goroutines": scorerFunc(func(dst []float32, c *prune.Context[float32]) error {
			err := magnitude(dst, c)
			if clash.Enter(20 * time.Millisecond) {
				dst[0]++
			}
			return err
		}),
		"changed the mask": scorerFunc(func(dst []float32, c *prune.Context[float32]) error {
			if c.Prior != nil {
				c.Prior.Set(0, true)
			}
			return magnitude(dst, c)
		}),
		"out of paint":      scorerFunc(func([]float32, *prune.Context[float32]) error { return fmt.Errorf("out of paint") }),
		"changed the model": preparing{magnitude, func() { params[0].Data[0]++ }},
	} {
		require.Contains(t, recorder.Failures(t, func(tb testing.TB) { prunetest.CheckScorer(tb, s, params) }), want)
	}
	require.Contains(t, recorder.Failures(t, func(tb testing.TB) {
		prunetest.CheckScorer[float32](tb,
			scorerFunc(magnitude), nil)
	}), "parameters to check with")
	position := scorerFunc(func(dst []float32, c *prune.Context[float32]) error {
		for i := range dst {
			dst[i] = float32(i)
		}
		return nil
	})
	require.Contains(t, recorder.Failures(t, func(tb testing.TB) { prunetest.CheckElementwise(tb, position, params) }),
		"must not depend on the position")
	require.Contains(t, recorder.Failures(t, func(tb testing.TB) {
		prunetest.Golden(tb, position, params[:1], [][]float64{make([]float64, 144)}, 0.1)
	}), "score 1 of")
	require.Contains(t, recorder.Failures(t, func(tb testing.TB) { prunetest.Golden(tb, position, params[:1], nil, 0.1) }),
		"0 lists of scores")
}

type patternFunc func(scores []float64, t prune.Info, sparsity float64, prior *prune.Mask) (*prune.Mask, error)

func (f patternFunc) Select(scores []float64, t prune.Info, sparsity float64, prior *prune.Mask) (*prune.Mask, error) {
	return f(scores, t, sparsity, prior)
}

func TestCheckPatternCanFail(t *testing.T) {
	good := prune.Unstructured{}.Select
	for want, f := range map[string]patternFunc{
		"no mask": func(s []float64, i prune.Info, _ float64, _ *prune.Mask) (*prune.Mask, error) {
			return prune.NewMask(1 + len(s)), nil
		},
		"Want none at 0": func(s []float64, i prune.Info, _ float64, p *prune.Mask) (*prune.Mask, error) {
			return good(s, i, 1, p)
		},
		"changed the scores": func(s []float64, i prune.Info, x float64, p *prune.Mask) (*prune.Mask, error) {
			m, err := good(s, i, x, p)
			s[0]++
			return m, err
		},
		"Ties must not": func(s []float64, i prune.Info, x float64, p *prune.Mask) (*prune.Mask, error) {
			m, err := good(s, i, x, p)
			if err == nil && s[0] == s[len(s)-1] && len(s) > 1 && x < 1 {
				return prune.NewMask(len(s)), nil
			}
			return m, err
		},
		"lowest scores go": func(s []float64, i prune.Info, x float64, p *prune.Mask) (*prune.Mask, error) {
			inverse := make([]float64, len(s))
			for j, v := range s {
				inverse[j] = -v
			}
			return good(inverse, i, x, p)
		},
		"elements come back": func(s []float64, i prune.Info, x float64, p *prune.Mask) (*prune.Mask, error) {
			if p != nil && p.Len() != len(s) {
				return good(s, i, x, p)
			}
			return good(s, i, x, nil)
		},
		"sparsity out of range": func(s []float64, i prune.Info, x float64, p *prune.Mask) (*prune.Mask, error) {
			return good(s, i, max(0, min(1, x)), p)
		},
		"every shape was refused": func([]float64, prune.Info, float64, *prune.Mask) (*prune.Mask, error) {
			return nil,
				prune.ErrDivisible
		},
		"strike": func([]float64, prune.Info, float64, *prune.Mask) (*prune.Mask, error) {
			return nil, fmt.Errorf("strike")
		},
	} {
		require.Contains(t, recorder.Failures(t, func(tb testing.TB) { prunetest.CheckPattern(tb, f) }), want)
	}
}

type distributionFunc func(p []prune.Info, s float64) ([]float64, error)

func (f distributionFunc) Allocate(p []prune.Info, s float64) ([]float64, error) { return f(p, s) }

func TestCheckDistributionCanFail(t *testing.T) {
	good := prune.Uniform{}.Allocate
	for want, f := range map[string]distributionFunc{
		"0 sparsities": func(p []prune.Info, s float64) ([]float64, error) { return nil, nil },
		"Want 0 to 1": func(p []prune.Info, s float64) ([]float64, error) {
			x, err := good(p, s)
			x[0] += 2
			return x,
				err
		},
		"others must lose": func(p []prune.Info, s float64) ([]float64, error) {
			x, err := good(p, s)
			x[0] /= 2
			return x,
				err
		},
		"reverse order": func(p []prune.Info, s float64) ([]float64, error) {
			x, err := good(p, s)
			if len(x) > 1 && s > 0 && s < 1 {
				d := min(s, 1-s) * 0.1
				x[0] += d
				x[1] -= d * float64(p[0].Size) / float64(p[1].Size)
				if x[1] < 0 {
					return good(p, s)
				}
			}
			return x, err
		},
		"Allocate(-0.1) gives": func(p []prune.Info, s float64) ([]float64, error) { return good(p, max(0, min(1, s))) },
		"no parameters gives": func(p []prune.Info, s float64) ([]float64, error) {
			if len(p) == 0 {
				return nil, nil
			}
			return good(p, s)
		},
	} {
		require.Contains(t, recorder.Failures(t, func(tb testing.TB) { prunetest.CheckDistribution(tb, f) }), want)
	}
	require.Contains(t, recorder.Failures(t, func(tb testing.TB) {
		prunetest.CheckDistribution(tb,
			prune.ERK{Compat: true})
	}), "others must lose", "jaxpruner's rounding misses the budget")
}

func TestCheckScheduleCanFail(t *testing.T) {
	curve := func(f func(x, target float64) float64) prune.Schedule {
		return prune.Schedule{End: 50, Every: 1, Curve: prune.CurveFunc(f)}
	}
	n := 0.0
	for want, s := range map[string]prune.Schedule{
		"it ends before it begins": {Begin: 3, End: 1},
		"Want 0 to 1":              curve(func(x, target float64) float64 { return 3 * x * target }),
		"Masks only shrink":        curve(func(x, target float64) float64 { return target * (1 - x*(1-x)) }),
		"depend on the step alone": curve(func(x, target float64) float64 { n += 1e-6; return n }),
		"must reach its target":    curve(func(x, target float64) float64 { return target * x / 2 }),
	} {
		require.Contains(t, recorder.Failures(t, func(tb testing.TB) { prunetest.CheckSchedule(tb, s, 0.5) }), want)
	}
	require.Contains(t, recorder.Failures(t, func(tb testing.TB) { prunetest.CheckSchedule(tb, prune.OneShot(0), 1) }),
		"target 1")
}

// sticky is a scorer that remembers how often it was asked, so that masks depend on more than the step.
func TestCheckMasksCanFail(t *testing.T) {
	var calls atomic.Int64
	sticky := scorerFunc(func(dst []float32, c *prune.Context[float32]) error {
		for i := range dst {
			dst[i] = float32((int64(i)*7919 + calls.Load()) % 101)
		}
		calls.Add(13)
		return nil
	})
	for want, opts := range map[string][]prune.Option{
		"no target":    nil,
		"masks differ": {prune.WithScorer[float32](sticky), prune.WithSparsity(0.5)},
		"out of paint": {prune.WithScorer[float32](scorerFunc(func([]float32,
			*prune.Context[float32]) error {
			return fmt.Errorf("out of paint")
		})), prune.WithSparsity(0.5)},
		"layer collapse": {prune.WithScope(prune.Global), prune.WithScorer[float32](scorerFunc(func(dst []float32,
			c *prune.Context[float32]) error {
			clear(dst)
			if c.Info.Name == "conv.weight" {
				for i := range dst {
					dst[i] = 1
				}
			}
			return nil
		})), prune.WithSparsity(0.8)},
	} {
		require.Contains(t, recorder.Failures(t, func(tb testing.TB) {
			prunetest.CheckMasks(tb, prunetest.Params[float32](1),
				opts...)
		}), want)
	}
}
