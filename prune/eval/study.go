package eval

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/prune"
	"github.com/espalier-ml/espalier/tensor"
)

// Result is one model: trained, pruned, fine-tuned and measured.
type Result struct {
	Dataset, Model, Method string
	Seed                   uint64

	Target  float64 // compression that was asked for; 1 for a control
	Size    int     // scalars before pruning
	Kept    int     // and after
	Ratio   float64 // Size over Kept
	MACs    int64   // multiply-adds per example before pruning
	MACsNZ  int64   // and after
	Speedup float64 // MACs over MACsNZ

	PreTop1, PreTop5 float64 // accuracy after pruning, before fine-tuning
	Top1, Top5       float64 // accuracy at the end; Top5 0 if not measured
	Selection        Selection
	Collapsed        []string // layers without a weight
	CollapseDeclared bool     // that is meant so
	EffectiveRatio   float64  // compression counting only weights on a path from input to output; 0 if not computed
	InitialHash      string   // of the weights before pruning, see Fingerprint
	ConfigHash       string   // of everything that methods must share: data, augmentation, optimizer, schedule, epochs
	Batch, Epochs    int
	Optimizer        string
	LR               float64
	Completed        int // epochs of fine-tuning that were run
	Path             string
}

// SetStats fills in size, multiply-adds, ratios and collapsed layers.
func (r *Result) SetStats(s prune.Stats) {
	r.Size, r.Kept, r.Ratio = s.Size, s.Kept, s.Compression()
	r.MACs, r.MACsNZ, r.Speedup = s.MACs, s.KeptMACs, s.Speedup()
	r.Collapsed = s.Collapsed
}

// Selection is which of the models along a run was reported.
type Selection uint8

// The selections.
const (
	NotStated    Selection = iota
	Last                   // that of the last epoch
	ByValidation           // the best on data held out for it
	ByTest                 // the best on the test set, which flatters
)

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

// Provenance is where a method's numbers are from.
type Provenance uint8

// The provenances.
const (
	Unstated      Provenance = iota
	Ours                     // measured here, method included
	Reimplemented            // a published method written anew
	AuthorsCode              // measured here with the authors' code
	CopiedNumbers            // taken from a paper
)

// Method describes one method of a study.
type Method struct {
	Roles       []Role
	Year        int // of publication, 0 if it is not published
	Provenance  Provenance
	Differences string // from the published method or setting; required unless Provenance is Ours
}

// Dataset describes one data set of a study.
type Dataset struct {
	Classes int
	Toy     bool // MNIST, digits and the like
}

// Study is everything that a comparison of pruning methods must tell.
type Study struct {
	Results  []Result
	Methods  map[string]Method
	Datasets map[string]Dataset
	OldModel map[string]bool // architectures that are not modern: AlexNet, CaffeNet, LeNet
	Claims   [][2]string     // dataset and model of every claim that is made

	Year                    int    // of the study
	Library, Hardware, Code string // versions, machine, address of the code
	Plotted                 bool   // the tradeoff curves are shown together with the competitors'
	SizeCountsAll           bool   // sizes include parameters that cannot be pruned
	MACsWithoutBias         bool   // multiply-adds leave out biases and norms
}

// Axis is the ratio on a curve's horizontal axis.
type Axis uint8

// The axes.
const (
	ByCompression Axis = iota
	BySpeedup
)

// Summary is an operating point over seeds.
type Summary struct {
	Target          float64 // compression asked for
	X               float64 // mean ratio
	Mean, Std       float64 // of Top1; Std is the sample standard deviation (divisor N-1), NaN for one seed
	N               int
	Lowest, Highest float64
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
		mx, _ := MeanStd(x)
		my, sd := MeanStd(y)
		curve = append(curve, Summary{Target: target, X: mx, Mean: my, Std: sd, N: len(y), Lowest: slices.Min(y), Highest: slices.Max(y)})
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

// MeanStd returns the mean and the sample standard deviation, with divisor n-1: NaN for fewer than two values.
func MeanStd(x []float64) (mean, std float64) {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	mean = sum / float64(len(x))
	if len(x) < 2 {
		return mean, math.NaN()
	}
	squares := 0.0
	for _, v := range x {
		squares += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(squares / float64(len(x)-1))
}

// Fingerprint is a hash of a model's weights, names and shapes: equal for equal initial weights.
func Fingerprint[T tensor.Float](params []*tensor.Param[T]) string {
	h := fnv.New64a()
	for _, p := range params {
		fmt.Fprint(h, p.Name, p.Shape)
		for _, v := range p.Data {
			u := math.Float64bits(float64(v))
			h.Write([]byte{byte(u), byte(u >> 8), byte(u >> 16), byte(u >> 24), byte(u >> 32), byte(u >> 40), byte(u >> 48), byte(u >> 56)})
		}
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// SelectEpoch is the first epoch with the highest validation accuracy, or -1 if there is none. Choosing it by the test set
// instead reports the luck of the largest of many draws.
func SelectEpoch(validation []float64) int {
	best := -1
	for i, v := range validation {
		if best < 0 || v > validation[best] {
			best = i
		}
	}
	return best
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
