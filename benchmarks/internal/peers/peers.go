// Package peers calls the products of libraries that may or may not be installed: BLIS and oneDNN, loaded at run time.
package peers

/*
#cgo LDFLAGS: -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

typedef void (*sgemm_cblas)(int, int, int, int, int, int, float, const float *, int, const float *, int, float,
	float *, int);
typedef void (*dgemm_cblas)(int, int, int, int, int, int, double, const double *, int, const double *, int, double,
	double *, int);
typedef int (*sgemm_dnnl)(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *, int64_t,
	float, float *, int64_t);

typedef int (*igemm_dnnl)(char, char, char, int64_t, int64_t, int64_t, float, const uint8_t *, int64_t, uint8_t,
	const int8_t *, int64_t, int8_t, float, int32_t *, int64_t, const int32_t *);

static void *load(const char *library) { return dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND); }

static void cblas32(void *f, int times, int transB, int m, int n, int k, const float *a, const float *b, int ldb,
	float *c) {
	for (int i = 0; i < times; i++)
		((sgemm_cblas)f)(101, 111, transB ? 112 : 111, m, n, k, 1, a, k, b, ldb, 0, c, n);
}

static void cblas64(void *f, int times, int transB, int m, int n, int k, const double *a, const double *b, int ldb,
	double *c) {
	for (int i = 0; i < times; i++)
		((dgemm_cblas)f)(101, 111, transB ? 112 : 111, m, n, k, 1, a, k, b, ldb, 0, c, n);
}

static void dnnl32(void *f, int times, int transB, int m, int n, int k, const float *a, const float *b, int ldb,
	float *c) {
	for (int i = 0; i < times; i++)
		((sgemm_dnnl)f)('N', transB ? 'T' : 'N', m, n, k, 1, a, k, b, ldb, 0, c, n);
}

static void dnnl8(void *f, int times, int m, int n, int k, const uint8_t *a, const int8_t *b, int32_t *c) {
	int32_t zero = 0;
	for (int i = 0; i < times; i++)
		((igemm_dnnl)f)('N', 'N', 'F', m, n, k, 1, a, k, 0, b, n, 0, 0, c, n, &zero);
}
*/
import "C"

import (
	"unsafe"

	"github.com/espalier-ml/espalier/tensor"
)

// Library is one of them.
type Library struct {
	Name           string
	single, double unsafe.Pointer // functions; nil if there is none
	integers       unsafe.Pointer
	dnnl           bool
}

// Installed are those that could be loaded: of Debian's packages libblis4-serial and libdnnl2.
func Installed() []Library {
	var all []Library
	if h := load("libblis.so.4"); h != nil {
		all = append(all, Library{"BLIS", symbol(h, "cblas_sgemm"), symbol(h, "cblas_dgemm"), nil, false})
	}
	if h := load("libdnnl.so.2"); h != nil {
		all = append(all, Library{"oneDNN", symbol(h, "dnnl_sgemm"), nil, symbol(h, "dnnl_gemm_u8s8s32"), true})
	}
	return all
}

func load(name string) unsafe.Pointer { return C.load(C.CString(name)) } // once a run

func symbol(h unsafe.Pointer, name string) unsafe.Pointer { return C.dlsym(h, C.CString(name)) }

// Has reports whether there is a product of elements of so many bytes.
func (l Library) Has(size int) bool {
	return size == 4 && l.single != nil || size == 8 && l.double != nil
}

// Gemm computes c = a*op(b) times times. The matrices are contiguous.
func Gemm[T float32 | float64](l Library, times int, transB bool, a, b, c tensor.Matrix[T]) {
	m, n, k, ldb, trans := C.int(c.Rows), C.int(c.Cols), C.int(a.Cols), C.int(b.Cols), C.int(0)
	if transB {
		trans = 1
	}
	pa, pb, pc := unsafe.Pointer(&a.Data[0]), unsafe.Pointer(&b.Data[0]), unsafe.Pointer(&c.Data[0])
	switch {
	case unsafe.Sizeof(a.Data[0]) == 8:
		C.cblas64(l.double, C.int(times), trans, m, n, k, (*C.double)(pa), (*C.double)(pb), ldb, (*C.double)(pc))
	case l.dnnl:
		C.dnnl32(l.single, C.int(times), trans, m, n, k, (*C.float)(pa), (*C.float)(pb), ldb, (*C.float)(pc))
	default:
		C.cblas32(l.single, C.int(times), trans, m, n, k, (*C.float)(pa), (*C.float)(pb), ldb, (*C.float)(pc))
	}
}

// HasInt8 reports whether there is a product of bytes.
func (l Library) HasInt8() bool { return l.integers != nil }

// GemmInt8 computes the exact sums c = a*b of bytes, m x k and k x n, times times.
func GemmInt8(l Library, times, m, n, k int, a []uint8, b []int8, c []int32) {
	C.dnnl8(l.integers, C.int(times), C.int(m), C.int(n), C.int(k), (*C.uint8_t)(&a[0]), (*C.int8_t)(&b[0]),
		(*C.int32_t)(&c[0]))
}
