package tensor

import (
	"flag"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
)

// unaryFunctions are the functions of math.go for float32 and their values in float64.
var unaryFunctions = []struct {
	name string
	f    func(dst, x []float32)
	want func(float64) float64
}{
	{"Exp", Exp[float32], math.Exp},
	{"Expm1", Expm1[float32], math.Expm1},
	{"Log", Log[float32], math.Log},
	{"Log1p", Log1p[float32], math.Log1p},
	{"Tanh", Tanh[float32], math.Tanh},
	{"Erf", Erf[float32], math.Erf},
	{"Sigmoid", Sigmoid[float32], logistic},
}

func logistic(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	return math.Exp(x) / (1 + math.Exp(x))
}

// ulps is the distance of got from want in units of the last place of a float32 near want.
func ulps(got float32, want float64) float64 {
	switch nearest := float32(want); {
	case math.IsNaN(want):
		if got != got {
			return 0
		}
		return math.Inf(1)
	case got == nearest && math.Signbit(float64(got)) == math.Signbit(want):
		return 0
	case want == 0 || got == 0 && math.Signbit(float64(got)) != math.Signbit(want):
		return math.Inf(1) // a zero of the wrong sign
	case math.IsInf(float64(nearest), 0) && math.IsInf(want, 0):
		return math.Inf(1)
	}
	g := max(-math.MaxFloat32, min(float64(got), math.MaxFloat32)) // an overflow one step early is one step
	_, exponent := math.Frexp(want)
	return math.Abs(g-want) / math.Ldexp(1, max(exponent-24, -149))
}

var stride = flag.Uint("stride", 4099, "test the accuracy of functions at every so many-th float32; 1 takes minutes")

func TestAccuracyOfFunctions(t *testing.T) {
	const block = 4096
	count := int((1<<32 + uint64(*stride) - 1) / uint64(*stride))
	for _, u := range unaryFunctions {
		var mu sync.Mutex
		worst, at := 0.0, float32(0)
		Parallel(count, block, func(lo, hi int) {
			x, y := make([]float32, hi-lo), make([]float32, hi-lo)
			for i := range x { // over the bit patterns
				x[i] = math.Float32frombits(uint32(uint64(lo+i) * uint64(*stride)))
			}
			u.f(y, x)
			most, where := 0.0, float32(0)
			for i, v := range x {
				if e := ulps(y[i], u.want(float64(v))); e > most {
					most, where = e, v
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if most > worst {
				worst, at = most, where
			}
		})
		t.Logf("%s: %.3f ulp at %v", u.name, worst, at)
		require.LessOrEqual(t, worst, 2.0, "%s(%v)", u.name, at)
	}
}

func TestSpecialValuesOfFunctions(t *testing.T) {
	inf := float32(math.Inf(1))
	least, greatest := float32(math.SmallestNonzeroFloat32), float32(math.MaxFloat32)
	x := []float32{0, float32(math.Copysign(0, -1)), inf, -inf, float32(math.NaN()), least, -least, greatest, -greatest,
		1e-40, -1e-40, 88.72283, 88.72284, -87.3, -87.4, -95, -103.9, -103.98, -104, -1000, 1000, 0.6249999, 0.625, 0.92, 9,
		9.3, 17, -17.4, 4, 3.9, -1}
	for _, u := range unaryFunctions {
		y := make([]float32, len(x))
		u.f(y, x)
		for i, v := range x {
			if want := u.want(float64(v)); ulps(y[i], want) > 2 {
				require.Fail(t, "wrong value", "%s(%v) = %v, want %v", u.name, v, y[i], float32(want))
			}
		}
	}
}

func TestFunctionsDoNotDependOnPosition(t *testing.T) {
	for _, u := range unaryFunctions {
		long, _ := framed[float32](t, 5, 130)
		want := make([]float32, len(long))
		u.f(want, long)
		for n := range 40 {
			for start := range 9 {
				got, intact := framed[float32](t, 6, n)
				u.f(got, long[start:start+n])
				golden.Close(t, fmt.Sprintf("%s of [%d:%d]", u.name, start, start+n), got, want[start:start+n], 0, 0)
				intact()
			}
		}
		inPlace := append([]float32(nil), long...)
		u.f(inPlace, inPlace)
		golden.Close(t, u.name, inPlace, want, 0, 0)
	}
}

func TestFunctionsInFloat64(t *testing.T) {
	x := []float64{-800, -700, -1, -1e-9, 0, 1e-9, 0.5, 3, 700}
	for _, u := range []struct {
		name string
		f    func(dst, x []float64)
		want func(float64) float64
	}{
		{"Exp", Exp[float64], math.Exp}, {"Expm1", Expm1[float64], math.Expm1}, {"Log1p", Log1p[float64], math.Log1p},
		{"Tanh", Tanh[float64], math.Tanh}, {"Erf", Erf[float64], math.Erf}, {"Sigmoid", Sigmoid[float64], logistic},
	} {
		y := make([]float64, len(x))
		u.f(y, x)
		for i, v := range x {
			if want := u.want(v); y[i] != want && !(math.IsNaN(want) && math.IsNaN(y[i])) {
				require.InEpsilon(t, want, y[i], 1e-15, "%s(%v)", u.name, v)
			}
		}
	}
}

func FuzzFunctions(f *testing.F) {
	for _, v := range []float32{0, -5.858, 88.7, -103.9, 0.6253} {
		f.Add(math.Float32bits(v))
	}
	f.Fuzz(func(t *testing.T, bits uint32) {
		x, y := []float32{math.Float32frombits(bits)}, []float32{0}
		for _, u := range unaryFunctions {
			u.f(y, x)
			if want := u.want(float64(x[0])); ulps(y[0], want) > 2 {
				t.Errorf("%s(%v) = %v, want %v", u.name, x[0], y[0], want)
			}
		}
	})
}

func BenchmarkFunctions(b *testing.B) {
	x, y := make([]float32, 4096), make([]float32, 4096)
	for i := range x {
		x[i] = float32(i%200)*0.1 - 10
	}
	functions := unaryFunctions
	functions = append(functions[:len(functions):len(functions)], struct {
		name string
		f    func(dst, x []float32)
		want func(float64) float64
	}{"Softmax", Softmax[float32], nil})
	for _, u := range functions {
		b.Run(fmt.Sprint(u.name, "/", len(x)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				u.f(y, x)
			}
			b.ReportMetric(float64(len(x))*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
		})
	}
}
