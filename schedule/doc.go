// Package schedule computes hyper-parameters as pure functions of training time: learning rates, masking rates,
// sparsities, image sizes, sequence lengths, dropout, weight decay.
//
// # The method
//
// A schedule is an immutable value with one method, Value(t), which depends on nothing but the time t, normally the
// number of optimizer steps done. Families such as [Cosine], [WSD] or [Cyclic] are plain structs, and combinators
// such as [Sequence], [Warmup] or [Product] build larger schedules of smaller ones. Because there is no state,
// resuming a run is calling Value with another t, and any goroutine may call it in any order. Times can be written in
// steps, epochs, samples, tokens and fractions of the run, mixed in one definition, and a [Plan] converts them to one
// axis exactly. Because a schedule is data, it can be written as JSON, integrated, searched for its
// breakpoints, drawn and tested before anything is trained.
//
// # A complete example
//
//	lr := schedule.WSD{Peak: 0.1, Floor: 0.001, Warmup: 500, Decay: 9500} // warmup and cosine decay, in steps
//	if err := lr.Validate(); err != nil {
//		log.Fatal(err)
//	}
//	for step := start; step < 10000; step++ { // start is not 0 when resuming, and that is all
//		optimizer.LR = lr.Value(float64(step))
//		...
//	}
//
// The same from a configuration that knows nothing of this run's batch size:
//
//	spec, err := schedule.ParseJSON([]byte(`{"version": 1, "type": "wsd", "peak": 0.1, "floor": 0.001,
//		"warmup": "5%", "decay": "0.95dur"}`))
//	plan := schedule.Plan{Total: schedule.Duration{Value: 90, Unit: schedule.Epochs}, StepsPerEpoch: 625}
//	lr, err := spec.Compile(plan, schedule.Steps)
//
// # What is here
//
//   - Families: [Constant], [Linear], [Ramp], [Polynomial], [Cosine], [Exponential], [ExpInterp], [InverseSqrt],
//     [Noam], [REX], [OneMinusSqrt], [Tanh], [Step], [MultiStep], [Piecewise], [Choice], [Triangular], [OneCycle],
//     [Cyclic], [CosineRestarts], [WSD].
//   - Combinators: [Sequence], [Warmup], [Shift], [Stretch], [Clock], [Repeat], [Product], [Sum], [Min], [Max],
//     [Scale], [Offset], [Clamp], [Quantize], [Ints]; [LayerDecay] for groups of parameters; [Func] for anything else.
//   - Time: [Duration], [Plan], [Progress].
//   - As text: [Spec], [SpecOf], [ParseJSON], [ParseText], and [Registry] for types of one's own.
//   - In use: [Set] for several hyper-parameters, [Cyclic.IsCycleEnd] for the moments to evaluate, [Plateau] for what
//     follows a metric and therefore has state.
//   - To look at: [Breakpoints], [Integral], [Range], [Table], [Sparkline], [Plot], [WriteSVG].
//   - To test: package scheduletest.
//
// A schedule of a user's own needs Value, and takes part in everything else by optional methods: Validate() error and
// Breakpoints(from, to float64) []float64.
//
// Value of a valid schedule of these types is a finite number at every time, NaN and infinities included, and allocates
// nothing. Before its start and after its end a schedule holds what it has there. Struct literals are the constructors:
// nothing checks them until Validate is called, and Value of a schedule that Validate rejects may be anything or panic.
//
// # When not to use it
//
// Not when the next value depends on a measurement: [Plateau] does that for one rule, and schedule-free optimizers do
// without. Not to compare training runs of several lengths by cutting one long cosine short: its early values belong
// to the long run; [Cyclic] and [WSD] are made for that. A curve read from the cycles of one run ranks recipes well
// but is biased against strong regularization: by 0.4 to 0.5 points of accuracy on average in the data of Portes et al.
//
// # What was re-measured
//
// The tests hold the values of the schedulers of torch, optax, timm, Hugging Face, fastai and Composer, and where one
// of them is at fault the tests in differences_test.go show how and what happens here. The learning-rate
// sums that Portes et al. logged for their 512-epoch run, 10240.24985 to 327700.8696, come out of [Cyclic] and
// [Integral] to all printed digits.
//
// # Sources
//
// Ankner et al. 2024, Dynamic masking rate schedules for MLM pretraining, EACL, arXiv 2305.15096. Portes et al. 2022,
// Fast benchmarking of accuracy vs. training time with cyclic learning rates, arXiv 2206.00832. Loshchilov and Hutter
// 2017, SGDR, ICLR. Those of the other families are named where they are documented.
package schedule
