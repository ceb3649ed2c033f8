package tokens_test

import (
	"slices"
	"testing"

	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/dtensor"
	"github.com/gomlx/gomlx/ml/dataset"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/adapters/gomlx/internal/gxtest"
	"github.com/espalier-ml/espalier/adapters/gomlx/tokens"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/schedule/masking"
	"github.com/espalier-ml/espalier/tensor"
)

const vocab, maskID = 50, 3

// texts are rows of 3 to 32 ids.
func texts(n int) (rows [][]int32) {
	rng := tensor.Stream(3)
	for range n {
		row := make([]int32, 3+rng.IntN(30))
		for i := range row {
			row[i] = 5 + int32(rng.IntN(vocab-5))
		}
		rows = append(rows, row)
	}
	return rows
}

func masker(t *testing.T, opts ...masking.Option) *masking.Masker {
	t.Helper()
	m, err := masking.New(vocab, maskID, schedule.Linear{From: 0.30, To: 0.15, Over: 20},
		append(opts, masking.WithSpecial(0, 1, 2), masking.WithSeed(1))...)
	require.NoError(t, err)
	return m
}

func corpus(t *testing.T, rows [][]int32, opts ...tokens.CorpusOption) *tokens.Corpus {
	t.Helper()
	c, err := tokens.NewCorpus(rows, append([]tokens.CorpusOption{tokens.WithBatch(8), tokens.WithBuckets(16, 32)},
		opts...)...)
	require.NoError(t, err)
	return c
}

// batches takes the first n batches of a data set.
func batches(t *testing.T, ds train.Dataset, n int) (all []train.Batch) {
	t.Helper()
	for b, err := range dataset.Take(ds, n).Iter() {
		require.NoError(t, err)
		all = append(all, b)
	}
	return all
}

func TestTheSameMasksByHand(t *testing.T) {
	gxtest.Backend(t)
	m := masker(t)
	c := corpus(t, texts(100))
	plain := batches(t, c.From(0), 30)
	for _, workers := range []int{1, 4} {
		ds, err := tokens.Masked(c.From(0), m, tokens.WithWorkers(workers))
		require.NoError(t, err)
		for step, b := range batches(t, ds, 30) {
			ids := tensors.MustCopyFlatData[int32](plain[step].Inputs[0])
			ticket := tensors.MustCopyFlatData[int64](plain[step].Inputs[1])
			require.EqualValues(t, step, ticket[0])
			require.EqualValues(t, step/c.Batches(), ticket[1])
			key := masking.Key{Epoch: step / c.Batches()}
			for _, s := range ticket[2:] {
				key.Samples = append(key.Samples, int(s))
			}
			original := slices.Clone(ids)
			labels := make([]int32, len(ids))
			n, err := m.Mask(ids, labels, ids, key, step)
			require.NoError(t, err)
			assert.Equal(t, ids, tensors.MustCopyFlatData[int32](b.Inputs[0]), "%d workers, step %d", workers, step)
			got := tensors.MustCopyFlatData[int32](b.Labels[0])
			assert.Equal(t, append(slices.Clone(plain[step].Inputs[0].Shape().Dimensions), 1), b.Labels[0].Shape().Dimensions)
			for i, target := range tensors.MustCopyFlatData[bool](b.Labels[1]) {
				if target {
					n--
					assert.Equal(t, original[i], got[i])
				} else {
					assert.Zero(t, got[i], "a label that exists")
				}
			}
			assert.Zero(t, n)
		}
	}
}

// Devices that each mask a part of a batch agree with one that masks the whole, without talking.
func TestPartsOfABatch(t *testing.T) {
	gxtest.Backend(t)
	m := masker(t)
	whole := batches(t, corpus(t, texts(100)).From(7), 1)[0]
	mesh, err := distributed.NewDeviceMesh([]int{2}, []string{"data"})
	require.NoError(t, err)
	spec, err := distributed.BuildSpec(mesh).S("data").Done()
	require.NoError(t, err)
	ticket := tensors.MustCopyFlatData[int64](whole.Inputs[1])
	masked := func(ids *tensors.Tensor, samples []int64) *tensors.Tensor {
		rows := tensors.FromFlatDataAndDimensions(append(slices.Clone(ticket[:2]), samples...), len(samples)+2)
		copied, err := ids.LocalClone()
		require.NoError(t, err)
		ds, err := tokens.Masked(dataset.Const(train.Batch{Inputs: []*tensors.Tensor{copied, rows}}), m)
		require.NoError(t, err)
		return batches(t, ds, 1)[0].Inputs[0]
	}
	sharded, err := dtensor.ShardTensor(spec, whole.Inputs[0])
	require.NoError(t, err)
	var parts []int32
	for k, shard := range sharded.Shards() {
		parts = append(parts, tensors.MustCopyFlatData[int32](masked(shard, ticket[2+4*k:6+4*k]))...)
	}
	assert.Equal(t, tensors.MustCopyFlatData[int32](masked(whole.Inputs[0], ticket[2:])), parts)
}

func TestOneGraphForEachBucket(t *testing.T) {
	b := gxtest.Backend(t)
	builds := 0
	store := gxtest.Store(t)
	tr := train.NewTrainer(b, store, func(s *model.Scope, ids *graph.Node) *graph.Node {
		builds++
		e := layers.Embedding(s.In("e"), graph.InsertAxes(ids, -1), dtypes.Float32, vocab, 16)
		return layers.DenseWithBias(s.In("o"), e, vocab)
	}, loss.SparseCategoricalCrossEntropyLogits, optimizer.Adam().LearningRate(.01).Done(), nil, nil)
	ds, err := tokens.Masked(corpus(t, texts(100)).From(0), masker(t))
	require.NoError(t, err)
	_, err = train.NewLoop(tr).RunSteps(ds, 60)
	require.NoError(t, err)
	assert.Equal(t, 2, builds)
}

func TestBatchesOfACorpus(t *testing.T) {
	gxtest.Backend(t)
	rows := texts(100)
	c := corpus(t, rows, tokens.WithSeed(5))
	assert.Equal(t, 12, c.Batches())
	all := batches(t, c.From(0), 36)
	seen := map[int64]int{}
	for k, b := range all {
		d := b.Inputs[0].Shape().Dimensions
		assert.Contains(t, []int{16, 32}, d[1])
		ids, ticket := tensors.MustCopyFlatData[int32](b.Inputs[0]), tensors.MustCopyFlatData[int64](b.Inputs[1])
		for i, s := range ticket[2:] {
			if k < 12 {
				seen[s]++
			}
			row := ids[i*d[1] : (i+1)*d[1]]
			n := len(rows[s])
			assert.Equal(t, rows[s], row[:n])
			assert.Equal(t, make([]int32, d[1]-n), row[n:])
		}
	}
	assert.Len(t, seen, 96, "each row at most once in an epoch")
	for k, b := range batches(t, c.From(17), 5) { // a run that is resumed
		assert.True(t, b.Inputs[0].Equal(all[17+k].Inputs[0]))
		assert.True(t, b.Inputs[1].Equal(all[17+k].Inputs[1]))
	}
	micro := batches(t, corpus(t, rows, tokens.WithSeed(5), tokens.WithAccumulation(3)).From(4), 6)
	for k, b := range micro {
		assert.True(t, b.Inputs[0].Equal(all[12+k].Inputs[0]))
		assert.EqualValues(t, 4+k/3, tensors.MustCopyFlatData[int64](b.Inputs[1])[0], "tickets count updates")
	}
}

func TestReplacedTokens(t *testing.T) {
	gxtest.Backend(t)
	ds, err := tokens.Masked(corpus(t, texts(20)).From(0), masker(t, masking.WithRTS()))
	require.NoError(t, err)
	b := batches(t, ds, 1)[0]
	require.Len(t, b.Labels, 1, "all positions count")
	for _, l := range tensors.MustCopyFlatData[int32](b.Labels[0]) {
		assert.True(t, l == 0 || l == 1)
	}
}

func TestWhatIsRefused(t *testing.T) {
	gxtest.Backend(t)
	rows := texts(20)
	_, err := tokens.NewCorpus(nil)
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = tokens.NewCorpus([][]int32{{1}, {}})
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = tokens.NewCorpus(rows, tokens.WithBuckets(8))
	assert.ErrorIs(t, err, tensor.ErrRange)
	_, err = tokens.NewCorpus(rows, tokens.WithBuckets(), tokens.WithBatch(0), tokens.WithPad(-1),
		tokens.WithAccumulation(0))
	require.ErrorIs(t, err, tensor.ErrRange)
	for _, name := range []string{"WithBuckets", "WithBatch", "WithPad", "WithAccumulation"} {
		assert.ErrorContains(t, err, name)
	}
	_, err = tokens.Masked(nil, masker(t))
	assert.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = tokens.Masked(corpus(t, rows).From(0), masker(t), tokens.WithWorkers(-1))
	assert.ErrorIs(t, err, tensor.ErrRange)

	failing := func(inputs ...*tensors.Tensor) error {
		ds, err := tokens.Masked(dataset.Const(train.Batch{Inputs: inputs}), masker(t))
		require.NoError(t, err)
		for _, err := range ds.Iter() {
			return err
		}
		return nil
	}
	ids := func(x ...int32) *tensors.Tensor { return tensors.FromFlatDataAndDimensions(x, 1, len(x)) }
	assert.ErrorIs(t, failing(ids(5, 6)), tensor.ErrShape, "no ticket")
	assert.ErrorIs(t, failing(ids(5, 6), tokens.Ticket(0, 0, []int{1, 2})), tensor.ErrShape, "a ticket of two rows")
	assert.ErrorIs(t, failing(ids(5, vocab), tokens.Ticket(0, 0, []int{1})), tensor.ErrRange, "an id")
	assert.ErrorIs(t, failing(tensors.FromFlatDataAndDimensions([]float32{1}, 1, 1), tokens.Ticket(0, 0, []int{1})),
		tensor.ErrShape)
}
