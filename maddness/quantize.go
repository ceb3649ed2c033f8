package maddness

import "math"

// rounded are tables as kernels take them: y = scale[m] * sum of entries + offset[m].
type rounded struct {
	signed        []int8  // [M, C, 16] for Exact
	unsigned      []uint8 // [M, C, 16] for the other aggregations
	scale, offset []float32
}

// roundSigned rounds tables to integers of the given number of bits, symmetric around the middle of each output's and
// codebook's entries, with a scale for each output: q = round((L - mid) / s), s the largest |L - mid| over 2^(bits-1) -
// 1, halves away from zero.
func roundSigned(lut *LUT, bits int) rounded {
	outputs, codebooks := lut.Table.Shape[0], lut.Table.Shape[1]
	r := rounded{signed: make([]int8, len(lut.Table.Data)), scale: make([]float32, outputs),
		offset: make([]float32, outputs)}
	limit := float64(int(1)<<(bits-1) - 1)
	mid := make([]float64, codebooks)
	for m := range outputs {
		table := lut.Table.Data[m*codebooks*16 : (m+1)*codebooks*16]
		widest, offset := 0.0, float64(lut.Offset.Data[m])
		for c := range codebooks {
			lo, hi := bounds(table[c*16 : c*16+16])
			mid[c] = (lo + hi) / 2
			offset += mid[c]
			widest = max(widest, hi-mid[c])
		}
		s := widest / limit
		r.scale[m], r.offset[m] = float32(s), float32(offset)
		if s == 0 {
			continue
		}
		for i, v := range table {
			r.signed[m*codebooks*16+i] = int8(math.Round((float64(v) - mid[i>>4]) / s))
		}
	}
	return r
}

// roundUnsigned rounds tables to 0..255 with one scale for all, as the reference does for averaging: q = (L -
// min_c)*scale + 1/2 rounded down, min_c being over outputs and codes. A sum S of entries becomes (S - excess)/scale
// + sum of min_c + offset.
func roundUnsigned(lut *LUT, a Aggregation) rounded {
	outputs, codebooks := lut.Table.Shape[0], lut.Table.Shape[1]
	r := rounded{unsigned: make([]uint8, len(lut.Table.Data)), scale: make([]float32, outputs),
		offset: make([]float32, outputs)}
	low, gap, total := make([]float64, codebooks), 0.0, 0.0
	for c := range codebooks {
		lo, hi := math.Inf(1), math.Inf(-1)
		for m := range outputs {
			l, h := bounds(lut.Table.Data[(m*codebooks+c)*16:][:16])
			lo, hi = min(lo, l), max(hi, h)
		}
		low[c], gap, total = lo, max(gap, hi-lo), total+lo
	}
	scale, excess := 1.0, 0.0
	if gap != 0 {
		scale, excess = sums[a.kind()].scale(lut, low, gap, a.group())
	}
	for i, v := range lut.Table.Data {
		r.unsigned[i] = uint8(min(255, math.Floor(float64((float64(v)-low[i/16%codebooks])*scale)+0.5)))
	}
	for m := range outputs {
		r.scale[m], r.offset[m] = float32(1/scale), float32(total+float64(lut.Offset.Data[m])-excess/scale)
	}
	return r
}

// widestSum is the largest, over outputs and groups of u codebooks, of the mean plus four standard deviations of the
// sum of entries above low, if codes were uniform and independent.
func widestSum(lut *LUT, low []float64, u int) float64 {
	widest := 0.0
	codebooks := len(low)
	for m := range lut.Table.Shape[0] {
		for first := 0; first < codebooks; first += u {
			mean, variance := 0.0, 0.0
			for c := first; c < first+u; c++ {
				own, spread := moments(lut.Table.Data[(m*codebooks+c)*16:][:16])
				mean, variance = mean+own-low[c], variance+spread
			}
			widest = max(widest, mean+4*math.Sqrt(variance))
		}
	}
	return widest
}

func bounds(x []float32) (lo, hi float64) {
	lo, hi = float64(x[0]), float64(x[0])
	for _, v := range x[1:] {
		lo, hi = min(lo, float64(v)), max(hi, float64(v))
	}
	return lo, hi
}
