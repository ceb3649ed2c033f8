package causal

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Stratified hands out batches with rows of every combination of labels, and with each batch the weights of its rows in
// the loss. A rare combination is drawn more often than it is there, and the weight takes that back: it is the target's
// share of the combination over its share of the batch. Weighting such a batch by a table of weights too would correct
// twice, and reverse the association.
//
// Batches are a pure function of seed, epoch and place, so a resumed run has those of an uninterrupted one. It is
// immutable and safe for concurrent use.
type Stratified struct {
	config stratifiedConfig
	cells  [][]int // rows of each combination that the target has
	quota  []int   // rows of each in a batch
	weight []float64
	length int
}

// StratifiedOption is a choice of [NewStratified].
type StratifiedOption func(*stratifiedConfig) error

type stratifiedConfig struct {
	least int
	drop  bool
	seed  uint64
}

// WithMinPerCell sets how many rows of each combination every batch has at least, 1 or more; default 1. A [UStatistic]
// needs 2.
func WithMinPerCell(n int) StratifiedOption {
	return func(c *stratifiedConfig) error {
		c.least = n
		return option.Range(n >= 1, "WithMinPerCell", n, "1 or more")
	}
}

// WithoutRepeats ends an epoch when the rows of the first combination are used up. By default it ends when every row
// was handed out, and rows of rare combinations come again and again until then.
func WithoutRepeats() StratifiedOption {
	return func(c *stratifiedConfig) error {
		c.drop = true
		return nil
	}
}

// WithSeed sets the seed of draws; default 0.
func WithSeed(seed uint64) StratifiedOption {
	return func(c *stratifiedConfig) error {
		c.seed = seed
		return nil
	}
}

// NewStratified divides rows with the labels y and v into batches. Each has rows of the combinations that the target
// of w has, in proportion to their rows as far as the minimum allows; rows with [Unknown] labels and of combinations
// that the target has not are not handed out. The error wraps [tensor.ErrRange] if a batch is too small,
// [ErrLabelRange] for a label that w does not know, and [ErrNoOverlap] for a combination without rows.
func NewStratified(w *Weights, y, v []int, batch int, opts ...StratifiedOption) (*Stratified, error) {
	const call = "NewStratified"
	s := &Stratified{config: stratifiedConfig{least: 1}}
	if err := option.Apply("causal: "+call, &s.config, opts); err != nil {
		return nil, err
	}
	if w == nil {
		return nil, fmt.Errorf("causal: %s: no weights: %w", call, tensor.ErrEmpty)
	}
	if len(y) != len(v) {
		return nil, fmt.Errorf("causal: %s: %d main and %d auxiliary labels: %w", call, len(y), len(v), tensor.ErrShape)
	}
	rows := make([][]int, len(w.weight))
	for i := range y {
		at := w.at(y[i], v[i])
		switch {
		case at >= 0:
			rows[at] = append(rows[at], i)
		case v[i] != Unknown:
			return nil, fmt.Errorf("causal: %s: row %d has %v, which the table does not know: %w",
				call, i, Cell{y[i], v[i]}, ErrLabelRange)
		}
	}
	var target []float64
	for at, own := range rows {
		if w.target[at] == 0 {
			continue
		}
		if len(own) == 0 {
			return nil, fmt.Errorf("causal: %s: no row has %v, which the target has: %w", call, w.cell(at), ErrNoOverlap)
		}
		s.cells, target = append(s.cells, own), append(target, w.target[at])
	}
	if least := len(s.cells) * s.config.least; batch < least {
		return nil, fmt.Errorf("causal: %s: batches of %d rows, want at least %d for %d combinations of labels: %w",
			call, batch, least, len(s.cells), tensor.ErrRange)
	}
	s.divide(batch, target)
	return s, nil
}

// divide gives each combination its minimum and then, a row at a time, the one that is furthest behind its share.
func (s *Stratified) divide(batch int, target []float64) {
	total := 0
	for _, own := range s.cells {
		total += len(own)
	}
	s.quota = make([]int, len(s.cells))
	for k := range s.quota {
		s.quota[k] = s.config.least
	}
	for range batch - len(s.cells)*s.config.least {
		next, most := 0, -1.0
		for k, own := range s.cells {
			if behind := float64(len(own)) / float64(s.quota[k]); behind > most {
				next, most = k, behind
			}
		}
		s.quota[next]++
	}
	s.weight = make([]float64, len(s.cells))
	for k, q := range s.quota {
		s.weight[k] = target[k] * float64(batch) / float64(q)
		n := len(s.cells[k])
		switch whole, all := n/q, (n+q-1)/q; {
		case k == 0 && s.config.drop, s.config.drop && whole < s.length:
			s.length = whole
		case !s.config.drop:
			s.length = max(s.length, all)
		}
	}
}

// Len is the number of batches of an epoch. It is 0 with [WithoutRepeats] if a combination has fewer rows than one
// batch takes.
func (s *Stratified) Len() int { return s.length }

// Batch returns the rows of a batch and the weight of each in the loss. Batches are numbered from 0; those from Len on
// go on with repeated rows.
func (s *Stratified) Batch(epoch, batch int) (rows []int, weights []float64) {
	for k, own := range s.cells {
		q := s.quota[k]
		for i := batch * q; i < (batch+1)*q; i++ {
			rows = append(rows, own[s.shuffled(epoch, k, i/len(own), i%len(own))])
			weights = append(weights, s.weight[k])
		}
	}
	return rows, weights
}

// shuffled is where place i of a combination lies in a round through its rows: a permutation that can be asked for one
// place at a time. Four rounds of a Feistel network over the next power of four, and again while the result is out of
// range.
func (s *Stratified) shuffled(epoch, cell, round, i int) int {
	n := uint64(len(s.cells[cell]))
	half := uint(1)
	for uint64(1)<<(2*half) < n {
		half++
	}
	mask := uint64(1)<<half - 1
	rng := tensor.Stream(s.config.seed, uint64(epoch), uint64(cell), uint64(round))
	keys := [4]uint64{rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64()}
	x := uint64(i)
	for {
		left, right := x>>half, x&mask
		for _, key := range keys {
			left, right = right, left^(mixed(right^key)&mask)
		}
		if x = left<<half | right; x < n {
			return int(x)
		}
	}
}

// mixed is a bijection of 64 bits with full avalanche, the finaliser of MurmurHash3.
func mixed(z uint64) uint64 {
	z = (z ^ z>>33) * 0xFF51AFD7ED558CCD
	z = (z ^ z>>33) * 0xC4CEB9FE1A85EC53
	return z ^ z>>33
}
