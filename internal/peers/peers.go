// Package peers is the schedules of other libraries as package schedule writes them, beside the values that those
// libraries gave.
package peers

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/espalier-ml/espalier/internal/golden"
	s "github.com/espalier-ml/espalier/schedule"
)

// Case is the values of a schedule, ours and those of the library.
type Case struct {
	Library, Name string
	Got, Want     []float64
}

// testCase is a case as it stands in the files.
type testCase struct {
	Name       string
	Args       json.RawMessage
	Base       float64
	Pos        []float64
	Values     []float64
	Momentum   []float64
	ClosedForm []float64 `json:"closed_form"`
	Metrics    []float64
	SSR        float64
	Max        string `json:"max_duration"`
}

// Libraries is the names of the files, without their ending, in the order of [Read].
var Libraries = []string{"torch_lr", "optax", "timm", "hf_and_extra", "fastai", "composer"}

// Read computes the cases of all libraries, whose values are in a directory. A case that has no schedule here is an
// error: none is left out.
func Read(dir string) ([]Case, error) {
	torchs, momenta := torch()
	known := map[string]map[string]s.Schedule{"torch_lr": torchs, "optax": optax(), "timm": timm(),
		"hf_and_extra": huggingFace(), "fastai": fastai()}
	var all []Case
	for _, library := range Libraries {
		var g struct{ Cases []testCase }
		if err := golden.ReadJSON(filepath.Join(dir, library+".json.gz"), &g); err != nil {
			return nil, err
		}
		for _, c := range g.Cases {
			more, err := c.compute(library, known[library][c.Name], momenta[c.Name])
			if err != nil {
				return nil, fmt.Errorf("peers: %s, %s: %w", library, c.Name, err)
			}
			all = append(all, more...)
		}
	}
	return all, nil
}

// compute is the cases of a case: a schedule, its closed form, and that of the momentum.
func (c testCase) compute(library string, sch, momentum s.Schedule) ([]Case, error) {
	if c.Metrics != nil {
		got, err := c.plateau()
		return []Case{{library, c.Name, got, c.Values}}, err
	}
	if library == "composer" {
		var err error
		if sch, err = composer(c); err != nil {
			return nil, err
		}
	}
	at := c.Pos
	if at == nil {
		for step := range c.Values {
			at = append(at, float64(step))
		}
	}
	var all []Case
	for _, part := range []struct {
		name string
		s    s.Schedule
		want []float64
	}{{c.Name, sch, c.Values}, {c.Name + " closed form", sch, c.ClosedForm},
		{c.Name + " momentum", momentum, c.Momentum}} {
		if part.want == nil {
			continue
		}
		if part.s == nil {
			return nil, fmt.Errorf("no schedule")
		}
		if err := s.Validate(part.s); err != nil {
			return nil, err
		}
		got := make([]float64, len(part.want))
		for i := range got {
			got[i] = part.s.Value(at[i])
		}
		all = append(all, Case{library, part.name, got, part.want})
	}
	return all, nil
}

// plateau is the values after each of the metrics. Saving and loading between any two changes nothing.
func (c testCase) plateau() ([]float64, error) {
	opts, ok := plateaus[c.Name]
	if !ok {
		return nil, fmt.Errorf("no schedule")
	}
	opts = append([]s.PlateauOption{s.WithFactor(0.5), s.WithPatience(3), s.WithCooldown(2), s.WithMinimum(0.001)},
		opts...)
	p, err := s.NewPlateau(c.Base, opts...)
	if err != nil {
		return nil, err
	}
	got := []float64{p.Value()}
	for _, m := range c.Metrics {
		if _, err := p.Observe(m); err != nil {
			return nil, err
		}
		got = append(got, p.Value())
		b, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		p = new(s.Plateau)
		if err := json.Unmarshal(b, p); err != nil {
			return nil, err
		}
	}
	return got, nil
}
