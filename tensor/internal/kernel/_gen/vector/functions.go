package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Coefficients of minimax polynomials, fitted for relative error over the ranges named.
var (
	// (e^r-1-r)/r² for |r| <= ln(2)/2: the error of e^r is 0.05*2^-24.
	expPoly = []float32{0.4999999404, 0.1666652113, 0.04166825488, 0.008368661627, 0.001382145216}
	// The same for the relative error of e^r-1, which is 0.01*2^-24.
	expm1Poly = []float32{0.5, 0.1666666567, 0.04166649282, 0.008333547041, 0.00139323133, 0.0001976097701}
	// (tanh(x)-x)/x³ in powers of x² for |x| <= 0.625: the error is 0.08*2^-24.
	tanhPoly = []float32{-0.3333328068, 0.1333140582, -0.05373651534, 0.02062816732, -0.005692296196}
	// erf(x)/x-1 in powers of x² for |x| <= 0.92: the error of erf is 0.02*2^-24.
	erfPoly = []float32{0.1283791661, -0.3761262894, 0.1128362566, -0.02685572952, 0.005192392506, -0.0008049514727,
		7.995048509e-05}
	// log(1-erf(x)) for 0.92 <= x <= 4: the error of erf is 0.03*2^-24.
	erfcPoly = []float32{-0.0001919253555, -1.1276896, -0.6371612549, -0.1039478406, 0.02223373391, -0.003044682555,
		0.0001960629888}
	// (log(1+f)-f+f²/2)/f³ for sqrt(1/2) <= 1+f <= sqrt(2): the error of log is 0.05*2^-24.
	logPoly = []float32{0.3333331347, -0.2500000894, 0.2000211924, -0.1666799635, 0.1421955228, -0.1240558848,
		0.1188816279,
		-0.1167565361, 0.06746640801}
)

const (
	log2e = 1.44269504088896341
	ln2hi = 0.693359375 // nine bits, so that its multiples up to 2^15 are exact
	ln2lo = -2.12194440054690583e-4
)

const (
	signBit = 0x80000000
	absMask = 0x7fffffff
)

func constant(v float32) Mem { return word(math.Float32bits(v)) }

func loaded(m Mem) reg.VecVirtual {
	v := YMM()
	VMOVUPS(m, v)
	return v
}

// horner evaluates the polynomial c at x.
func horner(c []float32, x reg.VecVirtual) reg.VecVirtual {
	q := loaded(constant(c[len(c)-1]))
	for i := len(c) - 2; i >= 0; i-- {
		VFMADD213PS(constant(c[i]), x, q)
	}
	return q
}

// clampKeepingNaN limits x to [lo, hi]; of a NaN and a number the result is the NaN.
func clampKeepingNaN(x reg.VecVirtual, lo, hi float32) {
	limit := loaded(constant(hi))
	VMINPS(x, limit, x)
	limit = loaded(constant(lo))
	VMAXPS(x, limit, x)
}

// reduced returns n, a whole number, and e^r-1 with r = x - n*ln(2), |r| <= ln(2)/2. lost is what rounding took from r,
// for whoever needs it.
func reduced(x reg.VecVirtual, poly []float32, withLost bool) (n, p, lost reg.VecVirtual) {
	n, r := YMM(), YMM()
	VMULPS(constant(log2e), x, n)
	VROUNDPS(Imm(8), n, n)
	VMOVAPS(x, r)
	VFNMADD231PS(constant(ln2hi), n, r) // exact
	if withLost {
		exact := YMM()
		lost = YMM()
		VMOVAPS(r, exact)
		VFNMADD231PS(constant(ln2lo), n, r)
		VSUBPS(r, exact, lost)
		VFNMADD231PS(constant(ln2lo), n, lost)
	} else {
		VFNMADD231PS(constant(ln2lo), n, r)
	}
	p = horner(poly, r)
	square := YMM()
	VMULPS(r, r, square)
	VFMADD213PS(r, square, p)
	return n, p, lost
}

// power returns 2^n for whole n in [-126, 127]; n is overwritten.
func power(n reg.VecVirtual) reg.VecVirtual {
	s := YMM()
	VCVTPS2DQ(n, s)
	VPADDD(word(127), s, s)
	VPSLLD(Imm(23), s, s)
	return s
}

// exponential returns e^x for x in [-104, 89]: 2^n is applied in two halves, so that subnormal results are
// right and large ones overflow.
func exponential(x reg.VecVirtual) reg.VecVirtual {
	n, p, _ := reduced(x, expPoly, false)
	VADDPS(constant(1), p, p)
	i, half := YMM(), YMM()
	VCVTPS2DQ(n, i)
	VPSRAD(Imm(1), i, half)
	VPSUBD(half, i, i)
	for _, h := range []reg.VecVirtual{i, half} {
		VPADDD(word(127), h, h)
		VPSLLD(Imm(23), h, h)
		VMULPS(h, p, p)
	}
	return p
}

func transcendental() {
	unary := func(name, doc string, body func(x reg.VecVirtual) reg.VecVirtual) {
		function(name+"32", "n int, dst, x *float32", "", doc)
		each(f32, 1, []string{"dst", "x"}, false, func(in []reg.VecVirtual) reg.VecVirtual { return body(in[0]) })
	}
	unary("exp", "writes e^x.", func(x reg.VecVirtual) reg.VecVirtual {
		clampKeepingNaN(x, -104, 89)
		return exponential(x)
	})
	unary("expm1", "writes e^x-1.", expm1)
	unary("log", "writes log(x).", log)
	unary("log1p", "writes log(1+x).", log1p)
	unary("tanh", "writes the hyperbolic tangent of x.", tanh)
	unary("erf", "writes the error function of x.", erf)
	unary("sigmoid", "writes 1/(1+e^-x).", sigmoid)
	expSum()
}

// expm1 is 2^n*(e^r-1) + (2^n-1); 2^(n-1) and a final doubling keep the largest n in range. The sign of x is
// the sign of the result, of zero too.
func expm1(x reg.VecVirtual) reg.VecVirtual {
	sign := YMM()
	VANDPS(word(signBit), x, sign)
	clampKeepingNaN(x, -18, 89)
	n, p, lost := reduced(x, expm1Poly, true)
	grown := YMM()
	VADDPS(constant(1), p, grown)
	VFMADD231PS(grown, lost, p) // e^(r+lost)-1 = p + lost*e^r
	VSUBPS(constant(1), n, n)
	s := power(n)
	VSUBPS(constant(0.5), s, grown)
	VFMADD213PS(grown, s, p)
	VADDPS(p, p, p)
	VORPS(sign, p, p)
	return p
}

// logarithm returns n*log(2) + log(1+f) + extra where 2^n*(1+f) is x > 0 and extra, if any, is small.
func logarithm(x, extra reg.VecVirtual) reg.VecVirtual {
	tiny, scaled, lifted := YMM(), YMM(), YMM()
	VCMPPS(Imm(lessThan), word(0x00800000), x, tiny) // subnormals become normal
	VMULPS(constant(1<<23), x, scaled)
	VBLENDVPS(tiny, scaled, x, scaled)
	VANDPS(constant(23), tiny, lifted)
	n, f := YMM(), YMM()
	VPSUBD(word(0x3f3504f3), scaled, n) // sqrt(1/2)
	VPSRAD(Imm(23), n, n)
	VPSLLD(Imm(23), n, f)
	VPSUBD(f, scaled, f)
	VSUBPS(constant(1), f, f)
	VCVTDQ2PS(n, n)
	VSUBPS(lifted, n, n)
	q := horner(logPoly, f)
	square := YMM()
	VMULPS(f, f, square)
	VMULPS(f, q, q)
	VMULPS(square, q, q)
	if extra != nil {
		VADDPS(extra, q, q)
	}
	VFMADD231PS(constant(ln2lo), n, q)
	VFNMADD231PS(constant(0.5), square, q)
	VADDPS(f, q, q)
	VFMADD231PS(constant(ln2hi), n, q)
	return q
}

// edges gives a logarithm y its values where x is no positive number: -Inf at zero, +Inf at +Inf, NaN elsewhere.
func edges(x, y reg.VecVirtual) {
	at, zero := YMM(), YMM()
	infinite := loaded(constant(float32(math.Inf(1))))
	VCMPPS(Imm(equal), infinite, x, at)
	VBLENDVPS(at, infinite, y, y)
	VXORPS(zero, zero, zero)
	VCMPPS(Imm(equal), zero, x, at)
	VORPS(word(signBit), infinite, infinite)
	VBLENDVPS(at, infinite, y, y)
	VCMPPS(Imm(notAtLeast), zero, x, at)
	nan := loaded(constant(float32(math.NaN())))
	VBLENDVPS(at, nan, y, y)
}

func log(x reg.VecVirtual) reg.VecVirtual {
	y := logarithm(x, nil)
	edges(x, y)
	return y
}

// log1p is log(u) + c/u, u being 1+x rounded and c what rounding took from it.
func log1p(x reg.VecVirtual) reg.VecVirtual {
	one := loaded(constant(1))
	u, c, larger := YMM(), YMM(), YMM()
	VMINPS(x, one, c) // NaN stays
	VMAXPS(x, one, larger)
	VADDPS(larger, c, u)
	VSUBPS(larger, u, larger)
	VSUBPS(larger, c, c)
	VDIVPS(u, c, c)
	y := logarithm(u, c)
	edges(u, y)
	VCMPPS(Imm(equal), one, u, one) // the sign of zero stays too
	VBLENDVPS(one, x, y, y)
	return y
}

// tanh is an odd polynomial near zero and 1-2/(e^2x+1) beyond, on |x|, with the sign put back.
func tanh(x reg.VecVirtual) reg.VecVirtual {
	sign, a := YMM(), YMM()
	VANDPS(word(signBit), x, sign)
	VANDPS(word(absMask), x, a)
	limit := loaded(constant(9.25))
	VMINPS(a, limit, a)
	square, small := YMM(), YMM()
	VMULPS(a, a, square)
	q := horner(tanhPoly, square)
	VMULPS(a, square, small)
	VFMADD213PS(a, q, small)
	double := YMM()
	VADDPS(a, a, double)
	n, p, _ := reduced(double, expPoly, false)
	VADDPS(constant(1), p, p)
	s := power(n)
	one := loaded(constant(1))
	VFMADD213PS(one, s, p)
	two := loaded(constant(2))
	VDIVPS(p, two, p)
	VSUBPS(p, one, p)
	VCMPPS(Imm(lessThan), constant(0.625), a, two)
	VBLENDVPS(two, small, p, p)
	VORPS(sign, p, p)
	return p
}

// erf is an odd polynomial near zero and 1-e^q(|x|) beyond, with the sign put back.
func erf(x reg.VecVirtual) reg.VecVirtual {
	sign, a := YMM(), YMM()
	VANDPS(word(signBit), x, sign)
	VANDPS(word(absMask), x, a)
	limit := loaded(constant(4))
	VMINPS(a, limit, a)
	square := YMM()
	VMULPS(a, a, square)
	small := horner(erfPoly, square)
	VFMADD213PS(a, a, small)
	n, p, _ := reduced(horner(erfcPoly, a), expPoly, false)
	VADDPS(constant(1), p, p)
	s := power(n)
	VFNMADD213PS(constant(1), s, p)
	near := YMM()
	VCMPPS(Imm(lessThan), constant(0.92), a, near)
	VBLENDVPS(near, small, p, p)
	VORPS(sign, p, p)
	return p
}

// sigmoid is 1/(1+e) or e/(1+e) with e = e^-|x|, which never overflows and keeps subnormal results. What rounding
// took from 1+e is put back to first order.
func sigmoid(x reg.VecVirtual) reg.VecVirtual {
	a := YMM()
	VORPS(word(signBit), x, a)
	limit := loaded(constant(-104))
	VMAXPS(a, limit, a)
	e := exponential(a)
	one := loaded(constant(1))
	d, lost := YMM(), YMM()
	VADDPS(e, one, d)
	VSUBPS(one, d, lost)
	VSUBPS(lost, e, lost)
	VBLENDVPS(x, e, one, e) // the sign of x selects
	VDIVPS(d, e, e)
	VFNMADD231PS(lost, e, e)
	return e
}

// expSum generates dst = e^(x-shift) and the sum of dst in float64.
func expSum() {
	function("expsum32", "n int, dst, x *float32, alpha float32", " float64",
		"writes e^(x-alpha) and returns the sum in float64.")
	shift := broadcast(f32)
	n := Load(Param("n"), GP64())
	dst := Load(Param("dst"), GP64())
	x := Load(Param("x"), GP64())
	lo, hi := zeroed(f64), zeroed(f64)
	at := GP64()
	XORQ(at, at)
	value := func(v reg.VecVirtual) reg.VecVirtual {
		VSUBPS(shift, v, v)
		clampKeepingNaN(v, -104, 89)
		return exponential(v)
	}
	Label("loop")
	CMPQ(n, Imm(8))
	JL(LabelRef("tail"))
	v := YMM()
	VMOVUPS(Mem{Base: x, Index: at, Scale: 1}, v)
	e := value(v)
	VMOVUPS(e, Mem{Base: dst, Index: at, Scale: 1})
	addWide(e, lo, hi)
	ADDQ(Imm(32), at)
	SUBQ(Imm(8), n)
	JMP(LabelRef("loop"))
	Label("tail")
	TESTQ(n, n)
	JE(LabelRef("done"))
	mask := tailMask(f32, n.(reg.GPVirtual))
	VMASKMOVPS(Mem{Base: x, Index: at, Scale: 1}, mask, v)
	e = value(v)
	VANDPS(mask, e, e)
	VMASKMOVPS(e, mask, Mem{Base: dst, Index: at, Scale: 1})
	addWide(e, lo, hi)
	Label("done")
	VADDPD(hi, lo, lo)
	total := horizontal(f64, lo, func(a, b reg.VecVirtual) { VADDPD(b, a, a) })
	VZEROUPPER()
	Store(total, ReturnIndex(0))
	RET()
}
