package option_test

import (
	"testing/fstest"

	"github.com/espalier-ml/espalier/mil/ecg"
	"github.com/espalier-ml/espalier/mil/survival"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// heart is constructors of mil/survival and mil/ecg.
func heart() []constructor {
	times := []stats.Lifetime{{Time: 1, Event: true}, {Time: 2, Event: true}, {Time: 3}, {Time: 4, Event: true}, {Time: 5}}
	x := tensor.Of(5, 1, []float64{.3, -1, .8, 1.1, -.2})
	ridge := func(v int) survival.CoxOption { return survival.WithRidge(float64(v)) }
	beats := func(v int) ecg.CohortOption { return ecg.WithBeats(8*v, 8*v) }
	limit := func(v int) ecg.ReadOption { return ecg.WithSignals([]string{"a", "b"}[v-1]) }
	seconds := func(v int) ecg.QualityOption { return ecg.WithWindow(float64(v)) }
	wave := make([]float64, 400)
	for i := range wave {
		wave[i] = float64(i % 7)
	}
	read := func(opts ...ecg.ReadOption) (ecg.Recording[float32], error) {
		const header = "r 2 100 1\nr.dat 16 1 16 0 0 1 0 a\nr.dat 16 1 16 0 0 2 0 b"
		r, err := ecg.Open(fstest.MapFS{"r.hea": {Data: []byte(header)},
			"r.dat": {Data: []byte{1, 0, 2, 0}}}, "r")
		if err != nil {
			return ecg.Recording[float32]{}, err
		}
		return ecg.Read[float32](r, 0, 1, opts...)
	}
	return []constructor{
		{
			call: "survival: FitCox",
			none: func() error { _, err := survival.FitCox(times, x, nil); return err },
			later: pair(func(v ...int) (*survival.Cox, error) {
				var opts []survival.Option
				for _, o := range each(v, ridge) {
					opts = append(opts, o)
				}
				return survival.FitCox(times, x, opts...)
			}, func(m *survival.Cox) any { return m.Coefficients() }),
			beyond: func() error { _, err := survival.FitCox(times, x, survival.WithRidge(-1)); return err },
		},
		{
			call: "ecg: Read",
			none: func() error { _, err := read(nil); return err },
			later: pair(func(v ...int) (ecg.Recording[float32], error) { return read(each(v, limit)...) },
				func(r ecg.Recording[float32]) any { return r }),
			beyond: func() error { _, err := read(ecg.WithLimit(0)); return err },
		},
		{
			call: "ecg: NewCohort",
			none: func() error { _, err := ecg.NewCohort(nil); return err },
			later: pair(func(v ...int) (ecg.Cohort, error) { return ecg.NewCohort(each(v, beats)...) },
				func(c ecg.Cohort) any { return c.Patient(0) }),
			beyond: func() error { _, err := ecg.NewCohort(ecg.WithBeats(1, 9)); return err },
		},
		{
			call: "ecg: Assess",
			none: func() error { _, err := ecg.Assess(wave, 100, nil); return err },
			later: pair(func(v ...int) ([]ecg.Quality, error) { return ecg.Assess(wave, 100, each(v, seconds)...) },
				func(q []ecg.Quality) any { return len(q) }),
			beyond: func() error { _, err := ecg.Assess(wave, 100, ecg.WithWindow(0)); return err },
		},
	}
}
