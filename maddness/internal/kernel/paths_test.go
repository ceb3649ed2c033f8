package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/espalier-ml/espalier/internal/race"
	"github.com/stretchr/testify/require"
)

// The codes of integers are those of the definition, whatever thresholds are, for every type.
func TestIntegers(t *testing.T) {
	onEachPath(t, func(p path) {
		integersOf(t, p, math.MinInt8, math.MaxInt8, func(v int) int8 { return int8(v) })
		integersOf(t, p, 0, math.MaxUint8, func(v int) uint8 { return uint8(v) })
		integersOf(t, p, math.MinInt16, math.MaxInt16, func(v int) int16 { return int16(v) })
	})
}

func integersOf[T int8 | uint8 | int16](t *testing.T, p path, low, high int, convert func(int) T) {
	rng := rand.New(rand.NewPCG(uint64(high), 1))
	for _, outside := range []bool{false, true} { // whether thresholds are below all values of the type
		for _, rows := range []int{1, 15, 63, 64, 65, 130} {
			for _, codebooks := range []int{1, 3, 4, 9} {
				const features, gap = 23, 3
				trees := Trees{make([][4]int, codebooks), make([][16]float32, codebooks)}
				for c := range codebooks {
					for l := range 4 {
						trees.Dims[c][l] = rng.IntN(features)
					}
					for i := range trees.Thresholds[c] {
						v := float64(low) + rng.Float64()*float64(high-low)
						switch rng.IntN(8) {
						case 0:
							v = math.Floor(v)
						case 1:
							v = []float64{float64(low), float64(high), float64(high) + 1000, math.Inf(1)}[rng.IntN(4)]
						case 2:
							if outside {
								v = []float64{float64(low) - 0.5, float64(low) - 1, -1e9, math.Inf(-1)}[rng.IntN(4)]
							}
						}
						trees.Thresholds[c][i] = float32(v)
					}
				}
				e := NewEncoder(trees, features)
				byRows, byCols := make([]T, rows*(features+gap)), make([]T, features*(rows+gap))
				for r := range rows {
					for d := range features {
						v := convert(low + rng.IntN(high-low+1))
						byRows[r*(features+gap)+d], byCols[d*(rows+gap)+r] = v, v
					}
				}
				codes := make([]byte, CodesLen(rows, codebooks))
				for _, how := range []string{"rows", "cols"} {
					if how == "rows" {
						RowsInt(e, codes, byRows, features+gap, rows)
					} else {
						ColsInt(e, codes, byCols, rows+gap, rows)
					}
					for r := range rows {
						for c := range codebooks {
							i := 1
							for l := range 4 {
								i *= 2
								if float32(byRows[r*(features+gap)+trees.Dims[c][l]]) > trees.Thresholds[c][i/2] {
									i++
								}
							}
							require.Equal(t, i-16, CodeAt(codes, rows, codebooks, r, c), "%v, %T, %s, %d rows: row %d, codebook %d of %d",
								p, byRows[0], how, rows, r, c, codebooks)
						}
					}
					clear(codes)
				}
			}
		}
	}
}

// Row-major rows, of more trees than pass over them together, have the codes that they have feature-major.
func TestManyRows(t *testing.T) {
	onEachPath(t, func(p path) {
		const rows, features, codebooks = 200, 501, 37
		rng := rand.New(rand.NewPCG(1, 2))
		x, across := make([]float32, rows*features), make([]float32, rows*features)
		for r := range rows {
			for d := range features {
				v := rng.Float32()
				x[r*features+d], across[d*rows+r] = v, v
			}
		}
		trees := Trees{make([][4]int, codebooks), make([][16]float32, codebooks)}
		for c := range codebooks {
			for l := range 4 {
				trees.Dims[c][l] = rng.IntN(features)
			}
			for i := range trees.Thresholds[c] {
				trees.Thresholds[c][i] = rng.Float32()
			}
		}
		e := NewEncoder(trees, features)
		got, want := make([]byte, CodesLen(rows, codebooks)), make([]byte, CodesLen(rows, codebooks))
		e.Rows(got, x, features, rows)
		e.Cols(want, across, rows, rows)
		for r := range rows {
			for c := range codebooks {
				if a, b := CodeAt(got, rows, codebooks, r, c), CodeAt(want, rows, codebooks, r, c); a != b {
					t.Fatalf("%v: row %d, codebook %d: %d, want %d", p, r, c, a, b)
				}
			}
		}
	})
}

// Averages and clipped sums are those of the definition on every path, whose codes differ in order.
func TestGroups(t *testing.T) {
	onEachPath(t, func(p path) {
		for _, codebooks := range []int{4, 8, 20} {
			for _, group := range []int{1, 2, 4} {
				const rows, outputs = 70, 3
				rng := rand.New(rand.NewPCG(uint64(codebooks), uint64(group)))
				q := make([]uint8, outputs*codebooks*16)
				for i := range q {
					q[i] = uint8(rng.IntN(256))
				}
				codes := make([]byte, CodesLen(rows, codebooks))
				average, clipped := make([]int32, outputs*rows), make([]int32, outputs*rows)
				for r := range rows {
					k := make([]int, codebooks)
					for c := range k {
						k[c] = rng.IntN(16)
						SetCode(codes, rows, codebooks, r, c, k[c])
					}
					for m := range outputs {
						for first := 0; first < codebooks; first += group {
							v, sum := make([]int, group), 0
							for i := range v {
								v[i] = int(q[(m*codebooks+first+i)*16+k[first+i]])
								sum += v[i]
							}
							clipped[m*rows+r] += int32(min(255, sum))
							for n := group; n > 1; n /= 2 {
								for i := range n / 2 {
									v[i] = (v[2*i] + v[2*i+1] + 1) / 2
								}
							}
							average[m*rows+r] += int32(v[0] * group)
						}
					}
				}
				got := make([]int32, outputs*rows)
				NewAveraging(codebooks, outputs, q, group).Sums(got, rows, codes, rows)
				require.Equal(t, average, got, "%v: averages of %d of %d", p, group, codebooks)
				NewSaturating(codebooks, outputs, q, group).Sums(got, rows, codes, rows)
				require.Equal(t, clipped, got, "%v: clipped sums of %d of %d", p, group, codebooks)
			}
		}
	})
}

// packed holds the code that f gives to each row in each codebook.
func packed(rows, codebooks int, f func(r, c int) int) []byte {
	codes := make([]byte, CodesLen(rows, codebooks))
	for r := range rows {
		for c := range codebooks {
			SetCode(codes, rows, codebooks, r, c, f(r, c))
		}
	}
	return codes
}

// NaN, infinities and negative zeros come out of every path in the same way.
func TestExtremes(t *testing.T) {
	nan, inf, zero := float32(math.NaN()), float32(math.Inf(1)), float32(math.Copysign(0, -1))
	scale := []float32{0, 1, 1, 1, inf, 1e38, -1, 0}
	offset := []float32{zero, nan, inf, -inf, 1, 0, zero, 1000}
	const rows, codebooks = 67, 3
	outputs := len(scale)
	q := make([]int8, outputs*codebooks*16)
	for i := range q {
		q[i] = int8(i%5 - 2)
	}
	onEachPath(t, func(p path) {
		codes := packed(rows, codebooks, func(r, c int) int { return (r*7 + c) % 16 })
		table := NewTables(codebooks, outputs, q)
		sums := make([]int32, outputs*rows)
		table.Sums(sums, rows, codes, rows)
		for _, relu := range []bool{false, true} {
			across, along := make([]float32, outputs*rows), make([]float32, outputs*rows)
			acrossInts, alongInts := make([]int8, outputs*rows), make([]int8, outputs*rows)
			table.Cols(across, rows, codes, rows, scale, offset, relu)
			table.Rows(along, outputs, codes, rows, scale, offset, relu)
			table.ColsInt8(acrossInts, rows, codes, rows, scale, offset, 0.5, relu)
			table.RowsInt8(alongInts, outputs, codes, rows, scale, offset, 0.5, relu)
			for r := range rows {
				for m := range outputs {
					want := once(float32(sums[m*rows+r]), scale[m], offset[m])
					if relu && want < 0 {
						want = 0
					}
					name := fmt.Sprintf("%v: row %d, output %d, relu %v: %v", p, r, m, relu, want)
					small := int8(-128)
					if want == want {
						small = int8(max(-128, min(127, math.RoundToEven(float64(want)*2))))
						require.Equal(t, math.Float32bits(want), math.Float32bits(across[m*rows+r]), name)
						require.Equal(t, math.Float32bits(want), math.Float32bits(along[r*outputs+m]), name)
					} else {
						require.True(t, math.IsNaN(float64(across[m*rows+r])) && math.IsNaN(float64(along[r*outputs+m])), name)
					}
					require.Equal(t, small, acrossInts[m*rows+r], name)
					require.Equal(t, small, alongInts[r*outputs+m], name)
				}
			}
		}
	})
}

// The first largest output is found among NaN, infinities and negative zeros, wherever they stand.
func TestArgMaxOfExtremes(t *testing.T) {
	nan, inf, zero := float32(math.NaN()), float32(math.Inf(1)), float32(math.Copysign(0, -1))
	scale := []float32{0, 0, 0, 1, 0.5, 0, 0, -1, 0}
	offset := []float32{zero, nan, 0, 0, 1, -inf, inf, 0, inf}
	const rows, codebooks = 67, 7
	q := make([]int8, len(scale)*codebooks*16)
	for i := range q {
		q[i] = int8(i%5 - 2)
	}
	onEachPath(t, func(p path) {
		codes := packed(rows, codebooks, func(r, c int) int { return (r*7 + c) % 16 })
		for from := range scale {
			for outputs := 1; outputs <= len(scale); outputs++ {
				scale, offset := turned(scale, from), turned(offset, from)
				table := NewTables(codebooks, outputs, q[:outputs*codebooks*16])
				sums, got := make([]int32, outputs*rows), make([]int32, rows)
				table.Sums(sums, rows, codes, rows)
				table.ArgMax(got, codes, rows, scale[:outputs], offset[:outputs])
				for r := range rows {
					want, best := 0, float32(0)
					for m := range outputs {
						if v := once(float32(sums[m*rows+r]), scale[m], offset[m]); m == 0 || v > best {
							want, best = m, v
						}
					}
					require.Equal(t, int32(want), got[r], "%v: row %d of %d outputs from %d on", p, r, outputs, from)
				}
			}
		}
	})
}

// turned is v beginning with element i.
func turned[T any](v []T, i int) []T { return append(append([]T(nil), v[i:]...), v[:i]...) }

// More outputs than a word can count.
func TestArgMaxOfMany(t *testing.T) {
	const rows, outputs = 130, 1<<16 + 70
	q := make([]int8, outputs*16)
	scale, offset := filled(outputs, float32(1)), make([]float32, outputs)
	largest := []int{3, 255, 256, 1<<15 - 1, 1 << 15, 1<<16 - 1, 1 << 16, outputs - 1}
	for code, m := range largest {
		q[m*16+code] = 5
		q[(outputs-1)*16+code] = 5 // a later one that is equal
	}
	onEachPath(t, func(p path) {
		codes := packed(rows, 1, func(r, _ int) int { return r % len(largest) })
		for _, outputs := range []int{outputs, 1 << 16} { // with and without those past a word
			got := make([]int32, rows)
			NewTables(1, outputs, q[:outputs*16]).ArgMax(got, codes, rows, scale[:outputs], offset[:outputs])
			for r := range rows {
				want := largest[r%len(largest)]
				if want >= outputs {
					want = 0 // all are equal
				}
				require.Equal(t, int32(want), got[r], "%v: row %d of %d outputs", p, r, outputs)
			}
		}
	})
}

func TestFitting(t *testing.T) {
	for _, c := range []struct {
		widths []int
		want   int
	}{
		{[]int{63, 64, 64, 64}, 4}, {[]int{64, 64, 64, 64}, 2}, {[]int{254, 1, 0, 255}, 2}, {[]int{255, 1, 0, 0}, 1},
		{[]int{0, 0, 0, 0, 255, 0, 0, 0}, 4}, {[]int{0, 0, 0, 0, 200, 0, 56, 0}, 2}, {[]int{0, 0, 0, 0, 0, 0, 128, 128}, 1},
	} {
		require.Equal(t, c.want, fitting(c.widths), "%v", c.widths)
	}
}

func TestNoAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations mean nothing under the race detector")
	}
	onEachPath(t, func(path) {
		const rows = 150
		p := newProblem(1, rows, 9, 21, 8)
		e, table := NewEncoder(p.trees, p.features), NewTables(p.codebooks, p.outputs, p.q)
		codes := make([]byte, CodesLen(rows, p.codebooks))
		small, wide := make([]int8, len(p.x)), make([]int16, len(p.x))
		dst, ints, index := make([]float32, rows*p.outputs), make([]int8, rows*p.outputs), make([]int32, rows*p.outputs)
		for name, f := range map[string]func(){
			"Encoder.Rows": func() { e.Rows(codes, p.x, p.features, rows) },
			"Encoder.Cols": func() { e.Cols(codes, p.x, rows, rows) },
			"RowsInt":      func() { RowsInt(e, codes, small, p.features, rows) },
			"ColsInt":      func() { ColsInt(e, codes, wide, rows, rows) },
			"Tables.Rows":  func() { table.Rows(dst, p.outputs, codes, rows, p.scale, p.offset, true) },
			"Tables.Cols":  func() { table.Cols(dst, rows, codes, rows, p.scale, p.offset, true) },
			"RowsInt8":     func() { table.RowsInt8(ints, p.outputs, codes, rows, p.scale, p.offset, 1, true) },
			"ColsInt8":     func() { table.ColsInt8(ints, rows, codes, rows, p.scale, p.offset, 1, true) },
			"ArgMax":       func() { table.ArgMax(index[:rows], codes, rows, p.scale, p.offset) },
			"Sums":         func() { table.Sums(index, rows, codes, rows) },
		} {
			require.Zero(t, testing.AllocsPerRun(10, f), "%v: %s", current, name)
		}
	})
}
