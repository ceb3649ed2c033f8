package gxtest

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/stretchr/testify/require"
)

// spmdBackend builds programs for SPMD, of which the backend in Go knows nothing, as if they were for one device.
type spmdBackend struct{ compute.Backend }

// Builder wraps that of the backend.
func (b spmdBackend) Builder(name string) compute.Builder {
	return spmdBuilder{b.Backend.Builder(name)}
}

type spmdBuilder struct{ compute.Builder }

// DistributedSPMD accepts any number of devices.
func (spmdBuilder) DistributedSPMD(int) error { return nil }

// Main wraps the main function.
func (b spmdBuilder) Main() compute.Function { return spmdFunction{b.Builder.Main()} }

type spmdFunction struct{ compute.Function }

// Parameter leaves the sharding away, which the backend beneath has not.
func (f spmdFunction) Parameter(name string, shape shapes.Shape, _ *compute.ShardingSpec) (compute.Value, error) {
	return f.Function.Parameter(name, shape, nil)
}

// UnderSPMD builds the graph of f as a program under SPMD and returns the error of that.
func UnderSPMD[F model.ExecGraphFn](t testing.TB, f F, args ...any) error {
	t.Helper()
	exec, err := model.NewExec(spmdBackend{Backend(t)}, Store(t), f)
	require.NoError(t, err)
	mesh, err := distributed.NewDeviceMesh([]int{1}, []string{"data"})
	require.NoError(t, err)
	_, err = exec.SPMD(mesh).Call(args...)
	return err
}
