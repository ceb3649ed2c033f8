package survival

import (
	"math"
	"slices"
	"strconv"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Cox is a fitted proportional hazards model (Cox 1972): the hazard of a row x is that of a baseline times exp(x'b). It
// keeps a copy of the data in their order, for residuals, and is immutable.
type Cox struct {
	names       []string
	coef        []float64
	mean, scale []float64
	covariance  []float64
	at          *likelihood
	maximum     maximum
	options     config
	times       []stats.Lifetime
}

// Ties is how events at one time count.
type Ties uint8

// The rules. They agree where no two events fall on one time.
const (
	Efron   Ties = iota // events of one time happened in some order, over which risks are averaged (Efron 1977)
	Breslow             // each as if the others of its time were still at risk (Breslow 1974)
)

var tieRules = enum.Of[Ties]("ties", "efron", "breslow")

// String is "efron" or "breslow".
func (t Ties) String() string { return tieRules.String(t) }

// MarshalText writes the name.
func (t Ties) MarshalText() ([]byte, error) { return tieRules.Marshal(t) }

// UnmarshalText reads a name.
func (t *Ties) UnmarshalText(text []byte) error { return tieRules.Unmarshal(t, text) }

// FitCox fits a model of lifetimes, of which row i of x has the columns, by Newton's method. It needs no column for an
// intercept. Times that differ by rounding alone count as one (see [stats.MergeTimes]), which R does too.
//
// The error wraps [ErrNoEvents], [ErrSingular] or [ErrMonotone] and names the column where the data do not determine
// the coefficients, [tensor.ErrEmpty], [tensor.ErrShape], and [tensor.ErrNotFinite] or [tensor.ErrRange] for a value.
func FitCox(times []stats.Lifetime, x tensor.Matrix[float64], opts ...Option) (*Cox, error) {
	c, err := configure("FitCox", opts)
	if err != nil {
		return nil, err
	}
	if err := c.checkColumns(times, x); err != nil {
		return nil, err
	}
	s, err := newSample(times, &c)
	if err != nil {
		return nil, err
	}
	m := &Cox{names: c.columnNames(x.Cols), times: slices.Clone(times), options: c}
	columns := m.standardise(s, x)
	m.options.clusters = slices.Clone(c.clusters) // all else of the caller's is in the sample
	m.options.weights, m.options.strata, m.options.entry = nil, nil, nil
	m.at = newLikelihood(s, columns, x.Cols, c.ties)
	if c.ridge > 0 {
		m.at.ridge = make([]float64, x.Cols)
		for j, sd := range m.scale {
			m.at.ridge[j] = c.ridge / (sd * sd)
		}
	}
	if m.maximum, err = m.at.maximise(m.names); err != nil {
		return nil, option.Call(c.call, err)
	}
	m.coef, m.covariance = slices.Clone(m.at.beta), invert(m.maximum.lower, x.Cols)
	for j, sd := range m.scale {
		m.coef[j] /= sd
		for k, other := range m.scale {
			m.covariance[j*x.Cols+k] /= sd * other
		}
	}
	return m, nil
}

// checkColumns refuses what [FitCox] cannot fit.
func (c *config) checkColumns(times []stats.Lifetime, x tensor.Matrix[float64]) error {
	if err := c.check(times); err != nil {
		return err
	}
	switch {
	case x.Rows != len(times):
		return c.errorf("x has %d rows for %d lifetimes: %w", x.Rows, len(times), tensor.ErrShape)
	case x.Cols == 0:
		return c.errorf("x has no columns: %w", tensor.ErrEmpty)
	case c.names != nil && len(c.names) != x.Cols:
		return c.errorf("%d names for %d columns: %w", len(c.names), x.Cols, tensor.ErrShape)
	}
	if err := x.Validate(); err != nil {
		return option.Call(c.call, err)
	}
	for i := range x.Rows {
		bad := 0.0
		for _, v := range x.Row(i) {
			bad += v - v
		}
		if bad == 0 {
			continue
		}
		for j, v := range x.Row(i) {
			if v-v != 0 {
				return c.errorf("x[%d][%d] = %v, column %s: %w", i, j, v, c.columnNames(x.Cols)[j], tensor.ErrNotFinite)
			}
		}
	}
	return nil
}

// columnNames are the names of p columns.
func (c *config) columnNames(p int) []string {
	if c.names != nil {
		return slices.Clone(c.names)
	}
	names := make([]string, p)
	for j := range names {
		names[j] = "x" + strconv.Itoa(j)
	}
	return names
}

// standardise copies the columns in the order of the sample, with mean 0 and standard deviation 1.
func (m *Cox) standardise(s *sample, x tensor.Matrix[float64]) []float64 {
	p := x.Cols
	m.mean, m.scale = make([]float64, p), make([]float64, p)
	total := 0.0
	for i := range x.Rows {
		w := 1.0
		if m.options.weights != nil {
			w = m.options.weights[i]
		}
		total += w
		for j, v := range x.Row(i) {
			m.mean[j] += w * v
		}
	}
	for j := range m.mean {
		m.mean[j] /= total
	}
	columns := make([]float64, len(s.row)*p)
	for at, i := range s.row {
		w, to := s.weightAt(at), columns[at*p:at*p+p]
		for j, v := range x.Row(int(i)) {
			d := v - m.mean[j]
			to[j] = d
			m.scale[j] += w * d * d
		}
	}
	inverse := make([]float64, p)
	for j, v := range m.scale {
		sd := math.Sqrt(v / total)
		if !(sd > 1e-14*math.Abs(m.mean[j])) { // a constant, to rounding
			sd = math.Inf(1)
		}
		m.scale[j], inverse[j] = sd, 1/sd
	}
	for at := range s.row {
		to := columns[at*p : at*p+p]
		for j, f := range inverse {
			to[j] *= f
		}
	}
	return columns
}

// Coefficients are the logarithms of the hazard ratios of the columns, by unit of each.
func (m *Cox) Coefficients() []float64 { return slices.Clone(m.coef) }

// Covariance is that of the coefficients, p by p: the inverse of the information.
func (m *Cox) Covariance() tensor.Matrix[float64] {
	return tensor.Of(len(m.coef), len(m.coef), slices.Clone(m.covariance))
}

// RobustCovariance is that of the coefficients whether or not the model holds, the sum of the outer products of
// [Cox.DFBeta], by clusters if there are any (Lin and Wei 1989).
func (m *Cox) RobustCovariance() tensor.Matrix[float64] {
	influence := m.DFBeta()
	p := influence.Cols
	if m.options.clusters != nil {
		at := map[int]int{}
		var sums []float64
		for i, k := range m.options.clusters {
			if _, known := at[k]; !known {
				at[k] = len(at)
				sums = append(sums, make([]float64, p)...)
			}
			tensor.Axpy(sums[at[k]*p:at[k]*p+p], 1, influence.Row(i))
		}
		influence = tensor.Of(len(at), p, sums)
	}
	v := tensor.NewMatrix[float64](p, p)
	tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, influence, influence, 0, v)
	return v
}

// LogLikelihood is the logarithm of the partial likelihood without columns and with them.
func (m *Cox) LogLikelihood() (null, fitted float64) { return m.maximum.null, m.maximum.value }
