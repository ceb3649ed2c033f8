package tradeoff

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestResultsAsJSON(t *testing.T) {
	for _, v := range []any{&Needed{3, 1.5, 0.1, 0.8, 0.95}, &RecipeFidelity{"a", 1, 2, 3, 0.5, 4}, &BudgetFidelity{1,
		0.5}} {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		back := reflect.New(reflect.TypeOf(v).Elem()).Interface()
		require.NoError(t, json.Unmarshal(b, back))
		require.Equal(t, v, back, string(b))
	}
	b, err := json.Marshal(Fidelity{Recipes: []RecipeFidelity{{GainPearson: nan}},
		Budgets: []BudgetFidelity{{KendallTau: nan}}})
	require.NoError(t, err)
	var f Fidelity
	require.NoError(t, json.Unmarshal(b, &f))
	require.True(t, math.IsNaN(f.Recipes[0].GainPearson) && math.IsNaN(f.Budgets[0].KendallTau))
	for _, v := range []encoding.TextMarshaler{HigherBetter, LowerBetter, FirstHit, Linear, LogCost, LinearAxis, LogAxis} {
		text, err := v.MarshalText()
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(v), string(text))
	}
	require.Error(t, new(Axis).UnmarshalText([]byte("cubic")))
}
