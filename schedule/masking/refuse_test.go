package masking_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/schedule/masking"
	"github.com/espalier-ml/espalier/tensor"
)

func TestNewRefuses(t *testing.T) {
	if large := math.MaxInt; large > math.MaxInt32 {
		_, err := masking.New(10, 0, constant(0.15), masking.WithIgnoreIndex(large))
		require.ErrorIs(t, err, tensor.ErrRange)
		require.ErrorContains(t, err, "not an int32")
	}
	words := masking.WithWords(func(int) bool { return false })
	exact, spans, t5, rts, hf := masking.WithExactCount(), masking.WithSpans(0.2, 10), masking.WithT5Spans(3),
		masking.WithRTS(), masking.WithHFCompatible()
	type options = []masking.Option
	for want, c := range map[string]struct {
		vocab, maskID int
		opts          options
		is            error
	}{
		"vocab is 0":                {0, 0, nil, tensor.ErrRange},
		"vocab is -5":               {-5, 0, nil, tensor.ErrRange},
		"maskID is 10, want 0 to 9": {10, 10, nil, tensor.ErrRange},
		"maskID is -1":              {10, -1, nil, tensor.ErrRange},
		"id 1 of the list is 10":    {10, 0, options{masking.WithSpecial(3, 10)}, tensor.ErrRange},
		"WithRandomExclude: id 0":   {10, 0, options{masking.WithRandomExclude(-1)}, tensor.ErrRange},
		"mask is NaN":               {10, 0, options{masking.WithReplaceProbs(math.NaN(), 0)}, tensor.ErrNotFinite},
		"random is -0.1":            {10, 0, options{masking.WithReplaceProbs(0.5, -0.1)}, tensor.ErrRange},
		"0.9 + 0.2 is more than 1":  {10, 0, options{masking.WithReplaceProbs(0.9, 0.2)}, tensor.ErrRange},
		"WithRandomRange(3, 3)":     {10, 0, options{masking.WithRandomRange(3, 3)}, tensor.ErrRange},
		"WithRandomRange(3, 11)":    {10, 0, options{masking.WithRandomRange(3, 11)}, tensor.ErrRange},
		"masking: New: option 0 is": {10, 0, options{nil}, tensor.ErrEmpty},
		"no id is left":             {3, 0, options{masking.WithSpecial(1, 2)}, tensor.ErrEmpty},
		"is the label of id 7 too":  {10, 0, options{masking.WithIgnoreIndex(7)}, tensor.ErrRange},
		"WithTargetRate is 1.5":     {10, 0, options{masking.WithTargetRate(1.5)}, tensor.ErrRange},
		"WithMinTargets(-1)":        {10, 0, options{masking.WithMinTargets(-1)}, tensor.ErrRange},
		"WithMaxTargets(0)":         {10, 0, options{exact, masking.WithMaxTargets(0)}, tensor.ErrRange},
		"needs selection by count":  {10, 0, options{masking.WithMaxTargets(5)}, tensor.ErrConflict},
		"at least 7 targets": {10, 0, options{exact, masking.WithMaxTargets(5), masking.WithMinTargets(7)},
			tensor.ErrConflict},
		"WithWords(nil)":                {10, 0, options{masking.WithWords(nil)}, tensor.ErrEmpty},
		"WithSpans: p is 0":             {10, 0, options{masking.WithSpans(0, 10)}, tensor.ErrRange},
		"WithSpans: p is +Inf":          {10, 0, options{masking.WithSpans(math.Inf(1), 10)}, tensor.ErrNotFinite},
		"max is 0":                      {10, 0, options{masking.WithSpans(0.2, 0)}, tensor.ErrRange},
		"WithT5Spans(0.5)":              {10, 0, options{masking.WithT5Spans(0.5)}, tensor.ErrRange},
		"WithT5Spans(NaN)":              {10, 0, options{masking.WithT5Spans(math.NaN())}, tensor.ErrRange},
		"WithSentinels(9, 11)":          {10, 0, options{masking.WithSentinels(9, 11)}, tensor.ErrRange},
		"WithSentinels(10, 1)":          {10, 0, options{masking.WithSentinels(10, 1)}, tensor.ErrRange},
		"WithWorkers(-1)":               {10, 0, options{masking.WithWorkers(-1)}, tensor.ErrRange},
		"independent selection":         {10, 0, options{exact, masking.WithTargetRate(0.1)}, tensor.ErrConflict},
		"WithRTS beside WithReplace":    {10, 0, options{rts, masking.WithReplaceProbs(0.8, 0.1)}, tensor.ErrConflict},
		"WithRTS beside WithTargetRate": {10, 0, options{rts, masking.WithTargetRate(0.1)}, tensor.ErrConflict},
		"WithRTS beside WithIgnore":     {10, 0, options{rts, masking.WithIgnoreIndex(-1)}, tensor.ErrConflict},
		"WithRTS beside WithSentinels":  {10, 0, options{rts, masking.WithSentinels(9, 1)}, tensor.ErrConflict},
		"beside WithRandomRange":        {10, 0, options{hf, masking.WithRandomRange(1, 5)}, tensor.ErrConflict},
		"beside WithRandomExclude":      {10, 0, options{hf, masking.WithRandomExclude(5)}, tensor.ErrConflict},
		"WithT5Spans beside WithSpans":  {10, 0, options{t5, spans}, tensor.ErrConflict},
		"WithT5Spans beside WithWords":  {10, 0, options{t5, words}, tensor.ErrConflict},
		"WithT5Spans beside WithExact":  {10, 0, options{t5, exact}, tensor.ErrConflict},
		"WithSpans beside WithExact":    {10, 0, options{spans, exact}, tensor.ErrConflict},
		"WithSpans beside WithPoisson":  {10, 0, options{spans, masking.WithPoissonSpans(3, 9)}, tensor.ErrConflict},
		"WithSpans beside WithFixed":    {10, 0, options{spans, masking.WithFixedSpans(3)}, tensor.ErrConflict},
		"WithPoissonSpans beside WithF": {10, 0, options{masking.WithFixedSpans(3), masking.WithPoissonSpans(3, 9)},
			tensor.ErrConflict},
		"WithFixedSpans beside WithExact":  {10, 0, options{masking.WithFixedSpans(3), exact}, tensor.ErrConflict},
		"WithT5Spans beside WithPoisson":   {10, 0, options{t5, masking.WithPoissonSpans(3, 9)}, tensor.ErrConflict},
		"WithWords beside WithWordPos":     {10, 0, options{words, masking.WithWordPositions()}, tensor.ErrConflict},
		"WithT5Spans beside WithWordPos":   {10, 0, options{t5, masking.WithWordPositions()}, tensor.ErrConflict},
		"WithRoll needs WithT5Spans":       {10, 0, options{spans, masking.WithRoll()}, tensor.ErrConflict},
		"WithPoissonSpans(0): want a mean": {10, 0, options{masking.WithPoissonSpans(0, 9)}, tensor.ErrRange},
		"WithPoissonSpans(NaN)":            {10, 0, options{masking.WithPoissonSpans(math.NaN(), 9)}, tensor.ErrRange},
		"WithPoissonSpans(513)":            {10, 0, options{masking.WithPoissonSpans(513, 9)}, tensor.ErrRange},
		"WithPoissonSpans: max is 0":       {10, 0, options{masking.WithPoissonSpans(3, 0)}, tensor.ErrRange},
		"WithFixedSpans: length is 65537":  {10, 0, options{masking.WithFixedSpans(65537)}, tensor.ErrRange},
		"WithTargetRate beside WithMin": {10, 0, options{masking.WithTargetRate(0.1), masking.WithMinTargets(1)},
			tensor.ErrConflict},
	} {
		m, err := masking.New(c.vocab, c.maskID, constant(0.15), c.opts...)
		require.Nil(t, m, want)
		require.ErrorIs(t, err, c.is, want)
		require.ErrorContains(t, err, want)
	}
	_, err := masking.New(10, 0, nil)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	_, err = masking.New(10, 0, schedule.Linear{From: 0.3, To: 0.15})
	require.ErrorIs(t, err, tensor.ErrRange)
	require.ErrorContains(t, err, "Linear.Over")
	// A rate that is a percentage, at once or later.
	for want, rate := range map[string]schedule.Schedule{
		"masking: New: rate at step 0 is 15, want 0 to 1": schedule.Constant{V: 15},
		"masking: New: rate at step 0 is NaN":             schedule.Func(func(float64) float64 { return math.NaN() }),
		"masking: New: rate at step 1000 is 15, want 0 to 1": schedule.Choice[float64]{Bounds: []float64{999.5},
			Values: []float64{0.3, 15}},
		"masking: New: rate at step 99 is -": schedule.Sequence{
			{Until: 100, S: schedule.Linear{From: 1, To: -0.1, Over: 100}}, {S: schedule.Constant{V: 0.5}}},
		"masking: New: rate at step 9 is 1.365": schedule.Linear{From: 0.15, To: 1.5, Over: 10},
	} {
		_, err := masking.New(10, 0, rate)
		require.ErrorContains(t, err, want)
		if !errors.Is(err, tensor.ErrNotFinite) {
			require.ErrorIs(t, err, tensor.ErrRange)
		}
	}
	// Where a staircase leads is for the step that gets there.
	_, err = masking.New(10, 0, schedule.Step{From: 0.15, Gamma: 2, Every: 1000})
	require.NoError(t, err)
	// Everything at once.
	_, err = masking.New(10, 17, nil, masking.WithSpecial(11), masking.WithMinTargets(-1))
	for _, part := range []string{"maskID is 17", "is 11", "WithMinTargets(-1)", "schedule is nil"} {
		require.ErrorContains(t, err, part)
	}
}

// What every entry point refuses, and that nothing has been written then.
func TestRefusesAndWritesNothing(t *testing.T) {
	rates := schedule.Choice[float64]{Bounds: []float64{1, 2, 3, 4},
		Values: []float64{0.5, math.NaN(), -0.1, 1.01, math.Inf(1)}}
	bad := schedule.Func(rates.Value)
	good := masking.Key{Samples: []int{1, 2}}
	special := func(n int) masking.Key { return masking.Key{Samples: good.Samples, Special: make([]bool, n)} }
	m := newMasker(t, 10, 0, bad, masking.WithSentinels(9, 2))
	src := []int32{1, 2, 3, 4, 5, 6, 7, 8}
	with := func(i int, id int32) []int32 { s := slices.Clone(src); s[i] = id; return s }
	for name, c := range map[string]struct {
		src  []int32
		key  masking.Key
		step int
		is   error
		want string
	}{
		"no rows":        {src, masking.Key{}, 0, tensor.ErrEmpty, "key.Samples"},
		"no tokens":      {nil, good, 0, tensor.ErrEmpty, "src"},
		"ragged":         {src[:7], good, 0, tensor.ErrShape, "7 ids"},
		"special":        {src, special(7), 0, tensor.ErrShape, "key.Special has 7 elements for 8"},
		"epoch":          {src, masking.Key{Epoch: -2, Samples: []int{1}}, 0, tensor.ErrRange, "key.Epoch is -2"},
		"sample":         {src, masking.Key{Samples: []int{1, -7}}, 0, tensor.ErrRange, "key.Samples[1] is -7"},
		"id too large":   {with(5, 10), good, 0, tensor.ErrRange, "src[5] is 10, want an id from 0 to 9"},
		"id negative":    {with(7, -1), good, 0, tensor.ErrRange, "src[7] is -1"},
		"smallest id":    {with(0, math.MinInt32), good, 0, tensor.ErrRange, "src[0] is -2147483648"},
		"largest id":     {with(6, math.MaxInt32), good, 0, tensor.ErrRange, "src[6] is 2147483647"},
		"rate NaN":       {src, good, 1, tensor.ErrNotFinite, "rate at step 1 is NaN"},
		"rate negative":  {src, good, 2, tensor.ErrRange, "rate at step 2 is -0.1"},
		"rate too large": {src, good, 3, tensor.ErrRange, "rate at step 3 is 1.01"},
		"rate infinite":  {src, good, 4, tensor.ErrRange, "rate at step 4 is +Inf"},
	} {
		dst, labels := filled(len(c.src)), filled(len(c.src))
		given := slices.Clone(c.src)
		check := func(form string, err error) {
			t.Helper()
			require.ErrorIs(t, err, c.is, "%s, %s", name, form)
			require.ErrorContains(t, err, c.want, form)
			require.Equal(t, filled(len(c.src)), dst, form)
			require.Equal(t, filled(len(c.src)), labels, form)
			require.Equal(t, given, c.src, form)
		}
		n, err := m.Mask(dst, labels, c.src, c.key, c.step)
		check("Mask", err)
		require.Zero(t, n)
		n, err = m.MaskBatch(dst, labels, c.src, c.key, c.step)
		check("MaskBatch", err)
		require.Zero(t, n)
		pos, orig, err := m.MaskSparse([]int{4}, []int32{5}, c.src, c.key, c.step)
		check("MaskSparse", err)
		require.Equal(t, []int{4}, pos)
		require.Equal(t, []int32{5}, orig)
		one := c.key
		if len(one.Samples) == 2 && name != "sample" && name != "ragged" && name != "special" {
			one.Samples = one.Samples[:1]
		}
		if name != "ragged" && name != "sample" {
			input, target, err := m.MaskSentinels([]int32{4}, []int32{5}, c.src, one, c.step)
			check("MaskSentinels", err)
			require.Equal(t, []int32{4}, input)
			require.Equal(t, []int32{5}, target)
		}
		if name == "no tokens" || len(name) > 2 && (name[:2] == "id" || name[:4] == "rate") {
			u := make([]float64, len(c.src))
			n, err = m.MaskDraws(dst, labels, c.src, masking.Draws{Select: u, Replace: u, Random: u,
				Tokens: make([]int32, len(c.src))}, c.step)
			check("MaskDraws", err)
			require.Zero(t, n)
		}
	}

	// Outputs.
	memory := slices.Clone(src)
	memory = append(memory, 1, 2, 3)
	for name, c := range map[string]struct {
		dst, labels, src []int32
		is               error
		want             string
	}{
		"dst short":    {memory[:7], filled(8), src, tensor.ErrShape, "dst has 7"},
		"labels short": {filled(8), filled(7), src, tensor.ErrShape, "labels has 7"},
		"no labels":    {filled(8), nil, src, tensor.ErrShape, "labels has 0"},
		"dst shifted": {memory[1:9], filled(8), memory[:8], tensor.ErrOverlap,
			"dst shares memory with src but is not src"},
		"labels are src":      {filled(8), memory[:8], memory[:8], tensor.ErrOverlap, "labels shares memory"},
		"labels in dst":       {memory[:8], memory[3:11], src, tensor.ErrOverlap, "labels shares memory"},
		"labels are in place": {memory[:8], memory[:8], memory[:8], tensor.ErrOverlap, "labels shares memory"},
	} {
		before := slices.Clone(memory)
		for _, f := range []func() (int, error){
			func() (int, error) { return m.Mask(c.dst, c.labels, c.src, good, 0) },
			func() (int, error) { return m.MaskBatch(c.dst, c.labels, c.src, good, 0) },
			func() (int, error) { return m.MaskDraws(c.dst, c.labels, c.src, masking.Draws{}, 0) },
		} {
			n, err := f()
			require.ErrorIs(t, err, c.is, name)
			require.ErrorContains(t, err, c.want)
			require.Zero(t, n)
			require.Equal(t, before, memory)
		}
	}
	row := masking.Key{Samples: []int{0}}
	_, _, err := m.MaskSparse(nil, memory[8:8], memory[:10], row, 0)
	require.ErrorIs(t, err, tensor.ErrOverlap)
	_, _, err = m.MaskSentinels(memory[:0], nil, memory[:8], row, 0)
	require.ErrorIs(t, err, tensor.ErrOverlap)
	_, _, err = m.MaskSentinels(nil, memory[:0], memory[:8], row, 0)
	require.ErrorIs(t, err, tensor.ErrOverlap)
	_, _, err = m.MaskSentinels(nil, nil, src, good, 0)
	require.ErrorIs(t, err, tensor.ErrShape)
	_, _, err = newMasker(t, 10, 0, constant(0.5)).MaskSentinels(nil, nil, src, row, 0)
	require.ErrorIs(t, err, tensor.ErrEmpty)
	require.ErrorContains(t, err, "WithSentinels")
	require.Equal(t, append(slices.Clone(src), 1, 2, 3), memory)
}

func TestDrawsRefused(t *testing.T) {
	src := []int32{1, 2, 3, 4}
	u := func(v ...float64) []float64 { return v }
	full := func() masking.Draws {
		return masking.Draws{Select: u(0, 0, 0, 0), Subset: u(0, 0, 0, 0), Replace: u(0, 0, 0, 0), Random: u(0, 0, 0, 0),
			Tokens: []int32{1, 1, 1, 1},
			Order:  []int{3, 2, 1, 0}, Lengths: []int{1, 1, 1, 1}, Noise: []int{0}, Clean: []int{0}}
	}
	words := masking.WithWords(func(int) bool { return false })
	type options = []masking.Option
	for want, c := range map[string]struct {
		opts options
		edit func(*masking.Draws)
		is   error
	}{
		"draws.Select has 3 elements": {nil, func(d *masking.Draws) { d.Select = u(0, 0, 0) }, tensor.ErrShape},
		"draws.Select[1] is NaN":      {nil, func(d *masking.Draws) { d.Select[1] = math.NaN() }, tensor.ErrRange},
		"draws.Replace[2] is 1":       {nil, func(d *masking.Draws) { d.Replace[2] = 1 }, tensor.ErrRange},
		"draws.Random has 0 elements": {nil, func(d *masking.Draws) { d.Random = nil }, tensor.ErrShape},
		"draws.Tokens has 0 elements": {nil, func(d *masking.Draws) { d.Tokens = nil }, tensor.ErrShape},
		"draws.Tokens[3] is 10":       {nil, func(d *masking.Draws) { d.Tokens[3] = 10 }, tensor.ErrRange},
		"draws.Subset has 0 elements": {options{masking.WithTargetRate(0.1)}, func(d *masking.Draws) { d.Subset = nil },
			tensor.ErrShape},
		"key.Special has 2 elements": {nil, func(d *masking.Draws) { d.Special = make([]bool, 2) }, tensor.ErrShape},
		"draws.Order has 3 elements": {options{words, masking.WithExactCount()},
			func(d *masking.Draws) { d.Order = []int{0, 1, 2} }, tensor.ErrShape},
		"draws.Order[2] is 3": {options{words, masking.WithExactCount()},
			func(d *masking.Draws) { d.Order = []int{3, 2, 3, 0} }, tensor.ErrRange},
		"draws.Order[0] is 4": {options{masking.WithSpans(1, 1)}, func(d *masking.Draws) { d.Order[0] = 4 },
			tensor.ErrRange},
		"draws.Lengths has 1 elements": {options{masking.WithSpans(1, 1)}, func(d *masking.Draws) { d.Lengths = []int{1} },
			tensor.ErrShape},
		"draws.Lengths[1] is 0": {options{masking.WithSpans(1, 1)}, func(d *masking.Draws) { d.Lengths[1] = 0 },
			tensor.ErrRange},
		"draws.Noise has 2 elements": {options{masking.WithT5Spans(1)}, func(d *masking.Draws) { d.Noise = []int{0, 1} },
			tensor.ErrShape},
		"draws.Roll is 4, want 0 to 3": {options{masking.WithT5Spans(1), masking.WithRoll()},
			func(d *masking.Draws) { d.Roll = 4 }, tensor.ErrRange},
		"draws.Roll is -1": {options{masking.WithT5Spans(1), masking.WithRoll()}, func(d *masking.Draws) { d.Roll = -1 },
			tensor.ErrRange},
		"key.Continues without WithWordPositions": {nil, func(d *masking.Draws) { d.Continues = make([]bool, 4) },
			tensor.ErrConflict},
		"draws.Clean[0] is -1": {options{masking.WithT5Spans(1)}, func(d *masking.Draws) { d.Clean = []int{-1} },
			tensor.ErrRange},
	} {
		m := newMasker(t, 10, 0, constant(0.5), c.opts...)
		d := full()
		dst, labels := filled(4), filled(4)
		n, err := m.MaskDraws(dst, labels, src, d, 0)
		require.NoError(t, err, want)
		require.Positive(t, n)
		dst, labels = filled(4), filled(4)
		c.edit(&d)
		n, err = m.MaskDraws(dst, labels, src, d, 0)
		require.ErrorIs(t, err, c.is, want)
		require.ErrorContains(t, err, want)
		require.Zero(t, n)
		require.Equal(t, filled(4), dst, want)
		require.Equal(t, filled(4), labels, want)
	}
}

// filled is memory in which a write shows.
func filled(n int) []int32 {
	x := make([]int32, n)
	for i := range x {
		x[i] = -12345
	}
	return x
}

func FuzzMask(f *testing.F) {
	f.Add(uint64(1), []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0.15, uint8(0), uint8(2))
	f.Add(uint64(7), []byte{0, 255, 3, 3, 3, 200, 201, 9, 9}, 1.0, uint8(5), uint8(1))
	f.Add(uint64(7), make([]byte, 300), 0.999, uint8(3), uint8(3))
	f.Add(uint64(0), []byte{250}, math.NaN(), uint8(9), uint8(1))
	f.Add(uint64(3), []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0.15, uint8(10), uint8(2))
	f.Add(uint64(3), []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0.5, uint8(11), uint8(1))
	words := masking.WithWords(func(id int) bool { return id%3 == 0 })
	units := [][]masking.Option{
		nil, {masking.WithExactCount()}, {masking.WithMinTargets(3)}, {words},
		{words, masking.WithExactCount(), masking.WithMaxTargets(9)},
		{masking.WithSpans(0.3, 5)}, {words, masking.WithSpans(0.2, 10)}, {masking.WithT5Spans(2)},
		{words, masking.WithHFCompatible()}, {masking.WithTargetRate(0.2)}, {masking.WithT5Spans(2), masking.WithRoll()},
		{masking.WithPoissonSpans(3, 9)}, {words, masking.WithFixedSpans(2)},
	}
	f.Fuzz(func(t *testing.T, seed uint64, text []byte, p float64, unit, rows uint8) {
		const vocab = 250
		opts := append([]masking.Option{masking.WithSeed(seed), masking.WithSpecial(0, 7)}, units[int(unit)%len(units)]...)
		m, err := masking.New(vocab, 1, schedule.Func(func(t float64) float64 { // New sees the first step
			if t == 0 {
				return 0.5
			}
			return p
		}), opts...)
		if err != nil {
			t.Fatal(err)
		}
		src := make([]int32, len(text))
		special := make([]bool, len(text))
		valid := len(text) > 0 && rows > 0 && len(text)%max(int(rows), 1) == 0 && p >= 0 && p <= 1
		for i, b := range text {
			src[i] = int32(b)
			special[i] = b == 9
			valid = valid && b < vocab
		}
		key := masking.Key{Epoch: int(unit), Special: special}
		for r := range int(rows) {
			key.Samples = append(key.Samples, r*r)
		}
		dst, labels := filled(len(src)), filled(len(src))
		n, err := m.MaskBatch(dst, labels, src, key, 1)
		if (err == nil) != valid {
			t.Fatalf("error %v for valid=%v input", err, valid)
		}
		if err != nil {
			if !slices.Equal(dst, filled(len(src))) || !slices.Equal(labels, filled(len(src))) {
				t.Fatal("written to in spite of an error")
			}
			return
		}
		count := 0
		for i, id := range src {
			protected := id == 0 || id == 7 || id == 1 || special[i]
			if protected && (dst[i] != id || labels[i] != -100) || labels[i] != -100 && labels[i] != id || dst[i] < 0 ||
				dst[i] >= vocab {
				t.Fatalf("position %d: id %d became %d with label %d", i, id, dst[i], labels[i])
			}
			if labels[i] != -100 {
				count++
			}
		}
		if count != n {
			t.Fatal(fmt.Sprint(n, " targets returned, there are ", count))
		}
		cols := len(src) / int(rows)
		for r := range int(rows) { // row by row, in place, sparse
			part := slices.Clone(src[r*cols : (r+1)*cols])
			pos, orig, err := m.MaskSparse(nil, nil, part, masking.Key{Epoch: key.Epoch, Samples: key.Samples[r : r+1],
				Special: special[r*cols : (r+1)*cols]}, 1)
			if err != nil || !slices.Equal(part, dst[r*cols:(r+1)*cols]) {
				t.Fatal("sparse and dense differ: ", err)
			}
			for k, i := range pos {
				if labels[r*cols+i] != orig[k] {
					t.Fatal("labels differ")
				}
			}
		}
	})
}

func TestTargets(t *testing.T) {
	m, err := masking.New(10, 0, constant(0.5), masking.WithIgnoreIndex(-1))
	require.NoError(t, err)
	labels, targets := []int32{-1, 9, 0, -1}, make([]bool, 4)
	require.NoError(t, m.Targets(targets, labels))
	require.Equal(t, []bool{false, true, true, false}, targets)
	require.Equal(t, []int32{0, 9, 0, 0}, labels)
	require.ErrorIs(t, m.Targets(targets[1:], labels), tensor.ErrShape)
	for _, wrong := range []int32{-100, 10} {
		labels = []int32{-1, 3, wrong, 1}
		require.ErrorIs(t, m.Targets(targets, labels), tensor.ErrRange)
		require.Equal(t, []int32{-1, 3, wrong, 1}, labels)
	}
	m, err = masking.New(10, 0, constant(0.5), masking.WithRTS())
	require.NoError(t, err)
	require.ErrorIs(t, m.Targets(targets, []int32{0, 1, 0, 0}), tensor.ErrConflict)
}
