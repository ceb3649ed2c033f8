package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// onEachPath runs f on every path that this processor and build have.
func onEachPath(tb testing.TB, f func(path)) {
	defer func(p path) { current = p }(current)
	for _, current = range available() {
		f(current)
	}
}

// problem is trees, tables and rows, and what the definition makes of them.
type problem struct {
	rows, codebooks, outputs, features int
	trees                              Trees
	x                                  []float32 // row-major, whole numbers of 8 bits for a part of the features
	q                                  []int8
	scale, offset                      []float32
	codes                              []int // [row][codebook]
	sums                               []int32
}

func newProblem(seed uint64, rows, codebooks, outputs, bits int) *problem {
	rng := rand.New(rand.NewPCG(seed, uint64(rows<<20|codebooks<<10|outputs)))
	p := &problem{rows: rows, codebooks: codebooks, outputs: outputs, features: 1 + rng.IntN(40)}
	p.x = make([]float32, rows*p.features)
	for i := range p.x {
		p.x[i] = float32(rng.IntN(256) - 128)
		if seed%2 == 1 { // whole numbers alone, for integers
			continue
		}
		switch rng.IntN(50) {
		case 0:
			p.x[i] = float32(math.NaN())
		case 1:
			p.x[i] = float32(math.Inf(1 - 2*rng.IntN(2)))
		default:
			p.x[i] += rng.Float32()
		}
	}
	p.trees = Trees{make([][4]int, codebooks), make([][16]float32, codebooks)}
	for c := range codebooks {
		for l := range 4 {
			p.trees.Dims[c][l] = rng.IntN(p.features)
		}
		for i := range p.trees.Thresholds[c] {
			p.trees.Thresholds[c][i] = float32(rng.IntN(512)-256) / 2
			if rng.IntN(20) == 0 {
				p.trees.Thresholds[c][i] = float32(math.Inf(1 - 2*rng.IntN(2)))
			}
		}
	}
	p.q = make([]int8, outputs*codebooks*16)
	for i := range p.q {
		p.q[i] = int8(rng.IntN(1<<bits-1) - 1<<(bits-1) + 1)
	}
	for range outputs {
		p.scale, p.offset = append(p.scale, rng.Float32()/64), append(p.offset, rng.Float32()-0.5)
	}
	if outputs > 1 && rng.IntN(4) == 0 { // equal outputs
		copy(p.q[:16*codebooks], p.q[(outputs-1)*16*codebooks:])
		p.scale[0], p.offset[0] = p.scale[outputs-1], p.offset[outputs-1]
	}
	p.codes, p.sums = make([]int, rows*codebooks), make([]int32, rows*outputs)
	for r := range rows {
		for c := range codebooks {
			i := 1
			for l := range 4 {
				i *= 2
				if p.x[r*p.features+p.trees.Dims[c][l]] > p.trees.Thresholds[c][i/2] {
					i++
				}
			}
			p.codes[r*codebooks+c] = i - 16
			for m := range outputs {
				p.sums[r*outputs+m] += int32(p.q[(m*codebooks+c)*16+i-16])
			}
		}
	}
	return p
}

func (p *problem) value(r, m int, relu bool) float32 {
	v := once(float32(p.sums[r*p.outputs+m]), p.scale[m], p.offset[m])
	if relu && v < 0 {
		v = 0
	}
	return v
}

// layouts of rows and outputs: row-major and feature-major with some elements between.
func layouts(rows, width, gap int) map[string]func(r, j int) int {
	return map[string]func(r, j int) int{
		"rows": func(r, j int) int { return r*(width+gap) + j },
		"cols": func(r, j int) int { return j*(rows+gap) + r },
	}
}

func arranged[T any](p *problem, at func(r, j int) int, gap int, convert func(float32) T) []T {
	x := make([]T, max(p.rows*(p.features+gap), p.features*(p.rows+gap)))
	for r := range p.rows {
		for j := range p.features {
			x[at(r, j)] = convert(p.x[r*p.features+j])
		}
	}
	return x
}

// check compares everything that the current path does with the definition.
func (p *problem) check(tb testing.TB, gap int) {
	name := fmt.Sprintf("path %v, %d rows, %d codebooks, %d outputs, %d features, gap %d",
		current, p.rows, p.codebooks, p.outputs, p.features, gap)
	e := NewEncoder(p.trees, p.features)
	codes := make([]byte, CodesLen(p.rows, p.codebooks))
	encoded := func(how string) {
		for r := range p.rows {
			for c := range p.codebooks {
				if CodeAt(codes, p.rows, p.codebooks, r, c) != p.codes[r*p.codebooks+c] {
					require.Equal(tb, p.codes[r*p.codebooks+c], CodeAt(codes, p.rows, p.codebooks, r, c),
						"%s: %s: code of row %d, codebook %d", name, how, r, c)
				}
			}
		}
		for i := range codes {
			codes[i] = 0xff // what is left here must not matter
		}
	}
	whole := true
	for _, v := range p.x {
		whole = whole && v == float32(int8(int32(max(-128, min(127, v)))))
	}
	for how, at := range layouts(p.rows, p.features, gap) {
		x, stride := arranged(p, at, gap, func(v float32) float32 { return v }), at(1, 0)
		if how == "cols" {
			stride = at(0, 1)
		}
		if how == "rows" {
			e.Rows(codes, x, stride, p.rows)
		} else {
			e.Cols(codes, x, stride, p.rows)
		}
		encoded(how)
		if !whole {
			continue
		}
		small, wide := arranged(p, at, gap, func(v float32) int8 { return int8(v) }),
			arranged(p, at, gap, func(v float32) int16 { return int16(v) })
		if how == "rows" {
			RowsInt(e, codes, small, stride, p.rows)
			encoded("int8 " + how)
			RowsInt(e, codes, wide, stride, p.rows)
		} else {
			ColsInt(e, codes, small, stride, p.rows)
			encoded("int8 " + how)
			ColsInt(e, codes, wide, stride, p.rows)
		}
		encoded("int16 " + how)
	}
	for r := range p.rows {
		for c := range p.codebooks {
			SetCode(codes, p.rows, p.codebooks, r, c, p.codes[r*p.codebooks+c])
		}
	}
	t := NewTables(p.codebooks, p.outputs, p.q)
	for how, at := range layouts(p.rows, p.outputs, gap) {
		stride := at(1, 0)
		if how == "cols" {
			stride = at(0, 1)
		}
		for _, relu := range []bool{false, true} {
			n := max(p.rows*(p.outputs+gap), p.outputs*(p.rows+gap))
			got, want := filled(n, float32(77)), filled(n, float32(77))
			small, wantSmall := filled(n, int8(77)), filled(n, int8(77))
			sums, wantSums := filled(n, int32(77)), filled(n, int32(77))
			for r := range p.rows {
				for m := range p.outputs {
					v := p.value(r, m, relu)
					want[at(r, m)] = v
					wantSmall[at(r, m)] = int8(max(-128, min(127, math.RoundToEven(float64(v*(1/float32(0.01)))))))
					wantSums[at(r, m)] = p.sums[r*p.outputs+m]
				}
			}
			if how == "rows" {
				t.Rows(got, stride, codes, p.rows, p.scale, p.offset, relu)
				t.RowsInt8(small, stride, codes, p.rows, p.scale, p.offset, 0.01, relu)
			} else {
				t.Cols(got, stride, codes, p.rows, p.scale, p.offset, relu)
				t.ColsInt8(small, stride, codes, p.rows, p.scale, p.offset, 0.01, relu)
				t.Sums(sums, stride, codes, p.rows)
				require.Equal(tb, wantSums, sums, "%s: sums", name)
			}
			require.Equal(tb, want, got, "%s: %s, relu %v", name, how, relu)
			require.Equal(tb, wantSmall, small, "%s: int8 %s, relu %v", name, how, relu)
		}
	}
	index := filled(p.rows+1, int32(-1))
	t.ArgMax(index[:p.rows], codes, p.rows, p.scale, p.offset)
	want := filled(p.rows+1, int32(-1))
	for r := range p.rows {
		want[r] = 0
		for m := range p.outputs {
			if p.value(r, m, false) > p.value(r, int(want[r]), false) {
				want[r] = int32(m)
			}
		}
	}
	require.Equal(tb, want, index, "%s: argmax", name)
}

func filled[T any](n int, v T) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = v
	}
	return x
}

func TestKernels(t *testing.T) {
	onEachPath(t, func(path) {
		seed := uint64(0)
		for rows := 0; rows <= 130; rows += 1 + rows/9 {
			for _, codebooks := range []int{1, 2, 3, 4, 5, 8, 16, 67} {
				for _, outputs := range []int{1, 2, 4, 7, 16, 17, 40} {
					if seed++; seed%5 != uint64(rows)%5 && rows != 64 && rows != 65 { // a fifth is enough
						continue
					}
					for _, bits := range []int{6, 7, 8} { // of which 4, 2 and 1 add up to a byte
						newProblem(seed, rows, codebooks, outputs, bits).check(t, int(seed%3))
					}
				}
			}
		}
		newProblem(1, 70, 257, 5, 8).check(t, 1) // the most that 16 bits hold
		newProblem(2, 70, 258, 5, 8).check(t, 1)
	})
}

// Sums of the largest entries do not overflow.
func TestKernelsAtTheLimit(t *testing.T) {
	onEachPath(t, func(path) {
		for _, codebooks := range []int{256, 257, 258, 300} {
			for _, v := range []int8{-127, 127} {
				p := newProblem(3, 66, codebooks, 5, 8)
				for i := range p.q {
					p.q[i] = v
				}
				for i := range p.sums {
					p.sums[i] = int32(v) * int32(codebooks)
				}
				p.check(t, 0)
			}
		}
	})
}

// Results past the caches are those within.
func TestStream(t *testing.T) {
	onEachPath(t, func(path) {
		const rows, codebooks, outputs = 64*9 + 3, 5, 6
		const stride = 1 << 19 // as if a part of a larger result
		p := newProblem(4, rows, codebooks, outputs, 8)
		codes := make([]byte, CodesLen(rows, codebooks))
		NewEncoder(p.trees, p.features).Rows(codes, p.x, p.features, rows)
		dst := make([]float32, (outputs-1)*stride+rows)
		NewTables(codebooks, outputs, p.q).Cols(dst, stride, codes, rows, p.scale, p.offset, true)
		for m := range outputs {
			for r := range rows {
				if dst[m*stride+r] != p.value(r, m, true) {
					t.Fatal(m, r, dst[m*stride+r], p.value(r, m, true))
				}
			}
			if m+1 < outputs && dst[m*stride+rows] != 0 {
				t.Fatal("written beyond the rows")
			}
		}
	})
}

func FuzzKernels(f *testing.F) {
	f.Add(uint64(1), uint8(65), uint8(5), uint8(9), uint8(1))
	f.Add(uint64(2), uint8(130), uint8(66), uint8(33), uint8(0))
	f.Fuzz(func(t *testing.T, seed uint64, rows, codebooks, outputs, gap uint8) {
		p := newProblem(seed, int(rows), 1+int(codebooks)%80, 1+int(outputs)%50, 2+int(seed>>8%7))
		onEachPath(t, func(path) { p.check(t, int(gap)%20) })
	})
}

func BenchmarkKernels(b *testing.B) {
	const rows, features = 10048, 512
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, rows*features)
	for i := range x {
		x[i] = rng.Float32()
	}
	for _, size := range [][2]int{{4, 100}, {8, 100}, {16, 100}, {32, 100}, {64, 100}, {16, 12}} {
		codebooks, outputs := size[0], size[1]
		trees := Trees{make([][4]int, codebooks), make([][16]float32, codebooks)}
		for c := range codebooks {
			for l := range 4 {
				trees.Dims[c][l] = c*(features/codebooks) + l
			}
			for i := range trees.Thresholds[c] {
				trees.Thresholds[c][i] = rng.Float32()
			}
		}
		q6, q8 := make([]int8, outputs*codebooks*16), make([]int8, outputs*codebooks*16)
		for i := range q6 {
			q6[i], q8[i] = int8(rng.IntN(63)-31), int8(rng.IntN(255)-127)
		}
		scale, offset := filled(outputs, float32(0.5)), filled(outputs, float32(1))
		dst, index, small := make([]float32, outputs*rows), make([]int32, rows), make([]int8, outputs*rows)
		onEachPath(b, func(p path) {
			e := NewEncoder(trees, features)
			codes := make([]byte, CodesLen(rows, codebooks))
			e.Cols(codes, x, rows, rows)
			run := func(name string, work int, unit string, f func(lo, n int)) {
				b.Run(fmt.Sprintf("%s/C=%d/M=%d/path=%v", name, codebooks, outputs, p), func(b *testing.B) {
					b.ReportAllocs()
					rowsAtATime := max(Block, 16<<10/codebooks/Block*Block)
					for b.Loop() {
						for lo := 0; lo < rows; lo += rowsAtATime {
							f(lo, min(rowsAtATime, rows-lo))
						}
					}
					b.ReportMetric(float64(rows*codebooks*work)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), unit)
				})
			}
			part := func(lo int) []byte { return codes[CodesLen(lo, codebooks):] }
			run("EncodeCols", 1, "Grcb/s", func(lo, n int) { e.Cols(part(lo), x[lo:], rows, n) })
			run("EncodeRows", 1, "Grcb/s", func(lo, n int) { e.Rows(part(lo), x[lo*features:], features, n) })
			for bits, q := range map[int][]int8{6: q6, 8: q8} {
				t := NewTables(codebooks, outputs, q)
				run(fmt.Sprintf("Cols%d", bits), outputs, "Glookup/s",
					func(lo, n int) { t.Cols(dst[lo:], rows, part(lo), n, scale, offset, false) })
				if bits == 6 {
					continue
				}
				run("Rows", outputs, "Glookup/s", func(lo, n int) {
					t.Rows(dst[lo*outputs:], outputs, part(lo), n, scale, offset,
						false)
				})
				run("ArgMax", outputs, "Glookup/s", func(lo, n int) { t.ArgMax(index[lo:lo+n], part(lo), n, scale, offset) })
				run("ColsInt8", outputs, "Glookup/s", func(lo, n int) {
					t.ColsInt8(small[lo:], rows, part(lo), n, scale, offset, 1,
						false)
				})
			}
		})
	}
}
