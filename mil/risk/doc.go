// Package risk turns a risk score into evidence: how well it tells patients with an event from others, what groups by
// fixed thresholds are worth, whether predicted probabilities are right, and how it compares with another score.
// [Evaluate] does all of it in one call, and each part stands alone.
//
//	report, err := risk.Evaluate(ctx, risk.Patients{
//		Score: testScores, Probability: testScores, Times: lifetimes, Horizon: 365,
//		Train: trainScores,                        // thresholds are quantiles of these
//		Baseline: clinicalScore, Covariates: x, Names: []string{"age", "sex"},
//	})
//	fmt.Print(report)                              // text; also JSON, and report.WriteSVG(file)
//
// # What it takes care of
//
// The ratio of the shares of events in two groups is a risk ratio. The odds ratio is another number, further from 1,
// and published scores have called the first by the name of the second: [Table] names both, with their intervals.
// Patients who were censored before the horizon are neither positive nor negative. Thresholds come from training
// scores, since those of the test scores depend on whom they judge, and a threshold that selects nobody is an error
// that says why. Scores are never turned round: one that is high for those without the event has an AUC below one half.
// Resamples are of patients, and those without an answer are counted ([Bootstrap]).
//
// Curves of survival, log-rank tests, areas and resampling are those of package stats; Cox models and concordance those
// of package survival.
//
// # Probabilities
//
// [HosmerLemeshow] keeps patients of equal probability together, without which its result depends on the order in which
// they are given; [WithSplitTies] is the rule of most programs. [Recalibrate] is the slope and the intercept.
// [DecisionCurve] asks what acting on a threshold is worth; [CensoredDecisionCurve] does where some patients were not
// observed for long enough. [NRI] counts any change above a least one in full and rises with bad calibration: read it
// with [IDI] and the curve.
//
// # When not to use it
//
// It does not choose models or thresholds by test labels; nothing that does should be reported as a test. Competing
// risks are not told from censoring. With fewer than ten events intervals are wide and tests find nothing, whatever the
// score is worth.
//
// # References
//
// DeLong et al. 1988; Katz et al. 1978 and Woolf 1955 for ratios; Pencina et al. 2008 and 2011; Hosmer and Lemeshow
// 1980; Cox 1958; Vickers and Elkin 2006, Vickers et al. 2008. Tables and reclassification are tested against R and
// numpy.
package risk
