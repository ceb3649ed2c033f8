package causal

import (
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// MMD is the maximum mean discrepancy between groups of rows with different auxiliary labels, a [Penalty]: the squared
// distance of the groups' means in the feature space of a kernel. With [WithWeights] it is the weighted one of Makar
// et al. 2022, which asks for independence under the target distribution and not under that of the training data.
//
// It keeps its memory from one evaluation to the next, does not allocate in between (but for [MedianRBF]), and is not
// safe for concurrent use: see [MMD.Clone].
type MMD[T tensor.Float] struct {
	config  config
	q       quadratic[T]
	scalars scalars
	median  medianFinder[T]

	weigher
	class   []int // rows of a class
	group   []int // of each of them
	classes levels
	groups  levels
	form    form
	weight  []float64 // of each group
	squares []float64 // sum of squared weights within it, over the square of the sum
	size    []int
}

// NewMMD makes a penalty. Options are [WithKernel], [WithWeights], [WithUnknown], [WithConditional], [WithContrast],
// [WithEstimator] and [WithWorkers].
func NewMMD[T tensor.Float](opts ...Option) (*MMD[T], error) {
	c, err := configure("NewMMD", opts)
	if err != nil {
		return nil, err
	}
	return newMMD[T](c), nil
}

func newMMD[T tensor.Float](c config) *MMD[T] {
	m := &MMD[T]{config: c}
	m.q.workers, m.q.dot = c.workers, c.kernel.dot()
	if c.kernel.kind != medianKernel {
		m.q.profile = profileOf[T](c.kernel)
	}
	return m
}

// Clone is an evaluator of the same penalty with memory of its own, for another goroutine.
func (m *MMD[T]) Clone() *MMD[T] { return newMMD[T](m.config) }

// Eval is described at [Penalty]. Rows with different b.V are compared; with [WithConditional] and with a table of
// weights it needs b.Y too. Of more than two levels see [WithContrast]; levels without a row of positive weight do not
// take part. A batch in which fewer than two take part is skipped, with [WithConditional] only one in which that is so
// in every class.
//
// Errors wrap [tensor.ErrShape], [tensor.ErrNotFinite] and [tensor.ErrOverlap], [tensor.ErrRange] for a negative
// weight, and [ErrLabelRange].
func (m *MMD[T]) Eval(z tensor.Matrix[T], b Batch, grad tensor.Matrix[T]) (Result, error) {
	if err := checkEval("MMD.Eval", z, b, grad); err != nil {
		return Result{}, err
	}
	if err := m.weigh("MMD.Eval", &m.config, z.Rows, b); err != nil {
		return Result{}, err
	}
	if b.V == nil {
		return Result{}, fmt.Errorf("causal: MMD.Eval: the batch has no V: %w", tensor.ErrShape)
	}
	if m.config.conditional != marginal && b.Y == nil {
		return Result{}, fmt.Errorf("causal: MMD.Eval: a conditional penalty needs Y in the batch: %w", tensor.ErrShape)
	}
	sigma := m.config.kernel.sigma()
	if m.config.kernel.kind == medianKernel {
		if len(m.rows) > 1 {
			sigma = m.median.sigma(z, m.rows)
		}
		if sigma == 0 {
			return Result{Skipped: "all rows are equal, so that there is no median distance"}, nil
		}
		m.q.profile = profileOf[T](RBF(sigma))
	}
	r := Result{Sigma: sigma}
	zero := m.config.kernel.zero()
	if m.config.kernel.kind == medianKernel {
		zero = 1
	}
	if m.config.conditional == marginal {
		m.class = append(m.class[:0], m.rows...)
		r.Skipped = m.compare(z, b, grad, 1, &r)
	} else {
		m.byClass(z, b, grad, &r)
	}
	if r.Skipped != "" {
		return Result{Skipped: r.Skipped, Sigma: sigma}, nil
	}
	r.MeanKernel += zero
	return r, nil
}

// byClass adds up the penalties within the classes. The mean kernel is that of the pairs within a class.
func (m *MMD[T]) byClass(z tensor.Matrix[T], b Batch, grad tensor.Matrix[T], r *Result) {
	m.classes.of(b.Y, m.rows)
	total, pairs, mean := 0.0, 0.0, 0.0
	for _, i := range m.rows {
		total += m.w[i]
	}
	r.Skipped = "no class has rows of two groups or more"
	for _, y := range m.classes.values {
		m.class = m.class[:0]
		own := 0.0
		for _, i := range m.rows {
			if b.Y[i] == y {
				m.class = append(m.class, i)
				own += m.w[i]
			}
		}
		share := 1.0
		switch m.config.conditional {
		case Prior:
			share = own / total
		case Uniform:
			share = 1 / float64(len(m.classes.values))
		}
		part := Result{}
		if m.compare(z, b, grad, share, &part) != "" {
			continue
		}
		n := float64(len(m.class))
		pairs += n * (n - 1)
		mean += n * (n - 1) * part.MeanKernel
		r.Value += part.Value
		r.Expected += part.Expected
		r.Skipped = ""
	}
	if pairs > 0 {
		r.MeanKernel = mean / pairs
	}
}

// compare evaluates the penalty among the rows m.class, or says why it cannot. The mean kernel is less its value at
// zero.
func (m *MMD[T]) compare(z tensor.Matrix[T], b Batch, grad tensor.Matrix[T], scale float64,
	r *Result) (skipped string) {
	m.groups.of(b.V, m.class)
	all := len(m.groups.values)
	if least := m.config.least(); least > 1 {
		m.dropSmall(b.V, least)
	}
	if groups := len(m.groups.values); groups < 2 {
		switch {
		case len(m.class) == 0:
			return "no row has a weight and a known label"
		case groups < all:
			return "fewer than two groups have two rows of positive weight, which a U-statistic needs"
		}
		return "all rows are of one group"
	}
	m.fill(b.V)
	m.form.scale = scale
	var e evaluation
	if m.scalars.suits(m.config.kernel, z.Cols, &m.form) {
		e = evalScalars(&m.scalars, m.config.kernel, &m.form, z, grad)
	} else {
		e = m.q.eval(&m.form, z, grad)
	}
	r.Value, r.Expected, r.MeanKernel = e.value, e.expected, e.off
	return ""
}

// dropSmall leaves out the groups with fewer rows than least.
func (m *MMD[T]) dropSmall(v []int, least int) {
	m.size = grow(m.size, len(m.groups.values))
	clear(m.size)
	for _, i := range m.class {
		m.size[m.groups.at(v[i])]++
	}
	m.class = slices.DeleteFunc(m.class, func(i int) bool { return m.size[m.groups.at(v[i])] < least })
	m.groups.of(v, m.class)
}

// fill writes the form that compares the groups among m.class.
func (m *MMD[T]) fill(v []int) {
	groups := len(m.groups.values)
	m.weight, m.squares, m.size = grow(m.weight, groups), grow(m.squares, groups), grow(m.size, groups)
	clear(m.weight)
	clear(m.squares)
	clear(m.size)
	m.group = grow(m.group, len(m.class))
	for k, i := range m.class {
		g := m.groups.at(v[i])
		m.group[k] = g
		m.weight[g] += m.w[i]
		m.size[g]++
	}
	f := &m.form
	f.reset()
	for g := range groups {
		f.start = append(f.start, f.start[g]+m.size[g])
	}
	f.rows, f.p = grow(f.rows, len(m.class)), grow(f.p, len(m.class))
	next := m.size // where the next row of each group goes
	copy(next, f.start)
	total := 0.0
	for k, i := range m.class {
		g := m.group[k]
		p := m.w[i] / m.weight[g]
		f.rows[next[g]], f.p[next[g]] = i, p
		next[g]++
		m.squares[g] += p * p
		total += m.w[i]
	}
	for g := range m.weight {
		m.weight[g] /= total
	}
	f.coef = grow(f.coef, groups*groups)
	m.config.contrast.coefficients(f.coef, m.weight)
	if m.config.estimator == UStatistic {
		f.distinct = true
		for g := range groups {
			f.coef[g*groups+g] /= 1 - m.squares[g]
		}
	}
}

// Contrast is how several groups are compared, mu being the mean of a group in the feature space.
type Contrast uint8

// The contrasts. Of two groups with the shares p and 1-p, and d² their squared distance:
const (
	PairwiseMean Contrast = iota // the mean over pairs of groups of |mu_g - mu_h|²: d²
	Between                      // sum_g p_g |mu_g - mu|², mu being the mean of all rows: p(1-p) d²
	// sum_g p_g² |mu_g - mu|², HSIC with a kernel that is 1 for equal labels: 2p²(1-p)²d²
	Delta
)

// coefficients writes c_gh for groups of the given shares, so that the contrast is sum_gh c_gh <mu_g, mu_h>.
func (k Contrast) coefficients(c, share []float64) {
	groups := len(share)
	squares := 0.0
	for _, p := range share {
		squares += p * p
	}
	n := float64(groups)
	for g, p := range share {
		for h, q := range share {
			v := 0.0
			switch k {
			case PairwiseMean:
				v = -2 / (n * (n - 1))
				if g == h {
					v = 2 / n
				}
			case Between:
				v = -p * q
				if g == h {
					v = p - p*q
				}
			case Delta:
				v = p * q * (squares - p - q)
				if g == h {
					v += p * p
				}
			}
			c[g*groups+h] = v
		}
	}
}

// Estimator is how pairs of a row with itself count.
type Estimator uint8

// The estimators. The first is never negative and the better penalty: it also keeps a group from spreading. The
// second has the right mean, may be negative, and is for reports.
const (
	VStatistic Estimator = iota // they count
	UStatistic                  // they do not
)

// ClassWeighting is what the classes of a conditional penalty count.
type ClassWeighting uint8

// The weightings of classes.
const (
	marginal ClassWeighting = iota
	Prior                   // their shares of the weights in the batch
	Uniform                 // the same
	Total                   // one each: the sum
)
