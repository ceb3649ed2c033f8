package maddness

import "github.com/espalier-ml/espalier/tensor"

// The settings of [minimise]: how many steps back it looks, how many steps it takes at most, and the relative decrease
// over five steps at which it stops.
const (
	lbfgsMemory  = 10
	lbfgsSteps   = 200
	lbfgsDecline = 1e-6
)

// minimise moves x to about the minimum of a smooth convex function by limited-memory BFGS (J. Nocedal, "Updating
// Quasi-Newton Matrices with Limited Storage", Mathematics of Computation 35, 1980) with steps halved until the
// function falls enough. f returns the value at x and writes the gradient. It ends early with an error of step, which
// it calls before each.
func minimise(x []float64, f func(gradient, x []float64) float64, step func() error) error {
	n := len(x)
	gradient, direction := make([]float64, n), make([]float64, n)
	next, nextGradient := make([]float64, n), make([]float64, n)
	var steps, changes [][]float64 // the last differences of x and of gradients
	var history []float64
	value := f(gradient, x)
	for range lbfgsSteps {
		history = append(history, value)
		if k := len(history) - 6; k >= 0 && history[k]-value <= lbfgsDecline*history[k] {
			return nil
		}
		if err := step(); err != nil {
			return err
		}
		twoLoop(direction, gradient, steps, changes)
		slope := -tensor.Dot(direction, gradient)
		if !(slope < 0) {
			return nil // the gradient is zero
		}
		length := 1.0
		if len(steps) == 0 {
			length = 1 / tensor.Norm2(gradient)
		}
		fallen := false
		for range 30 {
			copy(next, x)
			tensor.Axpy(next, -length, direction)
			v := f(nextGradient, next)
			if v <= value+1e-4*length*slope {
				value, fallen = v, true
				break
			}
			length /= 2
		}
		if !fallen {
			return nil // as low as rounding lets it
		}
		moved, change := make([]float64, n), make([]float64, n)
		tensor.Sub(moved, next, x)
		tensor.Sub(change, nextGradient, gradient)
		copy(x, next)
		gradient, nextGradient = nextGradient, gradient
		if tensor.Dot(moved, change) <= 0 {
			continue
		}
		if len(steps) == lbfgsMemory {
			steps, changes = steps[1:], changes[1:]
		}
		steps, changes = append(steps, moved), append(changes, change)
	}
	return nil
}

// twoLoop sets direction to the approximate inverse Hessian times the gradient.
func twoLoop(direction, gradient []float64, steps, changes [][]float64) {
	copy(direction, gradient)
	weights := make([]float64, len(steps))
	for k := len(steps) - 1; k >= 0; k-- {
		weights[k] = tensor.Dot(steps[k], direction) / tensor.Dot(steps[k], changes[k])
		tensor.Axpy(direction, -weights[k], changes[k])
	}
	if k := len(steps) - 1; k >= 0 {
		tensor.Scale(direction, tensor.Dot(steps[k], changes[k])/tensor.Dot(changes[k], changes[k]), direction)
	}
	for k := range steps {
		tensor.Axpy(direction, weights[k]-tensor.Dot(changes[k], direction)/tensor.Dot(steps[k], changes[k]), steps[k])
	}
}
