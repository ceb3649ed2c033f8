package masking_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/schedule/masking"
)

// A small vocabulary of WordPiece tokens.
var tokenNames = strings.Fields("[PAD] [CLS] [SEP] [MASK] the train ##ed tree ##s grow flat against a wall and bear " +
	"##ing fruit")

func encode(text string) []int32 {
	var ids []int32
	for w := range strings.FieldsSeq(text) {
		for id, name := range tokenNames {
			if name == w {
				ids = append(ids, int32(id))
			}
		}
	}
	return ids
}

func decode(ids []int32) string {
	var words []string
	for _, id := range ids {
		words = append(words, tokenNames[id])
	}
	return strings.Join(words, " ")
}

const text = "[CLS] the train ##ed tree ##s grow flat against a wall and bear fruit [SEP] [PAD]"

// Masking at 30 % at first and 15 % in the end, for any batch of the loop.
func Example() {
	const steps = 1000
	rate := schedule.Linear{From: 0.30, To: 0.15, Over: steps}
	masker, err := masking.New(len(tokenNames), 3, rate, masking.WithSpecial(0, 1, 2), masking.WithSeed(1))
	if err != nil {
		log.Fatal(err)
	}
	batch := append(encode(text), encode(text)...)
	ids, labels := make([]int32, len(batch)), make([]int32, len(batch))
	for _, step := range []int{0, 999} {
		n, err := masker.MaskBatch(ids, labels, batch, masking.Key{Epoch: 0, Samples: []int{17, 4}}, step)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("step", step, "targets", n)
		fmt.Println(decode(ids[:16]))
		fmt.Println(decode(ids[16:]))
	}
	// Output:
	// step 0 targets 6
	// [CLS] the train ##ed tree ##s grow flat against a wall and [MASK] fruit [SEP] [PAD]
	// [CLS] the the ##ed bear ##s grow flat [MASK] a wall against bear fruit [SEP] [PAD]
	// step 999 targets 2
	// [CLS] the train ##ed tree ##s grow flat against a wall and [MASK] fruit [SEP] [PAD]
	// [CLS] the the ##ed tree ##s grow flat against a wall and bear fruit [SEP] [PAD]
}

// The positions and labels of the targets, for a model that computes only these.
func ExampleMasker_MaskSparse() {
	masker, err := masking.New(len(tokenNames), 3, schedule.Constant{V: 0.3}, masking.WithSpecial(0, 1, 2))
	if err != nil {
		log.Fatal(err)
	}
	var pos []int
	var labels []int32
	for epoch := range 2 {
		ids := encode(text)
		pos, labels, err = masker.MaskSparse(pos[:0], labels[:0], ids, masking.Key{Epoch: epoch, Samples: []int{17}}, 0)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(decode(ids))
		fmt.Println(pos, decode(labels))
	}
	// Output:
	// [CLS] the train [MASK] [MASK] [MASK] grow [MASK] against a wall and bear fruit [SEP] [PAD]
	// [3 4 5 7 9] ##ed tree ##s flat a
	// [CLS] the train [MASK] tree ##s [MASK] [MASK] against a wall and bear fruit [SEP] [PAD]
	// [3 6 7] ##ed grow flat
}

// Labels and which of them count, for an engine that computes the loss of every position.
func ExampleMasker_Targets() {
	masker, err := masking.New(len(tokenNames), 3, schedule.Constant{V: 0.3}, masking.WithSpecial(0, 1, 2))
	if err != nil {
		log.Fatal(err)
	}
	ids := encode(text)
	labels, targets := make([]int32, len(ids)), make([]bool, len(ids))
	if _, err := masker.Mask(ids, labels, ids, masking.Key{Samples: []int{17}}, 0); err != nil {
		log.Fatal(err)
	}
	if err := masker.Targets(targets, labels); err != nil {
		log.Fatal(err)
	}
	fmt.Println(labels[:6], targets[:6])
	// Output: [0 0 0 6 7 8] [false false false true true true]
}

// Spans for an encoder-decoder, as T5 has them.
func ExampleMasker_MaskSentinels() {
	// T5's sentinels count down from the last id
	names := append(tokenNames[:len(tokenNames):len(tokenNames)], "<1>", "<0>")
	last := len(names) - 1
	masker, err := masking.New(len(names), 3, schedule.Constant{V: 0.4}, masking.WithSpecial(0, 1, 2),
		masking.WithT5Spans(3), masking.WithSentinels(last, 2))
	if err != nil {
		log.Fatal(err)
	}
	input, target, err := masker.MaskSentinels(nil, nil, encode(text), masking.Key{Samples: []int{17}}, 0)
	if err != nil {
		log.Fatal(err)
	}
	for _, ids := range [][]int32{input, target} {
		var words []string
		for _, id := range ids {
			words = append(words, names[id])
		}
		fmt.Println(strings.Join(words, " "))
	}
	// Output:
	// [CLS] the train ##ed <0> against a wall and bear <1> [SEP] [PAD]
	// <0> tree ##s grow flat <1> fruit
}

// Whole words: the pieces of a word are selected together.
func ExampleWithWords() {
	continues := func(id int) bool { return strings.HasPrefix(tokenNames[id], "##") }
	masker, err := masking.New(len(tokenNames), 3, schedule.Constant{V: 0.3}, masking.WithSpecial(0, 1, 2),
		masking.WithReplaceProbs(1, 0), masking.WithWords(continues))
	if err != nil {
		log.Fatal(err)
	}
	ids := encode(text)
	labels := make([]int32, len(ids))
	if _, err := masker.Mask(ids, labels, ids, masking.Key{Samples: []int{3}}, 0); err != nil {
		log.Fatal(err)
	}
	fmt.Println(decode(ids))
	// Output:
	// [CLS] [MASK] train ##ed [MASK] [MASK] grow flat against a wall and bear fruit [SEP] [PAD]
}

// What is wrong is said all at once, before anything happens.
func ExampleNew() {
	_, err := masking.New(1000, 1000, schedule.Constant{V: 0.15}, masking.WithReplaceProbs(0.9, 0.2))
	fmt.Println(err)
	// Output:
	// masking: New: maskID is 1000, want 0 to 999: out of range
	// masking: New: WithReplaceProbs: 0.9 + 0.2 is more than 1: out of range
}
