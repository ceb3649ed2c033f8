package schedule_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	s "github.com/espalier-ml/espalier/schedule"
	"github.com/espalier-ml/espalier/tensor"
)

var errMoon = errors.New("the moon is wrong")

type lunar struct {
	S s.Schedule `json:"s"`
}

func (l lunar) Value(float64) float64 { return 0 }
func (l lunar) Validate() error {
	if l.S == nil {
		return errMoon
	}
	return fmt.Errorf("schedule: lunar: %w", s.Validate(l.S))
}

// The place of a fault is a path from the outermost schedule, in Go's names or in those of JSON, and the package is
// named once.
func TestFaultsNameTheirPlace(t *testing.T) {
	bad, flat := s.Linear{Over: -1}, s.Constant{}
	twice := s.Choice[float64]{Bounds: []float64{3, 3}, Values: []float64{0, 0, 0}}
	for want, sch := range map[string]s.Schedule{
		"schedule: Linear.Over = -1: must be > 0: out of range":         bad,
		"schedule: Sequence[1].S.Over = -1: must be > 0: out of range":  s.Sequence{{S: flat}, {S: bad}},
		"schedule: Scale.S[0].Then[1].Over = -1: must be > 0: out of":   s.Scale{S: s.Sum{s.Warmup{Then: s.Max{flat, bad}}}},
		"schedule: Sequence[0].Until = -1: must be no earlier than the": s.Sequence{{Until: -1, S: flat}, {S: flat}},
		"schedule: Product[0]: schedule is nil: empty input":            s.Product{nil},
		"schedule: Clock.S.S: the moon is wrong":                        s.Clock{Step: 1, S: s.Scale{S: lunar{}}},
		"schedule: Scale.S: lunar: schedule: Linear.Over":               s.Scale{S: lunar{bad}},
		"schedule: MultiStep.At[1] = 2: must be no earlier than the":    s.MultiStep{Gamma: 1, At: []float64{3, 2}},
		"schedule: Choice.Bounds[1] = 3: must be later than the one":    twice,
		"schedule: Stretch.S.Warmup = -2: must be >= 0":                 s.Stretch{By: 1, S: s.WSD{Warmup: -2}},
	} {
		require.ErrorContains(t, s.Validate(sch), want)
	}
	require.NoError(t, s.MultiStep{Gamma: 1, At: []float64{3, 3}}.Validate())
	require.ErrorIs(t, s.Validate(s.Scale{S: s.Product{bad}}), tensor.ErrRange)
	require.ErrorIs(t, s.Validate(s.Scale{S: lunar{}}), errMoon)
	// All faults at once, each with its own place.
	err := s.Validate(s.Product{bad, s.Offset{S: s.Ramp{Start: 3, End: 2}}})
	require.EqualError(t, err, "schedule: Product[0].Over = -1: must be > 0: out of range\n"+
		"schedule: Product[1].S.End = 2: must be later than Start: out of range")
}

func TestParseJSONReadsWhatOthersWrite(t *testing.T) {
	spec, err := s.ParseJSON([]byte("\ufeff" +
		`{"version":1.0,"type":"cyclic","first":9,"mult":2,"peak":1,"maxCycles":3.0}`))
	require.NoError(t, err)
	sch, err := spec.Compile(s.Plan{}, s.Steps)
	require.NoError(t, err)
	require.Equal(t, s.Cyclic{First: 9, Mult: 2, Peak: 1, MaxCycles: 3}, sch)
	for _, bad := range []string{"3.5", "1e30", `"3"`, "true"} {
		_, err := s.ParseJSON([]byte(`{"version":1,"type":"cyclic","first":9,"mult":2,"peak":1,"maxCycles":` + bad + `}`))
		require.ErrorContains(t, err, "schedule: cyclic.maxCycles: "+bad+", want a whole number")
	}
}

func TestUnitsInWords(t *testing.T) {
	for text, want := range map[string]s.Duration{
		"10epochs": {10, s.Epochs}, "10 epochs": {10, s.Epochs}, "1 epoch": {1, s.Epochs}, "1500 steps": {1500, s.Steps},
		"1step": {1, s.Steps}, "3batches": {3, s.Steps}, "1 batch": {1, s.Steps}, "2e9 tokens": {2e9, s.Tokens},
		"1token": {1, s.Tokens}, "7samples": {7, s.Samples}, "1 sample": {1, s.Samples}, "7 %": {0.07, s.Fraction},
	} {
		got, err := s.ParseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	_, err := s.ParseDuration("1e400ep")
	require.ErrorIs(t, err, tensor.ErrRange)
	require.EqualError(t, err, `schedule: duration "1e400ep": "1e400" is too large: out of range`)
	_, err = s.ParseDuration("epochs")
	require.ErrorContains(t, err, `"" is not a number`)
}
