package tta

import (
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/tensor"
)

// Outputs is what a model says of N examples in A views each: A rows of C classes an example, in the order [N, A, C].
// It is immutable and safe for concurrent use.
type Outputs struct {
	views, classes int
	kind           Kind
	data           []float32
	labels         []int // nil if there are none
	names          []string
	identity       int // -1 if no view is known to be untransformed
	policy         string
	warnings       []string
}

// OutputsOption is a choice of [NewOutputs].
type OutputsOption func(*outputsConfig) error

type outputsConfig struct {
	labels        []int
	names         []string
	identity      int
	policy        string
	probabilities bool
	given         option.Given
}

// WithLabels sets the class of each example; default none, which is enough to aggregate but not to fit or evaluate.
func WithLabels(labels []int) OutputsOption {
	return func(c *outputsConfig) error {
		c.labels = labels
		return option.Nil(labels != nil, "WithLabels")
	}
}

// WithNames sets the names of the views; default "view 0", "view 1" and so on.
func WithNames(names ...string) OutputsOption {
	return func(c *outputsConfig) error {
		c.names = names
		return option.Nil(len(names) > 0, "WithNames")
	}
}

// WithIdentity says which view is the untransformed input, against which everything is compared. Default none.
func WithIdentity(view int) OutputsOption {
	return func(c *outputsConfig) error {
		c.identity = view
		return option.Range(view >= 0, "WithIdentity", view, "the index of a view")
	}
}

// WithPolicy sets the fingerprint of the policy that made the views (see [Policy.Fingerprint]); default none, which
// matches everything.
func WithPolicy(fingerprint string) OutputsOption {
	return func(c *outputsConfig) error {
		c.policy = fingerprint
		return nil
	}
}

// WithProbabilities says that the model ends in a softmax or sigmoid, so that the data are probabilities. They are
// replaced by their logarithms, or for one class by their logits, in memory of their own. A probability of 0 is one too
// small for a float32 and counts as the smallest of them, 1.4e-45: aggregation stays finite and a veto stays one.
func WithProbabilities() OutputsOption {
	return func(c *outputsConfig) error {
		c.probabilities = true
		c.given.Mark("WithProbabilities")
		return nil
	}
}

// WithLogProbs says that the data are logarithms of probabilities already, as of a model that ends in a log-softmax.
func WithLogProbs() OutputsOption {
	return func(c *outputsConfig) error {
		c.given.Mark("WithLogProbs")
		return nil
	}
}

// NewOutputs takes the outputs of a model for N = len(data) / (views*classes) examples, logits unless an option says
// otherwise. With one class an output is the logit of class 1 against class 0. data and labels are kept and must not
// change.
//
// Errors wrap [tensor.ErrShape], [tensor.ErrEmpty], [tensor.ErrNotFinite] with example, view and class, [ErrLabel], or
// [tensor.ErrRange] for probabilities that are none.
func NewOutputs(views, classes int, data []float32, opts ...OutputsOption) (*Outputs, error) {
	const call = "NewOutputs"
	c := outputsConfig{identity: -1}
	if err := option.Apply("tta: "+call, &c, opts); err != nil {
		return nil, err
	}
	if err := c.given.Exclusive("WithProbabilities", "WithLogProbs"); err != nil {
		return nil, fmt.Errorf("tta: %s: %w", call, err)
	}
	o := &Outputs{views: views, classes: classes, kind: Logits, data: data, labels: c.labels, names: c.names,
		identity: c.identity, policy: c.policy}
	switch {
	case classes == 1 && c.given.Has("WithLogProbs"):
		return nil, fmt.Errorf("tta: %s: the logarithm of one probability is no logit: use WithProbabilities: %w",
			call, tensor.ErrConflict)
	case classes == 1:
		o.kind = Binary
	case c.probabilities || c.given.Has("WithLogProbs"):
		o.kind = LogProbs
	}
	if err := o.check(call); err != nil {
		return nil, err
	}
	if c.probabilities {
		var err error
		if o.data, err = o.logarithms(call); err != nil {
			return nil, err
		}
	} else if o.kind == LogProbs {
		if err := o.checkLogProbs(call); err != nil {
			return nil, err
		}
	}
	o.warn(c.probabilities)
	return o, nil
}

func (o *Outputs) check(call string) error {
	size := o.views * o.classes
	switch {
	case o.views < 1 || o.classes < 1:
		return fmt.Errorf("tta: %s: %d views of %d classes: %w", call, o.views, o.classes, tensor.ErrEmpty)
	case o.views > math.MaxInt32/block/o.classes:
		return fmt.Errorf("tta: %s: %d views of %d classes: %w", call, o.views, o.classes, tensor.ErrRange)
	case len(o.data) == 0:
		return fmt.Errorf("tta: %s: no examples: %w", call, tensor.ErrEmpty)
	case len(o.data)%size != 0:
		return fmt.Errorf("tta: %s: %d numbers are no multiple of %d views of %d classes: %w",
			call, len(o.data), o.views, o.classes, tensor.ErrShape)
	case o.identity >= o.views:
		return fmt.Errorf("tta: %s: WithIdentity(%d) of %d views: %w", call, o.identity, o.views, tensor.ErrRange)
	case o.names != nil && len(o.names) != o.views:
		return fmt.Errorf("tta: %s: %d names for %d views: %w", call, len(o.names), o.views, tensor.ErrShape)
	}
	if err := tensor.ValidateFinite("data", o.data); err != nil {
		at := slices.IndexFunc(o.data, func(v float32) bool { return v-v != 0 })
		return fmt.Errorf("tta: %s: example %d, view %d, class %d is %v: %w",
			call, at/size, at/o.classes%o.views, at%o.classes, o.data[at], tensor.ErrNotFinite)
	}
	return o.checkLabels(call)
}

func (o *Outputs) checkLabels(call string) error {
	if o.labels == nil {
		return nil
	}
	if len(o.labels) != o.Len() {
		return fmt.Errorf("tta: %s: %d labels for %d examples: %w", call, len(o.labels), o.Len(), tensor.ErrShape)
	}
	for n, y := range o.labels {
		if y < 0 || y >= labelsOf(o.classes) {
			return fmt.Errorf("tta: %s: label %d of example %d, want 0 to %d: %w",
				call, y, n, labelsOf(o.classes)-1, ErrLabel)
		}
	}
	return nil
}

// logarithms is the data, which are probabilities, as logarithms, or as logits for one class.
func (o *Outputs) logarithms(call string) ([]float32, error) {
	const tolerance = 1e-3
	out := make([]float32, len(o.data))
	for at := 0; at < len(o.data); at += o.classes {
		sum := 0.0
		for c, p := range o.data[at : at+o.classes] {
			if p < 0 || p > 1+tolerance {
				return nil, fmt.Errorf("tta: %s: example %d, view %d, class %d is %v, want a probability: %w",
					call, at/(o.views*o.classes), at/o.classes%o.views, c, p, tensor.ErrRange)
			}
			sum += float64(p)
			out[at+c] = logOf(p)
			if o.classes == 1 {
				out[at] -= logOf(1 - min(p, 1))
			}
		}
		if o.classes > 1 && math.Abs(sum-1) > tolerance {
			return nil, o.sumError(call, at, sum)
		}
	}
	return out, nil
}

// logOf is the logarithm of a probability, that of the smallest float32 for 0.
func logOf(p float32) float32 {
	return float32(math.Log(max(float64(p), math.SmallestNonzeroFloat32)))
}

func (o *Outputs) checkLogProbs(call string) error {
	for at := 0; at < len(o.data); at += o.classes {
		if s := tensor.LogSumExp(o.data[at : at+o.classes]); math.Abs(s) > 1e-3 {
			return o.sumError(call, at, math.Exp(s))
		}
	}
	return nil
}

func (o *Outputs) sumError(call string, at int, sum float64) error {
	return fmt.Errorf("tta: %s: the probabilities of example %d, view %d sum to %v: %w",
		call, at/(o.views*o.classes), at/o.classes%o.views, sum, tensor.ErrRange)
}

// warn notes what is legal and hardly ever meant.
func (o *Outputs) warn(converted bool) {
	if o.kind == Logits && !converted && o.looksLikeProbabilities() {
		o.warnings = append(o.warnings, "all rows are probabilities that sum to 1 and are taken for logits: if the model "+
			"ends in a softmax, use WithProbabilities")
	}
	if o.Len() < 2 {
		return
	}
	first := map[uint64]int{}
	for a, h := range o.viewHashes() {
		if b, ok := first[h]; ok && o.sameViews(a, b) {
			o.warnings = append(o.warnings, fmt.Sprintf("%s and %s are equal in all bits: does every view use the same "+
				"random numbers?", o.Name(b), o.Name(a)))
		} else {
			first[h] = a
		}
	}
}

func (o *Outputs) looksLikeProbabilities() bool {
	for at := 0; at < len(o.data); at += o.classes {
		sum := 0.0
		for _, v := range o.data[at : at+o.classes] {
			if v < 0 {
				return false
			}
			sum += float64(v)
		}
		if math.Abs(sum-1) > 1e-4 {
			return false
		}
	}
	return true
}

func (o *Outputs) viewHashes() []uint64 {
	h := make([]uint64, o.views)
	for n := range o.Len() {
		for a := range o.views {
			h[a] = hashFloats(h[a], o.View(n, a))
		}
	}
	return h
}

func (o *Outputs) sameViews(a, b int) bool {
	for n := range o.Len() {
		if !slices.Equal(o.View(n, a), o.View(n, b)) {
			return false
		}
	}
	return true
}

// hashFloats mixes the bits of x into h.
func hashFloats(h uint64, x []float32) uint64 {
	for _, v := range x {
		h = (h ^ uint64(math.Float32bits(v))) * 0x9E3779B97F4A7C15
		h ^= h >> 29
	}
	return h
}

// Len is the number of examples N.
func (o *Outputs) Len() int { return len(o.data) / (o.views * o.classes) }

// Views is the number of views A.
func (o *Outputs) Views() int { return o.views }

// Classes is the number of outputs C of a view: 1 if they are one logit of two classes.
func (o *Outputs) Classes() int { return o.classes }

// Kind is what the numbers are.
func (o *Outputs) Kind() Kind { return o.kind }

// Labels are the classes of the examples, nil if they are not known. They must not be modified.
func (o *Outputs) Labels() []int { return o.labels }

// Identity is the index of the untransformed view, and false if none is known to be that.
func (o *Outputs) Identity() (int, bool) { return o.identity, o.identity >= 0 }

// Policy is the fingerprint of the policy, "" if it is not known.
func (o *Outputs) Policy() string { return o.policy }

// Warnings are suspicions about the data: probabilities that are taken for logits, views without a difference.
func (o *Outputs) Warnings() []string { return slices.Clone(o.warnings) }

// Name is the name of a view.
func (o *Outputs) Name(view int) string {
	if o.names == nil {
		return fmt.Sprintf("view %d", view)
	}
	return o.names[view]
}

// View is the output for a view of an example, C numbers that must not be modified.
func (o *Outputs) View(example, view int) []float32 {
	at := (example*o.views + view) * o.classes
	return o.data[at : at+o.classes : at+o.classes]
}

// Example is the outputs for all views of an example, A rows of C numbers that must not be modified.
func (o *Outputs) Example(example int) []float32 {
	size := o.views * o.classes
	return o.data[example*size : (example+1)*size : (example+1)*size]
}

// Subset is the given examples in the given order, copied. The error wraps [tensor.ErrRange] or [tensor.ErrEmpty].
func (o *Outputs) Subset(rows ...int) (*Outputs, error) {
	if len(rows) == 0 {
		return nil, fmt.Errorf("tta: Subset: no rows: %w", tensor.ErrEmpty)
	}
	s := *o
	s.data = make([]float32, 0, len(rows)*o.views*o.classes)
	s.labels, s.warnings = nil, nil
	for k, n := range rows {
		if n < 0 || n >= o.Len() {
			return nil, fmt.Errorf("tta: Subset: rows[%d] is %d of %d examples: %w", k, n, o.Len(), tensor.ErrRange)
		}
		s.data = append(s.data, o.Example(n)...)
		if o.labels != nil {
			s.labels = append(s.labels, o.labels[n])
		}
	}
	return &s, nil
}

// Select is the given views in the given order, copied, as [Policy.Select] has them. The error wraps
// [tensor.ErrRange], [tensor.ErrEmpty] or, for a view that comes twice, [tensor.ErrConflict].
func (o *Outputs) Select(views ...int) (*Outputs, error) {
	if err := checkSelection("Outputs.Select", views, o.views); err != nil {
		return nil, err
	}
	s := *o
	s.views, s.identity, s.names, s.warnings = len(views), slices.Index(views, o.identity), nil, nil
	if o.identity < 0 {
		s.identity = -1
	}
	for _, a := range views {
		s.names = append(s.names, o.Name(a))
	}
	if o.policy != "" {
		s.policy = selectedFingerprint(o.policy, views)
	}
	s.data = make([]float32, 0, o.Len()*len(views)*o.classes)
	for n := range o.Len() {
		for _, a := range views {
			s.data = append(s.data, o.View(n, a)...)
		}
	}
	return &s, nil
}

func checkSelection(call string, views []int, of int) error {
	if len(views) == 0 {
		return fmt.Errorf("tta: %s: no views: %w", call, tensor.ErrEmpty)
	}
	for k, a := range views {
		switch {
		case a < 0 || a >= of:
			return fmt.Errorf("tta: %s: views[%d] is %d of %d: %w", call, k, a, of, tensor.ErrRange)
		case slices.Contains(views[:k], a):
			return fmt.Errorf("tta: %s: view %d comes twice: %w", call, a, tensor.ErrConflict)
		}
	}
	return nil
}

// selectedFingerprint is that of some views of a policy.
func selectedFingerprint(policy string, views []int) string {
	return fmt.Sprintf("%08x", crc32.ChecksumIEEE(fmt.Append([]byte(policy), views)))
}

// Split divides the examples in two at random, of which the first part has the given share of every class as nearly as
// can be. Outputs without labels are one class. The error wraps [tensor.ErrRange] unless share is in (0, 1), and
// [tensor.ErrEmpty] if a part would have no example.
func (o *Outputs) Split(share float64, seed uint64) (first, second *Outputs, err error) {
	if !(share > 0 && share < 1) {
		return nil, nil, fmt.Errorf("tta: Split: share %v, want a value in (0, 1): %w", share, tensor.ErrRange)
	}
	var a, b []int
	carry := 0.5
	for y, rows := range o.byClass() {
		rng := tensor.Stream(seed, uint64(y))
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		want := share*float64(len(rows)) + carry // what rounding takes from a class goes to the next
		n := min(int(want), len(rows))
		carry = want - float64(n)
		a, b = append(a, rows[:n]...), append(b, rows[n:]...)
	}
	slices.Sort(a)
	slices.Sort(b)
	if first, err = o.Subset(a...); err == nil {
		second, err = o.Subset(b...)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("tta: Split: %d examples at a share of %v: %w", o.Len(), share, tensor.ErrEmpty)
	}
	return first, second, nil
}

// byClass lists the examples of each class in order; all are of one class if there are no labels.
func (o *Outputs) byClass() [][]int {
	if o.labels == nil {
		rows := make([]int, o.Len())
		for n := range rows {
			rows[n] = n
		}
		return [][]int{rows}
	}
	byClass := make([][]int, labelsOf(o.classes))
	for n, y := range o.labels {
		byClass[y] = append(byClass[y], n)
	}
	return byClass
}

// rowHashes tells examples apart, for the warning that one was fitted on.
func (o *Outputs) rowHashes() []uint64 {
	h := make([]uint64, o.Len())
	for n := range h {
		h[n] = hashFloats(0, o.Example(n))
	}
	slices.Sort(h)
	return h
}

// labelled is an error that wraps [ErrLabel] if there are no labels.
func (o *Outputs) labelled(call string) error {
	switch {
	case o == nil:
		return fmt.Errorf("tta: %s: no outputs: %w", call, tensor.ErrEmpty)
	case o.labels == nil:
		return fmt.Errorf("tta: %s: the outputs have no labels: use WithLabels: %w", call, ErrLabel)
	}
	return nil
}

// original is the untransformed view, or an error that wraps [ErrIdentity].
func (o *Outputs) original(call string) (int, error) {
	if o.identity < 0 {
		return 0, fmt.Errorf("tta: %s: use WithIdentity to say which view is the input itself: %w", call, ErrIdentity)
	}
	return o.identity, nil
}

// String is one line.
func (o *Outputs) String() string {
	s := fmt.Sprintf("%d examples, %d views, %d classes, %v", o.Len(), o.views, labelsOf(o.classes), o.kind)
	if o.labels == nil {
		s += ", no labels"
	}
	if len(o.warnings) > 0 {
		s += "; " + strings.Join(o.warnings, "; ")
	}
	return s
}
