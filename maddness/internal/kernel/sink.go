package kernel

import "math"

// sink is where results go: one of its slices, at row*row + m*output.
type sink struct {
	floats        []float32
	small         []int8
	index         []int32
	sums          []int32
	row, output   int
	scale, offset []float32
	relu          bool
	inverse       float32

	best  [Block]float32 // results of the current block, for index
	which [Block]int32
	bytes [Block]int8 // and for small
}

// some is how many outputs of a block are handed over together.
const some = 8

// takeAll takes the results of outputs from m on for n rows from first on.
func (s *sink) takeAll(m, outputs, first, n int, values *[some * Block]float32) {
	if s.takeVectors(m, outputs, first, n, values) {
		return
	}
	for i := range outputs {
		s.take(m+i, first, values[i*Block:][:n])
	}
}

// put takes the sums of output m for rows from first on.
func (s *sink) put(m, first int, sums []int32) {
	if s.sums != nil {
		copy(s.sums[first*s.row+m*s.output:], sums)
		return
	}
	var values [Block]float32
	scale, offset := s.scale[m], s.offset[m]
	for r, sum := range sums {
		v := fused(float32(sum), scale, offset)
		if s.relu && v < 0 {
			v = 0
		}
		values[r&(Block-1)] = v
	}
	s.take(m, first, values[:len(sums)])
}

// take takes the results of output m for rows from first on.
func (s *sink) take(m, first int, values []float32) {
	at := first*s.row + m*s.output
	switch {
	case s.index != nil:
		for r, v := range values {
			if m == 0 || v > s.best[r] {
				s.best[r], s.index[first+r] = v, int32(m)
			}
		}
	case s.small != nil:
		for _, v := range values {
			s.small[at] = rounded(v * s.inverse)
			at += s.row
		}
	case s.row == 1:
		copy(s.floats[at:], values)
	default:
		for _, v := range values {
			s.floats[at] = v
			at += s.row
		}
	}
}

// rounded is v rounded half to even within -128..127, and the least of them for NaN.
func rounded(v float32) int8 {
	if !(v > math.MinInt8) {
		return math.MinInt8
	}
	const whole = 3 << 22 // float32 from here on are whole numbers, whose bits count like integers
	return int8(math.Float32bits(min(v, math.MaxInt8) + whole))
}
