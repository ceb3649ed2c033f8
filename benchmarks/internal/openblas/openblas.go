// Package openblas calls the products of OpenBLAS. Every call repeats its product inside C, so that the cost of
// crossing from Go to C, as much as a small product takes, can be spread over many.
package openblas

/*
#cgo LDFLAGS: -lopenblas
#include <cblas.h>
char *openblas_get_corename(void);
#include <time.h>

#define GEMM(name, type, call) \
	static void name(int times, int transB, int m, int n, int k, const type *a, const type *b, int ldb, type *c) { \
		for (int i = 0; i < times; i++) \
			call(CblasRowMajor, CblasNoTrans, transB ? CblasTrans : CblasNoTrans, m, n, k, 1, a, k, b, ldb, 0, c, n); \
	}

#define GEMV(name, type, call) \
	static void name(int times, int trans, int rows, int cols, const type *a, const type *x, type *y) { \
		for (int i = 0; i < times; i++) \
			call(CblasRowMajor, trans ? CblasTrans : CblasNoTrans, rows, cols, 1, a, cols, x, 1, 0, y, 1); \
	}

GEMM(gemm32, float, cblas_sgemm)
GEMM(gemm64, double, cblas_dgemm)
GEMV(gemv32, float, cblas_sgemv)
GEMV(gemv64, double, cblas_dgemv)

static long long nanoseconds(clockid_t clock) {
	struct timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long processNanoseconds(void) { return nanoseconds(CLOCK_PROCESS_CPUTIME_ID); }
static long long threadNanoseconds(void) { return nanoseconds(CLOCK_THREAD_CPUTIME_ID); }
*/
import "C"

import (
	"time"
	"unsafe"

	"github.com/espalier-ml/espalier/tensor"
)

// Version is what the library says of itself: release, configuration, kernels.
func Version() string { return C.GoString(C.openblas_get_config()) }

// Kernel is the name of the processor whose kernels run. Where OpenBLAS does not know the processor it is that of a far
// older one; the environment variable OPENBLAS_CORETYPE names another.
func Kernel() string { return C.GoString(C.openblas_get_corename()) }

// VectorBits is the width of the vectors of kernels, 0 for names that are not known.
func VectorBits(kernel string) int {
	switch kernel {
	case "SapphireRapids", "Cooperlake", "SkylakeX":
		return 512
	case "Haswell", "Zen", "Excavator", "Steamroller", "Piledriver", "Bulldozer", "Sandybridge", "SandyBridge":
		return 256
	case "Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Atom", "Nano", "Athlon", "Opteron", "Opteron_SSE3",
		"Barcelona", "Bobcat":
		return 128
	}
	return 0
}

// Candidates are kernels with vectors of so many bits and fewer, the newest first, for OPENBLAS_CORETYPE.
func Candidates(bits int) []string {
	if bits >= 512 {
		return []string{"SapphireRapids", "Cooperlake", "SkylakeX", "Zen", "Haswell"}
	}
	return []string{"Zen", "Haswell"}
}

// SetThreads sets the number of threads that a product uses.
func SetThreads(n int) { C.openblas_set_num_threads(C.int(n)) }

// ProcessTime is the processor time that all threads of this process have taken. Unlike the time of
// day it does not pass while other processes run.
func ProcessTime() time.Duration { return time.Duration(C.processNanoseconds()) }

// ThreadTime is the processor time of the calling thread, to which the goroutine must be locked.
func ThreadTime() time.Duration { return time.Duration(C.threadNanoseconds()) }

// Gemm computes c = a*op(b) times times. The matrices are contiguous.
func Gemm[T float32 | float64](times int, transB bool, a, b, c tensor.Matrix[T]) {
	m, n, k := C.int(c.Rows), C.int(c.Cols), C.int(a.Cols)
	pa, pb, pc := unsafe.Pointer(&a.Data[0]), unsafe.Pointer(&b.Data[0]), unsafe.Pointer(&c.Data[0])
	if unsafe.Sizeof(a.Data[0]) == 4 {
		C.gemm32(C.int(times), flag(transB), m, n, k, (*C.float)(pa), (*C.float)(pb), C.int(b.Cols), (*C.float)(pc))
	} else {
		C.gemm64(C.int(times), flag(transB), m, n, k, (*C.double)(pa), (*C.double)(pb), C.int(b.Cols), (*C.double)(pc))
	}
}

// Gemv computes y = op(a)*x times times. The matrix is contiguous.
func Gemv[T float32 | float64](times int, trans bool, a tensor.Matrix[T], x, y []T) {
	pa, px, py := unsafe.Pointer(&a.Data[0]), unsafe.Pointer(&x[0]), unsafe.Pointer(&y[0])
	if unsafe.Sizeof(x[0]) == 4 {
		C.gemv32(C.int(times), flag(trans), C.int(a.Rows), C.int(a.Cols), (*C.float)(pa), (*C.float)(px), (*C.float)(py))
	} else {
		C.gemv64(C.int(times), flag(trans), C.int(a.Rows), C.int(a.Cols), (*C.double)(pa), (*C.double)(px), (*C.double)(py))
	}
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
