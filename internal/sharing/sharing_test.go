package sharing_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/sharing"
)

func TestWorkers(t *testing.T) {
	require.Equal(t, 1, sharing.Workers(4, 10, 10))
	require.Equal(t, 4, sharing.Workers(4, 11, 10))
	require.Equal(t, 0, sharing.Workers(0, 11, 10)) // as many as there are
	undo := sharing.Everything()
	require.Equal(t, 4, sharing.Workers(4, 0, 10))
	undo()
	require.Equal(t, 1, sharing.Workers(4, 0, 10))
}
