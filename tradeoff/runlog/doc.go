// Package runlog is the logs of training runs: [Writer] appends evaluations to a log of JSON lines with the environment
// that they were made in, [ReadJSONL] reads them, [Arms] makes runs of them for the comparisons of package tradeoff,
// and [Review] holds them and the claims in them against the rules of a checklist ([Rules]): whether wall-clock time is
// meant, baselines are there, arms were tuned alike and on other data than they are tested on.
//
//	records, err := runlog.ReadJSONL(file)
//	arms, err := runlog.Arms(records, "seconds", "accuracy")
//	s, err := tradeoff.Speedup(arms[0].Runs, arms[1].Runs)
//
// Package importers reads what other tools write as the same records.
package runlog
