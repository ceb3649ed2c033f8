package peers

import (
	"encoding/json"
	"fmt"
	"strings"

	s "github.com/espalier-ml/espalier/schedule"
)

// Composer's schedulers, in its own mixture of units.
var composerSpecs = map[string]string{
	"LinearScheduler":               `{"type":"linear","from":1,"to":0.5,"over":"1dur"}`,
	"LinearScheduler_ep":            `{"type":"linear","from":1,"to":0,"over":"3ep"}`,
	"LinearScheduler_tok":           `{"type":"linear","from":0,"to":1,"over":"200000tok"}`,
	"CosineAnnealingScheduler":      `{"type":"cosine","from":1,"to":0.1,"over":"1dur"}`,
	"CosineAnnealingScheduler_half": `{"type":"cosine","from":1,"to":0,"over":"0.5dur"}`,
	"StepScheduler":                 `{"type":"step","from":1,"gamma":0.3,"every":"2ep"}`,
	"MultiStepScheduler":            `{"type":"multiStep","from":1,"gamma":0.1,"at":["0.3dur","5ep","150ba"]}`,
	"ConstantScheduler":             `{"type":"choice","bounds":["0.5dur"],"values":[0.4,1]}`,
	"ExponentialScheduler":          `{"type":"exponential","from":1,"rate":0.9,"period":"1ep"}`,
	"PolynomialScheduler":           `{"type":"polynomial","from":1,"to":0.01,"over":"1dur","power":2}`,

	"CosineAnnealingWarmRestartsScheduler": `{"type":"cyclic","first":"1ep","mult":2,"peak":1,"floor":0.05}`,

	"LinearWithWarmupScheduler": `{"type":"piecewise","interp":"linear",` +
		`"knots":[{"t":0,"v":0},{"t":"0.06dur","v":1},{"t":"1dur","v":0.02}]}`,
	"CosineAnnealingWithWarmupScheduler": `{"type":"wsd","peak":1,"warmup":"10ba","decay":"190ba"}`,
	"PolynomialWithWarmupScheduler": `{"type":"warmup","over":"1ep",` +
		`"then":{"type":"polynomial","from":1,"to":0,"over":"9ep","power":2}}`,
	"MultiStepWithWarmupScheduler": `{"type":"warmup","over":"1ep",` +
		`"then":{"type":"multiStep","from":1,"gamma":0.1,"at":["2ep","4ep"]}}`,
	"ConstantWithWarmupScheduler": `{"type":"warmup","over":"1ep","then":{"type":"constant","v":0.7}}`,
}

// composer is a scheduler of Composer, compiled for its runs of 10 epochs of 20 steps.
func composer(c testCase) (s.Schedule, error) {
	plan := s.Plan{StepsPerEpoch: 20, SamplesPerStep: 32, TokensPerStep: 4096, Composer: true}
	name, _, _ := strings.Cut(c.Name, "_ssr")
	switch c.Name {
	case "CosineAnnealingWarmRestartsScheduler_1.5":
		return s.Cyclic{First: 15, Mult: 1.5, Peak: 1, Truncate: true}, nil
	case "CosineAnnealingWithWarmupScheduler_ssr2_scalewarmup":
		// Composer stretches the slope of the warmup but not its end: the value jumps from 0.475 to 1.
		return s.Sequence{{Until: 20, S: s.Linear{To: 1, Over: 40}}, {S: s.Cosine{From: 1, Over: 380}}}, nil
	}
	text, ok := strings.CutPrefix(composerSpecs[name], "{")
	if !ok {
		return nil, fmt.Errorf("no schedule")
	}
	if err := plan.Total.UnmarshalText([]byte(c.Max)); err != nil {
		return nil, err
	}
	spec, err := s.ParseJSON([]byte(`{"version":1,` + text))
	if err != nil {
		return nil, err
	}
	sch, err := spec.Compile(plan, s.Steps)
	if err != nil {
		return nil, err
	}
	return stretched(c, sch)
}

// stretched is Composer's scale schedule ratio: the warmup keeps its length unless it is a fraction of the run or
// scale_warmup is set.
func stretched(c testCase, sch s.Schedule) (s.Schedule, error) {
	var args struct {
		Warmup string `json:"t_warmup"`
		Scale  bool   `json:"scale_warmup"`
	}
	if err := json.Unmarshal(c.Args, &args); err != nil {
		return nil, err
	}
	if args.Warmup == "" || args.Scale || strings.HasSuffix(args.Warmup, "dur") {
		return s.Stretch{S: sch, By: c.SSR}, nil
	}
	warmup, err := s.ParseDuration(args.Warmup)
	if err != nil {
		return nil, err
	}
	keep, err := s.Plan{StepsPerEpoch: 20}.Convert(warmup, s.Steps)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(c.Name, "MultiStep") { // its milestones scale one by one, counted from the start of the run
		at := []float64{3*20*c.SSR - keep, 5*20*c.SSR - keep}
		return s.Warmup{Over: keep, Then: s.MultiStep{From: 1, Gamma: 0.1, At: at}}, nil
	}
	return s.Stretch{S: sch, By: (200*c.SSR - keep) / (200 - keep), Keep: keep}, nil
}
