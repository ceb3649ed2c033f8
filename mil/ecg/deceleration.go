package ecg

import "fmt"

// Capacity is how much the heart rate slows down and speeds up, by averages of the intervals around those at which it
// does (phase-rectified signal averaging, Bauer et al. 2006).
type Capacity struct {
	Deceleration  float64 `json:"deceleration_ms"` // 2.5 and less is high risk, up to 4.5 intermediate
	Acceleration  float64 `json:"acceleration_ms"` // negative
	Decelerations int     `json:"decelerations"`   // intervals that were averaged
	Accelerations int     `json:"accelerations"`
}

// mostChange is the change of an interval, in per cent, from which on it is taken for an artefact.
const mostChange = 5

// Capacity averages over the intervals that are longer, and those that are shorter, than the one before by no more than
// 5 %, where both are between normal beats. Of the four intervals from two before to one after none may have a gap; the
// outer two may be those of ectopic beats, as in the original. The error wraps [ErrTooFewBeats] if there is none of
// either.
func (s Series) Capacity() (Capacity, error) {
	if err := s.check("Series.Capacity"); err != nil {
		return Capacity{}, err
	}
	var c Capacity
	for i := 3; i+1 < len(s.Beats); i++ {
		var x [4]int // intervals -2, -1, 0, 1
		whole := true
		for k := range x {
			n, normal := s.interval(i - 2 + k)
			x[k] = n
			whole = whole && !s.Beats[i-2+k].Gap && (normal || k == 0 || k == 3)
		}
		before, at := x[1], x[2]
		if !whole {
			continue
		}
		capacity := (s.milliseconds(x[2]+x[3]) - s.milliseconds(x[1]+x[0])) / 4
		switch change := (at - before) * 100; {
		case change > 0 && change <= mostChange*before:
			c.Deceleration += capacity
			c.Decelerations++
		case change < 0 && -change <= mostChange*before:
			c.Acceleration += capacity
			c.Accelerations++
		}
	}
	if c.Decelerations == 0 || c.Accelerations == 0 {
		return Capacity{}, fmt.Errorf("ecg: Series.Capacity: %d decelerations and %d accelerations: %w",
			c.Decelerations,
			c.Accelerations, ErrTooFewBeats)
	}
	c.Deceleration /= float64(c.Decelerations)
	c.Acceleration /= float64(c.Accelerations)
	return c, nil
}
