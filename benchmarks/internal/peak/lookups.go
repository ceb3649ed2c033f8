package peak

/*
#cgo CFLAGS: -O2
#include <immintrin.h>

// 64 look-ups are a permutation of 64 bytes and a product with ones that adds them up, 16 rows by four codebooks. Rows
// of an output end with a conversion and a multiply-add. Tables and codes are in the first-level cache.
__attribute__((target("avx512f,avx512bw,avx512vbmi,avx512vnni")))
static void lookups(long times, int groups, const void *tables, const void *codes, float *out) {
	__m512i ones = _mm512_set1_epi8(1);
	__m512 scale = _mm512_set1_ps(0.5f);
	for (long t = 0; t < times; t++) {
		__m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
		const __m512i *at = codes;
		for (int g = 0; g < groups; g++, at += 4) {
			__m512i table = _mm512_load_si512((const __m512i *)tables + g);
			a = _mm512_dpbusd_epi32(a, _mm512_permutexvar_epi8(_mm512_load_si512(at), table), ones);
			b = _mm512_dpbusd_epi32(b, _mm512_permutexvar_epi8(_mm512_load_si512(at + 1), table), ones);
			c = _mm512_dpbusd_epi32(c, _mm512_permutexvar_epi8(_mm512_load_si512(at + 2), table), ones);
			d = _mm512_dpbusd_epi32(d, _mm512_permutexvar_epi8(_mm512_load_si512(at + 3), table), ones);
		}
		_mm512_storeu_ps(out, _mm512_fmadd_ps(_mm512_cvtepi32_ps(a), scale, scale));
		_mm512_storeu_ps(out + 16, _mm512_fmadd_ps(_mm512_cvtepi32_ps(b), scale, scale));
		_mm512_storeu_ps(out + 32, _mm512_fmadd_ps(_mm512_cvtepi32_ps(c), scale, scale));
		_mm512_storeu_ps(out + 48, _mm512_fmadd_ps(_mm512_cvtepi32_ps(d), scale, scale));
	}
}

static int canLookup(void) {
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni");
}

__attribute__((optimize("O3"), target_clones("avx512f", "avx2", "default")))
static void put(long n, float *x) {
	for (long i = 0; i < n; i++) x[i] = 1;
}

// Past the caches, in memory that begins at a multiple of 64 bytes.
__attribute__((target("sse2"))) static void stream(long n, float *x) {
	__m128 one = _mm_set1_ps(1);
	for (long i = 0; i + 4 <= n; i += 4) _mm_stream_ps(x + i, one);
	_mm_sfence();
}

// Bits, because sums of floats are not added in another order than they are written in.
__attribute__((optimize("O3"), target_clones("avx512f", "avx2", "default")))
static unsigned get(long n, const unsigned *x) {
	unsigned s0 = 0, s1 = 0;
	for (long i = 0; i + 1 < n; i += 2) { s0 ^= x[i]; s1 ^= x[i + 1]; }
	return s0 ^ s1;
}
*/
import "C"

import (
	"time"
	"unsafe"
)

// Lookups is the most look-ups a second, in billions, of products with so many codebooks, a multiple of 4, whose codes
// and results stay in the first-level cache: the best of several rounds. It is 0 on processors without the instructions
// of AVX-512 for it.
func Lookups(codebooks int, clock func() time.Duration) float64 {
	if C.canLookup() == 0 {
		return 0
	}
	const times = 20_000
	buffer := make([]byte, 64+5*64*codebooks/4+256)
	at := unsafe.Pointer(&buffer[-uintptr(unsafe.Pointer(&buffer[0]))&63])
	codes := unsafe.Add(at, 64*codebooks/4)
	var out [64]float32
	best := 0.0
	for range 20 {
		start := clock()
		C.lookups(times, C.int(codebooks/4), at, codes, (*C.float)(&out[0]))
		best = max(best, float64(64*codebooks*times)/(clock()-start).Seconds()/1e9)
	}
	return best
}

// Write writes all of x, and Read reads all of it, as fast as one core can where x lies.
func Write(x []float32) { C.put(C.long(len(x)), (*C.float)(&x[0])) }

// Read is described at Write.
func Read(x []float32) { sink = uint32(C.get(C.long(len(x)), (*C.uint)(unsafe.Pointer(&x[0])))) }

var sink uint32

// stream is Write past the caches.
func stream(x []float32) { C.stream(C.long(len(x)), (*C.float)(&x[0])) }
