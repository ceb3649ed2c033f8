package schedule_test

import (
	"fmt"

	"github.com/espalier-ml/espalier/schedule"
)

func ExampleNewPlateau() {
	lr, err := schedule.NewPlateau(0.1, schedule.WithPatience(0), schedule.WithFactor(0.5), schedule.WithCooldown(1),
		schedule.WithMinimum(0.02), schedule.WithSmallestStep(0.001), schedule.WithThreshold(0.01))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, loss := range []float64{1, 0.9, 0.895, 0.894, 0.893, 0.892, 0.891} {
		rate, err := lr.Observe(loss)
		fmt.Printf("%.3g %v\n", rate, err)
	}
	accuracy, err := schedule.NewPlateau(1, schedule.WithMaximize(), schedule.WithAbsoluteThreshold(0.5))
	fmt.Println(accuracy.Value(), err)
	// Output:
	// 0.1 <nil>
	// 0.1 <nil>
	// 0.05 <nil>
	// 0.05 <nil>
	// 0.025 <nil>
	// 0.025 <nil>
	// 0.02 <nil>
	// 1 <nil>
}

func ExampleNewChoice() {
	batch, err := schedule.NewChoice([]float64{1000, 4000}, 32, 64, 128)
	fmt.Println(batch.Value(999), batch.Value(1000), batch.Value(1e6), err)
	// Output:
	// 32 64 128 <nil>
}

func ExampleParseDuration() {
	for _, text := range []string{"10ep", "6%", "2.5e9tok", "1500st", "soon"} {
		d, err := schedule.ParseDuration(text)
		fmt.Println(d, err)
	}
	// Output:
	// 10ep <nil>
	// 0.06dur <nil>
	// 2.5e+09tok <nil>
	// 1500st <nil>
	// 0st schedule: duration "soon": no unit, want st, ba, ep, sp, tok, dur or %: out of range
}

func ExampleAt() {
	// By tokens, because sequences differ in length.
	rate := schedule.Linear{From: 0.3, To: 0.15, Over: 1e9}
	v, err := schedule.At(rate, schedule.Tokens, schedule.Progress{Step: 700, Token: 500_000_000})
	fmt.Printf("%.4g %v\n", v, err)
	// Output:
	// 0.225 <nil>
}

func ExampleTable() {
	text, err := schedule.Table(schedule.WarmRestarts(10, 2, 0.1, 0), 0, 30, 7)
	fmt.Print(text)
	fmt.Println(err)
	// Output:
	// t  value
	//            0  0.1
	//            5  0.05
	//           10  0.1
	//           15  0.0853553
	//           20  0.05
	//           25  0.0146447
	//           30  0.1
	// <nil>
}

func ExampleSequence() {
	s := schedule.Sequence{schedule.Part{Until: 100, S: schedule.Constant{V: 1}}, {S: schedule.Linear{From: 1, Over: 50}}}
	fmt.Println(s.Validate(), s.Value(99), s.Value(125))
	// Output:
	// <nil> 1 0.5
}

func ExampleClock() {
	// Cycles of 30, 60, ... steps in a loop that knows only how many epochs, of 20 steps, have passed.
	lr := schedule.Clock{S: schedule.WarmRestarts(30, 2, 0.1, 0), Step: 1.0 / 20}
	for _, epoch := range []float64{0, 1, 1.5, 4.5} {
		fmt.Printf("epoch %v: %.3f\n", epoch, lr.Value(epoch))
	}
	// Output:
	// epoch 0: 0.100
	// epoch 1: 0.025
	// epoch 1.5: 0.100
	// epoch 4.5: 0.100
}

func ExampleCosineRestarts() {
	lr := schedule.CosineRestarts{Peak: 0.1, Warmup: 7, Total: 83, Cycles: 3} // of 25 1/3 steps
	for _, step := range []float64{0, 7, 32, 33, 82, 83} {
		fmt.Printf("step %v: %.4f\n", step, lr.Value(step))
	}
	// Output:
	// step 0: 0.0000
	// step 7: 0.1000
	// step 32: 0.0000
	// step 33: 0.0998
	// step 82: 0.0004
	// step 83: 0.0000
}

func ExamplePlan_Accumulated() {
	batches := schedule.Plan{StepsPerEpoch: 1000, SamplesPerStep: 8} // if every batch were a step
	plan, err := batches.Accumulated(4)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(plan.StepsPerEpoch, plan.SamplesPerStep)
	// Output:
	// 250 32
}
