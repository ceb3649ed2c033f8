package conformal

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/tensor"
)

func TestGolden(t *testing.T) {
	for _, name := range []string{"digits_mlp", "synth_minibatch"} {
		var set struct {
			Identity int `json:"orig_idx"`
			Labels   map[string][]int
		}
		golden.JSON(t, "../testdata/"+name+".json.gz", &set)
		outputs := map[string]tensor.Matrix[float32]{}
		for _, part := range []string{"val", "test"} {
			a := golden.NPY(t, "../testdata/"+name+"."+part+".npy.gz")
			m := tensor.NewMatrix[float32](a.Shape[0], a.Shape[2])
			for n := range m.Rows {
				for c := range m.Cols {
					m.Set(n, c, float32(a.Data[(n*a.Shape[1]+set.Identity)*m.Cols+c]/1024))
				}
			}
			outputs[part] = m
		}
		var file struct {
			Conformal struct {
				Original []struct {
					Score       string
					Alpha, QHat float64
					MeanSize    float64 `json:"mean_size"`
					Coverage    float64
					Empty       int
					Sizes       []int `json:"size_hist"`
				}
			}
		}
		golden.JSON(t, "../testdata/analysis_"+name+".json.gz", &file)
		require.NotEmpty(t, file.Conformal.Original)
		for _, want := range file.Conformal.Original {
			score := map[string]Score{"lac": LAC(), "aps_nonrandom": APS(), "raps_nonrandom_lam0.1_k2": RAPS(0.1, 2)}[want.Score]
			c, err := Calibrate(outputs["val"], set.Labels["val"], score, want.Alpha, WithoutRandomization(), WithEmptySets())
			require.NoError(t, err)
			assert.InDelta(t, want.QHat, c.Threshold(0), 1e-9, "%s %s", name, want.Score)
			r, err := c.Evaluate(outputs["test"], set.Labels["test"])
			require.NoError(t, err)
			assert.InDelta(t, want.MeanSize, r.MeanSize, 1e-12)
			assert.InDelta(t, want.Coverage, r.Coverage.Value, 1e-12)
			assert.Equal(t, want.Empty, r.Empty)
			assert.Equal(t, want.Sizes, r.Sizes)
			// By default no set is empty, and the surest examples are covered.
			c, err = Calibrate(outputs["val"], set.Labels["val"], score, want.Alpha)
			require.NoError(t, err)
			r, err = c.Evaluate(outputs["test"], set.Labels["test"])
			require.NoError(t, err)
			assert.Zero(t, r.Empty)
			assert.Greater(t, r.Coverage.Hi, 1-want.Alpha)
			b, err := json.Marshal(r)
			require.NoError(t, err)
			var again Report
			require.NoError(t, json.Unmarshal(b, &again))
			assert.Equal(t, r, again)
		}
	}
}

func TestRankOfTheThreshold(t *testing.T) {
	scores := func(n int) []float64 {
		s := make([]float64, n)
		for i := range s {
			s[i] = float64(n - i)
		}
		return s
	}
	for _, c := range []struct {
		n     int
		alpha float64
		want  float64
	}{{19, .1, 18}, {9, .7, 3}, {99, .45, 55}, {9, .1, 9}, {8, .1, math.Inf(1)}, {5, .99, 1}} {
		q, ok := quantile(scores(c.n), c.alpha)
		assert.Equal(t, c.want, q, "n %d alpha %v", c.n, c.alpha)
		assert.Equal(t, !math.IsInf(c.want, 1), ok)
	}
}

// rows are single distributions as logarithms.
func rows(p ...[]float64) tensor.Matrix[float32] {
	m := tensor.NewMatrix[float32](len(p), len(p[0]))
	for n, row := range p {
		for c, v := range row {
			m.Set(n, c, float32(math.Log(v)))
		}
	}
	return m
}

func TestTooFewRowsIncludeEverything(t *testing.T) {
	var p [][]float64
	var labels []int
	for range 8 {
		p, labels = append(p, []float64{.7, .2, .1}), append(labels, 0)
	}
	c, err := Calibrate(rows(p...), labels, LAC(), .1)
	require.NoError(t, err)
	require.Len(t, c.Warnings, 1)
	assert.Contains(t, c.Warnings[0], "it takes 9 ")
	assert.Equal(t, []int{0, 1, 2}, c.Set(nil, rows(p...).Row(0), 0))
	for range 92 {
		p, labels = append(p, []float64{.1, .8, .1}), append(labels, 1)
	}
	c, err = Calibrate(rows(p...), labels, LAC(), .1, WithClasses())
	require.NoError(t, err)
	require.Len(t, c.Warnings, 2)
	assert.True(t, strings.HasPrefix(c.Warnings[0], "8 examples of class 0"))
	assert.Equal(t, []int{1, 0, 2}, c.Set(nil, rows([]float64{.01, .98, .01}).Row(0), 0))
	assert.InDelta(t, .2, c.Threshold(1), 1e-6)
}

func TestTheLabelThatSetsTheThresholdIsIn(t *testing.T) {
	for p := .01; p < .99; p += .01 {
		m := rows([]float64{p, 1 - p})
		for _, s := range []Score{LAC(), APS(), RAPS(.1, 1)} {
			c, err := Calibrate(m, []int{0}, s, .6, WithoutRandomization(), WithEmptySets())
			require.NoError(t, err)
			assert.Contains(t, c.Set(nil, m.Row(0), 0), 0, "%v %v", s, p)
		}
	}
}

func TestTheSurestAreNotLeftEmpty(t *testing.T) {
	x := rows([]float64{.97, .02, .01}).Row(0)
	c := &Calibrated{score: APS(), classes: 3, threshold: []float64{.95, .95, .95}}
	w := newWork(3)
	c.scores(w, x, .5)
	golden.Close(t, "randomised", w.score, []float64{.485, .98, .995}, 0, 1e-6)
	c.config = config{fixed: true, allowEmpty: true}
	c.scores(w, x, .5)
	golden.Close(t, "fixed", w.score, []float64{.97, .99, 1}, 0, 1e-6)
	assert.Empty(t, c.Set(nil, x, 0))
	c.config.allowEmpty = false
	assert.Equal(t, []int{0}, c.Set(nil, x, 0))
}

func TestCoverageIsWhatIsAskedFor(t *testing.T) {
	rng := tensor.Stream(3)
	draw := func(n int) (tensor.Matrix[float32], []int) {
		m, labels := tensor.NewMatrix[float32](n, 4), make([]int, n)
		for i := range n {
			p := make([]float64, 4)
			for c := range p {
				m.Set(i, c, float32(2*rng.NormFloat64()))
				p[c] = float64(m.At(i, c))
			}
			tensor.Softmax(p, p)
			u := rng.Float64()
			for labels[i] = 0; labels[i] < 3 && u > p[labels[i]]; labels[i]++ {
				u -= p[labels[i]]
			}
		}
		return m, labels
	}
	for _, s := range []Score{LAC(), APS(), RAPS(.05, 2)} {
		for _, opts := range [][]Option{{WithEmptySets()}, {WithEmptySets(), WithClasses()}} {
			x, y := draw(20000)
			c, err := Calibrate(x, y, s, .2, opts...)
			require.NoError(t, err)
			x, y = draw(20000)
			r, err := c.Evaluate(x, y)
			require.NoError(t, err)
			assert.InDelta(t, .8, r.Coverage.Value, .012, "%v", s)
		}
	}
}

func TestBadInput(t *testing.T) {
	m := rows([]float64{.5, .5})
	for _, c := range []struct {
		labels []int
		alpha  float64
		want   error
	}{{[]int{0, 1}, .1, tensor.ErrShape}, {[]int{2}, .1, tensor.ErrRange}, {[]int{-1}, .1, tensor.ErrRange},
		{[]int{0}, 0, tensor.ErrRange}, {[]int{0}, math.NaN(), tensor.ErrRange}} {
		_, err := Calibrate(m, c.labels, LAC(), c.alpha)
		assert.ErrorIs(t, err, c.want)
	}
	_, err := Calibrate(m, []int{0}, RAPS(-1, 0), .1)
	assert.ErrorIs(t, err, tensor.ErrRange)
	_, err = Calibrate(m, []int{0}, LAC(), .1, nil)
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	m.Data[0] = float32(math.NaN())
	_, err = Calibrate(m, []int{0}, LAC(), .1)
	assert.ErrorIs(t, err, tensor.ErrNotFinite)
}
