package prune_test

import (
	"compress/gzip"
	"encoding/csv"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

type digitSet struct {
	X []int // pixels 0 to 16
	Y []int
}

func (d digitSet) Len() int { return len(d.Y) }

// digitsSet reads the digits that the examples embed, which only examples may import.
func digitsSet(t testing.TB) (set digitSet) {
	f, err := os.Open("../examples/digits/digits.csv.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	rows, err := csv.NewReader(z).ReadAll()
	require.NoError(t, err)
	for _, row := range rows {
		for j, field := range row {
			v, err := strconv.ParseFloat(field, 64)
			require.NoError(t, err)
			if j < 64 {
				set.X = append(set.X, int(v))
			} else {
				set.Y = append(set.Y, int(v))
			}
		}
	}
	return set
}
