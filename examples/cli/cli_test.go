package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDirectory(t *testing.T) {
	assert.NoError(t, Directory(""))
	path := filepath.Join(t.TempDir(), "a", "b")
	assert.NoError(t, Directory(path))
	left, err := os.ReadDir(path)
	assert.NoError(t, err)
	assert.Empty(t, left)
	file := filepath.Join(path, "file")
	assert.NoError(t, os.WriteFile(file, nil, 0o644))
	assert.Error(t, Directory(file))
}
