package schedule_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
)

func TestGoldenMultCyclic(t *testing.T) {
	var g struct {
		Cases []struct {
			Args struct {
				Warmup, T0, Mult, Peak float64
				EtaMin                 float64 `json:"eta_min"`
			}
			Steps     int
			CycleEnds []int `json:"cycle_ends"`
			Values    []float64
		}
		PaperLRSum struct{ Values []float64 } `json:"paper_lr_sum"`
	}
	golden.JSON(t, "testdata/mult_cyclic.json.gz", &g)
	require.Len(t, g.Cases, 4)
	for _, c := range g.Cases {
		s := schedule.Cyclic{Warmup: c.Args.Warmup, First: c.Args.T0, Mult: c.Args.Mult, Peak: c.Args.Peak,
			Floor: c.Args.EtaMin}
		require.NoError(t, s.Validate())
		golden.Close(t, "values", steps(s, c.Steps), c.Values, 1e-12, 1e-12)
		require.Equal(t, c.CycleEnds, s.Ends(c.Steps))
		var ends []int
		for step := range c.Steps {
			if s.IsCycleEnd(step) {
				ends = append(ends, step+1)
			}
		}
		require.Equal(t, c.CycleEnds, ends)
		for k, end := range ends {
			require.Equal(t, end, s.TotalFor(k+1))
		}
	}

	// The learning-rate sums that Portes et al. logged for their 512-epoch run, 625 steps an epoch.
	lr := schedule.Cyclic{Warmup: 5000, First: 5000, Mult: 2, Peak: 2.048, Floor: 1e-4}
	var sums []float64
	for _, end := range lr.Ends(512 * 625) {
		sum, err := schedule.Integral(lr, 0, end-1)
		require.NoError(t, err)
		sums = append(sums, sum)
	}
	golden.Close(t, "sums", sums, g.PaperLRSum.Values, 1e-9, 0)
}

// torch and timm take the logarithm of t for the index and land one cycle early here, where they return the minimum
// instead of the peak.
func TestRestartsAreExact(t *testing.T) {
	require.Equal(t, 1.0, schedule.Cyclic{First: 1, Mult: 3, Peak: 1}.Value(121))
	restarts, misled := 0, 0
	for first := 1; first < 60; first++ {
		for _, mult := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 10} {
			c := schedule.Cyclic{First: float64(first), Mult: mult, Peak: 1}
			if c.Validate() != nil {
				continue
			}
			length, end := first, 0
			for k := 1; k < 12; k++ {
				if end += length; end > math.MaxInt/20 { // on 32 bits
					break
				}
				length = int(math.Floor(float64(length)*mult + 0.5))
				i, frac := c.CycleAt(float64(end))
				require.Equal(t, k, i, "first %d mult %v", first, mult)
				require.Zero(t, frac)
				require.Equal(t, 1.0, c.Value(float64(end)))
				require.Less(t, c.Value(float64(end)-0.25), 1.0)
				require.True(t, c.IsCycleEnd(end-1))
				require.Equal(t, length == 1, c.IsCycleEnd(end))
				restarts++
				if mult > 1 && int(math.Log(float64(end)/float64(first)*(mult-1)+1)/math.Log(mult)) != k {
					misled++
				}
			}
		}
	}
	require.Greater(t, restarts, 5000)
	require.Greater(t, misled, 100, "restarts that the logarithm alone gets wrong")
}

func TestCyclicVariants(t *testing.T) {
	c := schedule.Cyclic{Warmup: 2, First: 4, Mult: 2, Peak: 1, Floor: 0.1, MaxCycles: 2, PeakDecay: 0.5,
		IncludeFloor: true, Shape: schedule.LinearShape}
	require.NoError(t, c.Validate())
	golden.Close(t, "values", steps(c, 16), []float64{0, 0.5,
		1, 0.7, 0.4, 0.1,
		0.5, 0.5 - 0.4/7, 0.5 - 0.8/7, 0.5 - 1.2/7, 0.5 - 1.6/7, 0.5 - 2./7, 0.5 - 2.4/7, 0.1,
		0.1, 0.1}, 1e-15, 1e-15)
	require.Equal(t, []int{6, 14}, c.Ends(1000))
	require.True(t, c.IsCycleEnd(13))
	require.False(t, c.IsCycleEnd(14))
	require.False(t, c.IsCycleEnd(-1))
	k, frac := c.CycleAt(1)
	require.Equal(t, -1, k)
	require.Equal(t, 0.5, frac)
	k, frac = c.CycleAt(99)
	require.Equal(t, 1, k)
	require.Equal(t, 1.0, frac)
	require.Zero(t, c.TotalFor(0))

	// Without IncludeFloor a cycle stops one step short of the floor, as SGDR does.
	c.IncludeFloor = false
	require.Greater(t, c.Value(5), 0.1)

	// Composer truncates 1.5*1 to 1 for ever; here lengths 1, 2, 3, 5 grow.
	require.Equal(t, []int{1, 3, 6, 11}, schedule.Cyclic{First: 1, Mult: 1.5, Peak: 1}.Ends(11))
	// Equal cycles far out, and a horizon beyond any run.
	require.Equal(t, 1.0, schedule.Cyclic{First: 10, Mult: 1, Peak: 1}.Value(1e15))
	k, frac = schedule.Cyclic{First: 10, Mult: 1, Peak: 1}.CycleAt(1e15 + 5)
	require.Equal(t, int(min(1e14, int64(math.MaxInt))), k)
	require.Equal(t, 0.5, frac)
	require.True(t, schedule.Cyclic{First: 1, Mult: 1, Peak: 1}.IsCycleEnd(math.MaxInt32))
	require.Equal(t, int(min(1<<53, int64(math.MaxInt))), schedule.Cyclic{First: 10, Mult: 2, Peak: 1}.TotalFor(1000))
	require.Equal(t, 1.0, schedule.Cyclic{First: 1, Mult: 2, Peak: 1}.Value(1<<50-1))
}

func TestCyclicValidate(t *testing.T) {
	ok := schedule.Cyclic{First: 10, Mult: 2, Peak: 1}
	for field, edit := range map[string]func(*schedule.Cyclic){
		"Warmup = -1":   func(c *schedule.Cyclic) { c.Warmup = -1 },
		"First = 0.4":   func(c *schedule.Cyclic) { c.First = 0.4 },
		"First = 1":     func(c *schedule.Cyclic) { c.First, c.IncludeFloor = 1, true },
		"First = 1e+20": func(c *schedule.Cyclic) { c.First = 1e20 },
		"Mult = 0.5":    func(c *schedule.Cyclic) { c.Mult = 0.5 },
		"Mult = 1.01":   func(c *schedule.Cyclic) { c.Mult = 1.01 },                // 10 steps stay 10
		"Mult = 1.005":  func(c *schedule.Cyclic) { c.First, c.Mult = 1e6, 1.005 }, // thousands of cycles to count
		"PeakDecay = 2": func(c *schedule.Cyclic) { c.PeakDecay = 2 },
		"MaxCycles":     func(c *schedule.Cyclic) { c.MaxCycles = -1 },
		"Shape = 9":     func(c *schedule.Cyclic) { c.Shape = 9 },
	} {
		c := ok
		edit(&c)
		err := c.Validate()
		require.ErrorIs(t, err, tensor.ErrRange, field)
		require.ErrorContains(t, err, "Cyclic."+field)
	}
	ok.Peak = math.NaN()
	require.ErrorIs(t, ok.Validate(), tensor.ErrNotFinite)
}

func steps(s schedule.Schedule, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = s.Value(float64(i))
	}
	return v
}

// A cycle with its floor included bends where it reaches it, a step before the restart.
func TestBreakpointsOfIncludedFloor(t *testing.T) {
	at, err := schedule.Breakpoints(schedule.Cyclic{Warmup: 5, First: 10, Mult: 2, Peak: 1, IncludeFloor: true}, -1, 40)
	require.NoError(t, err)
	require.Equal(t, []float64{0, 5, 14, 15, 34, 35}, at)
	at, err = schedule.Breakpoints(schedule.Cyclic{First: 10, Mult: 1, Peak: 1, IncludeFloor: true, MaxCycles: 3}, 12, 100)
	require.NoError(t, err)
	require.Equal(t, []float64{19, 20, 29, 30}, at)
	at, err = schedule.Breakpoints(schedule.Cyclic{First: 10, Mult: 1, Peak: 1}, 0, 20)
	require.NoError(t, err)
	require.Equal(t, []float64{0, 10, 20}, at)
}

// Hugging Face's cosine with restarts, whose cycles need not divide the rest of the run.
func TestCosineRestarts(t *testing.T) {
	for _, c := range []struct{ warmup, total, cycles int }{{7, 83, 3}, {0, 100, 7}, {10, 100, 3}, {5, 1000, 13},
		{3, 8, 1}} {
		r := schedule.CosineRestarts{Peak: 1, Warmup: float64(c.warmup), Total: float64(c.total), Cycles: c.cycles}
		require.NoError(t, r.Validate())
		for step := range c.total + 10 {
			want := float64(step) / float64(max(1, c.warmup))
			if step >= c.warmup {
				// In whole numbers: cycles*(step-warmup)/rest modulo 1.
				rest := c.total - c.warmup
				passed := float64(c.cycles*(step-c.warmup)%rest) / float64(rest)
				want = max(0, (1+math.Cos(math.Pi*passed))/2)
			}
			if step >= c.total {
				want = 0
			}
			require.InDelta(t, want, r.Value(float64(step)), 1e-12, "%v step %d", c, step)
		}
	}
	at, err := schedule.Breakpoints(schedule.CosineRestarts{Peak: 1, Warmup: 7, Total: 83, Cycles: 3}, -10, 100)
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{0, 7, 7 + 76./3, 7 + 152./3, 83}, at, 1e-12)
	require.Equal(t, 1.0, schedule.CosineRestarts{Peak: 1, Warmup: 7, Total: 83, Cycles: 3}.Value(at[2]))
	for text, bad := range map[string]schedule.CosineRestarts{
		"CosineRestarts.Total = 7: must be later than Warmup": {Warmup: 7, Total: 7, Cycles: 1},
		"CosineRestarts.Cycles = 0: must be >= 1":             {Total: 7},
		"CosineRestarts.Warmup = -1: must be >= 0":            {Warmup: -1, Total: 7, Cycles: 1},
	} {
		require.ErrorContains(t, bad.Validate(), text)
		require.ErrorIs(t, bad.Validate(), tensor.ErrRange)
	}
	// A cycle cut to whole steps, as Composer has them.
	cut := schedule.Cyclic{First: 15.9, Mult: 1.5, Peak: 1, Truncate: true}
	require.Equal(t, []int{15, 37, 70}, cut.Ends(70))
	cut.First = 0.9
	require.ErrorContains(t, cut.Validate(), "Cyclic.First = 0.9: must be in [1, 2^53]")
}
