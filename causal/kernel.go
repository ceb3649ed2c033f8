package causal

import (
	"fmt"
	"math"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
)

// Kernel is a similarity of rows that penalties compare groups with. It is a value and immutable; its zero value is
// [MedianRBF].
//
// Bandwidths have many conventions. Here [RBF] takes sigma of exp(-d²/2sigma²); [RBFGamma] takes gamma of
// exp(-gamma d²), and [RBFLength] l of exp(-d²/l²).
type Kernel struct {
	kind   kernelKind
	params []float64
	name   string
	custom func(k, dk, d2 []float64)
}

type kernelKind uint8

const (
	medianKernel kernelKind = iota
	rbfKernel
	laplaceKernel
	energyKernel
	imqKernel
	linearKernel
	polyKernel
	customKernel
)

// RBF is the Gaussian kernel exp(-d²/2sigma²), the sum of several for several bandwidths.
func RBF(sigma ...float64) Kernel { return Kernel{kind: rbfKernel, params: sigma} }

// RBFGamma is the Gaussian kernel exp(-gamma d²), the sum of several for several gammas.
func RBFGamma(gamma ...float64) Kernel {
	return rbfOf(gamma, func(g float64) float64 { return math.Sqrt(1 / (2 * g)) })
}

// RBFLength is the Gaussian kernel exp(-d²/length²), the sum of several for several lengths.
func RBFLength(length ...float64) Kernel {
	return rbfOf(length, func(l float64) float64 { return l / math.Sqrt2 })
}

func rbfOf(params []float64, sigma func(float64) float64) Kernel {
	sigmas := make([]float64, len(params))
	for i, p := range params {
		sigmas[i] = sigma(p)
	}
	return RBF(sigmas...)
}

// MedianRBF is [RBF] with the bandwidth of [MedianSigma] of the rows of each evaluation. Within an epoch it is better
// to find it once and keep it: a bandwidth that follows the representation is not part of the gradient.
func MedianRBF() Kernel { return Kernel{} }

// Laplace is exp(-d/length).
func Laplace(length float64) Kernel { return Kernel{kind: laplaceKernel, params: []float64{length}} }

// Energy is -d, whose penalty is the energy distance (Székely and Rizzo). It has no bandwidth.
func Energy() Kernel { return Kernel{kind: energyKernel} }

// IMQ is the inverse multiquadric 1/sqrt(c²+d²).
func IMQ(c float64) Kernel { return Kernel{kind: imqKernel, params: []float64{c}} }

// Linear is the inner product, whose penalty is the squared distance of the means.
func Linear() Kernel { return Kernel{kind: linearKernel} }

// Poly is (z·z' + c)^degree, of degree 1 or more and c of 0 or more. It depends on where the origin is.
func Poly(degree int, c float64) Kernel {
	return Kernel{kind: polyKernel, params: []float64{float64(degree), c}}
}

// Radial is a kernel of the squared distance. f gets squared distances d2 and writes k(d2)-k(0) to k, where it can
// without cancellation, and the derivative with respect to d2 to dk. It is called from several goroutines at once.
func Radial(name string, f func(k, dk, d2 []float64)) Kernel {
	return Kernel{kind: customKernel, name: name, custom: f}
}

// String is the call that makes k.
func (k Kernel) String() string {
	var args []string
	for _, p := range k.params {
		args = append(args, fmt.Sprintf("%.4g", p))
	}
	name := [...]string{"MedianRBF", "RBF", "Laplace", "Energy", "IMQ", "Linear", "Poly", k.name}[k.kind]
	return name + "(" + strings.Join(args, ", ") + ")"
}

// Validate says what is wrong with k; it wraps [ErrBandwidth].
func (k Kernel) Validate() error {
	switch {
	case k.kind == rbfKernel && len(k.params) == 0:
		return fmt.Errorf("%v has no bandwidth: %w", k, ErrBandwidth)
	case k.kind == customKernel && k.custom == nil:
		return fmt.Errorf("Radial(%q, nil): %w", k.name, tensor.ErrEmpty)
	case k.kind == polyKernel:
		if d, c := k.params[0], k.params[1]; !(d >= 1) || !(c >= 0) || math.IsInf(c, 1) {
			return fmt.Errorf("%v: want a degree of 1 or more and a finite constant of 0 or more: %w", k, tensor.ErrRange)
		}
		return nil
	}
	for _, p := range k.params {
		if !(p > 0) || math.IsInf(p, 1) || 1/(p*p) == 0 || math.IsInf(1/(p*p), 1) {
			return fmt.Errorf("%v: want a finite bandwidth above 0: %w", k, ErrBandwidth)
		}
	}
	return nil
}

// dot reports whether k is a function of the inner product instead of the distance.
func (k Kernel) dot() bool { return k.kind == linearKernel || k.kind == polyKernel }

// sigma is the bandwidth to report: that of RBF, or of the first of several.
func (k Kernel) sigma() float64 {
	if k.kind == rbfKernel {
		return k.params[0]
	}
	return 0
}

// zero is the kernel of a row with itself, for kernels of the distance.
func (k Kernel) zero() float64 {
	switch k.kind {
	case rbfKernel:
		return float64(len(k.params))
	case laplaceKernel:
		return 1
	case imqKernel:
		return 1 / k.params[0]
	}
	return 0
}

// profile writes, for squared distances or inner products x, the kernel less its value at zero to k and the derivative
// to dk. scratch is as long; x is not modified.
type profile[T tensor.Float] func(k, dk, scratch, x []T)

// profileOf is k for elements of type T; k is not [MedianRBF].
func profileOf[T tensor.Float](k Kernel) profile[T] {
	switch k.kind {
	case rbfKernel:
		return rbfProfile[T](k.params)
	case laplaceKernel:
		return laplaceProfile[T](k.params[0])
	case energyKernel:
		return energyProfile[T]
	case imqKernel:
		return imqProfile[T](k.params[0])
	case linearKernel:
		return linearProfile[T]
	case polyKernel:
		return polyProfile[T](int(k.params[0]), k.params[1])
	}
	return customProfile[T](k.custom)
}

func rbfProfile[T tensor.Float](sigmas []float64) profile[T] {
	return func(k, dk, scratch, x []T) {
		for s, sigma := range sigmas {
			slope := T(-1 / (2 * sigma * sigma))
			if s == 0 {
				tensor.Scale(k, slope, x)
				tensor.Exp(dk, k) // and not 1 + expm1, which has lost its digits for pairs that are far apart
				tensor.Scale(dk, slope, dk)
				tensor.Expm1(k, k)
				continue
			}
			tensor.Scale(scratch, slope, x)
			tensor.Expm1(scratch, scratch)
			tensor.Add(k, k, scratch)
			tensor.Scale(scratch, slope, x)
			tensor.Exp(scratch, scratch)
			tensor.Axpy(dk, slope, scratch)
		}
	}
}

func laplaceProfile[T tensor.Float](length float64) profile[T] {
	return func(k, dk, scratch, x []T) {
		for i, v := range x {
			d := T(math.Sqrt(float64(v)))
			scratch[i], k[i] = d, d*T(-1/length)
		}
		tensor.Exp(dk, k)
		tensor.Expm1(k, k)
		for i, d := range scratch {
			if d == 0 {
				dk[i] = 0
			} else {
				dk[i] *= T(-1/(2*length)) / d
			}
		}
	}
}

func energyProfile[T tensor.Float](k, dk, _, x []T) {
	for i, v := range x {
		d := T(math.Sqrt(float64(v)))
		k[i], dk[i] = -d, 0
		if d > 0 {
			dk[i] = -1 / (2 * d)
		}
	}
}

// imqProfile has 1/sqrt(c²+x) - 1/c as -x / (c r (c+r)) with r = sqrt(c²+x), which does not cancel.
func imqProfile[T tensor.Float](c float64) profile[T] {
	return func(k, dk, _, x []T) {
		for i, v := range x {
			r := math.Sqrt(c*c + float64(v))
			k[i] = T(-float64(v) / (c * r * (c + r)))
			dk[i] = T(-0.5 / (r * r * r))
		}
	}
}

func linearProfile[T tensor.Float](k, dk, _, x []T) {
	copy(k, x)
	for i := range dk {
		dk[i] = 1
	}
}

func polyProfile[T tensor.Float](degree int, c float64) profile[T] {
	return func(k, dk, _, x []T) {
		for i, v := range x {
			base := float64(v) + c
			power := 1.0
			for range degree - 1 {
				power *= base
			}
			k[i], dk[i] = T(power*base), T(float64(degree)*power)
		}
	}
}

func customProfile[T tensor.Float](f func(k, dk, d2 []float64)) profile[T] {
	return func(k, dk, _, x []T) {
		wide := make([]float64, 3*len(x))
		k64, dk64, x64 := wide[:len(x)], wide[len(x):2*len(x)], wide[2*len(x):]
		for i, v := range x {
			x64[i] = float64(v)
		}
		f(k64, dk64, x64)
		for i := range x {
			k[i], dk[i] = T(k64[i]), T(dk64[i])
		}
	}
}
