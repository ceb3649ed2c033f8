package schedule_test

import (
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/schedule"
)

// A learning rate in a training loop.
func Example() {
	lr := schedule.WSD{Peak: 0.1, Floor: 0.001, Warmup: 2, Decay: 4}
	if err := lr.Validate(); err != nil {
		log.Fatal(err)
	}
	for step := range 8 {
		rate := lr.Value(float64(step))
		fmt.Printf("%d %.4f\n", step, rate) // set the rate, do the step
	}
	// Output:
	// 0 0.0000
	// 1 0.0500
	// 2 0.1000
	// 3 0.0855
	// 4 0.0505
	// 5 0.0155
	// 6 0.0010
	// 7 0.0010
}

// A run that stopped after 60 steps goes on from there. There is no state to restore, and the checkpoint holds the
// schedule only so that nobody has to remember it.
func Example_resume() {
	lr := schedule.Warmup{Over: 10, Then: schedule.Cosine{From: 0.1, Over: 90}}
	spec, err := schedule.SpecOf(lr)
	if err != nil {
		log.Fatal(err)
	}
	checkpoint, _ := json.Marshal(map[string]any{"step": 60, "lr": spec})
	fmt.Println(string(checkpoint))

	var saved struct {
		Step int
		LR   schedule.Spec
	}
	if err := json.Unmarshal(checkpoint, &saved); err != nil {
		log.Fatal(err)
	}
	resumed := schedule.Must(saved.LR.Compile(schedule.Plan{}, schedule.Steps))
	fmt.Println(resumed.Value(float64(saved.Step)) == lr.Value(60))
	// Output:
	// {"lr":{"version":1,"type":"warmup","over":10,"then":{"type":"cosine","from":0.1,"to":0,"over":90}},"step":60}
	// true
}

// One definition in epochs, tokens and fractions of the run, compiled for runs of different batch sizes.
func ExampleSpec_Compile() {
	spec, err := schedule.ParseJSON([]byte(`{"version": 1, "type": "sequence", "parts": [
		{"until": "1e9tok",  "s": {"type": "linear", "from": 0, "to": 5e-4, "over": "1e9tok"}},
		{"until": "0.8dur",  "s": {"type": "constant", "v": 5e-4}},
		{"s": {"type": "oneMinusSqrt", "from": 5e-4, "to": 0, "over": "20%"}}]}`))
	if err != nil {
		log.Fatal(err)
	}
	plan := schedule.Plan{Total: schedule.Duration{Value: 2, Unit: schedule.Epochs}, StepsPerEpoch: 10000,
		TokensPerStep: 1 << 20}
	lr, err := spec.Compile(plan, schedule.Steps)
	if err != nil {
		log.Fatal(err)
	}
	at, _ := schedule.Breakpoints(lr, 0, 20000)
	fmt.Println(at)

	plan.TokensPerStep = 0
	_, err = spec.Compile(plan, schedule.Steps)
	fmt.Println(err)
	// Output:
	// [0 953.67431640625 16000 20000]
	// schedule: sequence.parts[0].until: 1e+09tok to st: the Plan's TokensPerStep is not set: plan does not say the rate
}

// The run is made twice as long on resuming. What is a fraction of it moves, unless it was frozen.
func ExampleSpec_Freeze() {
	spec, err := schedule.ParseJSON([]byte(`{"version": 1, "type": "warmup", "over": "6%",
		"then": {"type": "constant", "v": 1}}`))
	if err != nil {
		log.Fatal(err)
	}
	frozen, err := spec.Freeze(schedule.Plan{Total: schedule.Duration{Value: 1000, Unit: schedule.Steps}})
	if err != nil {
		log.Fatal(err)
	}
	longer := schedule.Plan{Total: schedule.Duration{Value: 2000, Unit: schedule.Steps}}
	for _, s := range []schedule.Spec{spec, frozen} {
		fmt.Println(s, schedule.Must(s.Compile(longer, schedule.Steps)).Value(60))
	}
	// Output:
	// {"version":1,"type":"warmup","over":"0.06dur","then":{"type":"constant","v":1}} 0.5
	// {"version":1,"type":"warmup","over":"60st","then":{"type":"constant","v":1}} 1
}

// The short form, for a flag on a command line: the masking rate of Ankner et al.
func ExampleParseText() {
	spec, err := schedule.ParseText("0.3@0, 0.15@1dur linear")
	if err != nil {
		log.Fatal(err)
	}
	rate := schedule.Must(spec.Compile(schedule.Plan{Total: schedule.Duration{Value: 70000, Unit: schedule.Steps}},
		schedule.Steps))
	fmt.Printf("%.4g %.4g %.4g\n", rate.Value(0), rate.Value(35000), rate.Value(70000))
	targets, _ := schedule.Integral(rate, 0, 70000)
	fmt.Printf("%.0f masked tokens in a run of 4096 x 128 tokens per step\n", targets*4096*128)
	// Output:
	// 0.3 0.225 0.15
	// 8257575322 masked tokens in a run of 4096 x 128 tokens per step
}

// Any hyper-parameter follows time, each through the function that puts it to use.
func ExampleSet() {
	var optimizer struct{ LR, WeightDecay float64 }
	set := schedule.NewSet().
		Bind("lr", schedule.Cosine{From: 0.1, Over: 100}, func(v float64) { optimizer.LR = v }).
		Bind("weight decay", schedule.Linear{From: 0.04, To: 0.4, Over: 100}, func(v float64) { optimizer.WeightDecay = v }).
		Bind("mask rate", schedule.Linear{From: 0.3, To: 0.15, Over: 100}, nil)
	if err := set.Validate(); err != nil {
		log.Fatal(err)
	}
	set.Apply(50)
	fmt.Printf("%.3g\n", optimizer)
	fmt.Println(slices.Sorted(maps.Keys(maps.Collect(set.Values(50)))))
	for name, v := range set.Values(50) {
		fmt.Printf("%s=%.3g ", name, v)
	}
	// Output:
	// {0.05 0.22}
	// [lr mask rate weight decay]
	// lr=0.05 weight decay=0.22 mask rate=0.225
}

// Multiplicative cycles: evaluate at the end of each, and one run gives the whole curve of quality against time.
func ExampleCyclic() {
	lr := schedule.Cyclic{Warmup: 8, First: 8, Mult: 2, Peak: 2.048, Floor: 1e-4}
	fmt.Println("ends", lr.Ends(256))
	fmt.Println("four cycles take", lr.TotalFor(4), "steps")
	for step := range lr.TotalFor(3) {
		if lr.IsCycleEnd(step) {
			k, _ := lr.CycleAt(float64(step))
			fmt.Printf("step %2d: end of cycle %d at %.4f, next %.3f\n",
				step, k, lr.Value(float64(step)), lr.Value(float64(step+1)))
		}
	}
	// Output:
	// ends [16 32 64 128 256]
	// four cycles take 128 steps
	// step 15: end of cycle 0 at 0.0780, next 2.048
	// step 31: end of cycle 1 at 0.0198, next 2.048
	// step 63: end of cycle 2 at 0.0050, next 2.048
}

// A preview in the terminal before anything is trained.
func ExamplePlot() {
	lr := schedule.Cyclic{Warmup: 8, First: 8, Mult: 2, Peak: 1}
	plot, err := schedule.Plot(lr, 0, 64, 48, 6)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("learning rate")
	fmt.Print(plot)
	line, err := schedule.Sparkline(lr, 0, 64, 48)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(line)
	// Output:
	// learning rate
	//          1 │     •••    •••         •••••                  •
	//            │    •• ••     •••           •••••              •
	//            │   ••   ••      •••             •••••          •
	//            │ ••      •        ••                ••••       •
	//            │••       ••        •••                 •••••   •
	//          0 │•         ••         •••                   •••••
	//            └────────────────────────────────────────────────
	//             0                                             64
	// ▂▃▄▆▇███▆▅▃▁███▇▆▅▅▄▃▂▁▁█████▇▇▇▆▆▅▅▅▄▄▃▃▂▂▂▁▁▁█
}

// Progressive resizing of images, as in Composer: half the size for half of the run, full size for the last fifth, in
// multiples of 4 pixels. Sequence lengths warm up in the same way.
func ExampleQuantize() {
	scale := schedule.Ramp{From: 0.5, To: 1, Start: 50, End: 80}
	width := schedule.Ints{S: schedule.Quantize{S: schedule.Scale{S: scale, By: 224}, Multiple: 4}}
	length := schedule.Ints{S: schedule.Quantize{S: schedule.Ramp{From: 64, To: 512, End: 40}, Multiple: 64,
		Mode: schedule.Down}}
	for _, step := range []float64{0, 20, 40, 60, 70, 80, 100} {
		fmt.Println(step, width.Value(step), length.Value(step))
	}
	// Output:
	// 0 112 64
	// 20 112 256
	// 40 112 512
	// 60 148 512
	// 70 188 512
	// 80 224 512
	// 100 224 512
}

// Half of the training time, with the warmup shortened as well or left alone.
func ExampleStretch() {
	full := schedule.Warmup{Over: 20, Then: schedule.Linear{From: 1, Over: 180}}
	all := schedule.Stretch{S: full, By: 0.5}
	rest := schedule.Stretch{S: full, By: (100. - 20) / (200 - 20), Keep: 20}
	fmt.Println(all.Value(10), all.Value(55), all.Value(100))
	fmt.Println(rest.Value(10), rest.Value(60), rest.Value(100))
	// Output:
	// 1 0.5 0
	// 0.5 0.5 0
}

// Fine-tuning with smaller rates for the layers near the input.
func ExampleLayerDecay() {
	groups, err := schedule.LayerDecay(schedule.Linear{From: 1, Over: 100}, 4, 0.5)
	if err != nil {
		log.Fatal(err)
	}
	for layer, lr := range groups {
		fmt.Println(layer, lr.Value(0), lr.Value(50))
	}
	// Output:
	// 0 0.125 0.0625
	// 1 0.25 0.125
	// 2 0.5 0.25
	// 3 1 0.5
}

// Spike is a schedule of the user's own, that a Registry can write and read.
type Spike struct {
	Height float64 `json:"height"`
	At     float64 `json:"at" unit:"time"`
}

func (s Spike) Value(t float64) float64 {
	return s.Height * math.Exp(-math.Abs(max(-1e9, min(1e9, t))-s.At))
}

func ExampleRegistry() {
	var own schedule.Registry
	if err := own.Register("spike", Spike{}); err != nil {
		log.Fatal(err)
	}
	spec, err := own.ParseJSON([]byte(`{"version": 1, "type": "sum", "of": [
		{"type": "constant", "v": 1}, {"type": "spike", "height": 2, "at": "3ep"}]}`))
	if err != nil {
		log.Fatal(err)
	}
	s := schedule.Must(spec.Compile(schedule.Plan{StepsPerEpoch: 10}, schedule.Steps))
	fmt.Println(s.Value(30))
	// Output: 3
}

// Halve the rate when the validation loss has not improved for three evaluations.
func ExamplePlateau() {
	lr, err := schedule.NewPlateau(0.1, schedule.WithFactor(0.5), schedule.WithPatience(2))
	if err != nil {
		log.Fatal(err)
	}
	for _, loss := range []float64{1, 0.8, 0.81, 0.82, 0.83, 0.7} {
		v, err := lr.Observe(loss)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(v, " ")
	}
	// Output: 0.1 0.1 0.1 0.1 0.05 0.05
}

// A warmup and a cosine that reaches its floor at the end of the run.
func ExampleWarmupCosine() {
	lr, err := schedule.WarmupCosine(0.1, 50, 1000, 0.001)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range []float64{0, 50, 525, 1000} {
		fmt.Printf("step %v: %.4f\n", step, lr.Value(step))
	}
	// The cosine begins after the warmup: with 1000 steps of its own it is not at the floor at 1000.
	late := schedule.Warmup{Over: 50, Then: schedule.Cosine{From: 0.1, To: 0.001, Over: 1000}}
	fmt.Printf("%.4f\n", late.Value(1000))
	// Output:
	// step 0: 0.0000
	// step 50: 0.1000
	// step 525: 0.0505
	// step 1000: 0.0010
	// 0.0016
}
