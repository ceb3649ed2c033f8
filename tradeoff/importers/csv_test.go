package importers

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

func TestReadCSV(t *testing.T) {
	const text = "algo,seed,wall,step,val_acc,note\nbaseline,1,10,100,0.5,x\n" +
		"baseline,1,20,200,0.6,y\nbaseline,2,11,100,,z\nbaseline,2,22,200.0,0.61,\nnew,1,5,100,0.6,\n"
	records, err := ReadCSV(strings.NewReader(text), map[string]string{"algo": "method", "wall": "seconds",
		"val_acc": "quality:accuracy", "note": ""})
	require.NoError(t, err)
	require.Len(t, records, 4)
	arms, err := runlog.Arms(records, "seconds", "accuracy")
	require.NoError(t, err)
	require.Len(t, arms, 2)
	require.Equal(t, []string{"", "new"}, []string{arms[0].Method, arms[1].Method})
	require.Equal(t, []tradeoff.Point{{Cost: 10, Quality: 0.5}, {Cost: 20, Quality: 0.6}}, arms[0].Runs.Curves[0].Points())
	require.Equal(t, []tradeoff.Point{{Cost: 22, Quality: 0.61}}, arms[0].Runs.Curves[1].Points())
	// Budgets make one curve of each seed.
	records, err = ReadCSV(strings.NewReader("seed,budget,cost:GPU "+
		"hours,loss\n1,1,2,0.5\n1,2,4,0.4\n2,1,2,0.6\n2,2,4,0.45\n"), nil)
	require.NoError(t, err)
	arms, err = runlog.Arms(records, "GPU hours", "loss")
	require.NoError(t, err)
	require.True(t, arms[0].Tradeoff)
	require.Len(t, arms[0].Runs.Curves, 2)
	require.Equal(t, tradeoff.LowerBetter, arms[0].Runs.Direction())
}

func TestReadCSVRefuses(t *testing.T) {
	for name, k := range map[string]struct {
		text   string
		rename map[string]string
		says   string
		is     error
	}{
		"empty":  {"", nil, "no header", tensor.ErrEmpty},
		"rows":   {"step,accuracy\n", nil, "no evaluations", tensor.ErrEmpty},
		"rename": {"step,accuracy\n1,2\n", map[string]string{"x": "y"}, `no column "x" to rename`, tensor.ErrShape},
		"twice": {"step,accuracy,acc\n1,2,3\n", map[string]string{"acc": "accuracy"}, "are both accuracy",
			tensor.ErrConflict},
		"text":   {"step,accuracy\n1,0.5\n2,high\n", nil, `CSV:3: accuracy is "high"`, tensor.ErrNotFinite},
		"step":   {"step,accuracy\n-1,0.5\n", nil, `CSV:2: step is "-1"`, tensor.ErrRange},
		"cost":   {"seconds,accuracy\n-1,0.5\n", nil, `CSV:2: cost "seconds" is -1`, tensor.ErrRange},
		"fields": {"step,accuracy\n1\n", nil, "CSV:2: 1 fields", tensor.ErrShape},
	} {
		_, err := ReadCSV(strings.NewReader(k.text), k.rename)
		require.ErrorContains(t, err, k.says, name)
		require.ErrorIs(t, err, k.is, name)
	}
}

const shrinkBench = "dataset,model,strategy,compression,size,size_nz,flops,flops_nz,post_acc1,post_acc5,seed\n" +
	"C,net,dense,1,100,100,1000,1000,0.9,0.99,1\n" +
	"C,net,GlobalMag,2,100,50,1000,600,0.89,,1\nC,net,GlobalMag,4,100,25,1000,300,0.8,0.9,1\n"

func TestReadShrinkBench(t *testing.T) {
	records, err := ReadShrinkBench(strings.NewReader(shrinkBench))
	require.NoError(t, err)
	require.Len(t, records, 3)
	require.Equal(t, map[string]float64{"params": 25, "params_ratio": 0.25, "macs": 300, "macs_ratio": 0.3},
		records[2].Cost)
	require.Equal(t, map[string]float64{"top1": 0.89}, records[1].Quality)
	arms, err := runlog.Arms(records, "macs", "top1")
	require.NoError(t, err)
	require.Len(t, arms, 2)
	require.True(t, arms[1].Tradeoff)
	require.Equal(t, []tradeoff.Point{{Cost: 300, Quality: 0.8}, {Cost: 600, Quality: 0.89}},
		arms[1].Runs.Curves[0].Points())
	for says, text := range map[string]string{
		`no column "strategy"`:              strings.Replace(shrinkBench, "strategy", "method", 1),
		"ShrinkBench:3: size_nz is 500":     strings.Replace(shrinkBench, ",50,", ",500,", 1),
		`ShrinkBench:2: post_acc1 is ""`:    strings.Replace(shrinkBench, "0.9,0.99", ",0.99", 1),
		`ShrinkBench:4: seed is "1.5"`:      strings.Replace(shrinkBench, "0.9,1\n", "0.9,1.5\n", 1),
		`ShrinkBench:3: compression is "x"`: strings.Replace(shrinkBench, "Mag,2,", "Mag,x,", 1),
		"no results":                        shrinkBench[:strings.Index(shrinkBench, "\n")],
	} {
		_, err := ReadShrinkBench(strings.NewReader(text))
		require.ErrorContains(t, err, says)
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add([]byte("method,seed,seconds,accuracy\na,1,2,0.5\nb,2,3,\n"))
	f.Add([]byte("\"a\"\"b\",step\n0.5,1e3\n"))
	f.Add([]byte(shrinkBench))
	f.Fuzz(func(t *testing.T, data []byte) {
		records, err := ReadCSV(strings.NewReader(string(data)), nil)
		if err == nil && len(records) == 0 {
			t.Fatal("neither records nor an error")
		}
		for _, r := range records {
			require.NoError(t, r.Validate())
		}
		_, _ = ReadShrinkBench(strings.NewReader(string(data)))
		_, _ = ReadMLPerfReferences(strings.NewReader(string(data)))
		_, _ = ReadAlgoPerfTargets(strings.NewReader(string(data)))
	})
}
