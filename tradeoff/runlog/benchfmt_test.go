package runlog

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
)

func TestWriteBenchfmt(t *testing.T) {
	arms, err := Arms(soundRecords(), "seconds", "accuracy")
	require.NoError(t, err)
	arms[0].Task = "hand written/digits"
	var b bytes.Buffer
	require.NoError(t, WriteBenchfmt(&b, arms, "seconds", "accuracy", 0.8, 0.875))
	lines := bytes.Split(bytes.TrimSpace(b.Bytes()), []byte("\n"))
	require.Len(t, lines, 3+6*3)
	require.Equal(t, "Unit accuracy better=higher", string(lines[0]))
	require.Equal(t, "Unit seconds-to-0.8 better=lower", string(lines[1]))
	require.Equal(t, "BenchmarkTrain/task=hand_written_digits/model=mlp/method=baseline 1 40 seconds-to-0.8 160 "+
		"seconds-to-0.875 0.875 accuracy", string(lines[3]))
	require.NotContains(t, string(lines[4]), "0.875", "a target that was not reached")
	if path := os.Getenv("ESPALIER_BENCHFMT"); path != "" {
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o666)) // to give to benchstat
	}
	require.ErrorIs(t, WriteBenchfmt(&b, nil, "a", "b"), tensor.ErrEmpty)
	require.ErrorIs(t, WriteBenchfmt(&b, arms, "", "b"), tensor.ErrEmpty)
	require.ErrorIs(t, WriteBenchfmt(failing{}, arms, "a", "b"), errFailing)
}
