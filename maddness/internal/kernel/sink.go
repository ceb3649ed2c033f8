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
	best          [Block]float32
}

// put takes the sums of output m for rows from first on.
func (s *sink) put(m, first int, sums []int32) {
	at := first*s.row + m*s.output
	switch {
	case s.floats != nil:
		for _, sum := range sums {
			s.floats[at] = s.value(m, sum)
			at += s.row
		}
	case s.small != nil:
		for _, sum := range sums {
			s.small[at] = int8(max(math.MinInt8, min(math.MaxInt8, math.RoundToEven(float64(s.value(m, sum)*s.inverse)))))
			at += s.row
		}
	case s.index != nil:
		for r, sum := range sums {
			if v := s.value(m, sum); m == 0 || v > s.best[r] {
				s.best[r], s.index[first+r] = v, int32(m)
			}
		}
	default:
		copy(s.sums[at:], sums)
	}
}

func (s *sink) value(m int, sum int32) float32 {
	v := float32(float32(sum)*s.scale[m]) + s.offset[m]
	if s.relu && v < 0 {
		v = 0
	}
	return v
}
