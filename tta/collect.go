package tta

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Model computes the outputs of a batch of inputs: row i of C numbers of out for batch[i]. It is never called from two
// goroutines at once.
type Model[X any] func(ctx context.Context, batch []X, out []float32) error

// CollectOption is a choice of [Collect] and [CollectLabelled].
type CollectOption interface{ forCollect(*collectConfig) error }

type collectChoice func(*collectConfig) error

func (f collectChoice) forCollect(c *collectConfig) error { return f(c) }

type collectConfig struct {
	batch    int
	workers  int
	seed     uint64
	progress func(done, total int)
	cache    Cache
	outputs  []OutputsOption
}

// WithBatch sets how many inputs the model gets at once, 1 or more; default 64. Results depend on it as far as the
// model's do.
func WithBatch(n int) CollectOption {
	return collectChoice(func(c *collectConfig) error {
		c.batch = n
		return option.Range(n >= 1 && n <= 1<<20, "WithBatch", n, "1 to 2^20")
	})
}

// WithOutputs says more about what the model computes, such as [WithProbabilities].
func WithOutputs(opts ...OutputsOption) CollectOption {
	return collectChoice(func(c *collectConfig) error {
		c.outputs = opts
		return nil
	})
}

// Collect runs a model on every view of every input, in order, and ranges over xs once. Views are transformed side by
// side; a batch may hold views of several inputs. Labels are not needed to aggregate or to predict: [CollectLabelled]
// is for those who fit.
//
// The error is that of the model, of a transform with its view and example, of ctx, or of [NewOutputs].
func Collect[X any](ctx context.Context, m Model[X], p *Policy[X], xs iter.Seq[X], classes int,
	opts ...CollectOption) (*Outputs, error) {
	return collect(ctx, "Collect", m, p, func(yield func(X, int) bool) {
		for x := range xs {
			if !yield(x, -1) {
				return
			}
		}
	}, classes, opts)
}

// CollectLabelled is [Collect] of inputs with their classes.
func CollectLabelled[X any](ctx context.Context, m Model[X], p *Policy[X], xs iter.Seq2[X, int], classes int,
	opts ...CollectOption) (*Outputs, error) {
	labels := []int{} // not nil
	own := collectChoice(func(c *collectConfig) error {
		c.outputs = append(slices.Clip(c.outputs), func(o *outputsConfig) error { o.labels = labels; return nil })
		return nil
	})
	return collect(ctx, "CollectLabelled", m, p, xs, classes, append(slices.Clip(opts), own), &labels)
}

func collect[X any](ctx context.Context, call string, m Model[X], p *Policy[X], xs iter.Seq2[X, int], classes int,
	opts []CollectOption, labels ...*[]int) (*Outputs, error) {
	c := collectConfig{batch: 64, progress: func(int, int) {}}
	if err := option.Apply("tta: "+call, &c, choices(opts, CollectOption.forCollect)); err != nil {
		return nil, err
	}
	if m == nil || p == nil || xs == nil {
		return nil, fmt.Errorf("tta: %s: model, policy or inputs are nil: %w", call, tensor.ErrEmpty)
	}
	if err := p.checkClasses(classes); err != nil {
		return nil, fmt.Errorf("tta: %s: %w", call, err)
	}
	r := &runner[X]{model: m, policy: p, classes: classes, config: c}
	var data []float32
	var err error
	inputs := max(1, c.batch/p.Len()) // as many as fill a batch
	var pending []X
	n := 0
	flush := func() bool {
		if err = r.run(ctx, pending, n, &data); err != nil {
			err = fmt.Errorf("tta: %s: %w", call, err)
			return false
		}
		n += len(pending)
		pending = pending[:0]
		c.progress(n, 0)
		return true
	}
	for x, y := range xs {
		pending = append(pending, x)
		if labels != nil {
			*labels[0] = append(*labels[0], y)
		}
		if len(pending) == inputs && !flush() {
			return nil, err
		}
	}
	if len(pending) > 0 && !flush() {
		return nil, err
	}
	own := []OutputsOption{WithNames(p.Names()...), WithPolicy(p.Fingerprint())}
	if p.identity >= 0 {
		own = append(own, WithIdentity(p.identity))
	}
	return NewOutputs(p.Len(), classes, data, append(own, c.outputs...)...)
}

// checkClasses holds permutations against the number of classes.
func (p *Policy[X]) checkClasses(classes int) error {
	if classes < 1 || classes > math.MaxInt32/block/p.Len() {
		return fmt.Errorf("%d classes: %w", classes, tensor.ErrRange)
	}
	for _, v := range p.views {
		if v.Classes != nil && len(v.Classes) != labelsOf(classes) {
			return fmt.Errorf("view %q permutes %d of %d classes: %w", v.Name, len(v.Classes), labelsOf(classes), ErrPolicy)
		}
	}
	return nil
}

// runner makes views and calls the model.
type runner[X any] struct {
	model   Model[X]
	policy  *Policy[X]
	classes int
	config  collectConfig
}

// run appends the outputs for all views of inputs, of which the first is example number first.
func (r *runner[X]) run(ctx context.Context, xs []X, first int, data *[]float32) error {
	all := span(0, r.policy.Len())
	out := make([]float32, len(xs)*len(all)*r.classes)
	if err := r.views(ctx, xs, span(first, first+len(xs)), all, out); err != nil {
		return err
	}
	*data = append(*data, out...)
	return nil
}

// views writes the outputs for some views of inputs to out, [inputs, views, classes]. The inputs are examples of the
// given numbers.
func (r *runner[X]) views(ctx context.Context, xs []X, examples, views []int, out []float32) error {
	var todo []int // pairs of input and view
	for i := range len(xs) * len(views) {
		if c := r.config.cache; c == nil || !c.Load(r.key(examples[i/len(views)], views[i%len(views)]), r.row(out, i)) {
			todo = append(todo, i)
		}
	}
	size := min(len(todo), r.config.batch)
	batch, errs, rows := make([]X, size), make([]error, size), make([]float32, size*r.classes)
	for len(todo) > 0 {
		pairs := todo[:min(size, len(todo))]
		todo = todo[len(pairs):]
		part, rows := batch[:len(pairs)], rows[:len(pairs)*r.classes]
		if err := ctx.Err(); err != nil {
			return err
		}
		tensor.ParallelWorkers(r.config.workers, len(part), 1, func(from, to int) {
			for i := from; i < to && ctx.Err() == nil; i++ {
				k, a := pairs[i]/len(views), views[pairs[i]%len(views)]
				part[i], errs[i] = r.policy.views[a].apply(xs[k], r.config.seed, examples[k], a)
			}
		})
		for i, err := range errs[:len(part)] {
			if err != nil {
				return fmt.Errorf("example %d: %w", examples[pairs[i]/len(views)], err)
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range rows {
			rows[i] = float32(math.NaN()) // what the model does not write is found
		}
		if err := r.model(ctx, part, rows); err != nil {
			return fmt.Errorf("model: %w", err)
		}
		for i, pair := range pairs {
			k, a := examples[pair/len(views)], views[pair%len(views)]
			row := r.row(out, pair)
			copy(row, r.row(rows, i))
			r.permute(row, a)
			if r.config.cache != nil && !slices.ContainsFunc(row, func(v float32) bool { return v-v != 0 }) {
				r.config.cache.Store(r.key(k, a), row)
			}
		}
	}
	return nil
}

func (r *runner[X]) row(rows []float32, i int) []float32 { return rows[i*r.classes : (i+1)*r.classes] }

// key names a view in a cache: by all that its outputs depend on but the model and the input.
func (r *runner[X]) key(example, view int) CacheKey {
	v := &r.policy.views[view]
	name := strconv.Quote(v.Name)
	for _, t := range v.Steps {
		name += " " + strconv.Quote(t.Name())
		if _, ok := t.(Random[X]); ok {
			name += fmt.Sprintf("(seed %d, view %d)", r.config.seed, view)
		}
	}
	if v.Classes != nil {
		name += fmt.Sprint(" ", v.Classes)
	}
	return CacheKey{example, name}
}

// permute puts the classes of a view where they belong. Of one logit, exchanged classes change its sign; of one
// probability, its side of one half.
func (r *runner[X]) permute(row []float32, view int) {
	classes := r.policy.views[view].Classes
	if classes == nil {
		return
	}
	if len(row) == 1 {
		if classes[0] == 1 {
			row[0] = r.opposite(row[0])
		}
		return
	}
	before := append([]float32(nil), row...)
	for c, from := range classes {
		row[c] = before[from]
	}
}

func (r *runner[X]) opposite(v float32) float32 {
	var c outputsConfig
	for _, opt := range r.config.outputs {
		if opt != nil && opt(&c) == nil && c.probabilities {
			return 1 - v
		}
	}
	return -v
}
