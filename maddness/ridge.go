package maddness

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/gonum"
)

// solve returns the 16C x M table entries L that minimise |Y - G*L|^2 + lambda*|L|^2, G being the codes as N x 16C
// indicators: (G'G + lambda*I)^-1 G'Y, by Cholesky decomposition in float64.
func (l *learner) solve(y tensor.Matrix[float64]) (tensor.Matrix[float64], error) {
	return ridge(l.workers, l.codes, y, l.ridge)
}

func ridge(workers int, codes [][]uint8, y tensor.Matrix[float64], lambda float64) (tensor.Matrix[float64], error) {
	gram, products := mat.NewSymDense(16*len(codes), nil), tensor.NewMatrix[float64](16*len(codes), y.Cols)
	tensor.ParallelWorkers(workers, len(codes), 1, func(lo, hi int) {
		for c := lo; c < hi; c++ {
			for other := c; other < len(codes); other++ {
				var count [256]int
				for i, k := range codes[c] {
					count[int(k)<<4|int(codes[other][i])]++
				}
				for k, n := range count {
					if other > c || k>>4 <= k&15 {
						gram.SetSym(16*c+k>>4, 16*other+k&15, float64(n))
					}
				}
			}
			for i, k := range codes[c] {
				row := products.Row(16*c + int(k))
				tensor.Add(row, row, y.Row(i))
			}
		}
	})
	for i := range 16 * len(codes) {
		gram.SetSym(i, i, gram.At(i, i)+lambda)
	}
	leaves := tensor.NewMatrix[float64](products.Rows, products.Cols)
	var chol mat.Cholesky
	if !chol.Factorize(gram) {
		return leaves, fmt.Errorf("maddness: WithRidge(%v) is too small to solve for the tables: %w", lambda, tensor.ErrRange)
	}
	if err := chol.SolveTo(gonum.ToMat(leaves), gonum.ToMat(products)); err != nil {
		if _, poor := err.(mat.Condition); !poor { // a poor condition still solves; ridge is what makes it harmless
			return leaves, fmt.Errorf("maddness: solving for the tables: %w", err)
		}
	}
	return leaves, nil
}
