package causal

import (
	"fmt"
	"math"

	"github.com/espalier-ml/espalier/tensor"
)

// IRMv1 is invariant risk minimization (Arjovsky et al. 2019), a [Penalty] on logits: the squared derivative of the
// mean cross-entropy of each environment with respect to a factor on its logits, averaged over environments, which are
// the levels of Batch.V. Logits have one column for labels 0 and 1 in Batch.Y, or a column for each class. It is
// stateless and safe for concurrent use.
type IRMv1[T tensor.Float] struct {
	// Split multiplies the derivatives of the rows in odd and in even places of an environment instead of squaring that of
	// all. Its mean is that of the squared true derivative, and it may be negative. It needs two rows an environment.
	Split bool
}

// Eval is described at [Penalty]. Weights weight the rows within an environment or half of one. A batch without an
// environment that can be evaluated is skipped. Result.Expected is not known and 0.
func (p IRMv1[T]) Eval(logits tensor.Matrix[T], b Batch, grad tensor.Matrix[T]) (Result, error) {
	const call = "IRMv1.Eval"
	if err := checkEval(call, logits, b, grad); err != nil {
		return Result{}, err
	}
	if b.Y == nil || b.V == nil {
		return Result{}, fmt.Errorf("causal: %s: the batch has no Y or no V: %w", call, tensor.ErrShape)
	}
	classes := max(logits.Cols, 2)
	for i, y := range b.Y {
		if y < 0 || y >= classes {
			return Result{}, fmt.Errorf("causal: %s: Y[%d] = %d, want 0 to %d: %w", call, i, y, classes-1, ErrLabelRange)
		}
	}
	if err := checkLabels(call, "V", b.V, true); err != nil {
		return Result{}, err
	}
	var envs [][]int
	index := map[int]int{}
	for i, v := range b.V {
		if v == Unknown || b.W != nil && b.W[i] == 0 {
			continue
		}
		at, known := index[v]
		if !known {
			at = len(envs)
			index[v] = at
			envs = append(envs, nil)
		}
		envs[at] = append(envs[at], i)
	}
	return p.average(logits, b, grad, envs), nil
}

func (p IRMv1[T]) average(logits tensor.Matrix[T], b Batch, grad tensor.Matrix[T], envs [][]int) Result {
	n := 0.0
	for _, rows := range envs {
		if !p.Split || len(rows) > 1 {
			n++
		}
	}
	if n == 0 {
		return Result{Skipped: "no environment has rows enough"}
	}
	value := 0.0
	for _, rows := range envs {
		switch {
		case !p.Split:
			d := slope(logits, b, rows, 1)
			value += d * d / n
			addSlope(logits, b, grad, rows, 1, 2*d/n)
		case len(rows) > 1:
			odd, even := slope(logits, b, rows, 2), slope(logits, b, rows[1:], 2)
			value += odd * even / n
			addSlope(logits, b, grad, rows, 2, even/n)
			addSlope(logits, b, grad, rows[1:], 2, odd/n)
		}
	}
	return Result{Value: value}
}

// slope is the derivative of the weighted mean loss of every step-th of the rows with respect to a factor on the
// logits.
func slope[T tensor.Float](logits tensor.Matrix[T], b Batch, rows []int, step int) float64 {
	sum, total := 0.0, 0.0
	for k := 0; k < len(rows); k += step {
		i := rows[k]
		w := weightOf(b, i)
		total += w
		sum += w * rowSlope(logits.Row(i), b.Y[i])
	}
	return sum / total
}

func weightOf(b Batch, i int) float64 {
	if b.W == nil {
		return 1
	}
	return b.W[i]
}

// rowSlope is sum_k (p_k - y_k) s_k, with one logit (p-y) s.
func rowSlope[T tensor.Float](s []T, y int) float64 {
	if len(s) == 1 {
		v := float64(s[0])
		return (sigmoid(v) - float64(y)) * v
	}
	lse, sum := tensor.LogSumExp(s), 0.0
	for _, v := range s {
		sum += math.Exp(float64(v)-lse) * float64(v)
	}
	return sum - float64(s[y])
}

// addSlope adds scale times the gradient of slope to grad.
func addSlope[T tensor.Float](logits tensor.Matrix[T], b Batch, grad tensor.Matrix[T], rows []int, step int,
	scale float64) {
	if grad.Rows == 0 {
		return
	}
	total := 0.0
	for k := 0; k < len(rows); k += step {
		total += weightOf(b, rows[k])
	}
	for k := 0; k < len(rows); k += step {
		i := rows[k]
		s, g, y := logits.Row(i), grad.Row(i), b.Y[i]
		f := scale * weightOf(b, i) / total
		if len(s) == 1 {
			v := float64(s[0])
			p := sigmoid(v)
			g[0] += T(f * (p - float64(y) + v*p*(1-p)))
			continue
		}
		lse, mean := tensor.LogSumExp(s), 0.0
		for _, v := range s {
			mean += math.Exp(float64(v)-lse) * float64(v)
		}
		for k, v := range s {
			p := math.Exp(float64(v) - lse)
			d := p + p*(float64(v)-mean)
			if k == y {
				d--
			}
			g[k] += T(f * d)
		}
	}
}

func sigmoid(x float64) float64 {
	if x < 0 {
		e := math.Exp(x)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-x))
}
