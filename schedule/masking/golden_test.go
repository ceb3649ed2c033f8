package masking_test

import (
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/schedule/masking"
)

func constant(p float64) schedule.Schedule { return schedule.Constant{V: p} }

func newMasker(t testing.TB, vocab, maskID int, rate schedule.Schedule, opts ...masking.Option) *masking.Masker {
	t.Helper()
	m, err := masking.New(vocab, maskID, rate, opts...)
	require.NoError(t, err)
	return m
}

func booleans(v []int) []bool {
	b := make([]bool, len(v))
	for i, x := range v {
		b[i] = x != 0
	}
	return b
}

func binary(v []bool) []int {
	b := make([]int, len(v))
	for i, x := range v {
		if x {
			b[i] = 1
		}
	}
	return b
}

// targets are the positions that have a label.
func targets(labels []int32) []int {
	sel := make([]bool, len(labels))
	for i, l := range labels {
		sel[i] = l != -100
	}
	return binary(sel)
}

// Hugging Face's torch_mask_tokens, the authors' subset and random token substitution, with the draws in the file.
func TestGoldenHuggingFace(t *testing.T) {
	var g struct {
		Cases []struct {
			Kind       string
			Rate       float64
			MaskProb   float64  `json:"mask_replace_prob"`
			RandomProb float64  `json:"random_replace_prob"`
			SubsetRate *float64 `json:"subset_rate"`
			MaskID     int      `json:"mask_id"`
			Vocab      int
			Ignore     int     `json:"ignore_index"`
			IDs        []int32 `json:"input_ids"`
			Special    []int
			Draws      struct {
				Select  []float64 `json:"u_select"`
				Subset  []float64 `json:"u_subset"`
				Replace []float64 `json:"u_replace"`
				Random  []float64 `json:"u_random"`
				Tokens  []int32   `json:"random_tokens"`
			}
			Selected []int
			Action   []int
			Output   []int32 `json:"output_ids"`
			Labels   []int32
		}
	}
	golden.JSON(t, "testdata/masker_hf.json.gz", &g)
	require.Len(t, g.Cases, 10)
	for i, c := range g.Cases {
		opts := []masking.Option{masking.WithHFCompatible()}
		switch {
		case c.Kind == "rts":
			opts = append(opts, masking.WithRTS())
		default:
			opts = append(opts, masking.WithReplaceProbs(c.MaskProb, c.RandomProb), masking.WithIgnoreIndex(c.Ignore))
			if c.SubsetRate != nil {
				opts = append(opts, masking.WithTargetRate(*c.SubsetRate))
			}
		}
		m := newMasker(t, c.Vocab, c.MaskID, constant(c.Rate), opts...)
		d := masking.Draws{Special: booleans(c.Special), Select: c.Draws.Select, Subset: c.Draws.Subset,
			Replace: c.Draws.Replace,
			Random:  c.Draws.Random, Tokens: c.Draws.Tokens}
		dst, labels := make([]int32, len(c.IDs)), make([]int32, len(c.IDs))
		n, err := m.MaskDraws(dst, labels, c.IDs, d, 0)
		require.NoError(t, err)
		require.Equal(t, c.Output, dst, "case %d", i)
		require.Equal(t, c.Labels, labels, "case %d", i)
		want := 0
		for i, l := range c.Labels {
			if c.Kind == "rts" && l == 1 || c.Kind != "rts" && l != -100 {
				want++
				require.Equal(t, 1, c.Selected[i])
			}
		}
		require.Equal(t, want, n)
	}
}

func TestGoldenWholeWord(t *testing.T) {
	var g struct {
		Cases []struct {
			Length       int
			Rate         float64
			Max          int `json:"max_predictions"`
			Continuation []int
			Special      []int
			Permutation  []int `json:"word_permutation"`
			Mask         []int
		}
	}
	golden.JSON(t, "testdata/masker_wholeword.json.gz", &g)
	require.Len(t, g.Cases, 5)
	for i, c := range g.Cases {
		ids := make([]int32, c.Length)
		for i := range ids {
			ids[i] = int32(10 + c.Continuation[i])
		}
		m := newMasker(t, 12, 0, constant(c.Rate), masking.WithHFCompatible(), masking.WithReplaceProbs(1, 0),
			masking.WithMaxTargets(c.Max),
			masking.WithWords(func(id int) bool { return id == 11 }))
		labels := make([]int32, c.Length)
		d := masking.Draws{Special: booleans(c.Special), Order: c.Permutation, Replace: make([]float64, c.Length)}
		n, err := m.MaskDraws(ids, labels, ids, d, 0)
		require.NoError(t, err)
		require.Equal(t, c.Mask, targets(labels), "case %d", i)
		sum := 0
		for _, v := range c.Mask {
			sum += v
		}
		require.Equal(t, sum, n)
	}
}

func TestGoldenT5Spans(t *testing.T) {
	var g struct {
		Cases []struct {
			Length  int
			Density float64
			Mean    float64 `json:"mean_span"`
			Noise   []int   `json:"noise_permutation"`
			Clean   []int   `json:"nonnoise_permutation"`
			Mask    []int
		}
	}
	golden.JSON(t, "testdata/masker_t5spans.json.gz", &g)
	require.Len(t, g.Cases, 4)
	for i, c := range g.Cases {
		m := newMasker(t, 12, 0, constant(c.Density), masking.WithReplaceProbs(1, 0), masking.WithT5Spans(c.Mean))
		ids, labels := make([]int32, c.Length), make([]int32, c.Length)
		for i := range ids {
			ids[i] = 5
		}
		_, err := m.MaskDraws(ids, labels, ids, masking.Draws{Noise: c.Noise, Clean: c.Clean,
			Replace: make([]float64, c.Length)}, 0)
		require.NoError(t, err)
		require.Equal(t, c.Mask, targets(labels), "case %d", i)
	}
}

// The keyed generator, through the public interface alone.
func TestGoldenKeyed(t *testing.T) {
	var g struct {
		Cases []struct {
			Seed, Epoch, Sample string
			Length              int
			Rate                float64
			Selected            string
			Action              string
			Random              map[string]int32 `json:"random_token"`
		}
	}
	golden.JSON(t, "testdata/masker_keyed_rng.json.gz", &g)
	require.Len(t, g.Cases, 7)
	const vocab, maskID = 1000, 3
	for i, c := range g.Cases {
		seed, err := strconv.ParseUint(c.Seed, 10, 64)
		require.NoError(t, err)
		epoch, err := strconv.ParseInt(c.Epoch, 10, 64)
		require.NoError(t, err)
		sample, err := strconv.ParseInt(c.Sample, 10, 64)
		require.NoError(t, err)
		if epoch > math.MaxInt || sample > math.MaxInt { // on 32 bits
			continue
		}
		m := newMasker(t, vocab, maskID, constant(c.Rate), masking.WithSeed(seed), masking.WithRandomRange(5, 1000))
		src, dst, labels := make([]int32, c.Length), make([]int32, c.Length), make([]int32, c.Length)
		for i := range src {
			src[i] = 4 // never drawn at random
		}
		n, err := m.Mask(dst, labels, src, masking.Key{Epoch: int(epoch), Samples: []int{int(sample)}}, 0)
		require.NoError(t, err)
		selected, action, random, count := "", "", map[string]int32{}, 0
		for i := range src {
			a := 0
			switch {
			case labels[i] == -100:
				require.Equal(t, src[i], dst[i])
			case dst[i] == maskID:
				a = 1
			case dst[i] != src[i]:
				a = 2
				random[strconv.Itoa(i)] = dst[i]
			default:
				a = 3
			}
			if a > 0 {
				count++
			}
			selected += fmt.Sprint(min(a, 1))
			action += fmt.Sprint(a)
		}
		require.Equal(t, c.Selected, selected, "case %d", i)
		require.Equal(t, c.Action, action, "case %d", i)
		require.Equal(t, c.Random, random, "case %d", i)
		require.Equal(t, count, n)
	}
}

// The rates of Ankner et al. as schedules, and what the authors' own code computes.
func TestGoldenRates(t *testing.T) {
	var g struct {
		Cases []struct {
			Name   string
			T      float64
			PI     float64 `json:"p_i"`
			PF     float64 `json:"p_f"`
			Values []float64
		}
		Authors []struct {
			Name   string
			Values []float64
		} `json:"authors_code"`
	}
	golden.JSON(t, "testdata/masking_rate.json.gz", &g)
	require.Len(t, g.Cases, 20)
	require.Len(t, g.Authors, 4)
	rates := func(name string, pi, pf, total float64, n int) []float64 {
		s, ok := map[string]schedule.Schedule{
			"line": schedule.Linear{From: pi, To: pf, Over: total},
			"cosi": schedule.Cosine{From: pi, To: pf, Over: total},
			"step": schedule.Choice[float64]{Bounds: []float64{total / 2}, Values: []float64{pi, pf}},
			"cons": schedule.Constant{V: pi},
		}[name[:4]]
		require.True(t, ok, name)
		m := newMasker(t, 10, 0, s)
		out := make([]float64, n)
		for step := range out {
			p, err := m.Rate(step)
			require.NoError(t, err)
			out[step] = p
		}
		return out
	}
	for _, c := range g.Cases {
		golden.Close(t, c.Name, rates(c.Name, c.PI, c.PF, c.T, len(c.Values)), c.Values, 1e-12, 1e-12)
	}
	for i, c := range g.Authors {
		from := g.Cases[[]int{0, 1, 6, 7}[i]]
		require.Equal(t, from.Name, c.Name)
		golden.Close(t, c.Name, rates(c.Name, from.PI, from.PF, from.T, len(c.Values)), c.Values, 1e-12, 1e-12)
	}
}
