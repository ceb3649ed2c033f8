package causal

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/tensor"
)

// CORAL compares the covariances of the representation in groups of rows with different Batch.V, a [Penalty]; of more
// than two groups it is the mean over pairs. It is stateless and safe for concurrent use. Weights are not used but to
// leave out rows of weight 0.
type CORAL[T tensor.Float] struct {
	Convention CORALConvention
}

// CORALConvention is what exactly is compared. With d columns, means mu and covariances C with the divisor n-1:
type CORALConvention uint8

// The conventions.
const (
	MeanAndCovariance CORALConvention = iota // |mu_1 - mu_0|²/d + |C_1 - C_0|²/d², as DomainBed has it
	DeepCORAL                                // |C_1 - C_0|²/4d², as Sun and Saenko 2016 have it
)

var coralConventions = enum.Of[CORALConvention]("CORAL convention", "mean and covariance", "deep CORAL")

// String is the convention's name.
func (c CORALConvention) String() string { return coralConventions.String(c) }

// MarshalText writes the name.
func (c CORALConvention) MarshalText() ([]byte, error) { return coralConventions.Marshal(c) }

// UnmarshalText reads a name.
func (c *CORALConvention) UnmarshalText(text []byte) error {
	return coralConventions.Unmarshal(c, text)
}

// Eval is described at [Penalty]. Groups of fewer than two rows do not take part, and a batch with fewer than two
// groups is skipped. Result.Expected is not known and 0.
func (c CORAL[T]) Eval(z tensor.Matrix[T], b Batch, grad tensor.Matrix[T]) (Result, error) {
	const call = "CORAL.Eval"
	if err := checkEval(call, z, b, grad); err != nil {
		return Result{}, err
	}
	if err := coralConventions.Check(c.Convention); err != nil {
		return Result{}, fmt.Errorf("causal: %s: %w", call, err)
	}
	if b.V == nil {
		return Result{}, fmt.Errorf("causal: %s: the batch has no V: %w", call, tensor.ErrShape)
	}
	if err := checkLabels(call, "V", b.V, true); err != nil {
		return Result{}, err
	}
	groups := coralGroups(z, b)
	if len(groups) < 2 {
		return Result{Skipped: "fewer than two groups have two rows"}, nil
	}
	pairs := float64(len(groups) * (len(groups) - 1) / 2)
	value := 0.0
	for i, g := range groups {
		for _, h := range groups[:i] {
			value += c.pair(z, grad, g, h, 1/pairs)
		}
	}
	return Result{Value: value}, nil
}

// moments is the rows of a group with their mean and covariance.
type moments struct {
	rows []int
	mean []float64
	cov  tensor.Matrix[float64]
}

func coralGroups[T tensor.Float](z tensor.Matrix[T], b Batch) []moments {
	var all []int
	for i, v := range b.V {
		if v != Unknown && weightOf(b, i) > 0 {
			all = append(all, i)
		}
	}
	var l levels
	l.of(b.V, all)
	rows := make([][]int, len(l.values))
	for _, i := range all {
		g := l.at(b.V[i])
		rows[g] = append(rows[g], i)
	}
	var groups []moments
	for _, own := range rows {
		if len(own) > 1 {
			groups = append(groups, momentsOf(z, own))
		}
	}
	return groups
}

func momentsOf[T tensor.Float](z tensor.Matrix[T], rows []int) moments {
	d, n := z.Cols, float64(len(rows))
	m := moments{rows, make([]float64, d), tensor.NewMatrix[float64](d, d)}
	for _, i := range rows {
		for j, v := range z.Row(i) {
			m.mean[j] += float64(v) / n
		}
	}
	centred := tensor.NewMatrix[float64](len(rows), d)
	for k, i := range rows {
		for j, v := range z.Row(i) {
			centred.Row(k)[j] = float64(v) - m.mean[j]
		}
	}
	tensor.Gemm(tensor.Trans, tensor.NoTrans, 1/(n-1), centred, centred, 0, m.cov)
	return m
}

// pair returns scale times the distance of two groups and adds its gradient.
func (c CORAL[T]) pair(z, grad tensor.Matrix[T], g, h moments, scale float64) float64 {
	d := float64(z.Cols)
	ofMean, ofCov := scale/d, scale/(d*d)
	if c.Convention == DeepCORAL {
		ofMean, ofCov = 0, scale/(4*d*d)
	}
	value := 0.0
	mean := make([]float64, z.Cols)
	for j := range mean {
		mean[j] = g.mean[j] - h.mean[j]
		value += ofMean * mean[j] * mean[j]
	}
	cov := tensor.NewMatrix[float64](z.Cols, z.Cols)
	tensor.Sub(cov.Data, g.cov.Data, h.cov.Data)
	for _, v := range cov.Data {
		value += ofCov * v * v
	}
	if grad.Rows > 0 {
		addMoments(z, grad, g, mean, cov, 2*ofMean, 4*ofCov)
		addMoments(z, grad, h, mean, cov, -2*ofMean, -4*ofCov)
	}
	return value
}

func addMoments[T tensor.Float](z, grad tensor.Matrix[T], m moments, mean []float64, cov tensor.Matrix[float64], ofMean,
	ofCov float64) {
	n := float64(len(m.rows))
	x, y := make([]float64, z.Cols), make([]float64, z.Cols)
	for _, i := range m.rows {
		for j, v := range z.Row(i) {
			x[j] = float64(v) - m.mean[j]
		}
		tensor.Gemv(tensor.NoTrans, ofCov/(n-1), cov, x, 0, y)
		for j := range y {
			grad.Row(i)[j] += T(y[j] + ofMean/n*mean[j])
		}
	}
}
