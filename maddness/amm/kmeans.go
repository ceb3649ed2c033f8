package amm

import (
	"context"
	"math/rand/v2"

	"github.com/espalier-ml/espalier/tensor"
)

// centroids are points of which each row is assigned the nearest.
type centroids struct {
	points tensor.Matrix[float32] // K x d
	half   []float32              // -|point|²/2, which with the product of row and point orders points by distance
}

// passes is the largest number of rounds of k-means. Few data sets need more before only the odd row moves.
const passes = 25

// kMeans divides the rows of x among at most k centroids: k-means++ (Arthur and Vassilvitskii 2007) and Lloyd's
// algorithm. There are fewer if x has fewer different rows, and they are unfinished once ctx is over.
func kMeans(ctx context.Context, x tensor.Matrix[float32], k int, rng *rand.Rand) centroids {
	c := centroids{points: seedCentroids(x, k, rng)}
	k = c.points.Rows
	nearest, before := make([]int, x.Rows), make([]int, x.Rows)
	for range passes {
		if ctx.Err() != nil {
			break
		}
		c.measure()
		c.assign(nearest, x)
		if equal(nearest, before) {
			break
		}
		copy(before, nearest)
		sums, count := tensor.NewMatrix[float64](k, x.Cols), make([]int, k)
		for i, n := range nearest {
			count[n]++
			sum := sums.Row(n)
			for j, v := range x.Row(i) {
				sum[j] += float64(v)
			}
		}
		for n, rows := range count {
			if rows == 0 {
				continue // a centroid without rows stays where it is
			}
			for j, v := range sums.Row(n) {
				c.points.Set(n, j, float32(v/float64(rows)))
			}
		}
	}
	c.measure()
	return c
}

func equal(x, y []int) bool {
	for i, v := range x {
		if v != y[i] {
			return false
		}
	}
	return true
}

// seedCentroids draws rows of x, each with a probability proportional to its squared distance from those drawn
// before.
func seedCentroids(x tensor.Matrix[float32], k int, rng *rand.Rand) tensor.Matrix[float32] {
	points := tensor.NewMatrix[float32](k, x.Cols)
	distance := make([]float64, x.Rows)
	for i := range distance {
		distance[i] = 1
	}
	for n := range k {
		total := tensor.Sum(distance)
		if total == 0 {
			return rowsOf(points, 0, n)
		}
		u, chosen := total*rng.Float64(), -1
		for i, d := range distance {
			if d > 0 {
				chosen = i
				if u -= d; u < 0 {
					break
				}
			}
		}
		copy(points.Row(n), x.Row(chosen))
		for i := range distance {
			d := 0.0
			for j, v := range x.Row(i) {
				e := float64(v) - float64(points.At(n, j))
				d += e * e
			}
			if n == 0 || d < distance[i] {
				distance[i] = d
			}
		}
	}
	return points
}

func (c *centroids) measure() {
	c.half = make([]float32, c.points.Rows)
	for n := range c.half {
		p := c.points.Row(n)
		c.half[n] = -tensor.Dot(p, p) / 2
	}
}

// assign sets dst[i] to the centroid nearest to row i of x, the first of equals.
func (c *centroids) assign(dst []int, x tensor.Matrix[float32]) {
	tensor.Parallel(x.Rows, blockRows, func(lo, hi int) {
		borrow(hi-lo, c.points.Rows, func(scores tensor.Matrix[float32]) {
			tensor.GemmBias(tensor.NoTrans, tensor.Trans, 1, rowsOf(x, lo, hi), c.points, 0, scores, c.half, tensor.Identity)
			for i := range scores.Rows {
				dst[lo+i] = tensor.ArgMax(scores.Row(i))
			}
		})
	})
}
