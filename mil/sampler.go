package mil

import (
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Sampler deals out bags in batches, an epoch after the other. It serves both ways to train: on bags, or on instances
// that inherit the labels of their bags (single-instance learning, what the paper does). It is immutable and safe for
// concurrent use: what an epoch draws depends on the seed and the epoch alone.
type Sampler struct {
	positive []bool
	offsets  []int
	config   samplerConfig
}

// SamplerOption is a choice of [NewSampler].
type SamplerOption interface{ forSampler(*samplerConfig) error }

type samplerChoice func(*samplerConfig) error

func (f samplerChoice) forSampler(c *samplerConfig) error { return f(c) }

type samplerConfig struct {
	seed     uint64
	batch    int
	balanced bool
	most     int
	how      Subsample
}

// WithBagsPerBatch sets the bags of a batch, 1 or more; default 1, as most of the field trains.
func WithBagsPerBatch(n int) SamplerOption {
	return samplerChoice(func(c *samplerConfig) error {
		c.batch = n
		return option.Range(n >= 1, "WithBagsPerBatch", n, "1 or more")
	})
}

// WithBalanced makes positive and negative bags take turns, so that batches of an even number have as many of either.
// An epoch deals each bag of the larger class once, and those of the smaller one again and again, each time in a new
// order. By default an epoch deals every bag once.
func WithBalanced() SamplerOption {
	return samplerChoice(func(c *samplerConfig) error {
		c.balanced = true
		return nil
	})
}

// WithMaxInstances sets how many instances of a bag take part in an epoch, 1 or more, and how larger bags choose them.
// By default all do.
func WithMaxInstances(n int, how Subsample) SamplerOption {
	return samplerChoice(func(c *samplerConfig) error {
		c.most, c.how = n, how
		if err := subsamples.Option("WithMaxInstances", how); err != nil {
			return err
		}
		return option.Range(n >= 1, "WithMaxInstances", n, "1 or more")
	})
}

// Subsample is how a bag with too many instances chooses some.
type Subsample uint8

// The choices. All keep the order of the instances.
const (
	Uniform Subsample = iota // drawn without replacement, others in each epoch
	First                    // the first ones: what the paper does
	Strided                  // evenly spread over the bag
)

var subsamples = enum.Of[Subsample]("subsample", "uniform", "first", "strided")

// String is the choice's name.
func (s Subsample) String() string { return subsamples.String(s) }

// MarshalText writes the name.
func (s Subsample) MarshalText() ([]byte, error) { return subsamples.Marshal(s) }

// UnmarshalText reads a name.
func (s *Subsample) UnmarshalText(text []byte) error { return subsamples.Unmarshal(s, text) }

// NewSampler makes a sampler of bags with the given labels and offsets, those of [Bags]; both are copied. Empty bags
// are never dealt. Options are [WithBagsPerBatch], [WithBalanced], [WithMaxInstances] and [WithSeed]. The error wraps
// [tensor.ErrEmpty] if there are no instances, [tensor.ErrShape] unless there is a label for each bag, [tensor.ErrRange]
// for wrong offsets, and [stats.ErrOneClass] if bags of one class cannot be balanced.
func NewSampler(positive []bool, offsets []int, opts ...SamplerOption) (*Sampler, error) {
	const call = "mil: NewSampler"
	c := samplerConfig{batch: 1}
	if err := option.Apply(call, &c, choices(opts, SamplerOption.forSampler)); err != nil {
		return nil, err
	}
	if len(positive) != len(offsets)-1 {
		return nil, fmt.Errorf("%s: %d labels for %d offsets, which are one more: %w", call, len(positive), len(offsets),
			tensor.ErrShape)
	}
	if err := tensor.ValidateOffsets(offsets, offsets[len(offsets)-1]); err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	s := &Sampler{slices.Clone(positive), slices.Clone(offsets), c}
	yes, no := s.class(true), s.class(false)
	if len(yes)+len(no) == 0 {
		return nil, fmt.Errorf("%s: no bag has instances: %w", call, tensor.ErrEmpty)
	}
	if c.balanced && (len(yes) == 0 || len(no) == 0) {
		return nil, fmt.Errorf("%s: WithBalanced: %d positive and %d negative bags with instances: %w", call, len(yes),
			len(no), stats.ErrOneClass)
	}
	return s, nil
}

// class is the bags with instances and a label.
func (s *Sampler) class(positive bool) (bags []int) {
	for i, p := range s.positive {
		if p == positive && s.offsets[i+1] > s.offsets[i] {
			bags = append(bags, i)
		}
	}
	return bags
}

// Batch is bags that were dealt, and which of their instances.
type Batch struct {
	Bags    []int // numbers of bags
	Rows    []int // rows of the instances, bag by bag
	Offsets []int // of each bag in Rows
}

// Labels are those of the bags.
func (b Batch) Labels(positive []bool) []bool {
	labels := make([]bool, len(b.Bags))
	for k, i := range b.Bags {
		labels[k] = positive[i]
	}
	return labels
}

// InstanceLabels are those that the instances inherit from their bags.
func (b Batch) InstanceLabels(positive []bool) []bool {
	labels := make([]bool, 0, len(b.Rows))
	for k, i := range b.Bags {
		for range b.Offsets[k+1] - b.Offsets[k] {
			labels = append(labels, positive[i])
		}
	}
	return labels
}

// Gather copies the instances of a batch to dst, which is overwritten and grows if it is too small. The error is that
// of [Bags.Validate], or wraps [tensor.ErrRange] for a row that there is not and [tensor.ErrOverlap].
func Gather[T tensor.Float](dst *Bags[T], from Bags[T], batch Batch) error {
	const call = "mil: Gather"
	if err := from.validate(call); err != nil {
		return err
	}
	for k, r := range batch.Rows {
		if r < 0 || r >= from.X.Rows {
			return fmt.Errorf("%s: Rows[%d] is %d of %d: %w", call, k, r, from.X.Rows, tensor.ErrRange)
		}
	}
	if tensor.Overlap(dst.X.Data, from.X.Data) {
		return fmt.Errorf("%s: dst: %w", call, tensor.ErrOverlap)
	}
	data := dst.X.Data
	if n := len(batch.Rows) * from.X.Cols; cap(data) < n {
		data = make([]T, n)
	}
	dst.X = tensor.Of(len(batch.Rows), from.X.Cols, data[:len(batch.Rows)*from.X.Cols])
	for to, r := range batch.Rows {
		copy(dst.X.Row(to), from.X.Row(r))
	}
	dst.Offsets = append(dst.Offsets[:0], batch.Offsets...)
	return dst.validate(call)
}

// Batches is how many an epoch has.
func (s *Sampler) Batches() int { return (s.dealt() + s.config.batch - 1) / s.config.batch }

// dealt is how many bags an epoch deals.
func (s *Sampler) dealt() int {
	yes, no := len(s.class(true)), len(s.class(false))
	if s.config.balanced {
		return 2 * max(yes, no)
	}
	return yes + no
}

// Epoch deals the batches of an epoch; the last one may be smaller. The batch is the loop's to keep.
func (s *Sampler) Epoch(epoch uint64) iter.Seq[Batch] {
	return func(yield func(Batch) bool) {
		order := s.order(epoch)
		for lo := 0; lo < len(order); lo += s.config.batch {
			b := Batch{Bags: order[lo:min(lo+s.config.batch, len(order))], Offsets: []int{0}}
			for k, i := range b.Bags {
				b.Rows = s.instances(b.Rows, epoch, i, lo+k)
				b.Offsets = append(b.Offsets, len(b.Rows))
			}
			if !yield(b) {
				return
			}
		}
	}
}

// order is the bags of an epoch.
func (s *Sampler) order(epoch uint64) []int {
	yes, no := s.class(true), s.class(false)
	if !s.config.balanced {
		all := append(yes, no...)
		slices.Sort(all)
		s.shuffle(all, epoch, 0)
		return all
	}
	n := max(len(yes), len(no))
	order := make([]int, 0, 2*n)
	for k := range n {
		for c, class := range [2][]int{yes, no} {
			at := k % len(class)
			if at == 0 {
				s.shuffle(class, epoch, uint64(1+c+2*(k/len(class))))
			}
			order = append(order, class[at])
		}
	}
	return order
}

func (s *Sampler) shuffle(bags []int, epoch, key uint64) {
	rng := tensor.Stream(s.config.seed, epoch, key)
	rng.Shuffle(len(bags), func(i, j int) { bags[i], bags[j] = bags[j], bags[i] })
}

// instances appends the rows of bag i that take part where it is dealt at that place of an epoch.
func (s *Sampler) instances(rows []int, epoch uint64, i, place int) []int {
	lo, n := s.offsets[i], s.offsets[i+1]-s.offsets[i]
	most := s.config.most
	if most == 0 || n <= most {
		most = n
	}
	if most == n || s.config.how == First {
		for k := range most {
			rows = append(rows, lo+k)
		}
		return rows
	}
	if s.config.how == Strided {
		for k := range most {
			rows = append(rows, lo+int(math.Floor((float64(k)+0.5)*float64(n)/float64(most))))
		}
		return rows
	}
	rng := tensor.Stream(s.config.seed, epoch, uint64(place), 1)
	for k, need := 0, most; need > 0; k++ { // each with the probability that leaves all subsets alike
		if rng.IntN(n-k) < need {
			rows = append(rows, lo+k)
			need--
		}
	}
	return rows
}
