package window

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func sample(t *testing.T) Text {
	lib, err := StandardLibrary()
	if err != nil {
		t.Skip(err)
	}
	lib.Train, lib.Test = lib.Train[:200_000], lib.Test[:8_000]
	return lib
}

// A run learns, and is the same again. The Subset predicts as many tokens as constant 15 %, in fact the same ones.
func TestTrain(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
	c, err := NewCorpus(sample(t))
	require.NoError(t, err)
	const steps = 30
	train := func(a int) []Point {
		ticks := 0
		curve, err := c.Run(Arms[a], 1, steps, func(n int) { ticks += n })
		require.NoError(t, err)
		require.Equal(t, steps, ticks)
		require.Len(t, curve, evaluations)
		require.Equal(t, steps, curve[len(curve)-1].Step)
		return curve
	}
	low := train(Constant15)
	require.Equal(t, low, train(Constant15))
	require.Less(t, low[len(low)-1].Loss, low[0].Loss-0.2)
	targets := func(curve []Point) int { return curve[evaluations-1].Targets }
	require.Equal(t, targets(low), targets(train(Subset)))
	require.InEpsilon(t, 2, float64(targets(train(Constant30)))/float64(targets(low)), 0.02)
}

func TestBPE(t *testing.T) {
	s := sample(t)
	b := trainBPE(s.Train, vocabulary)
	require.Equal(t, vocabulary, b.size)
	spelling := make([]string, b.size)
	for c := range b.bytes {
		if id := b.bytes[c]; id != unkID {
			spelling[id] = string([]byte{byte(c)})
		}
	}
	for id := range b.size { // a merge is of smaller ids
		for pair, m := range b.merges {
			if int(m) == id {
				spelling[id] = spelling[pair[0]] + spelling[pair[1]]
			}
		}
	}
	var back strings.Builder
	ids := b.encode(s.Train)
	for _, id := range ids {
		back.WriteString(spelling[id])
	}
	require.True(t, string(s.Train) == back.String())
	require.Less(t, len(ids), len(s.Train)*2/3)
	require.Equal(t, []int32{unkID}, b.encode([]byte{0}))
}
