package pipeline

import (
	"fmt"

	"github.com/espalier-ml/espalier/tradeoff/taxonomy"
)

// The shares from which on something is a bottleneck. Loops of other frameworks use the same; none is validated by
// theory.
const (
	warnShare     = 0.10
	criticalShare = 0.20
	computeShare  = 0.90
	updateShare   = 1. / 3
	manySteps     = 20 // from which on a verdict may be critical
)

// suspect is a bottleneck with the time that speaks for it.
type suspect struct {
	verdict Bottleneck
	share   float64
	phase   string // whose pattern in the steps counts
	text    string
}

// suspects are in the order that decides between equal shares.
func (r *Report) suspects() []suspect {
	return []suspect{
		{taxonomy.Input, r.share(Wait), "wait", "waiting for batches"},
		{taxonomy.Transfer, r.share(Transfer), "transfer", "copying batches"},
		{taxonomy.Communication, r.share(Communicate), "communicate", "exchange with other workers"},
		{taxonomy.Overhead, r.Residual.Share, "residual", "what no phase has"},
		{taxonomy.Evaluation, r.share(Evaluate), "eval", "evaluation"},
		{taxonomy.Checkpoint, r.share(Checkpoint, Log), "checkpoint", "saving and logging"},
	}
}

// decide finds the verdict: the largest share of what is not training, if it is large, and else what training does.
func (r *Report) decide() {
	var worst suspect
	for _, s := range r.suspects() {
		if s.share > worst.share {
			worst = s
		}
	}
	const rounding = 1e-12
	if worst.share >= warnShare-rounding {
		r.accuse(worst)
		return
	}
	compute := r.share(Forward, Backward, Optimizer)
	switch update := r.share(Optimizer); {
	case compute < computeShare-rounding:
		r.Verdict, r.Severity = taxonomy.Balanced, OK
		r.Evidence = fmt.Sprintf("nothing but arithmetic takes a tenth of the time, and arithmetic %.0f %%", 100*compute)
		return
	case update >= updateShare-rounding:
		r.Verdict = taxonomy.Optimizer
		r.Evidence = fmt.Sprintf("the update takes %.0f %% of the time", 100*update)
	case r.Roofline != nil && r.Roofline.Intensity < r.Roofline.Ridge:
		r.Verdict = taxonomy.MemoryBandwidth
		r.Evidence = fmt.Sprintf("arithmetic takes %.0f %% of the time, with %.3g operations a byte where the machine "+
			"needs %.3g to be busy",
			100*compute, r.Roofline.Intensity, r.Roofline.Ridge)
	default:
		r.Verdict = taxonomy.Compute
		r.Evidence = fmt.Sprintf("arithmetic takes %.0f %% of the time", 100*compute)
	}
	r.Severity, r.Score = Info, compute
}

// accuse makes a suspect the verdict.
func (r *Report) accuse(s suspect) {
	r.Verdict, r.Score, r.Severity = s.verdict, s.share, Warning
	if s.share >= criticalShare && r.Steps >= manySteps {
		r.Severity = Critical
	}
	if p := r.find(s.phase); p != nil {
		r.Pattern = Steady
		if p.MedianShare < 0.5*p.Share {
			r.Pattern = Intermittent
		}
	}
	r.Evidence = fmt.Sprintf("%s takes %.0f %% of the time", s.text, 100*s.share)
	if r.Verdict == taxonomy.Input {
		r.refineInput()
	}
}

// refineInput names the stage with the most work for each batch.
func (r *Report) refineInput() {
	most := 0.0
	name := ""
	for _, s := range r.Stages {
		if s.Batches > 0 && s.Busy/float64(s.Batches) > most {
			most, name = s.Busy/float64(s.Batches), s.Name
		}
	}
	switch name {
	case "":
		return
	case "load":
		r.Verdict = taxonomy.InputLoad
	case "preprocess":
		r.Verdict = taxonomy.InputPreprocess
	}
	r.Evidence += fmt.Sprintf("; of the background work for a batch %s has the most, %.3g worker-seconds", name, most)
}

// judgeMemory lets the garbage collector be the verdict, if it takes more than what stands there.
func (c reading) judgeMemory(r *Report) {
	m := r.Memory
	if r.Steps < 2 || m == nil || m.GCShare < warnShare || r.Severity >= Warning && r.Score >= m.GCShare {
		return
	}
	r.Verdict, r.Score, r.Severity, r.Pattern = taxonomy.GC, m.GCShare, Warning, NoPattern
	if m.GCShare >= criticalShare && r.Steps >= manySteps {
		r.Severity = Critical
	}
	r.Evidence = fmt.Sprintf("garbage collection takes %.0f %% of the processor time; a step allocates %.4g objects",
		100*m.GCShare, m.ObjectsPerStep)
}
