package survival

import (
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// likelihood is the logarithm of Cox's partial likelihood with its derivatives.
//
// At a time with d events, S the sum of the risks r = w exp(x b) of those at risk, D that of the events and v their
// mean weight, it is the sum of w x b of the events less v log den_l for l = 0 ... d-1. There den_l is S - f_l D, and
// f_l is l/d by Efron's rule and 0 by Breslow's. So each term is a hazard of v/den_l for those at risk, of which the
// events get the share 1-f_l.
//
// With A the hazard that a row gathers in all, times its risk, the gradient is X'(w event - A). The information is
// X' diag(A) X less the outer products of the terms' means of x, (S1 - f_l D1) / den_l. Sums of powers of f over the
// terms are all that has to be kept of them, so that a time costs p^2 however many events it has.
type likelihood struct {
	*sample
	p      int
	efron  bool
	x      []float64 // centred and scaled columns, a row for each position
	ridge  []float64 // in the scale of the columns
	offset []float64 // added to x b, nil for none

	// emphasis multiplies the information of each group, which is then all that eval is good for; nil for 1.
	emphasis []float64

	beta     []float64
	eta, top []float64 // x b less the largest of the stratum, and that
	risk     []float64
	all, own []float64 // by group: sum of v/den, and of f v/den; all is cumulative from groups before
	gathered []float64 // A; after eval, w event - A

	value    float64
	product  float64 // of the den whose logarithm is still to be taken
	outer    outerSum
	gradient []float64
	info     []float64 // p x p
	sums     riskSums
	left     []float64
}

func newLikelihood(s *sample, x []float64, p int, ties Ties) *likelihood {
	n := len(s.row)
	info := make([]float64, p*p)
	return &likelihood{
		sample: s, p: p, efron: ties == Efron, x: x, beta: make([]float64, p),
		eta: make([]float64, n), top: make([]float64, len(s.strata)), risk: make([]float64, n),
		gathered: make([]float64, n),
		all:      make([]float64, len(s.groups)+1), own: make([]float64, len(s.groups)),
		gradient: make([]float64, p), info: info, outer: newOuterSum(info, p),
		sums: riskSums{s1: make([]float64, p), d1: make([]float64, p)}, left: make([]float64, 2*p),
	}
}

// eval evaluates the likelihood at coefficients. It is not finite where risks are too far apart for numbers.
func (l *likelihood) eval(beta []float64) {
	copy(l.beta, beta)
	clear(l.info)
	l.value, l.product = 0, 1
	l.predict()
	for _, of := range l.strata {
		l.stratum(of, l.term)
	}
	l.value -= math.Log(l.product)
	l.gather()
	n, p := len(l.row), l.p
	l.outer.flush()
	l.outer.squares(l.x, l.gathered)
	for at, a := range l.gathered {
		l.gathered[at] = -a
		if l.event[at] {
			l.gathered[at] += l.weightAt(at)
		}
	}
	if p > 0 {
		tensor.Gemv(tensor.Trans, 1, tensor.Of(n, p, l.x), l.gathered, 0, l.gradient)
	}
	for j := range p {
		if l.ridge != nil {
			l.value -= l.ridge[j] / 2 * beta[j] * beta[j]
			l.gradient[j] -= l.ridge[j] * beta[j]
			l.info[j*p+j] += l.ridge[j]
		}
	}
}

// predict fills eta and risk.
func (l *likelihood) predict() {
	p := l.p
	if l.offset == nil && largest(l.beta) == 0 { // where every fit begins
		for at := range l.risk {
			l.eta[at], l.risk[at] = 0, l.weightAt(at)
		}
		clear(l.top)
		return
	}
	if p > 0 {
		tensor.Gemv(tensor.NoTrans, 1, tensor.Of(len(l.row), p, l.x), l.beta, 0, l.eta)
	}
	for at, o := range l.offset {
		l.eta[at] += o
	}
	for k, of := range l.strata {
		eta := l.eta[of.lo:of.hi]
		l.top[k] = tensor.Max(eta)
		for i := range eta {
			eta[i] -= l.top[k]
		}
	}
	tensor.Exp(l.risk, l.eta)
	for at, w := range l.weight {
		l.risk[at] *= w
	}
}

// riskSums are sums over those at risk at a time, and over the events among them.
type riskSums struct {
	s0, d0 float64
	s1, d1 []float64 // of risk times x
	peak   float64   // the largest s0 since the sums were last taken afresh
}

// stratum visits the groups of a stratum from the last to the first with the sums of each.
func (l *likelihood) stratum(of stratum, visit func(g int, sums *riskSums)) {
	s, p := &l.sums, l.p
	s.s0, s.peak = 0, 0
	clear(s.s1)
	from, gone := of.hi, of.lo
	for g := of.end - 1; g >= of.first; g-- {
		at := l.groups[g]
		for ; from > at.lo; from-- {
			s.add(l.risk[from-1], l.x[(from-1)*p:from*p])
		}
		if l.byEntry != nil {
			s.peak = max(s.peak, s.s0)
			for ; gone < of.hi && l.entry[l.byEntry[gone]] >= at.time; gone++ {
				i := int(l.byEntry[gone])
				s.add(-l.risk[i], l.x[i*p:i*p+p])
			}
			if s.s0 < 1e-4*s.peak { // what is left of a difference of large sums is their rounding
				l.afresh(of, at)
			}
		}
		if at.events > 1 { // the only event of a time is not told apart from the others
			s.d0 = 0
			clear(s.d1)
			for i := at.lo; i < at.lo+at.events; i++ {
				s.d0 += l.risk[i]
				for j, v := range l.x[i*p : i*p+p] {
					s.d1[j] += float64(l.risk[i] * v)
				}
			}
		}
		visit(g, s)
	}
}

func (s *riskSums) add(r float64, x []float64) {
	s.s0 += r
	for j, v := range x {
		s.s1[j] += float64(r * v)
	}
}

// afresh takes the sums of a group from its rows.
func (l *likelihood) afresh(of stratum, at group) {
	s, p := &l.sums, l.p
	s.s0 = 0
	clear(s.s1)
	for i := at.lo; i < of.hi; i++ {
		if l.entry[i] < at.time {
			s.add(l.risk[i], l.x[i*p:i*p+p])
		}
	}
	s.peak = s.s0
}

// terms visits the d terms of a group: f and v/den of each.
func (l *likelihood) terms(g int, s *riskSums, visit func(f, share, den float64)) {
	at := l.groups[g]
	if at.events == 1 && l.weight == nil {
		visit(0, 1/s.s0, s.s0)
		return
	}
	d, v := float64(at.events), 1.0
	if l.weight != nil {
		v = 0
		for _, w := range l.weight[at.lo : at.lo+at.events] {
			v += w / d
		}
	}
	if !l.efron { // d terms that are alike
		visit(0, d*v/s.s0, s.s0)
		return
	}
	for k := range at.events {
		f := float64(k) / d
		den := s.s0 - f*s.d0
		visit(f, v/den, den)
	}
}

// term adds a group to the value and the information, and notes its hazards.
func (l *likelihood) term(g int, s *riskSums) {
	at, p := l.groups[g], l.p
	if at.events == 1 && l.weight == nil && l.emphasis == nil { // as below, in fewer words
		l.value += l.eta[at.lo]
		l.divide(s.s0, 1)
		l.all[g+1], l.own[g] = 1/s.s0, 0
		if p > 0 {
			l.outer.add(-1/(s.s0*s.s0), s.s1, s.s1)
		}
		return
	}
	for i := at.lo; i < at.lo+at.events; i++ {
		l.value += l.weightAt(i) * l.eta[i]
	}
	var all, own, q0, q1, q2 float64
	l.terms(g, s, func(f, share, den float64) {
		all += share
		own += float64(f * share)
		q := share / den
		q0 += q
		q1 += float64(f * q)
		q2 += float64(f * f * q)
		l.divide(den, share*den)
	})
	if l.emphasis != nil {
		h := l.emphasis[g]
		all, own, q0, q1, q2 = h*all, h*own, h*q0, h*q1, h*q2
	}
	l.all[g+1], l.own[g] = all, own
	if p == 0 {
		return
	}
	if q2 == 0 {
		l.outer.add(-q0, s.s1, s.s1)
		return
	}
	a, b := l.left[:p], l.left[p:]
	for j := range p {
		a[j] = q0*s.s1[j] - q1*s.d1[j]
		b[j] = q2*s.d1[j] - q1*s.s1[j]
	}
	l.outer.add(-1, a, s.s1)
	l.outer.add(-1, b, s.d1)
}

// divide takes weight times the logarithm of den off the value. Where nothing is weighted it is that of a product of
// many.
func (l *likelihood) divide(den, weight float64) {
	if l.weight != nil || !l.efron {
		l.value -= float64(weight * math.Log(den))
		return
	}
	l.product *= den
	if !(l.product > 1e-200 && l.product < 1e200) || !(den > 1e-100 && den < 1e100) {
		l.value -= math.Log(l.product)
		l.product = 1
	}
}

// outerSum sums products a b' of vectors, a block of them at a time.
type outerSum struct {
	sum         []float64 // p x p
	p, rows     int
	left, right []float64
}

const outerRows = 128

func newOuterSum(sum []float64, p int) outerSum {
	return outerSum{sum: sum, p: p, left: make([]float64, outerRows*p), right: make([]float64, outerRows*p)}
}

// add adds c a b'.
func (o *outerSum) add(c float64, a, b []float64) {
	left, right := o.left[o.rows*o.p:][:len(a)], o.right[o.rows*o.p:][:len(a)]
	for j, v := range a {
		left[j] = c * v
		right[j] = b[j]
	}
	if o.rows++; o.rows == outerRows {
		o.flush()
	}
}

// squares adds c[i] x x' of rows i of x.
func (o *outerSum) squares(x, c []float64) {
	for p := o.p; p > 0 && len(c) > 0; {
		n := min(len(c), outerRows)
		for i, v := range c[:n] {
			right := o.right[i*p : i*p+p]
			for j, w := range x[i*p : i*p+p] {
				right[j] = v * w
			}
		}
		tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, tensor.Of(n, p, x[:n*p]), tensor.Of(n, p, o.right[:n*p]),
			1, tensor.Of(p, p, o.sum))
		x, c = x[n*p:], c[n:]
	}
}

func (o *outerSum) flush() {
	if o.rows > 0 {
		n := o.rows * o.p
		tensor.Gemm(tensor.Trans, tensor.NoTrans, 1, tensor.Of(o.rows, o.p, o.left[:n]), tensor.Of(o.rows, o.p,
			o.right[:n]),
			1, tensor.Of(o.p, o.p, o.sum))
		o.rows = 0
	}
}

// gather sums the hazards of the groups that each row was at risk in, times its risk.
func (l *likelihood) gather() {
	for g := range l.groups {
		l.all[g+1] += l.all[g]
	}
	for at := range l.gathered {
		h := l.all[l.upto[at]] - l.all[l.from[at]]
		if l.event[at] {
			h -= l.own[l.upto[at]-1]
		}
		l.gathered[at] = l.risk[at] * h
	}
}
