package masking_test

import (
	"fmt"
	"slices"

	"github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/schedule/masking"
)

func ExampleNew_options() {
	masker, err := masking.New(1000, 4, schedule.Linear{From: 0.3, To: 0.15, Over: 100},
		masking.WithExactCount(), masking.WithMinTargets(1), masking.WithMaxTargets(3), masking.WithIgnoreIndex(-1),
		masking.WithRandomRange(10, 1000), masking.WithRandomExclude(13), masking.WithWorkers(1), masking.WithSeed(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range []int{0, 50, 100} {
		rate, err := masker.Rate(step)
		fmt.Printf("%.3f %v\n", rate, err)
	}
	src := []int32{11, 12, 13, 14, 15, 16, 17, 18, 19, 20}
	ids, labels := make([]int32, len(src)), make([]int32, len(src))
	n, err := masker.MaskBatch(ids, labels, src, masking.Key{Epoch: 0, Samples: []int{7}}, 0)
	fmt.Println(n, labels, err)
	// Output:
	// 0.300 <nil>
	// 0.225 <nil>
	// 0.150 <nil>
	// 3 [-1 12 -1 -1 -1 16 -1 18 -1 -1] <nil>
}

func ExampleMasker_MaskDraws() {
	// The random numbers of another program give its masks.
	masker, err := masking.New(100, 4, schedule.Constant{V: 0.5})
	if err != nil {
		fmt.Println(err)
		return
	}
	src := []int32{10, 20, 30, 40}
	ids, labels := make([]int32, 4), make([]int32, 4)
	n, err := masker.MaskDraws(ids, labels, src, masking.Draws{
		Select:  []float64{.1, .9, .2, .8},
		Replace: []float64{.5, 0, .9, 0},
		Random:  []float64{0, 0, .2, 0},
		Tokens:  []int32{0, 0, 77, 0},
	}, 0)
	fmt.Println(n, ids, labels, err)
	// Output:
	// 2 [4 20 77 40] [10 -100 30 -100] <nil>
}

func ExampleWithRoll() {
	src := []int32{11, 12, 13, 14, 15, 16, 17, 18, 19, 20}
	for _, opts := range [][]masking.Option{{masking.WithT5Spans(3)}, {masking.WithT5Spans(3), masking.WithRoll()}} {
		masker, err := masking.New(100, 4, schedule.Constant{V: 0.15}, append(opts, masking.WithSeed(1))...)
		if err != nil {
			fmt.Println(err)
			return
		}
		var noise [][]int
		for sample := range 3 {
			pos, _, err := masker.MaskSparse(nil, nil, slices.Clone(src), masking.Key{Samples: []int{sample}}, 0)
			if err != nil {
				fmt.Println(err)
			}
			noise = append(noise, pos)
		}
		fmt.Println(noise)
	}
	// Output:
	// [[8 9] [8 9] [8 9]]
	// [[7 8] [2 3] [4 5]]
}

func ExampleWithWordPositions() {
	// Three words of a language that writes no spaces, as a segmenter found them.
	masker, err := masking.New(100, 4, schedule.Constant{V: 0.5}, masking.WithWordPositions(),
		masking.WithReplaceProbs(1, 0), masking.WithSeed(8))
	if err != nil {
		fmt.Println(err)
		return
	}
	src := []int32{31, 32, 33, 34, 35, 36}
	ids, labels := make([]int32, 6), make([]int32, 6)
	n, err := masker.Mask(ids, labels, src, masking.Key{Samples: []int{0},
		Continues: []bool{false, true, false, true, true, false}}, 0)
	fmt.Println(n, ids, err)
	// Output:
	// 3 [31 32 4 4 4 36] <nil>
}

func ExampleWithPoissonSpans() {
	for _, spans := range []masking.Option{masking.WithPoissonSpans(3, 10), masking.WithFixedSpans(3)} {
		masker, err := masking.New(100, 4, schedule.Constant{V: 0.3}, spans)
		if err != nil {
			fmt.Println(err)
			return
		}
		ids := make([]int32, 20)
		pos, _, err := masker.MaskSparse(nil, nil, ids, masking.Key{Samples: []int{0}}, 0)
		fmt.Println(pos, err)
	}
	// Output:
	// [13 14 15 16 18 19] <nil>
	// [0 13 14 15 18 19] <nil>
}
