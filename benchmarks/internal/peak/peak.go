// Package peak measures what a core can do at most: independent multiply-adds that touch no memory.
package peak

/*
#cgo CFLAGS: -O2
#include <immintrin.h>

// Twenty-four sums in registers hide the latency of two units.
#define LOOP(name, tgt, vec, type, set, fma) \
	__attribute__((target(tgt))) static void name(long times, type *out) { \
		vec s[24], x = set((type)1.0000001), y = set((type)1e-9); \
		for (int i = 0; i < 24; i++) s[i] = set((type)i); \
		for (long t = 0; t < times; t++) { \
			_Pragma("GCC unroll 24") \
			for (int i = 0; i < 24; i++) s[i] = fma(s[i], x, y); \
		} \
		vec sum = s[0]; \
		for (int i = 1; i < 24; i++) sum = fma(sum, x, s[i]); \
		*(volatile type *)out = ((type *)&sum)[0]; \
	}

LOOP(wide32, "avx512f", __m512, float, _mm512_set1_ps, _mm512_fmadd_ps)
LOOP(wide64, "avx512f", __m512d, double, _mm512_set1_pd, _mm512_fmadd_pd)

// Of sixteen registers twelve hold sums.
#undef LOOP
#define LOOP(name, tgt, vec, type, set, fma) \
	__attribute__((target(tgt))) static void name(long times, type *out) { \
		vec s[12], x = set((type)1.0000001), y = set((type)1e-9); \
		for (int i = 0; i < 12; i++) s[i] = set((type)i); \
		for (long t = 0; t < times; t++) { \
			_Pragma("GCC unroll 12") \
			for (int i = 0; i < 12; i++) s[i] = fma(s[i], x, y); \
		} \
		vec sum = s[0]; \
		for (int i = 1; i < 12; i++) sum = fma(sum, x, s[i]); \
		*(volatile type *)out = ((type *)&sum)[0]; \
	}

LOOP(narrow32, "avx2,fma", __m256, float, _mm256_set1_ps, _mm256_fmadd_ps)
LOOP(narrow64, "avx2,fma", __m256d, double, _mm256_set1_pd, _mm256_fmadd_pd)

static int vectorBits(void) {
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f")) return 512;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 256;
	return 128;
}
*/
import "C"

import (
	"bufio"
	"os"
	"strings"
	"time"
)

// VectorBits is the width of the widest vectors of the processor that have multiply-adds, 128 if it has neither 256
// nor 512.
func VectorBits() int { return int(C.vectorBits()) }

// GFLOPS is the most that a core does in the element type of size bytes, 4 or 8: the best of several rounds. It is 0
// on processors without AVX2.
func GFLOPS(size int, clock func() time.Duration) float64 {
	const times = 200_000
	best := 0.0
	for range 20 {
		var one C.float
		var two C.double
		sums, lanes := 24, VectorBits()/8/size
		start := clock()
		switch bits := VectorBits(); {
		case bits == 512 && size == 4:
			C.wide32(times, &one)
		case bits == 512:
			C.wide64(times, &two)
		case bits == 256 && size == 4:
			sums = 12
			C.narrow32(times, &one)
		case bits == 256:
			sums = 12
			C.narrow64(times, &two)
		default:
			return 0
		}
		took := (clock() - start).Seconds()
		best = max(best, 2*float64(sums*lanes*times)/took/1e9)
	}
	return best
}

// Processor is its name, as Linux has it.
func Processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}
