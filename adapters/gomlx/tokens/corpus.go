package tokens

import (
	"fmt"
	"iter"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Corpus is texts as token ids, in batches of a few lengths. It is immutable and safe for concurrent use.
type Corpus struct {
	rows   [][]int32
	config corpusConfig
	bucket [][]int // rows by the bucket they fit in
	epoch  int     // batches of one
}

// CorpusOption is a choice of [NewCorpus].
type CorpusOption func(*corpusConfig) error

type corpusConfig struct {
	buckets []int
	batch   int
	pad     int32
	micro   int
	seed    uint64
}

// WithBuckets sets the lengths that rows are padded to, the shortest that fits, each 1 or more; default one, that of
// the longest row. Each is a graph to compile.
func WithBuckets(lengths ...int) CorpusOption {
	return func(c *corpusConfig) error {
		c.buckets = slices.Compact(slices.Sorted(slices.Values(lengths)))
		return option.Range(len(lengths) > 0 && c.buckets[0] > 0, "WithBuckets", lengths, "lengths of 1 or more")
	}
}

// WithBatch sets the rows of a batch, 1 or more; default 32.
func WithBatch(n int) CorpusOption {
	return func(c *corpusConfig) error {
		c.batch = n
		return option.Range(n >= 1, "WithBatch", n, "1 or more")
	}
}

// WithPad sets the id that rows are padded with; default 0. Declare it to the masker with [masking.WithSpecial].
func WithPad(id int32) CorpusOption {
	return func(c *corpusConfig) error {
		c.pad = id
		return option.Range(id >= 0, "WithPad", id, "an id")
	}
}

// WithAccumulation says that n batches are accumulated for one update of the weights, 1 or more; default 1. Tickets
// count updates.
func WithAccumulation(n int) CorpusOption {
	return func(c *corpusConfig) error {
		c.micro = n
		return option.Range(n >= 1, "WithAccumulation", n, "1 or more")
	}
}

// WithSeed sets the seed of the order of rows and batches; default 0.
func WithSeed(seed uint64) CorpusOption {
	return func(c *corpusConfig) error {
		c.seed = seed
		return nil
	}
}

// NewCorpus keeps rows of token ids, which must not change. Errors wrap [tensor.ErrEmpty] without rows, or for an empty
// row, and [tensor.ErrRange] for a row that is longer than the largest bucket, for fewer rows than a batch has, and for
// options.
func NewCorpus(rows [][]int32, opts ...CorpusOption) (*Corpus, error) {
	const call = "tokens: NewCorpus"
	c := &Corpus{rows: rows, config: corpusConfig{batch: 32, micro: 1}}
	if err := option.Apply(call, &c.config, opts); err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: no rows: %w", call, tensor.ErrEmpty)
	}
	longest := 0
	for i, row := range rows {
		longest = max(longest, len(row))
		if len(row) == 0 {
			return nil, fmt.Errorf("%s: row %d: %w", call, i, tensor.ErrEmpty)
		}
	}
	if c.config.buckets == nil {
		c.config.buckets = []int{longest}
	}
	if most := c.config.buckets[len(c.config.buckets)-1]; longest > most {
		at := slices.IndexFunc(rows, func(row []int32) bool { return len(row) > most })
		return nil, fmt.Errorf("%s: row %d has %d ids, the largest bucket %d: %w", call, at, len(rows[at]), most,
			tensor.ErrRange)
	}
	c.bucket = make([][]int, len(c.config.buckets))
	for i, row := range rows {
		k, _ := slices.BinarySearch(c.config.buckets, len(row))
		c.bucket[k] = append(c.bucket[k], i)
	}
	c.epoch = len(rows) / c.config.batch
	if c.epoch == 0 {
		return nil, fmt.Errorf("%s: %d rows make no batch of %d: %w", call, len(rows), c.config.batch, tensor.ErrRange)
	}
	return c, nil
}

// Batches is the number of batches of an epoch.
func (c *Corpus) Batches() int { return c.epoch }

// From is the batches from an update of the weights on, epoch after epoch without an end, for [Masked]: ids and their
// [Ticket]. A run that is resumed begins at the global step of its checkpoint.
//
// In each epoch rows are shuffled. Those that do not fill a batch of their bucket go to the next longer one, and the
// fewer than a batch that remain of the last have their turn in another epoch. A batch depends on the seed and its
// number alone.
func (c *Corpus) From(step int) train.Dataset { return corpusFrom{c, max(step, 0) * c.config.micro} }

type corpusFrom struct {
	*Corpus
	first int
}

// Name implements train.Dataset.
func (d corpusFrom) Name() string { return "corpus" }

// Iter implements train.Dataset.
func (d corpusFrom) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		var plan []planned
		planOf := -1
		for n := d.first; ; n++ {
			epoch := n / d.epoch
			if epoch != planOf {
				plan, planOf = d.plan(epoch), epoch
			}
			if !yield(d.batch(plan[n%d.epoch], n/d.config.micro, epoch), nil) {
				return
			}
		}
	}
}

// planned is the rows of a batch and their length.
type planned struct {
	rows   []int
	length int
}

// plan is the batches of an epoch.
func (c *Corpus) plan(epoch int) (plan []planned) {
	rng := tensor.Stream(c.config.seed, uint64(epoch))
	var rest []int
	for k, length := range c.config.buckets {
		rows := append(rest, c.bucket[k]...)
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for len(rows) >= c.config.batch {
			plan = append(plan, planned{rows[:c.config.batch], length})
			rows = rows[c.config.batch:]
		}
		rest = slices.Clone(rows)
	}
	rng.Shuffle(len(plan), func(i, j int) { plan[i], plan[j] = plan[j], plan[i] })
	return plan
}

func (c *Corpus) batch(p planned, step, epoch int) train.Batch {
	ids := make([]int32, len(p.rows)*p.length)
	for i := range ids {
		ids[i] = c.config.pad
	}
	for k, row := range p.rows {
		copy(ids[k*p.length:], c.rows[row])
	}
	return train.Batch{Inputs: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(ids, len(p.rows), p.length),
		Ticket(step, epoch, p.rows)}}
}
