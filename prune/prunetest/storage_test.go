package prunetest_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/recorder"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/prunetest"
	"github.com/espalier-ml/espalier/prune/sparse"
	"github.com/espalier-ml/espalier/tensor"
)

// list is a storage format as a user might write it: the elements, one after the other.
type list struct {
	*sparse.Matrix[float32] // for what a test leaves as it is
	elements                sparse.CSR[float32]
	scratch                 []float32
	fault                   string
}

func newList(fault string) func(w tensor.Matrix[float32], mask *prune.Mask) (sparse.Storage[float32], error) {
	return func(w tensor.Matrix[float32], mask *prune.Mask) (sparse.Storage[float32], error) {
		m, err := sparse.New(w, mask)
		if err != nil {
			return nil, err
		}
		l := &list{Matrix: m, elements: *m.CSR(), scratch: make([]float32, w.Cols), fault: fault}
		switch {
		case fault == "zeros" && len(w.Data) > 0: // takes what is not zero for what is kept
			d := m.Dense()
			l.Matrix, err = sparse.New(d, nil)
		case fault == "view":
			clear(w.Data)
		}
		return l, err
	}
}

func (l *list) MulVec(dst, x []float32) error {
	if l.fault == "shapes" {
		if len(x) > l.Cols() {
			x = x[:l.Cols()]
		}
		if len(dst) > l.Rows() {
			dst = dst[:l.Rows()]
		}
	}
	if l.fault == "overlap" {
		x = append([]float32(nil), x...)
	}
	before := append([]float32(nil), dst...)
	if err := l.Matrix.MulVec(dst, x); err != nil {
		return err
	}
	for i := range dst {
		if dst[i] = 0; l.fault == "adds" {
			dst[i] = before[i]
		}
		for k := l.elements.Indptr[i]; k < l.elements.Indptr[i+1]; k++ {
			dst[i] += l.elements.Data[k] * x[l.elements.Indices[k]]
		}
		if l.fault == "pads" && len(x) > 0 {
			dst[i] += 0 * x[len(x)/2]
		}
	}
	return nil
}

func (l *list) MulBatch(dst, x tensor.Matrix[float32]) error {
	if err := l.Matrix.MulBatch(dst, x); err != nil {
		return err
	}
	for b := range x.Rows {
		if err := l.MulVec(dst.Row(b), x.Row(b)); err != nil {
			return err
		}
		if l.fault == "batch" && l.Kept() > 1 {
			dst.Row(b)[0] = math.Nextafter32(dst.Row(b)[0], float32(b&1))
		}
		if l.fault == "stride" && b > 0 && dst.Stride > dst.Cols {
			dst.Data[b*dst.Stride-1] = 0
		}
	}
	return nil
}

func (l *list) Bytes() int {
	if l.fault == "bytes" {
		return 0
	}
	return l.Matrix.Bytes()
}

func TestCheckStorage(t *testing.T) {
	prunetest.CheckStorage(t, newList(""))
	for fault, want := range map[string]string{
		"zeros":   "Zeros that are kept are elements",
		"view":    "building it changed the weights",
		"shapes":  "MulVec with a dst too long",
		"overlap": "the last of dst the first of x",
		"adds":    "Whatever is in dst before must not matter",
		"pads":    "padding with zeros multiplies",
		"batch":   "An example must have one result",
		"stride":  "wrote beyond a row of dst",
		"bytes":   "but the values alone are",
	} {
		got := recorder.Failures(t, func(tb testing.TB) { prunetest.CheckStorage(tb, newList(fault)) })
		require.Contains(t, got, want, fault)
	}
}
