package amm_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/espalier-ml/espalier/maddness/amm"
)

// Every rival by hand, on rows that nothing was fitted to.
func ExampleEvaluate() {
	ctx := context.Background()
	train, test, weights := rectified(1, 600, 32), rectified(2, 300, 32), normal(3, 32, 10)
	var pq *amm.PQ
	var bolt *amm.Bolt
	var int8s *amm.Int8
	var rows *amm.RowSVD
	var directions *amm.Directions
	pq, err1 := amm.FitPQ(ctx, train, weights, 4)
	bolt, err2 := amm.FitBolt(ctx, train, weights, 4)
	pruned, err3 := amm.FitMaddnessPQ(ctx, train, weights, 4)
	int8s, err4 := amm.NewInt8(weights)
	rows, err5 := amm.NewRowSVD(weights, 4)
	directions, err6 := amm.NewDirections(weights, 4)
	svd, err7 := amm.NewSVD(weights, 4)
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("dimensions of the decomposition:", svd.Dims())
	for _, ap := range []amm.Approximator{pq, bolt, pruned, int8s, rows, directions, svd} {
		r, err := amm.Evaluate(ap, amm.Task{A: test, B: weights})
		_, costed := ap.(amm.Costed)
		fmt.Printf("%T: NMSE below 0.5: %v, costed: %v (%v)\n", ap, r.NMSE < 0.5, costed, err)
	}
	// Output:
	// dimensions of the decomposition: 4
	// *amm.PQ: NMSE below 0.5: true, costed: true (<nil>)
	// *amm.Bolt: NMSE below 0.5: true, costed: true (<nil>)
	// amm.Maddness: NMSE below 0.5: true, costed: true (<nil>)
	// *amm.Int8: NMSE below 0.5: true, costed: true (<nil>)
	// *amm.RowSVD: NMSE below 0.5: true, costed: true (<nil>)
	// *amm.Directions: NMSE below 0.5: false, costed: true (<nil>)
	// *amm.Factors: NMSE below 0.5: true, costed: true (<nil>)
}
