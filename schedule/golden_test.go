package schedule_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/internal/peers"
	s "github.com/espalier-ml/espalier/schedule"
)

type goldenCase struct {
	Name   string
	T      float64
	PI     float64 `json:"p_i"`
	PF     float64 `json:"p_f"`
	Values []float64
	Max    string `json:"max_duration"`
}

// cases reads a golden file and fails unless want names exactly its cases: none can be skipped.
func cases(t *testing.T, file string, want int) []goldenCase {
	t.Helper()
	var g struct{ Cases []goldenCase }
	golden.JSON(t, "testdata/"+file+".json.gz", &g)
	require.Len(t, g.Cases, want)
	return g.Cases
}

func compare(t *testing.T, name string, sch s.Schedule, want []float64) {
	t.Helper()
	require.NotNil(t, sch, "no schedule for %s", name)
	require.NoError(t, s.Validate(sch), name)
	golden.Close(t, name, steps(sch, len(want)), want, 1e-12, 1e-12)
}

// Schedules of torch, optax, timm, Hugging Face, fastai and Composer, their closed forms and momenta.
func TestGoldenPeers(t *testing.T) {
	all, err := peers.Read("testdata")
	require.NoError(t, err)
	counts := map[string]int{}
	for _, c := range all {
		counts[c.Library]++
		golden.Close(t, c.Library+" "+c.Name, c.Got, c.Want, 1e-12, 1e-12)
	}
	require.Equal(t, map[string]int{"torch_lr": 35, "optax": 16, "timm": 6, "hf_and_extra": 15, "fastai": 7,
		"composer": 22}, counts)
}

// The other way to write cosines with restarts.
func TestGoldenRestarts(t *testing.T) {
	for _, c := range cases(t, "hf_and_extra", 15) {
		if c.Name == "cosine_with_restarts" {
			compare(t, c.Name, s.CosineRestarts{Peak: 1, Warmup: 10, Total: 100, Cycles: 3}, c.Values)
			return
		}
	}
	t.Fatal("no such case")
}

type backwards struct{ S s.Schedule }

func (b backwards) Value(t float64) float64 { return b.S.Value(-t) }

func TestGoldenMaskingRate(t *testing.T) {
	rate := func(name string, pi, pf, total float64) s.Schedule {
		switch name[:4] {
		case "line":
			return s.Linear{From: pi, To: pf, Over: total}
		case "cosi":
			return s.Cosine{From: pi, To: pf, Over: total}
		case "step":
			return s.Choice[float64]{Bounds: []float64{total / 2}, Values: []float64{pi, pf}}
		case "cons":
			return s.Constant{V: pi}
		}
		return nil
	}
	all := cases(t, "masking_rate", 20)
	for _, c := range all {
		compare(t, c.Name, rate(c.Name, c.PI, c.PF, c.T), c.Values)
	}
	var g struct {
		Authors []goldenCase `json:"authors_code"`
	}
	golden.JSON(t, "testdata/masking_rate.json.gz", &g)
	require.Len(t, g.Authors, 4)
	for i, c := range g.Authors {
		from := all[[]int{0, 1, 6, 7}[i]]
		require.Equal(t, from.Name, c.Name)
		total, err := s.ParseDuration(c.Max)
		require.NoError(t, err)
		compare(t, c.Name+" authors", rate(c.Name, from.PI, from.PF, total.Value), c.Values)
	}
}
