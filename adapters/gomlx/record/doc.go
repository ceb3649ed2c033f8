// Package record measures GoMLX training for package tradeoff: the seconds of training steps alone, evaluations at the
// ends of cycles, logs of runs, and profiles of the loop.
//
//	clock, err := record.NewClock()
//	data = clock.Attach(loop, data)
//	rec, err := tradeoff.NewRecorder(lr, tradeoff.HigherBetter)
//	clock.Evaluate(loop, lr.IsCycleEnd, record.Metric(trainer, test, "acc"), rec.Observe,
//		record.Log(writer, "accuracy"))
//	_, err = loop.RunToGlobalStep(data, total)
//	curve, err := rec.Curve()
//
// GoMLX's own Loop.TrainStepDurations contain the time of all hooks, evaluations and checkpoints among them. Here a
// step begins when the data set has handed out its batch and ends before the first hook.
//
// The clock of a run is a parameter of the model's store. Checkpoints hold it, and a run that is resumed goes on with
// the seconds that it had. A Recorder knows what it has seen: of a resumed run, tell it again what a log of the run
// says.
package record
