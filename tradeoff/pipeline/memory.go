package pipeline

import "runtime/metrics"

// Memory is what the Go runtime did over the steps.
type Memory struct {
	GCShare        float64 `json:"gc_share"`         // of the processor time that the program used
	BytesPerStep   float64 `json:"bytes_per_step"`   // allocated
	ObjectsPerStep float64 `json:"objects_per_step"` // allocated
	Collections    float64 `json:"collections"`
}

// memory is counters of the runtime.
type memory [5]float64

var memoryNames = [...]string{"/cpu/classes/gc/total:cpu-seconds", "/cpu/classes/user:cpu-seconds",
	"/gc/heap/allocs:bytes",
	"/gc/heap/allocs:objects", "/gc/cycles/total:gc-cycles"}

func readMemory() memory {
	samples := make([]metrics.Sample, len(memoryNames))
	for i, name := range memoryNames {
		samples[i].Name = name
	}
	metrics.Read(samples)
	var m memory
	for i, s := range samples {
		switch s.Value.Kind() {
		case metrics.KindFloat64:
			m[i] = s.Value.Float64()
		case metrics.KindUint64:
			m[i] = float64(s.Value.Uint64())
		}
	}
	return m
}

func (m memory) since(start memory) Memory {
	for i := range m {
		m[i] = max(0, m[i]-start[i])
	}
	u := Memory{BytesPerStep: m[2], ObjectsPerStep: m[3], Collections: m[4]}
	if used := m[0] + m[1]; used > 0 {
		u.GCShare = m[0] / used
	}
	return u
}

func (m *Memory) perStep(steps int) {
	m.BytesPerStep /= float64(steps)
	m.ObjectsPerStep /= float64(steps)
}
