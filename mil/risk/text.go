package risk

import (
	"fmt"
	"strings"

	"github.com/espalier-ml/espalier/mil/survival"
)

// String is the report for people.
func (r Report) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d patients, %d with an answer, %d events\n", r.N, r.Known, r.Events)
	fmt.Fprintf(&s, "AUC                    %v\n", r.AUC)
	r.writeGroups(&s)
	if r.Survival != nil {
		r.Survival.write(&s)
	}
	if r.Calibration != nil {
		r.Calibration.write(&s)
	}
	if r.Comparison != nil {
		r.Comparison.write(&s)
	}
	for _, c := range r.Cautions {
		fmt.Fprintf(&s, "caution: %s\n", c)
	}
	for _, m := range r.Missing {
		fmt.Fprintf(&s, "missing: %s\n", m)
	}
	return s.String()
}

func (r Report) writeGroups(s *strings.Builder) {
	for k, g := range r.Groups {
		where := fmt.Sprintf("above %.4g", r.Cuts[max(k-1, 0)])
		if k == 0 {
			where = fmt.Sprintf("up to %.4g", r.Cuts[0])
		}
		fmt.Fprintf(s, "group %d, %-14s %d of %d had the event: %v\n", k+1, where, g.Events, g.N, g.Rate)
	}
	if r.RiskRatio != nil {
		fmt.Fprintf(s, "risk ratio, top group  %v\n", *r.RiskRatio)
	}
	if r.Resampled != nil {
		fmt.Fprintf(s, "  by resampling        %v, %d resamples skipped\n", r.Resampled.Estimate, r.Resampled.Skipped)
	}
	if r.OddsRatio != nil {
		fmt.Fprintf(s, "odds ratio, top group  %v\n", *r.OddsRatio)
	}
	if r.Fisher != nil {
		fmt.Fprintf(s, "Fisher's exact test    p=%.3g\n", *r.Fisher)
	}
}

func (p SurvivalPart) write(s *strings.Builder) {
	if p.LogRank != nil {
		fmt.Fprintf(s, "log-rank test          chi2=%.2f df=%d p=%.3g\n", p.LogRank.Statistic, p.LogRank.DF, p.LogRank.P)
	}
	if p.Harrell != nil {
		fmt.Fprintf(s, "Harrell's C            %v\n", *p.Harrell)
	}
	if p.Uno != nil {
		fmt.Fprintf(s, "Uno's C                %v\n", *p.Uno)
	}
	for _, m := range []struct {
		name string
		fit  *survival.Summary
	}{{"hazard ratio", p.High}, {"hazard ratio", p.Alone}, {"adjusted", p.Adjusted}} {
		if m.fit == nil {
			continue
		}
		for _, c := range m.fit.Coefficients {
			fmt.Fprintf(s, "%-22s %v p=%.3g\n", m.name+", "+c.Name, c.HazardRatio, c.P)
		}
	}
}

func (p CalibrationPart) write(s *strings.Builder) {
	fmt.Fprintf(s, "Brier score            %.4f\n", p.Bins.Brier)
	if h := p.HosmerLemeshow; h != nil {
		fmt.Fprintf(s, "Hosmer-Lemeshow        chi2=%.2f df=%d p=%.3g\n", h.Statistic, h.DF, h.P)
	}
	if r := p.Recalibration; r != nil {
		fmt.Fprintf(s, "calibration slope      %v\n", r.Slope)
		fmt.Fprintf(s, "  in the large         %v\n", r.InTheLarge)
	}
	for _, d := range p.Decisions {
		fmt.Fprintf(s, "net benefit at %.2f    %.4f, of treating all %.4f\n", d.Threshold, d.NetBenefit, d.TreatAll)
	}
}

func (p ComparisonPart) write(s *strings.Builder) {
	fmt.Fprintf(s, "AUC of the baseline    %v\n", p.AUC.B)
	fmt.Fprintf(s, "  difference           %v p=%.3g\n", p.AUC.Difference, p.AUC.P)
	if p.Uno != nil {
		fmt.Fprintf(s, "  Uno's C              %v\n", *p.Uno)
	}
	if p.NRI != nil {
		fmt.Fprintf(s, "NRI                    %v p=%.3g\n", p.NRI.Total, p.NRI.P)
	}
	if p.IDI != nil {
		fmt.Fprintf(s, "IDI                    %v p=%.3g\n", p.IDI.Total, p.IDI.P)
	}
}
