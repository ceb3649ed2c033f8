package risk_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/mil/risk"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// statsCase is a case of testdata/stats.json.gz, which numpy made.
type statsCase struct {
	Labels, Old, New []float64
	QuartileOld      quartiles `json:"quartile_old"`
	QuartileNew      quartiles `json:"quartile_new"`
	Continuous       parts     `json:"nri_continuous"`
	Categorical      struct {
		parts
		Cuts []float64
	} `json:"nri_categorical"`
	IDI      parts
	BrierOld float64    `json:"brier_old"`
	HLOld    hlExpected `json:"hosmer_lemeshow_old"`
	HLNew    hlExpected `json:"hosmer_lemeshow_new"`
	AUCOld   float64    `json:"auc_old"`
}

type quartiles struct {
	Threshold   float64
	Cutpoints   []float64
	A, B, C, D  int
	RiskRatio   float64 `json:"risk_ratio"`
	OddsRatio   float64 `json:"odds_ratio"`
	GroupN      []int   `json:"group_n"`
	GroupEvents []int   `json:"group_events"`
}

type parts struct{ Event, Nonevent, Total, SE float64 }

type hlExpected struct {
	Groups   int
	Chisq, P float64
	DF       int
}

func booleans(x []float64) []bool {
	b := make([]bool, len(x))
	for i, v := range x {
		b[i] = v == 1
	}
	return b
}

func statsCases(t *testing.T) []statsCase {
	t.Helper()
	var f struct{ Cases []statsCase }
	golden.JSON(t, "testdata/stats.json.gz", &f)
	require.NotEmpty(t, f.Cases)
	return f.Cases
}

func TestQuartilesAgainstNumpy(t *testing.T) {
	for _, c := range statsCases(t) {
		event := booleans(c.Labels)
		for score, want := range map[*[]float64]quartiles{&c.Old: c.QuartileOld, &c.New: c.QuartileNew} {
			s, err := risk.FitStrata(*score, 0.25, 0.5, 0.75)
			require.NoError(t, err)
			golden.Close(t, "cuts", s.Cuts(), want.Cutpoints, 1e-14, 0)
			groups, err := s.Groups(*score, event)
			require.NoError(t, err)
			for k, g := range groups {
				require.Equal(t, want.GroupN[k], g.N)
				require.Equal(t, want.GroupEvents[k], g.Events)
			}
			high := make([]bool, len(event))
			for i, v := range *score {
				high[i] = s.Of(v) == 3
			}
			table, err := risk.NewTable(high, event)
			require.NoError(t, err)
			require.Equal(t, risk.Table{HighEvents: want.A, HighOthers: want.B, LowEvents: want.C, LowOthers: want.D}, table)
			rr, err := table.RiskRatio()
			require.NoError(t, err)
			golden.Same(t, want.RiskRatio, rr.Value, 1e-14, "risk ratio")
			or, err := table.OddsRatio()
			require.NoError(t, err)
			golden.Same(t, want.OddsRatio, or.Value, 1e-14, "odds ratio")
		}
	}
}

func same(t *testing.T, name string, want parts, got risk.Improvement) {
	t.Helper()
	golden.Same(t, want.Event, got.Events.Value, 1e-12, "%s, events", name)
	golden.Same(t, want.Nonevent, got.NonEvents.Value, 1e-12, "%s, others", name)
	golden.Same(t, want.Total, got.Total.Value, 1e-12, "%s, total", name)
	if want.Total != 0 {
		golden.Same(t, want.SE, got.Total.Value/got.Z, 1e-12, "%s, standard error", name)
	}
}

func TestReclassificationAgainstNumpy(t *testing.T) {
	for _, c := range statsCases(t) {
		event := booleans(c.Labels)
		m, err := risk.NRI(c.Old, c.New, event, 0)
		require.NoError(t, err)
		same(t, "NRI", c.Continuous, m)
		m, err = risk.CategoryNRI(c.Old, c.New, event, c.Categorical.Cuts)
		require.NoError(t, err)
		same(t, "categories", c.Categorical.parts, m)
		m, err = risk.IDI(c.Old, c.New, event)
		require.NoError(t, err)
		same(t, "IDI", c.IDI, m)
	}
}

func TestCalibrationAgainstNumpy(t *testing.T) {
	for _, c := range statsCases(t) {
		event := booleans(c.Labels)
		for p, want := range map[*[]float64]hlExpected{&c.Old: c.HLOld, &c.New: c.HLNew} {
			h, err := risk.TestCalibration(*p, event, want.Groups, risk.WithSplitTies())
			require.NoError(t, err)
			golden.Same(t, want.Chisq, h.Statistic, 1e-12, "statistic")
			require.Equal(t, want.DF, h.DF)
			golden.Close(t, "p", []float64{h.P}, []float64{want.P}, 1e-9, 0)
		}
		bins, err := stats.Calibrate(c.Old, event, 10, stats.EqualMass)
		require.NoError(t, err)
		golden.Same(t, c.BrierOld, bins.Brier, 1e-12, "Brier score")
	}
}

func TestTablesAgainstR(t *testing.T) {
	var f struct {
		Tables []struct {
			A, B, C, D int
			OR         float64 `json:"odds_ratio"`
			ORLo       float64 `json:"or_lo95"`
			ORHi       float64 `json:"or_hi95"`
			RR         float64 `json:"risk_ratio"`
			RRLo       float64 `json:"rr_lo95"`
			RRHi       float64 `json:"rr_hi95"`
			Fisher     float64 `json:"fisher_p"`
		}
	}
	golden.JSON(t, "testdata/tables.json.gz", &f)
	require.NotEmpty(t, f.Tables)
	for _, c := range f.Tables {
		table := risk.Table{HighEvents: c.A, HighOthers: c.B, LowEvents: c.C, LowOthers: c.D}
		rr, err := table.RiskRatio()
		require.NoError(t, err)
		golden.Close(t, "risk ratio", []float64{rr.Value, rr.Lo, rr.Hi}, []float64{c.RR, c.RRLo, c.RRHi}, 1e-12, 0)
		or, err := table.OddsRatio()
		require.NoError(t, err)
		golden.Close(t, "odds ratio", []float64{or.Value, or.Lo, or.Hi}, []float64{c.OR, c.ORLo, c.ORHi}, 1e-12, 0)
		p, err := table.Fisher()
		require.NoError(t, err)
		golden.Close(t, "Fisher's P", []float64{p}, []float64{c.Fisher}, 1e-9, 0)
	}
}
