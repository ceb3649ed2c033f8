// Package pipeline finds what limits the speed of a training loop, predicts what mending it would gain, and tests the
// finding by experiment. What to do about it is named by the cell of package taxonomy that a method stands in (after
// Bartoldson et al. 2023, arXiv 2210.06640, section on bottlenecks).
//
// Two lines in the loop tell waiting from the rest, and each phase takes one or two more:
//
//	p, err := pipeline.New()
//	for batch := range pipeline.Watch(p, loader) { // counts the time spent waiting
//		s := p.Begin(pipeline.Forward)
//		...
//		s.End()
//		s = p.Begin(pipeline.Backward)
//		...
//		s.End()
//		p.EndStep(batch.Len()) // after the update, once for all micro-batches of it
//	}
//	fmt.Print(p.Report())
//
// A report has the share of each phase, what no phase has, stalls with their period, what each phase would gain if it
// took half the time, and a verdict. What was not measured is said to be that, and not to take no time.
//
// A verdict is a hypothesis. Accelerators compute asynchronously: time is then counted where the loop happens to wait
// for them, unless it waits at the end of each span. [Experiment] runs the loop beside one on a cached batch, one
// without a model and one with twice the batch, and [Measured.Confirm] says whether the verdict stands.
//
// Loops in other languages write their spans as JSON lines, which [ReadTrace] reads and [Judge] judges.
//
// # When not to use it
//
// It knows phases and not functions: for those use a CPU profile, which in turn cannot see waiting. A span costs two
// readings of the clock, about 60 ns; do not put one around a microsecond of work.
package pipeline
