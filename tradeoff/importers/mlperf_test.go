package importers

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

const someReferences = `{
  "b_ref_64": {"Benchmark": "b", "BS": 64, "Hyperparams": {"x": [1, 2]}, "Epochs to converge": [12, 13, 12.5, 11]},
  "b_ref_32": {"Benchmark": "b", "BS": 32, "Epochs to converge": [10, 11, 10, 9]},
  "a_ref_8": {"Benchmark": "a", "BS": 8, "samples to converge": [3]}
}`

func TestReadMLPerfReferences(t *testing.T) {
	refs, err := ReadMLPerfReferences(strings.NewReader(someReferences))
	require.NoError(t, err)
	require.Equal(t, []MLPerfReference{
		{"a", []score.ReferencePoint{{Name: "a_ref_8", BatchSize: 8, Epochs: []float64{3}}}},
		{"b", []score.ReferencePoint{{Name: "b_ref_32", BatchSize: 32, Epochs: []float64{10, 11, 10, 9}},
			{Name: "b_ref_64", BatchSize: 64, Epochs: []float64{12, 13, 12.5, 11}}}},
	}, refs)
	checked, err := score.NewReferences(refs[1].Points, 3)
	require.NoError(t, err)
	bound, err := checked.At(48)
	require.NoError(t, err)
	require.Equal(t, 11.125, bound.Mean)
}

func TestReadMLPerfReferencesRefuses(t *testing.T) {
	for name, k := range map[string]struct {
		text, says string
		is         error
	}{
		"nothing":      {"", "MLPerf references:1", nil},
		"no record":    {"{}", "no records", tensor.ErrEmpty},
		"syntax":       {"{\n\"a\": {\n\"BS\": }}", "MLPerf references:3", nil},
		"type":         {"{\n\"a\": {\"BS\": \"8\"}}", "MLPerf references:2", nil},
		"truncated":    {someReferences[:200], "MLPerf references:3", nil},
		"no epochs":    {`{"a": {"Benchmark": "a", "BS": 8}}`, `record "a"`, tensor.ErrShape},
		"no batch":     {`{"a": {"Benchmark": "a", "Epochs to converge": [1]}}`, "BS 0", tensor.ErrShape},
		"no benchmark": {`{"a": {"BS": 8, "Epochs to converge": [1]}}`, `Benchmark ""`, tensor.ErrShape},
	} {
		_, err := ReadMLPerfReferences(strings.NewReader(k.text))
		require.ErrorContains(t, err, k.says, name)
		if k.is != nil {
			require.ErrorIs(t, err, k.is, name)
		}
	}
	_, err := ReadMLPerfReferences(broken{})
	require.ErrorIs(t, err, errBroken)
	_, err = ReadMLPerfReferences(endless{})
	require.ErrorIs(t, err, tensor.ErrRange)
}

var errBroken = errors.New("broken")

// broken is a reader that fails, endless one that has no end.
type (
	broken  struct{}
	endless struct{}
)

func (broken) Read([]byte) (int, error) { return 0, errBroken }

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func FuzzReadMLPerfReferences(f *testing.F) {
	f.Add([]byte(someReferences))
	f.Add([]byte(`{"a": {"Benchmark": "a", "BS": 1e9, "Epochs to converge": [null, -1, 1e300]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		refs, err := ReadMLPerfReferences(strings.NewReader(string(data)))
		if err != nil {
			require.Empty(t, refs)
			return
		}
		for _, ref := range refs {
			require.NotEmpty(t, ref.Points)
			_, _ = score.NewReferences(ref.Points, 5) // refuses or takes them, and does not panic
		}
	})
}

func FuzzReadAlgoPerfTargets(f *testing.F) {
	f.Add([]byte(someTargets))
	f.Add([]byte(`{"base_workloads": ["", "a"], "held_out_workloads": ["_"], ` +
		`"workloads": {"": {"validation_target_value": 1e400}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		targets, err := ReadAlgoPerfTargets(strings.NewReader(string(data)))
		if err == nil {
			require.NotEmpty(t, targets.Workloads)
		}
	})
}
