package prune_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

func smallModel() []*tensor.Param[float32] {
	return []*tensor.Param[float32]{param("fc.weight", []int{4, 6}, tensorRamp(24)), param("fc.bias",
		[]int{4}, tensorRamp(4))}
}

// Everything that New refuses, and what it says.
func TestNewRefuses(t *testing.T) {
	with := func(opts ...prune.Option) []prune.Option { return append(opts, prune.WithSparsity(0.5)) }
	bad := func(p *tensor.Param[float32]) []*tensor.Param[float32] { return append(smallModel(), p) }
	for name, c := range map[string]struct {
		params []*tensor.Param[float32]
		opts   []prune.Option
		want   error
		text   string
	}{
		"no parameters": {nil, with(), tensor.ErrEmpty, "params"},
		"nil parameter": {bad(nil), with(), tensor.ErrEmpty, "params[2] is nil"},
		"malformed parameter": {bad(&tensor.Param[float32]{Name: "x", Shape: []int{3}, Data: make([]float32, 2)}), with(),
			tensor.ErrShape, `param "x"`},
		"short gradient": {bad(&tensor.Param[float32]{Name: "x", Shape: []int{2}, Data: make([]float32, 2),
			Grad: make([]float32, 1)}), with(), tensor.ErrShape, `param "x"`},
		"one name twice": {bad(param("fc.bias", []int{1}, []float64{1})), with(), prune.ErrDuplicateName,
			"params[1] and params[2]"},
		"nothing prunable": {smallModel(), with(prune.WithFixed("fc.weight")), tensor.ErrEmpty,
			"no parameter is prunable"},
		"no target": {smallModel(), nil, tensor.ErrEmpty, "no target"},
		"two targets": {smallModel(), with(prune.WithCompression(2)), tensor.ErrConflict,
			"WithSparsity beside WithCompression"},
		"scorer of float64": {smallModel(), with(prune.WithScorer(prune.Magnitude[float64]())), tensor.ErrConflict,
			"float64"},
		"nil option":       {smallModel(), with(nil), tensor.ErrEmpty, "prune: New: option 0 is nil"},
		"nil scorer":       {smallModel(), with(prune.WithScorer[float32](nil)), tensor.ErrEmpty, "WithScorer(nil)"},
		"nil pattern":      {smallModel(), with(prune.WithPattern(nil)), tensor.ErrEmpty, "WithPattern(nil)"},
		"nil distribution": {smallModel(), with(prune.WithDistribution(nil)), tensor.ErrEmpty, "WithDistribution(nil)"},
		"nil filter":       {smallModel(), with(prune.WithFilter(nil)), tensor.ErrEmpty, "WithFilter(nil)"},
		"nil groups":       {smallModel(), with(prune.WithGroups(nil)), tensor.ErrEmpty, "WithGroups(nil)"},
		"scope":            {smallModel(), with(prune.WithScope(9)), tensor.ErrRange, "WithScope(9)"},
		"rule":             {smallModel(), with(prune.WithRule(9)), tensor.ErrRange, "WithRule(9)"},
		"layout":           {smallModel(), with(prune.WithLayout(9)), tensor.ErrRange, "WithLayout(9)"},
		"workers":          {smallModel(), with(prune.WithWorkers(-1)), tensor.ErrRange, "prune: New: WithWorkers(-1)"},
		"minimum":          {smallModel(), with(prune.WithMinKeep(-1)), tensor.ErrRange, "WithMinKeep(-1)"},
		"sparsity":         {smallModel(), []prune.Option{prune.WithSparsity(1.5)}, tensor.ErrRange, "WithSparsity(1.5)"},
		"sparsity NaN": {smallModel(), []prune.Option{prune.WithSparsity(math.NaN())}, tensor.ErrRange,
			"WithSparsity(NaN)"},
		"sparsity 1": {smallModel(), []prune.Option{prune.WithSparsity(1)}, prune.ErrInfeasible, "at best 0.9583"},
		"compression": {smallModel(), []prune.Option{prune.WithCompression(0.5)}, tensor.ErrRange,
			"WithCompression(0.5)"},
		"compression 8": {smallModel(), []prune.Option{prune.WithCompression(8)}, prune.ErrInfeasible, "at best 5.6"},
		"nonzeros":      {smallModel(), []prune.Option{prune.WithNonzeros(-1)}, tensor.ErrRange, "WithNonzeros(-1)"},
		"nonzeros 29":   {smallModel(), []prune.Option{prune.WithNonzeros(29)}, tensor.ErrRange, "the model has 28"},
		"nonzeros 4":    {smallModel(), []prune.Option{prune.WithNonzeros(4)}, prune.ErrInfeasible, "at best 5"},
		"speedup": {smallModel(), []prune.Option{prune.WithSpeedup(math.Inf(1))}, tensor.ErrRange,
			"WithSpeedup(+Inf)"},
		"speedup of nothing": {smallModel(), []prune.Option{prune.WithSpeedup(2)}, tensor.ErrEmpty,
			"WithMACs counts nothing"},
		"speedup 100": {smallModel(), []prune.Option{prune.WithSpeedup(100),
			prune.WithMACs(map[string]int64{"fc.weight": 24})}, prune.ErrInfeasible, "at best 24"},
		"MACs of whom": {smallModel(), with(prune.WithMACs(map[string]int64{"fc": 24})), tensor.ErrRange, `"fc"`},
		"negative MACs": {smallModel(), with(prune.WithMACs(map[string]int64{"fc.weight": -1})), tensor.ErrRange,
			"has -1"},
		"fixed whom": {smallModel(), with(prune.WithFixed("fc")), tensor.ErrRange, `"fc"`},
		"preset": {smallModel(), with(prune.WithPreset("shrinkbench/GlobalMag")), tensor.ErrRange,
			"shrinkbench/GlobalMagWeight"},
		"preset and groups": {smallModel(), with(prune.WithPreset("shrinkbench/GlobalMagWeight"),
			prune.WithGroups(func(prune.Info) string { return "" })), tensor.ErrConflict, "WithGroups beside WithScope"},
		"preset, no inputs": {smallModel(), with(prune.WithPreset("shrinkbench/GlobalMagAct")), tensor.ErrEmpty,
			"activations.ShrinkBench()"},
		"global and ERK": {smallModel(), with(prune.WithScope(prune.Global), prune.WithDistribution(prune.ERK{})),
			tensor.ErrConflict, "prune.ERK"},
		"global and blocks": {smallModel(), with(prune.WithScope(prune.Global),
			prune.WithPattern(prune.Block(2, 2, prune.Avg))), tensor.ErrConflict, "prune.BlockPattern"},
		"rows and blocks": {smallModel(), with(prune.WithScope(prune.PerRow),
			prune.WithPattern(prune.Block(2, 2, prune.Avg))), tensor.ErrConflict, "PerRow"},
		"quantile and blocks": {smallModel(), with(prune.WithRule(prune.RuleQuantile),
			prune.WithPattern(prune.Block(2, 2, prune.Avg))), tensor.ErrConflict, "does not count"},
		"quantile rows": {smallModel(), with(prune.WithRule(prune.RuleQuantile), prune.WithScope(prune.PerRow)),
			tensor.ErrConflict, "does not count"},
		"quantile minimum": {smallModel(), with(prune.WithRule(prune.RuleQuantile), prune.WithMinKeep(2)),
			tensor.ErrConflict, "WithMinKeep needs"},
		"quantile speedup": {smallModel(), []prune.Option{prune.WithRule(prune.RuleQuantile), prune.WithSpeedup(2),
			prune.WithMACs(map[string]int64{"fc.weight": 24})}, tensor.ErrConflict, "WithSpeedup needs"},
		"global coin": {smallModel(), with(prune.WithRule(prune.RuleBernoulli), prune.WithScope(prune.Global)),
			tensor.ErrConflict, "compares no scores"},
		"groups and scope": {smallModel(), with(prune.WithScope(prune.Global),
			prune.WithGroups(func(prune.Info) string { return "" })), tensor.ErrConflict, "WithGroups beside"},
		"groups, minimum": {smallModel(), with(prune.WithMinKeep(1),
			prune.WithGroups(func(prune.Info) string { return "" })), tensor.ErrConflict, "WithMinKeep beside"},
		"2:4 and target": {smallModel(), with(prune.WithPattern(prune.NM(1, 3))), tensor.ErrConflict,
			"fixes the sparsity"},
		"2:4 and ERK": {smallModel(), []prune.Option{prune.WithPattern(prune.NM(1, 3)),
			prune.WithDistribution(prune.ERK{})}, tensor.ErrConflict, "a distribution"},
		"2:4, gradual": {smallModel(), []prune.Option{prune.WithPattern(prune.NM(1, 3)),
			prune.WithSchedule(prune.Cubic(0, 9))}, tensor.ErrConflict, "gradual"},
		"2:4 of 6": {smallModel(), []prune.Option{prune.WithPattern(prune.NM(2, 4))}, prune.ErrDivisible,
			`"fc.weight"`},
		"5:4": {smallModel(), []prune.Option{prune.WithPattern(prune.NM(5, 4))}, tensor.ErrRange, "-0.25"},
		"axis": {smallModel(), []prune.Option{prune.WithPattern(prune.NM(1, 2).Along(2))}, tensor.ErrShape,
			"dimension 2"},
		"empty blocks": {smallModel(), with(prune.WithPattern(prune.Block(0, 2, prune.Avg))), tensor.ErrRange,
			"Block(0, 2"},
		"channel norm":  {smallModel(), with(prune.WithPattern(prune.Channel(7))), tensor.ErrRange, "Channel(7)"},
		"short pattern": {smallModel(), with(prune.WithPattern(shortPattern{})), tensor.ErrShape, "another length"},
		"ERK power": {smallModel(), with(prune.WithDistribution(prune.ERK{Power: -1})), tensor.ErrRange,
			"Power is -1"},
		"layer of whom": {smallModel(), with(prune.WithDistribution(prune.PerLayer{Fixed: map[string]float64{"x": 0}})),
			tensor.ErrRange, `"x"`},
		"layer sparsity": {smallModel(),
			with(prune.WithDistribution(prune.PerLayer{Fixed: map[string]float64{"fc.weight": 2}})), tensor.ErrRange, "is 2"},
		"wild distribution": {smallModel(), with(prune.WithDistribution(wildDistribution{2})), tensor.ErrRange,
			"a sparsity of 2"},
		"short distribution": {smallModel(), with(prune.WithDistribution(wildDistribution{})), tensor.ErrShape,
			"0 sparsities"},
		"end before begin": {smallModel(), with(prune.WithSchedule(prune.Cubic(9, 3))), tensor.ErrRange,
			"ends before it begins"},
		"negative step": {smallModel(), with(prune.WithSchedule(prune.Schedule{Begin: -1, End: 3})), tensor.ErrRange,
			"Begin -1"},
		"power": {smallModel(), with(prune.WithSchedule(prune.Schedule{End: 3, Curve: prune.Polynomial{}})),
			tensor.ErrRange, "power 0: want"},
		"from": {smallModel(), with(prune.WithSchedule(prune.Schedule{End: 3,
			Curve: prune.Polynomial{From: 2, Power: 1}})), tensor.ErrRange, "from 2: want"},
		"follow nobody": {smallModel(), with(prune.WithSchedule(prune.Follow(nil, 0, 3))), tensor.ErrEmpty,
			"the valuer of Follow is nil"},
		"follow elsewhere": {smallModel(), with(prune.WithSchedule(prune.Follow(constant(0.4), 0, 3))),
			prune.ErrTargetNotReached, "sparsity 0.4, the target is 0.5"},
		"follow too far": {smallModel(), []prune.Option{prune.WithSchedule(prune.Follow(constant(1.4), 0, 3))},
			tensor.ErrRange, "1.4"},
		"curve ends early": {smallModel(), with(prune.WithSchedule(prune.Schedule{End: 9,
			Curve: prune.CurveFunc(func(x, target float64) float64 { return target * x / 2 })})), prune.ErrTargetNotReached,
			"0.25"},
		"curve leaves": {smallModel(), with(prune.WithSchedule(prune.Schedule{End: 9,
			Curve: prune.CurveFunc(func(x, target float64) float64 { return math.NaN() })})), tensor.ErrRange, "NaN"},
		"rewire": {smallModel(), with(prune.WithRewire(prune.Rewire{})), tensor.ErrRange, "Rewire"},
		"rewire blocks": {smallModel(), with(prune.WithRewire(prune.SET(1000)),
			prune.WithPattern(prune.Block(2, 2, prune.Avg))), tensor.ErrConflict, "Rewire moves"},
	} {
		_, err := prune.New(c.params, c.opts...)
		require.ErrorIs(t, err, c.want, name)
		require.ErrorContains(t, err, c.text, name)
	}
	// All faults at once.
	_, err := prune.New(bad(nil), prune.WithSparsity(2), prune.WithWorkers(-1))
	for _, text := range []string{"params[2]", "WithSparsity(2)", "WithWorkers(-1)"} {
		require.ErrorContains(t, err, text)
	}
}

type constant float64

func (c constant) Value(float64) float64 { return float64(c) }

type shortPattern struct{}

func (shortPattern) Select(s []float64, _ prune.Info, _ float64, _ *prune.Mask) (*prune.Mask, error) {
	return prune.NewMask(len(s) - 1), nil
}

type wildDistribution []float64

func (d wildDistribution) Allocate([]prune.Info, float64) ([]float64, error) { return d, nil }

// What Step refuses, and that weights, masks and state are then what they were.
func TestStepRefuses(t *testing.T) {
	nan := func(dst []float32, c *prune.Context[float32]) error {
		for i := range dst {
			dst[i] = 1
		}
		dst[5] = float32(math.NaN())
		return nil
	}
	equalScores := func(dst []float32, c *prune.Context[float32]) error {
		for i := range dst {
			if dst[i] = 1; c.Info.Name == "b" {
				dst[i] = 2
			}
		}
		return nil
	}
	for name, c := range map[string]struct {
		opts   []prune.Option
		before func(p *prune.Pruner[float32], params []*tensor.Param[float32])
		step   int
		want   error
		text   string
	}{
		"no gradient": {[]prune.Option{prune.WithScorer(prune.Taylor[float32]())}, nil, 0, prune.ErrMissingGrad,
			`"a": Grad is nil`},
		"score NaN": {[]prune.Option{prune.WithScorer[float32](prune.ScorerFunc[float32](nan))}, nil, 0,
			tensor.ErrNotFinite, `"a": score[5]`},
		"weight NaN": {nil, func(_ *prune.Pruner[float32], params []*tensor.Param[float32]) {
			params[1].Data[2] = float32(math.NaN())
		}, 0, tensor.ErrNotFinite, `"b": score[2]`},
		"collapse": {[]prune.Option{prune.WithScope(prune.Global),
			prune.WithScorer[float32](prune.ScorerFunc[float32](equalScores))}, nil, 0, prune.ErrCollapse, "every weight of a"},
		"negative": {nil, nil, -1, prune.ErrStepOrder, "step -1"},
		"grown": {nil, func(_ *prune.Pruner[float32], params []*tensor.Param[float32]) {
			params[0].Data = make([]float32,
				25)
		}, 0, tensor.ErrShape, "has 25 elements"},
		"slot": {nil, func(p *prune.Pruner[float32], _ []*tensor.Param[float32]) {
			p.Track(func(_ *tensor.Param[float32], visit func([]float32)) { visit(make([]float32, 3)) })
		}, 0, tensor.ErrShape, "3 elements for 24"},
		"unobserved": {[]prune.Option{prune.WithScorer[float32](&prune.SNIP[float32]{})}, nil, 0, prune.ErrMissingGrad,
			"observed nothing"},
		"no inputs": {[]prune.Option{prune.WithScorer(new(prune.Activations[float32]).Wanda())}, nil, 0,
			prune.ErrMissingGrad, "observed nothing"},
		"nothing mean": {[]prune.Option{prune.WithScorer(prune.MeanOf[float32]())}, nil, 0, tensor.ErrEmpty, "no scorers"},
		"short mask":   {[]prune.Option{prune.WithPattern(laterShort{})}, nil, 0, tensor.ErrShape, "another length"},
	} {
		params := []*tensor.Param[float32]{param("a", []int{4, 6}, tensorRamp(24)), param("b", []int{6, 4}, tensorRamp(24))}
		p, err := prune.New(params, append(c.opts, prune.WithSparsity(0.5))...)
		require.NoError(t, err, name)
		if c.before != nil {
			c.before(p, params)
		}
		first := append([]float32(nil), params[0].Data...)
		_, err = p.Step(c.step)
		require.ErrorIs(t, err, c.want, name)
		require.ErrorContains(t, err, c.text, name)
		require.Equal(t, first, params[0].Data, name)
		require.Zero(t, p.Masks().Sparsity(), name)
		require.ErrorIs(t, p.Finish(), prune.ErrTargetNotReached, name)
	}

	params := smallModel()
	p, err := prune.New(params, prune.WithSparsity(0.5))
	require.NoError(t, err)
	_, err = p.Step(4)
	require.NoError(t, err)
	_, err = p.Step(4) // again
	require.NoError(t, err)
	_, err = p.Step(3)
	require.ErrorIs(t, err, prune.ErrStepOrder)
	require.Panics(t, func() { p.Track(nil) })
	require.ErrorIs(t, p.SetMasks(nil), tensor.ErrShape)
	short := new(prune.Masks)
	require.NoError(t, short.Add("fc.weight", prune.NewMask(3)))
	require.ErrorIs(t, p.SetMasks(short), tensor.ErrShape)
	require.ErrorIs(t, prune.ApplyMasks(short, params), tensor.ErrShape)
	_, err = prune.StatsOf(params, short, nil)
	require.ErrorIs(t, err, tensor.ErrShape)
	strange := new(prune.Masks)
	require.NoError(t, strange.Add("x", prune.NewMask(3)))
	require.ErrorIs(t, prune.ApplyMasks(strange, params), tensor.ErrRange)
	_, err = prune.StatsOf(params, strange, nil)
	require.ErrorIs(t, err, tensor.ErrRange)
	require.ErrorIs(t, p.SetMasks(strange), tensor.ErrShape)
}

// laterShort is right when New tries it and wrong afterwards.
type laterShort struct{}

func (laterShort) Select(s []float64, _ prune.Info, _ float64, _ *prune.Mask) (*prune.Mask, error) {
	if s[0] == 0 {
		return prune.NewMask(len(s)), nil
	}
	return nil, nil
}

// RigL without dense gradients is an error, not random growth.
func TestRigLRefuses(t *testing.T) {
	w := param("w", []int{4, 6}, tensorRamp(24))
	p, err := prune.New([]*tensor.Param[float32]{w}, prune.WithSparsity(0.5),
		prune.WithRewire(prune.Rewire{Every: 2, Until: 100, Fraction: 0.3, ByGradient: true}))
	require.NoError(t, err)
	_, err = p.Step(0)
	require.NoError(t, err)
	require.True(t, p.NeedsGrad(2))
	require.False(t, p.NeedsGrad(1))
	_, err = p.Step(2)
	require.ErrorIs(t, err, prune.ErrMissingGrad)
	w.Grad = make([]float32, 24)
	_, err = p.Step(2)
	require.ErrorContains(t, err, "were they masked?")
	w.Grad[3] = float32(math.Inf(1))
	_, err = p.Step(2)
	require.ErrorIs(t, err, tensor.ErrNotFinite)
	for i := range w.Grad {
		w.Grad[i] = float32(i)
	}
	before := slices.Clone(w.Data)
	info, err := p.Step(2)
	require.NoError(t, err)
	require.True(t, info.Updated)
	// Kept were 12 to 23. The four smallest are dropped and, having the largest gradients of all that is pruned, grown
	// again: they were not away.
	require.Equal(t, "000000000000111111111111", p.Masks().Get("w").String())
	require.Equal(t, before, w.Data)
	require.Zero(t, info.Grown)
}

// What observers and activations refuse.
func TestObserversRefuse(t *testing.T) {
	params := smallModel()
	snip, err := prune.NewSNIP(params)
	require.NoError(t, err)
	require.ErrorIs(t, snip.Add(), prune.ErrMissingGrad)
	for _, p := range params {
		p.Grad = make([]float32, len(p.Data))
	}
	require.NoError(t, snip.Add())
	params[0].Grad[3] = float32(math.NaN())
	require.ErrorContains(t, snip.Add(), "Grad[3]")
	move, err := prune.NewMovement(params)
	require.NoError(t, err)
	require.ErrorIs(t, move.Add(math.Inf(1)), tensor.ErrNotFinite)
	_, err = prune.NewFisher[float32](nil)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = prune.NewSynFlow(params, nil)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = prune.NewSynFlow(smallModel(), func() error { return nil })
	require.ErrorIs(t, err, prune.ErrMissingGrad)
	flow, err := prune.NewSynFlow(params, func() error { return errStrike })
	require.NoError(t, err)
	_, err = prune.ComputeMasks(params, prune.WithSparsity(0.5), prune.WithScorer[float32](flow))
	require.ErrorIs(t, err, errStrike)

	var a prune.Activations[float32]
	require.ErrorIs(t, a.Add(tensor.Dense[float32]{Shape: []int{2, 3}}, "w"), tensor.ErrShape)
	require.ErrorIs(t, a.Add(tensor.NewDense[float32](0, 3), "w"), tensor.ErrEmpty)
	require.ErrorIs(t, a.Add(tensor.NewDense[float32](2, 3)), tensor.ErrEmpty)
	require.ErrorIs(t, a.Add(tensor.DenseOf([]float32{1, float32(math.NaN())}, 1, 2), "w"), tensor.ErrNotFinite)
	require.NoError(t, a.Add(tensor.NewDense[float32](2, 6), "fc.weight"))
	require.ErrorIs(t, a.Add(tensor.NewDense[float32](2, 5), "fc.weight"), tensor.ErrShape)
	require.NoError(t, a.Add(tensor.NewDense[float32](2, 3, 6), "fc.weight")) // rows of a sequence
	_, err = prune.ComputeMasks(smallModel(), prune.WithSparsity(0.5), prune.WithScorer(a.Magnitude()))
	require.NoError(t, err)
	_, err = prune.ComputeMasks(smallModel(), prune.WithSparsity(0.5), prune.WithScorer(a.ShrinkBench()))
	require.ErrorContains(t, err, "samples of several shapes")
	var wrong prune.Activations[float32]
	require.NoError(t, wrong.Add(tensor.NewDense[float32](2, 7), "fc.weight"))
	_, err = prune.ComputeMasks(smallModel(), prune.WithSparsity(0.5), prune.WithScorer(wrong.Wanda()))
	require.ErrorContains(t, err, "does not fit an input of 7 features")

	_, err = prune.ConvMACs(tensor.Window{}, 3)
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = prune.ConvMACs(tensor.Window{H: 8, W: 8, C: 4, KH: 3, KW: 3, Groups: 2}, 3)
	require.ErrorIs(t, err, tensor.ErrRange)
	_, err = prune.ConvMACs(tensor.Window{H: 1 << 30, W: 1 << 30, C: 4, KH: 3, KW: 3}, 3)
	require.ErrorIs(t, err, tensor.ErrRange)
}

var errStrike = strike{}

type strike struct{}

func (strike) Error() string { return "strike" }
