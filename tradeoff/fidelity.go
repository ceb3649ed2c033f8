package tradeoff

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/espalier-ml/espalier/internal/option"
	"github.com/espalier-ml/espalier/internal/report"
	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tensor/stats"
)

// Fidelity is how well the curves of cyclic runs stand for those of separate runs.
type Fidelity struct {
	Recipes []RecipeFidelity `json:"recipes"` // by name
	Budgets []BudgetFidelity `json:"budgets"` // by cost
	// Over all recipes and budgets, of standard minus cyclic qualities:
	MeanDiff float64 `json:"mean_diff"`
	RMSE     float64 `json:"rmse"`
	MaxAbs   float64 `json:"max_abs"`

	standard, cyclic [][]float64 // [recipe][budget]
}

// RecipeFidelity is the fidelity of one training recipe.
type RecipeFidelity struct {
	Name                   string
	MeanDiff, RMSE, MaxAbs float64 // of standard minus cyclic qualities
	// GainPearson is the correlation of the two gains over the baseline's qualities; NaN, and null in JSON, without
	// WithBaseline, of the baseline itself and of curves of one point. It means little for a recipe without a gain.
	GainPearson float64
	CostRatio   float64 // cost of all separate runs over that of the cyclic run
}

type recipeJSON struct {
	Name        string        `json:"name"`
	MeanDiff    float64       `json:"mean_diff"`
	RMSE        float64       `json:"rmse"`
	MaxAbs      float64       `json:"max_abs"`
	GainPearson report.Number `json:"gain_pearson"`
	CostRatio   float64       `json:"cost_ratio"`
}

// MarshalJSON writes a correlation that there is not as null.
func (r RecipeFidelity) MarshalJSON() ([]byte, error) {
	return json.Marshal(recipeJSON{r.Name, r.MeanDiff, r.RMSE, r.MaxAbs, report.Number(r.GainPearson), r.CostRatio})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *RecipeFidelity) UnmarshalJSON(b []byte) error {
	var j recipeJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*r = RecipeFidelity{j.Name, j.MeanDiff, j.RMSE, j.MaxAbs, float64(j.GainPearson), j.CostRatio}
	return nil
}

// BudgetFidelity is whether one budget ranks the recipes alike.
type BudgetFidelity struct {
	Cost float64 // mean over recipes, of the separate runs
	// KendallTau is tau-b of the two rankings; NaN, and null in JSON, for fewer than two recipes or if all are tied.
	KendallTau float64
}

type budgetJSON struct {
	Cost       float64       `json:"cost"`
	KendallTau report.Number `json:"kendall_tau"`
}

// MarshalJSON writes a correlation that there is not as null.
func (b BudgetFidelity) MarshalJSON() ([]byte, error) {
	return json.Marshal(budgetJSON{b.Cost, report.Number(b.KendallTau)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (b *BudgetFidelity) UnmarshalJSON(text []byte) error {
	var j budgetJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	*b = BudgetFidelity{j.Cost, float64(j.KendallTau)}
	return nil
}

// FidelityOption is a choice of [CompareCurves].
type FidelityOption func(*fidelityConfig) error

type fidelityConfig struct {
	call
	baseline string
	skip     int
}

// WithBaseline names the recipe that [CompareCurves] measures gains from. Default: none.
func WithBaseline(name string) FidelityOption {
	return func(c *fidelityConfig) error {
		c.baseline = name
		return nil
	}
}

// WithSkip has [CompareCurves] leave out the first n points of every curve, n >= 0, except of the costs of the separate
// runs. Default 0.
func WithSkip(n int) FidelityOption {
	return func(c *fidelityConfig) error {
		c.skip = n
		return option.Range(n >= 0, "WithSkip", n, "0 or more")
	}
}

// CompareCurves compares, recipe by recipe, a curve of separate runs with one read off a single cyclic run by a
// [Recorder]. Points are matched in their order, so each pair of curves needs as many points as all others; their
// costs need not be the same. It takes WithBaseline and WithSkip. The
// error wraps [tensor.ErrShape] if recipes, lengths or directions differ and [tensor.ErrEmpty] if there are none.
func CompareCurves(standard, cyclic map[string]Curve, opts ...FidelityOption) (Fidelity, error) {
	c := fidelityConfig{call: "CompareCurves"}
	if err := option.Apply("tradeoff: CompareCurves", &c, opts); err != nil {
		return Fidelity{}, err
	}
	names := slices.Sorted(maps.Keys(standard))
	if err := c.checkFidelity(names, standard, cyclic); err != nil {
		return Fidelity{}, err
	}
	var f Fidelity
	var all []float64
	at := slices.Index(names, c.baseline)
	for _, name := range names {
		f.standard = append(f.standard, qualities(standard[name].points[c.skip:]))
		f.cyclic = append(f.cyclic, qualities(cyclic[name].points[c.skip:]))
	}
	for i, name := range names {
		r := RecipeFidelity{Name: name, GainPearson: math.NaN()}
		diffs := less(f.standard[i], f.cyclic[i])
		r.MeanDiff, r.RMSE, r.MaxAbs = sizes(diffs)
		all = append(all, diffs...)
		if at >= 0 && i != at {
			r.GainPearson = stat.Correlation(less(f.standard[i], f.standard[at]), less(f.cyclic[i], f.cyclic[at]), nil)
		}
		for _, p := range standard[name].points {
			r.CostRatio += p.Cost
		}
		r.CostRatio /= cyclic[name].points[cyclic[name].Len()-1].Cost
		f.Recipes = append(f.Recipes, r)
	}
	f.MeanDiff, f.RMSE, f.MaxAbs = sizes(all)
	for k := range f.standard[0] {
		b := BudgetFidelity{KendallTau: math.NaN()}
		if tau, err := stats.KendallTau(column(f.standard, k), column(f.cyclic, k)); err == nil {
			b.KendallTau = tau
		}
		for _, name := range names {
			b.Cost += standard[name].points[c.skip+k].Cost / float64(len(names))
		}
		f.Budgets = append(f.Budgets, b)
	}
	return f, nil
}

func (c *fidelityConfig) checkFidelity(names []string, standard, cyclic map[string]Curve) error {
	if len(names) == 0 {
		return c.errorf("no curves: %w", tensor.ErrEmpty)
	}
	for name := range cyclic {
		if _, ok := standard[name]; !ok {
			return c.errorf("recipe %q has no standard curve: %w", name, tensor.ErrShape)
		}
	}
	n, dir := standard[names[0]].Len(), standard[names[0]].direction
	if n <= c.skip {
		return c.errorf("curves of %d points of which %d are dropped: %w", n, c.skip, tensor.ErrEmpty)
	}
	for _, name := range names {
		if _, ok := cyclic[name]; !ok {
			return c.errorf("recipe %q has no cyclic curve: %w", name, tensor.ErrShape)
		}
		for _, curve := range []Curve{standard[name], cyclic[name]} {
			if curve.Len() != n || curve.direction != dir {
				return c.errorf("recipe %q has a curve of %d points, better when %v; %q has %d, better when %v: %w", name,
					curve.Len(), curve.direction, names[0], n, dir, tensor.ErrShape)
			}
		}
	}
	if c.baseline != "" && !slices.Contains(names, c.baseline) {
		return c.errorf("the baseline %q is none of the recipes %q: %w", c.baseline, names, tensor.ErrRange)
	}
	return nil
}

// PairAgreement counts the pairs of recipes whose standard qualities differ by more than gap, at all budgets, and
// those of them that the cyclic curves put in the same order.
func (f Fidelity) PairAgreement(gap float64) (agree, pairs int) {
	for i := range f.standard {
		for j := range i {
			for k := range f.standard[i] {
				d := f.standard[i][k] - f.standard[j][k]
				if math.Abs(d) <= gap {
					continue
				}
				pairs++
				if d*(f.cyclic[i][k]-f.cyclic[j][k]) > 0 {
					agree++
				}
			}
		}
	}
	return agree, pairs
}

// String is a table for people.
func (f Fidelity) String() string {
	s := fmt.Sprintf("%-20s %9s %9s %9s %9s %9s\n", "recipe", "mean diff", "RMSE", "max", "gain r", "cost")
	for _, r := range f.Recipes {
		s += fmt.Sprintf("%-20s %9.4f %9.4f %9.4f %9.3f %8.2fx\n", r.Name, r.MeanDiff, r.RMSE, r.MaxAbs, r.GainPearson,
			r.CostRatio)
	}
	s += fmt.Sprintf("%-20s %9.4f %9.4f %9.4f\nrank agreement (tau-b) over costs:", "all", f.MeanDiff, f.RMSE, f.MaxAbs)
	for _, b := range f.Budgets {
		s += fmt.Sprintf(" %.4g: %.2f", b.Cost, b.KendallTau)
	}
	return s + "\n"
}

func sizes(d []float64) (mean, rms, most float64) {
	for _, v := range d {
		mean += v / float64(len(d))
		rms += float64(v * v / float64(len(d)))
		most = max(most, math.Abs(v))
	}
	return mean, math.Sqrt(rms), most
}

func qualities(points []Point) []float64 {
	q := make([]float64, len(points))
	for i, p := range points {
		q[i] = p.Quality
	}
	return q
}

func less(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return d
}

func column(rows [][]float64, k int) []float64 {
	c := make([]float64, len(rows))
	for i, row := range rows {
		c[i] = row[k]
	}
	return c
}
