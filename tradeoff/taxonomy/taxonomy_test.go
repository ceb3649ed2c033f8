package taxonomy

import (
	"encoding/json"
	"go/importer"
	"go/token"
	"go/types"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

func TestEverySymbolExists(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, and minutes under emulation")
	}
	imp := importer.ForCompiler(token.NewFileSet(), "source", nil)
	packages := map[string]*types.Package{}
	for _, m := range Methods() {
		p := packages[m.Package]
		if p == nil {
			var err error
			p, err = imp.Import("github.com/espalier-ml/espalier/" + m.Package)
			require.NoError(t, err, m.Name)
			packages[m.Package] = p
		}
		name, method, isMethod := strings.Cut(m.Symbol, ".")
		obj := p.Scope().Lookup(name)
		if !assert.NotNil(t, obj, "%s: %s.%s does not exist", m.Name, m.Package, m.Symbol) {
			continue
		}
		assert.True(t, obj.Exported(), m.Symbol)
		if isMethod {
			found, _, _ := types.LookupFieldOrMethod(types.NewPointer(obj.Type()), true, p, method)
			assert.NotNil(t, found, "%s: %s.%s does not exist", m.Name, m.Package, m.Symbol)
		}
	}
}

func TestTable(t *testing.T) {
	names := map[string]bool{}
	for _, m := range Methods() {
		assert.False(t, names[m.Name], m.Name)
		names[m.Name] = true
		assert.NotEmpty(t, m.Cells, m.Name)
		assert.NotEmpty(t, m.Notes, m.Name)
		for _, b := range m.Helps {
			assert.NotContains(t, m.Hurts, b, "%s helps and hurts %v", m.Name, b)
		}
	}
	for b := Insufficient; b <= GC; b++ {
		for _, m := range Find(Helping(b)) {
			assert.NotContains(t, m.Hurts, b, "%s is advised for %v, which it hurts", m.Name, b)
		}
	}
}

func TestFind(t *testing.T) {
	find := func(filters ...Filter) string {
		var names []string
		for _, m := range Find(filters...) {
			names = append(names, m.Name)
		}
		return strings.Join(names, ", ")
	}
	// A method with two cells is found by either.
	assert.Contains(t, find(In(Architecture, Replace)), "table lookups")
	assert.Contains(t, find(In(Parameters, Restrict)), "table lookups")
	assert.Contains(t, find(Of(Architecture), By(Remove)), "channel pruning")
	assert.Contains(t, find(Helping(Compute), During(Inference), For(Speed)), "table lookups")
	empty := Find(In(Objective, Remove))
	assert.NotNil(t, empty)
	assert.Empty(t, empty)
	assert.Equal(t, Data, DerivedData.Component())
	assert.Equal(t, Optimization, Objective.Component())
}

func TestNamesReadBack(t *testing.T) {
	b, err := json.Marshal(Methods())
	require.NoError(t, err)
	var back []Method
	require.NoError(t, json.Unmarshal(b, &back))
	assert.Equal(t, Methods(), back)
	_, err = ParseSubcomponent("wheels")
	assert.ErrorIs(t, err, tensor.ErrRange)
	_, err = ParseAction("paint")
	assert.ErrorIs(t, err, tensor.ErrRange)
	v, err := ParseBottleneck("input/load")
	assert.NoError(t, err)
	assert.Equal(t, InputLoad, v)
	a, err := ParseAction("restrict")
	assert.NoError(t, err)
	s, err := ParseSubcomponent("training data")
	assert.NoError(t, err)
	assert.Equal(t, "training data/restrict", Cell{s, a}.String())
	text, err := Function.MarshalText()
	assert.NoError(t, err)
	var c Component
	assert.NoError(t, c.UnmarshalText(text))
	assert.Equal(t, "function", c.String())
}
