package pipeline

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
)

// The ten loops of the reference, in which every pool of workers has one stage.
func TestGolden(t *testing.T) {
	var file struct {
		Cases []struct {
			Name      string
			Steps     []map[string]float64
			Producers map[string]struct {
				Busy    float64
				Batches int
				Workers int
			}
			Warmup   int
			Roofline struct {
				Flops float64
				Bytes float64 `json:"bytes_"`
				Peak  float64
				BW    float64
			} `json:"roofline_input"`
			Expected struct {
				N           int
				TotalWall   float64            `json:"total_wall"`
				Share       map[string]float64 `json:"share_of_total"`
				MedianShare map[string]float64 `json:"median_share"`
				Pattern     string
				Verdict     string
				Severity    string
				Score       *float64
				WhatIf      map[string]struct {
					Free float64
					X2   float64
				} `json:"what_if"`
				Capacity   map[string]float64 `json:"stage_capacity"`
				Limiting   string             `json:"limiting_stage"`
				Throughput float64            `json:"measured_throughput"`
				Roofline   *struct {
					Intensity  float64 `json:"arithmetic_intensity"`
					Ridge      float64 `json:"ridge_point"`
					Attained   float64 `json:"attained_flops"`
					Roof       float64 `json:"roof_flops"`
					Efficiency float64
					MFU        float64 `json:"mfu"`
				}
			}
		}
	}
	golden.JSON(t, "testdata/pipeline.json.gz", &file)
	require.Len(t, file.Cases, 10)
	for _, c := range file.Cases {
		trace := Trace{Flops: c.Roofline.Flops, Bytes: c.Roofline.Bytes}
		for _, in := range c.Steps {
			s := Step{Wall: in["wall"]}
			for p := range phaseCount {
				s.Phases[p] = in[p.String()]
			}
			trace.Steps = append(trace.Steps, s)
		}
		for _, name := range []string{"load", "preprocess"} {
			if p, ok := c.Producers[name]; ok {
				trace.Stages = append(trace.Stages, Stage{Name: name, Busy: p.Busy, Batches: p.Batches, Workers: p.Workers})
			}
		}
		opts := []ReadingOption{WithWarmup(c.Warmup)}
		if c.Roofline.Peak > 0 {
			opts = append(opts, WithRoofline(Peaks{c.Roofline.Peak, c.Roofline.BW}))
		}
		r, err := Judge(trace, opts...)
		require.NoError(t, err)
		want := c.Expected
		assert.Equal(t, want.Verdict, r.Verdict.String(), c.Name)
		assert.Equal(t, want.Severity, r.Severity.String(), c.Name)
		assert.Equal(t, want.N, r.Steps, c.Name)
		assert.InDelta(t, want.TotalWall, r.Seconds, 1e-9, c.Name)
		if want.Pattern != "" {
			assert.Equal(t, want.Pattern, r.Pattern.String(), c.Name)
		}
		if want.Score != nil {
			assert.InDelta(t, *want.Score, r.Score, 1e-9, c.Name)
		}
		for name, share := range want.Share {
			p := r.find(name)
			if p == nil {
				assert.Zero(t, share, "%s: %s", c.Name, name)
				continue
			}
			assert.InDelta(t, share, p.Share, 1e-9, "%s: %s", c.Name, name)
			assert.InDelta(t, want.MedianShare[name], p.MedianShare, 1e-9, "%s: %s", c.Name, name)
		}
		// The reference predicts by Amdahl's law alone. Where stages are known, only waiting is the same; the rest is
		// limited by the slowest of loop and stages, which the law knows nothing of.
		for name, w := range want.WhatIf {
			if len(trace.Stages) > 0 && name != "wait" {
				continue
			}
			free, err := r.Predict(name, inf)
			require.NoError(t, err)
			assert.InDelta(t, w.Free, free, 1e-9, "%s: %s", c.Name, name)
			twice, err := r.Predict(name, 2)
			require.NoError(t, err)
			assert.InDelta(t, w.X2, twice, 1e-9, "%s: %s", c.Name, name)
		}
		for _, s := range r.Stages {
			assert.InDelta(t, want.Capacity[s.Name], s.Capacity, 1e-9*s.Capacity, c.Name)
		}
		if len(trace.Stages) > 0 {
			assert.InDelta(t, want.Capacity["consumer"], r.Consumer, 1e-9*r.Consumer, c.Name)
			assert.Equal(t, want.Limiting, r.Limiting, c.Name)
			assert.InDelta(t, want.Throughput, r.StepsPerSecond, 1e-9*want.Throughput, c.Name)
		}
		if want.Roofline != nil {
			l := r.Roofline
			require.NotNil(t, l, c.Name)
			golden.Close(t, c.Name, []float64{l.Intensity, l.Ridge, l.Attained, l.Roof, l.Efficiency, l.MFU},
				[]float64{want.Roofline.Intensity, want.Roofline.Ridge, want.Roofline.Attained, want.Roofline.Roof,
					want.Roofline.Efficiency,
					want.Roofline.MFU}, 1e-9, 0)
		}
	}
}
