package eval

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/prune"
	"gonum.org/v1/gonum/stat"

	"github.com/espalier-ml/espalier/tensor"
)

// Result is one model: trained, pruned, fine-tuned and measured.
type Result struct {
	Dataset string `json:"dataset"`
	Model   string `json:"model"`
	Method  string `json:"method"`
	Seed    uint64 `json:"seed"`

	Target  float64 `json:"target"`  // compression that was asked for; 1 for a control
	Size    int     `json:"size"`    // scalars before pruning
	Kept    int     `json:"kept"`    // and after
	Ratio   float64 `json:"ratio"`   // Size over Kept; +Inf if nothing was kept
	MACs    int64   `json:"macs"`    // multiply-adds per example before pruning
	MACsNZ  int64   `json:"macs_nz"` // and after
	Speedup float64 `json:"speedup"` // MACs over MACsNZ; 0 if they were not counted

	PreTop1   float64   `json:"pre_top1"` // accuracy after pruning, before fine-tuning
	PreTop5   float64   `json:"pre_top5"`
	Top1      float64   `json:"top1"` // accuracy at the end
	Top5      float64   `json:"top5"` // 0 if not measured
	Selection Selection `json:"selection"`
	Collapsed []string  `json:"collapsed,omitempty"` // layers without a weight
	// CollapseDeclared says that they are meant to have none.
	CollapseDeclared bool `json:"collapse_declared"`
	// EffectiveRatio is the compression counting only weights on a path from input to output; 0 if not computed.
	EffectiveRatio float64 `json:"effective_ratio"`
	InitialHash    string  `json:"initial_hash"` // of the weights before pruning, see [Fingerprint]
	// ConfigHash is of everything that methods must share: data, augmentation, optimizer, schedule, epochs.
	ConfigHash string  `json:"config_hash"`
	Batch      int     `json:"batch"`
	Epochs     int     `json:"epochs"`
	Optimizer  string  `json:"optimizer"`
	LR         float64 `json:"lr"`
	Completed  int     `json:"completed"` // epochs of fine-tuning that were run
	Path       string  `json:"path"`
}

// SetStats fills in size, multiply-adds, ratios and collapsed layers.
func (r *Result) SetStats(s prune.Stats) {
	r.Size, r.Kept, r.Ratio = s.Size, s.Kept, s.Compression()
	r.MACs, r.MACsNZ, r.Speedup = s.MACs, s.KeptMACs, 0
	if speedup, err := s.Speedup(); err == nil {
		r.Speedup = speedup
	}
	r.Collapsed = s.Collapsed
}

// Selection is which of the models along a run was reported.
type Selection uint8

// The selections.
const (
	NotStated    Selection = iota // the study does not say
	Last                          // that of the last epoch
	ByValidation                  // the best on data held out for it
	ByTest                        // the best on the test set, which flatters
)

var selections = enum.Of[Selection]("selection", "not stated", "last", "by validation", "by test")

// String is the name.
func (s Selection) String() string { return selections.String(s) }

// MarshalText writes the name.
func (s Selection) MarshalText() ([]byte, error) { return selections.Marshal(s) }

// UnmarshalText reads a name.
func (s *Selection) UnmarshalText(text []byte) error { return selections.Unmarshal(s, text) }

// Role is what a method is in a study. One method can have several.
type Role uint8

// The roles.
const (
	Proposed         Role = iota + 1 // what the study is about
	Control                          // the model before pruning
	TunedControl                     // the unpruned model, trained as much longer as the pruned ones
	RandomUniform                    // random pruning, the same fraction everywhere
	RandomMatched                    // random, with the proposed method's layer proportions
	MagnitudeBase                    // magnitude pruning, global or the same fraction everywhere
	MagnitudeMatched                 // magnitude, with the proposed method's layer proportions
	Competitor                       // another method
)

var roles = enum.Of[Role]("role", "", "proposed", "control", "tuned control", "random uniform", "random matched",
	"magnitude base", "magnitude matched", "competitor")

// String is the name.
func (r Role) String() string { return roles.String(r) }

// MarshalText writes the name.
func (r Role) MarshalText() ([]byte, error) { return roles.Marshal(r) }

// UnmarshalText reads a name.
func (r *Role) UnmarshalText(text []byte) error { return roles.Unmarshal(r, text) }

// Provenance is where a method's numbers are from.
type Provenance uint8

// The provenances.
const (
	Unstated      Provenance = iota // the study does not say
	Ours                            // measured here, method included
	Reimplemented                   // a published method written anew
	AuthorsCode                     // measured here with the authors' code
	CopiedNumbers                   // taken from a paper
)

var provenances = enum.Of[Provenance]("provenance", "unstated", "ours", "reimplemented", "authors' code",
	"copied numbers")

// String is the name.
func (p Provenance) String() string { return provenances.String(p) }

// MarshalText writes the name.
func (p Provenance) MarshalText() ([]byte, error) { return provenances.Marshal(p) }

// UnmarshalText reads a name.
func (p *Provenance) UnmarshalText(text []byte) error { return provenances.Unmarshal(p, text) }

// Method describes one method of a study.
type Method struct {
	Roles      []Role     `json:"roles"`
	Year       int        `json:"year"` // of publication, 0 if it is not published
	Provenance Provenance `json:"provenance"`
	// Differences from the published method or setting; required unless Provenance is Ours.
	Differences string `json:"differences"`
}

// Dataset describes one data set of a study.
type Dataset struct {
	Classes int  `json:"classes"`
	Toy     bool `json:"toy"` // MNIST, digits and the like
}

// Study is everything that a comparison of pruning methods must tell.
type Study struct {
	Results  []Result           `json:"results"`
	Methods  map[string]Method  `json:"methods"`
	Datasets map[string]Dataset `json:"datasets"`
	OldModel map[string]bool    `json:"old_model"` // architectures that are not modern: AlexNet, CaffeNet, LeNet
	Claims   [][2]string        `json:"claims"`    // dataset and model of every claim that is made

	Year            int    `json:"year"` // of the study
	Library         string `json:"library"`
	Hardware        string `json:"hardware"`
	Code            string `json:"code"`              // its address
	Plotted         bool   `json:"plotted"`           // the tradeoff curves are shown together with the competitors'
	SizeCountsAll   bool   `json:"size_counts_all"`   // sizes include parameters that cannot be pruned
	MACsWithoutBias bool   `json:"macs_without_bias"` // multiply-adds leave out biases and norms
}

// Axis is the ratio on a curve's horizontal axis.
type Axis uint8

// The axes.
const (
	ByCompression Axis = iota // size before over size after
	BySpeedup                 // multiply-adds before over multiply-adds after
)

var axes = enum.Of[Axis]("axis", "by compression", "by speedup")

// String is the name.
func (a Axis) String() string { return axes.String(a) }

// MarshalText writes the name.
func (a Axis) MarshalText() ([]byte, error) { return axes.Marshal(a) }

// UnmarshalText reads a name.
func (a *Axis) UnmarshalText(text []byte) error { return axes.Unmarshal(a, text) }

// Summary is an operating point over seeds.
type Summary struct {
	Target  float64 `json:"target"`  // compression asked for
	X       float64 `json:"x"`       // mean ratio
	Mean    float64 `json:"mean"`    // of Top1
	Std     float64 `json:"std"`     // its sample standard deviation (divisor N-1); NaN, and null in JSON, for one seed
	N       int     `json:"n"`       // seeds
	Lowest  float64 `json:"lowest"`  // Top1
	Highest float64 `json:"highest"` // Top1
}

// Point is the operating point of the means.
func (s Summary) Point() Point { return Point{s.X, s.Mean} }

// Curve summarises the results of a method by target, in increasing order.
func (s *Study) Curve(dataset, model, method string, axis Axis) []Summary {
	groups := map[float64][]Result{}
	for _, r := range s.Results {
		if r.Dataset == dataset && r.Model == model && r.Method == method {
			groups[r.Target] = append(groups[r.Target], r)
		}
	}
	var curve []Summary
	for target, results := range groups {
		x, y := make([]float64, 0, len(results)), make([]float64, 0, len(results))
		for _, r := range results {
			if axis == BySpeedup {
				x = append(x, r.Speedup)
			} else {
				x = append(x, r.Ratio)
			}
			y = append(y, r.Top1)
		}
		mx := stat.Mean(x, nil)
		my, sd := stat.MeanStdDev(y, nil) // with divisor n-1: NaN for fewer than two values
		curve = append(curve, Summary{Target: target, X: mx, Mean: my, Std: sd, N: len(y),
			Lowest: slices.Min(y), Highest: slices.Max(y)})
	}
	slices.SortFunc(curve, func(a, b Summary) int { return cmp.Compare(a.Target, b.Target) })
	return curve
}

// Points are the operating points of a curve.
func Points(curve []Summary) []Point {
	p := make([]Point, len(curve))
	for i, s := range curve {
		p[i] = s.Point()
	}
	return p
}

// Fingerprint is a hash of a model's weights, names and shapes: equal for equal initial weights.
func Fingerprint[T tensor.Float](params []*tensor.Param[T]) string {
	h := fnv.New64a()
	for _, p := range params {
		fmt.Fprint(h, p.Name, p.Shape)
		for _, v := range p.Data {
			u := math.Float64bits(float64(v))
			h.Write(binary.LittleEndian.AppendUint64(nil, u))
		}
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// SelectEpoch is the first epoch with the highest validation accuracy. Choosing it by the test set instead reports the
// luck of the largest of many draws. The error wraps tensor.ErrEmpty for no epochs and tensor.ErrNotFinite.
func SelectEpoch(validation []float64) (int, error) {
	if len(validation) == 0 {
		return 0, fmt.Errorf("eval: SelectEpoch: no epochs: %w", tensor.ErrEmpty)
	}
	if err := tensor.ValidateFinite("validation", validation); err != nil {
		return 0, fmt.Errorf("eval: SelectEpoch: %w", err)
	}
	return tensor.ArgMax(validation), nil
}

// setting is a dataset and a model.
type setting struct{ dataset, model string }

func (s setting) String() string { return s.dataset + "/" + s.model }

// settings lists the settings of a study in order of appearance.
func (s *Study) settings() []setting {
	var all []setting
	for _, r := range s.Results {
		if at := (setting{r.Dataset, r.Model}); !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	return all
}

// methods lists the methods used in a setting in order of appearance.
func (s *Study) methods(at setting) []string {
	var all []string
	for _, r := range s.Results {
		if r.Dataset == at.dataset && r.Model == at.model && !slices.Contains(all, r.Method) {
			all = append(all, r.Method)
		}
	}
	return all
}

func (s *Study) with(at setting, role Role) []string {
	return slices.DeleteFunc(s.methods(at), func(m string) bool { return !slices.Contains(s.Methods[m].Roles, role) })
}

func (s *Study) isControl(method string) bool {
	roles := s.Methods[method].Roles
	return slices.Contains(roles, Control) || slices.Contains(roles, TunedControl)
}

func list(names []string) string { return strings.Join(names, ", ") }
