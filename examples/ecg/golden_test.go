package main

import (
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/examples/ecg/beats"
	"github.com/espalier-ml/espalier/mil"
	"github.com/espalier-ml/espalier/mil/ecg"
	"github.com/espalier-ml/espalier/mil/risk"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// goldenCohort is what scikit-learn and R make of beats that are not in this repository.
type goldenCohort struct {
	Beats    []int     `json:"beats_per_patient"`
	Label    []float64 `json:"label90"`
	Train    []int
	Logistic struct {
		W         []float64
		Intercept float64
	}
	Risk  map[string][]float64
	AUC   map[string]float64 `json:"auc_test"`
	Table map[string]struct {
		Threshold  float64
		A, B, C, D int
		RiskRatio  float64 `json:"risk_ratio"`
		OddsRatio  float64 `json:"odds_ratio"`
	} `json:"top_quartile"`
}

// From beats to tables, with a model whose optimum is unique: logistic regression on the instances of the training
// patients, which inherit labels.
func TestGoldenCohortFromBeatsToTables(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "golden", "mil", "cohort")
	raw, err := os.ReadFile(filepath.Join(dir, "cohort.json"))
	if err != nil {
		t.Skip("the beats are not at hand")
	}
	var g goldenCohort
	require.NoError(t, json.Unmarshal(raw, &g))
	bags := goldenBags(t, filepath.Join(dir, "beats.i16.gz"), g)
	w, intercept := logistic(t, bags, g)
	for j, want := range g.Logistic.W {
		require.InDelta(t, want, w[j], 1e-5*(1+math.Abs(want)))
	}
	require.InDelta(t, g.Logistic.Intercept, intercept, 1e-5)
	score := func(p []float64, x tensor.Matrix[float64]) error {
		for i := range p {
			p[i] = 1 / (1 + math.Exp(-intercept-tensor.Dot(x.Row(i), w)))
		}
		return nil
	}
	for name, rule := range map[string]mil.Rule{"mean": mil.Mean(), "median": mil.Quantile(0.5), "max": mil.Max(),
		"top_fraction_0.2": mil.TopFraction(0.2), "percentile_mean_80": mil.PercentileMean(80), "noisy_or": mil.NoisyOr()} {
		risks, err := mil.Risk(bags, score, rule)
		require.NoError(t, err, name)
		require.InDeltaSlice(t, g.Risk[name], risks, 1e-6, name)
		var positive, high []bool
		var test []float64
		for i, train := range g.Train {
			if train == 0 {
				positive, test = append(positive, g.Label[i] == 1), append(test, risks[i])
			}
		}
		area, err := stats.AUC(positive, test, nil)
		require.NoError(t, err)
		require.InDelta(t, g.AUC[name], area.Value, 1e-12, name)
		cut, err := stats.Quantiles(test, 0.75)
		require.NoError(t, err)
		for _, v := range test {
			high = append(high, v > cut[0])
		}
		table, err := risk.NewTable(high, positive)
		require.NoError(t, err)
		want := g.Table[name]
		require.Equal(t, risk.Table{HighEvents: want.A, HighOthers: want.B, LowEvents: want.C, LowOthers: want.D}, table,
			name)
		ratio, err := table.RiskRatio()
		require.NoError(t, err)
		odds, err := table.OddsRatio()
		require.NoError(t, err)
		require.InDelta(t, want.RiskRatio, ratio.Value, 1e-12, name)
		require.InDelta(t, want.OddsRatio, odds.Value, 1e-12, name)
	}
}

// goldenBags is the pairs of neighbouring beats of each patient.
func goldenBags(t *testing.T, file string, g goldenCohort) mil.Bags[float64] {
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	raw, err := io.ReadAll(z)
	require.NoError(t, err)
	var all []tensor.Matrix[float64]
	at := 0
	for _, n := range g.Beats {
		b := ecg.Beats[float64]{X: tensor.NewMatrix[float64](n, beats.Window), Index: make([]int, n)}
		for i := range b.X.Data {
			b.X.Data[i] = float64(int16(binary.LittleEndian.Uint16(raw[2*(at+i):]))) / 1000
		}
		for i := range n {
			b.Index[i] = i
		}
		at += n * beats.Window
		x, _, err := b.Instances(beats.PerInstance)
		require.NoError(t, err)
		all = append(all, x)
	}
	require.Len(t, raw, 2*at)
	bags, err := mil.Join(all...)
	require.NoError(t, err)
	return bags
}

// logistic maximises the balanced likelihood of the training instances less half the squared weights, by Newton's
// method.
func logistic(t *testing.T, bags mil.Bags[float64], g goldenCohort) (w []float64, intercept float64) {
	var rows []int
	var y []float64
	for i, train := range g.Train {
		for row := bags.Offsets[i]; train == 1 && row < bags.Offsets[i+1]; row++ {
			rows, y = append(rows, row), append(y, g.Label[i])
		}
	}
	positive := 0.0
	for _, v := range y {
		positive += v
	}
	n, p := float64(len(y)), bags.X.Cols
	beta := make([]float64, p+1)
	x := make([]float64, p+1)
	x[p] = 1
	for range 30 {
		gradient, h := mat.NewVecDense(p+1, nil), mat.NewSymDense(p+1, nil)
		for j := range p {
			gradient.SetVec(j, beta[j])
			h.SetSym(j, j, 1)
		}
		for k, row := range rows {
			copy(x, bags.X.Row(row))
			q := 1 / (1 + math.Exp(-tensor.Dot(beta, x)))
			s := n / (2 * (n - positive))
			if y[k] == 1 {
				s = n / (2 * positive)
			}
			v := mat.NewVecDense(p+1, x)
			gradient.AddScaledVec(gradient, s*(q-y[k]), v)
			h.SymRankOne(h, s*q*(1-q), v)
		}
		var root mat.Cholesky
		require.True(t, root.Factorize(h))
		var step mat.VecDense
		require.NoError(t, root.SolveVecTo(&step, gradient))
		for j := range beta {
			beta[j] -= step.AtVec(j)
		}
		if mat.Norm(&step, 2) < 1e-10 {
			return beta[:p], beta[p]
		}
	}
	t.Fatal("no convergence")
	return nil, 0
}
