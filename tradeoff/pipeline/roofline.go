package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/espalier-ml/espalier/tensor"
)

// Peaks are what a machine can do at most, with as many processors as the loop has.
type Peaks struct {
	Flops float64 `json:"flops"` // floating-point operations a second
	Bytes float64 `json:"bytes"` // moved between memory and processor in a second
}

// Roofline is how the arithmetic of a loop compares with the machine (Williams, Waterman and Patterson 2009).
type Roofline struct {
	Peaks
	Intensity float64 `json:"intensity"` // operations a byte of the loop
	Ridge     float64 `json:"ridge"`     // operations a byte from which on the machine's arithmetic is the limit
	Attained  float64 `json:"attained"`  // operations a second of forward and backward, by the median step
	Roof      float64 `json:"roof"`      // the most that is possible at this intensity
	// Efficiency is Attained over Roof, and MFU (model FLOPs utilisation) over the peak.
	Efficiency float64 `json:"efficiency"`
	MFU        float64 `json:"mfu"`
}

// String is one line.
func (r Roofline) String() string {
	return fmt.Sprintf("roofline: %.3g operations a byte (ridge %.3g), %.3g of at most %.3g FLOP/s: %.0f %% of what is "+
		"possible, %.0f %% of the peak",
		r.Intensity, r.Ridge, r.Attained, r.Roof, 100*r.Efficiency, 100*r.MFU)
}

// roofline fills in the roofline if peaks and work are known.
func (r *Report) roofline(p Peaks, trace Trace, steps []Step) {
	if p.Flops == 0 || trace.Flops <= 0 {
		return
	}
	if trace.Bytes <= 0 {
		r.note("no roofline: operations are counted and bytes are not")
		return
	}
	times := make([]float64, len(steps))
	for i := range steps {
		times[i] = steps[i].Phases[Forward] + steps[i].Phases[Backward]
	}
	compute := quantiles(times).Median
	if compute <= 0 {
		compute = (1 - r.share(Wait)) * r.Seconds / float64(r.Steps)
		r.note("forward and backward were not measured; the roofline takes all time but waiting for arithmetic")
	}
	l := Roofline{Peaks: p, Intensity: trace.Flops / trace.Bytes, Ridge: p.Flops / p.Bytes,
		Attained: trace.Flops / compute}
	l.Roof = min(p.Flops, l.Intensity*p.Bytes)
	l.Efficiency, l.MFU = l.Attained/l.Roof, l.Attained/p.Flops
	r.Roofline = &l
}

// mostForPeaks is the bytes of the arrays that are moved to measure the bandwidth: several times the last-level cache
// of most machines. Reported caches of shared machines may be larger than what one program gets.
const mostForPeaks = 256 << 20

// MeasurePeaks measures the machine: float32 products of matrices with this module's kernels, and a sum of two arrays
// written to a third that are far larger than the caches. It uses as many processors as GOMAXPROCS allows, 800 MB and
// about a second. The error is that of ctx.
func MeasurePeaks(ctx context.Context) (Peaks, error) {
	const n = 1024
	a, b, c := tensor.NewMatrix[float32](n, n), tensor.NewMatrix[float32](n, n), tensor.NewMatrix[float32](n, n)
	for i := range a.Data {
		a.Data[i], b.Data[i] = float32(i%7), float32(i%5)
	}
	product, err := fastest(ctx, func() { tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, a, b, 0, c) })
	if err != nil {
		return Peaks{}, err
	}
	const size = mostForPeaks / 4
	x, y, z := make([]float32, size), make([]float32, size), make([]float32, size)
	for i := range x {
		x[i], y[i] = 1, 2
	}
	sum, err := fastest(ctx, func() {
		tensor.Parallel(size, 1<<16, func(lo, hi int) { tensor.Add(z[lo:hi], x[lo:hi], y[lo:hi]) })
	})
	if err != nil {
		return Peaks{}, err
	}
	return Peaks{Flops: 2 * n * n * n / product, Bytes: 3 * 4 * size / sum}, nil
}

// fastest is the second best of seven times in seconds: the best may be an accident of the clock.
func fastest(ctx context.Context, f func()) (float64, error) {
	f()
	var times []float64
	for range 7 {
		if err := ctx.Err(); err != nil {
			return 0, fmt.Errorf("pipeline: MeasurePeaks: %w", err)
		}
		start := time.Now()
		f()
		times = append(times, time.Since(start).Seconds())
	}
	slices.Sort(times)
	return times[1], nil
}

// DenseWork is the floating-point operations and bytes of a step of a dense layer of in inputs and out outputs over a
// batch: forward, and with backward twice as much more. Weights, inputs and outputs of size bytes each are read or
// written once a pass.
func DenseWork(batch, in, out, size int, backward bool) (flops, bytes int64) {
	flops = 2 * int64(batch) * int64(in) * int64(out)
	bytes = int64(size) * (int64(in)*int64(out) + int64(batch)*int64(in+out))
	if backward {
		return 3 * flops, 3 * bytes
	}
	return flops, bytes
}
