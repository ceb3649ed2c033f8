package secondorder_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/prune/secondorder"
	"github.com/espalier-ml/espalier/tensor"
)

type goldenLayer struct {
	W, X      golden.Tensor
	SparseGPT []struct {
		Sparsity  float64
		PruneN    int           `json:"prune_n"`
		PruneM    int           `json:"prune_m"`
		BlockSize int           `json:"blocksize"`
		WNew      golden.Tensor `json:"W_new"`
		Mask      string        `json:"keep_mask"`
		Zeros     int
		OutputMSE float64 `json:"output_mse"`
	}
	H   golden.Tensor `json:"hessian_H"`
	OBS struct {
		Steps []struct {
			Removed  int
			Saliency float64
			W        []float64
		}
		Total float64 `json:"total_loss_increase"`
	} `json:"obs_row0"`
	// of second_order_dead
	Dead     []int         `json:"dead_columns"`
	WNewDead golden.Tensor `json:"sparsegpt_W_new"`
}

func matrixOf(t golden.Tensor) tensor.Matrix[float64] {
	return tensor.Of(t.Shape[0], t.Shape[1], t.Data)
}

func gramOf[T tensor.Float](t testing.TB, x tensor.Matrix[T]) *secondorder.Gram[T] {
	g, err := secondorder.NewGram[T](x.Cols)
	require.NoError(t, err)
	require.NoError(t, g.Add(x))
	return g
}

func load(t testing.TB, name string) goldenLayer {
	var data goldenLayer
	golden.JSON(t, "testdata/"+name+".json.gz", &data)
	return data
}

// The reference divides by the number of its sequences, which were 8 of 8 tokens, and not by the number of samples.
// It makes no difference to what is pruned.
func TestGoldenHessian(t *testing.T) {
	data := load(t, "second_order")
	h, err := gramOf(t, matrixOf(data.X)).H()
	require.NoError(t, err)
	tensor.Scale(h.Data, 8, h.Data)
	golden.Close(t, "H", h.Data, data.H.Data, 1e-5, 1e-4)
}

// The reference prunes int(n*s)+1 weights of each block, which is asked for here; see TestExactCount for what is
// right.
func TestGoldenSparseGPT(t *testing.T) {
	data := load(t, "second_order")
	require.Len(t, data.SparseGPT, 6)
	for k, c := range data.SparseGPT {
		w := matrixOf(data.W).Clone()
		block := min(c.BlockSize, w.Cols)
		n := w.Rows * block
		target := secondorder.Sparsity(float64(int(float64(n)*c.Sparsity)+1) / float64(n))
		if c.PruneM > 0 {
			target = secondorder.NM(c.PruneM-c.PruneN, c.PruneM)
		}
		mask, r, err := secondorder.SparseGPT(context.Background(), w, gramOf(t, matrixOf(data.X)), target,
			secondorder.WithBlock(c.BlockSize))
		require.NoError(t, err)
		require.Equal(t, c.Mask, mask.String(), "case %d, %v", k, target)
		require.Equal(t, c.Zeros, r.Pruned)
		golden.Close(t, "W", w.Data, c.WNew.Data, 0, 2e-3)
		require.InEpsilon(t, c.OutputMSE, r.MSE, 1e-3)
	}
}

func TestGoldenDead(t *testing.T) {
	data := load(t, "second_order_dead")
	w := matrixOf(data.W).Clone()
	_, r, err := secondorder.SparseGPT(context.Background(), w, gramOf(t, matrixOf(data.X)), secondorder.Sparsity(17./32))
	require.NoError(t, err)
	require.Equal(t, data.Dead, r.Dead)
	golden.Close(t, "W", w.Data, data.WNewDead.Data, 0, 7e-4) // the reference counts dead inputs in the mean
	w = matrixOf(data.W).Clone()
	mask, r, err := secondorder.SparseGPT(context.Background(), w, gramOf(t, matrixOf(data.X)), secondorder.Sparsity(0.5))
	require.NoError(t, err)
	require.Equal(t, 16, r.Pruned)
	require.Equal(t, 16, mask.Count())
}

func TestGoldenOBS(t *testing.T) {
	data := load(t, "second_order")
	g := gramOf(t, matrixOf(data.X))
	for n := range len(data.OBS.Steps) + 1 {
		w := matrixOf(data.W).Slice(0, 1, 0, 16).Clone()
		mask, r, err := secondorder.OBS(context.Background(), w, g, float64(n)/16)
		require.NoError(t, err)
		require.Equal(t, 16-n, mask.Count())
		require.Len(t, r.Removals[0], n)
		total := 0.0
		for k, removal := range r.Removals[0] {
			require.Equal(t, data.OBS.Steps[k].Removed, removal.Column)
			require.InDelta(t, data.OBS.Steps[k].Saliency, removal.Saliency, 1e-8)
			total += removal.Saliency
		}
		if n > 0 {
			golden.Close(t, "w", w.Data, data.OBS.Steps[n-1].W, 0, 1e-8)
		}
		if n == len(data.OBS.Steps) {
			require.InDelta(t, data.OBS.Total, total, 1e-8)
		}
	}
}

// On inputs that are correlated SparseGPT costs less than magnitude does, and OBS, which looks at every weight again
// after each, less still.
func TestBeatsMagnitude(t *testing.T) {
	rng := tensor.Stream(4)
	x, w := tensor.NewMatrix[float32](500, 48), tensor.NewMatrix[float32](32, 48)
	for i := range x.Rows {
		common := rng.NormFloat64()
		for j := range x.Cols {
			x.Set(i, j, float32(common+rng.NormFloat64()*float64(j%5)))
		}
	}
	for i := range w.Data {
		w.Data[i] = float32(rng.NormFloat64())
	}
	g := gramOf(t, x)
	for _, s := range []float64{0.3, 0.5, 0.7} {
		ours := w.Clone()
		_, r, err := secondorder.SparseGPT(context.Background(), ours, g, secondorder.Sparsity(s))
		require.NoError(t, err)
		exact := w.Clone()
		_, surgeon, err := secondorder.OBS(context.Background(), exact, g, s)
		require.NoError(t, err)
		plain := w.Clone()
		masks, err := prune.ComputeMasks([]*tensor.Param[float32]{{Name: "w", Shape: []int{32, 48}, Data: plain.Data}},
			prune.WithSparsity(s))
		require.NoError(t, err)
		prune.Apply(masks.Get("w"), plain.Data)
		magnitude := mse(x, w, plain)
		require.InEpsilon(t, mse(x, w, ours), r.MSE, 1e-4)
		require.Less(t, r.MSE, 0.6*magnitude)
		require.Less(t, surgeon.MSE, r.MSE)
		t.Logf("sparsity %v: magnitude %.3f, SparseGPT %.3f, OBS %.3f", s, magnitude, r.MSE, surgeon.MSE)
	}
}

func mse(x, before, after tensor.Matrix[float32]) float64 {
	sum := 0.0
	for i := range x.Rows {
		for o := range before.Rows {
			d := 0.0
			for j, v := range x.Row(i) {
				d += float64(v) * (float64(after.At(o, j)) - float64(before.At(o, j)))
			}
			sum += d * d
		}
	}
	return sum / float64(x.Rows*before.Rows)
}
