package stats

import (
	"cmp"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/tensor"
)

// Binning is how probabilities are sorted into bins.
type Binning uint8

// The binnings.
const (
	EqualWidth Binning = iota // bin k has probabilities above k/bins up to (k+1)/bins; 0 is in the first one
	EqualMass                 // as many examples in each as can be; equal probabilities are never parted
)

var binnings = enum.Of[Binning]("binning", "equal width", "equal mass")

// String is "equal width" or "equal mass".
func (b Binning) String() string { return binnings.String(b) }

// MarshalText writes the name.
func (b Binning) MarshalText() ([]byte, error) { return binnings.Marshal(b) }

// UnmarshalText reads a name.
func (b *Binning) UnmarshalText(text []byte) error { return binnings.Unmarshal(b, text) }

// Calibration is how probabilities compare with what came true.
type Calibration struct {
	Bins []CalibrationBin `json:"bins"` // those that are not empty, in the order of their probabilities
	N    int              `json:"n"`
	ECE  float64          `json:"ece"` // mean distance of a bin's probability from its rate, by examples
	MCE  float64          `json:"mce"` // the largest such distance
	// Brier is the mean squared distance of probability and outcome, and equals Reliability - Resolution + Uncertainty +
	// Within (Murphy 1973; Stephenson et al. 2008).
	Brier       float64 `json:"brier"`
	Reliability float64 `json:"reliability"` // squared distance of probabilities and rates: what calibrating could gain
	Resolution  float64 `json:"resolution"`  // how far the rates of bins are from the overall rate
	Uncertainty float64 `json:"uncertainty"` // of the outcomes themselves
	// variance of probabilities within bins less twice their covariance with outcomes
	Within float64 `json:"within"`
}

// CalibrationBin is the examples of a bin.
type CalibrationBin struct {
	N           int     `json:"n"`
	Probability float64 `json:"probability"` // mean
	Rate        float64 `json:"rate"`        // share of those that came true
}

// Calibrate compares the probabilities of an event with whether it came true, in bins. For classifiers the event is
// that the predicted class is right and the probability is the confidence. The error wraps [tensor.ErrEmpty],
// [tensor.ErrShape], or [tensor.ErrRange] for a probability outside [0, 1] or fewer bins than 1.
func Calibrate(probability []float64, event []bool, bins int, how Binning) (Calibration, error) {
	c := config{call: "stats: Calibrate"}
	if len(probability) != len(event) {
		return Calibration{}, c.errorf("%d probabilities and %d events: %w", len(probability), len(event), tensor.ErrShape)
	}
	if err := c.checkSample("probability", probability); err != nil {
		return Calibration{}, err
	}
	for i, p := range probability {
		if p < 0 || p > 1 {
			return Calibration{}, c.errorf("probability[%d] = %v: %w", i, p, tensor.ErrRange)
		}
	}
	if err := binnings.Check(how); bins < 1 || err != nil {
		return Calibration{}, c.errorf("%d bins of %v: %w", bins, how, tensor.ErrRange)
	}
	order := make([]int, len(event))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(probability[i], probability[j]) })
	k := Calibration{N: len(event)}
	overall := rate(event, order)
	n := float64(k.N)
	for _, bin := range split(probability, order, bins, how) {
		b := CalibrationBin{N: len(bin), Rate: rate(event, bin)}
		for _, i := range bin {
			b.Probability += probability[i] / float64(b.N)
		}
		off, share := b.Probability-b.Rate, float64(b.N)/n
		k.ECE += share * math.Abs(off)
		k.MCE = max(k.MCE, math.Abs(off))
		k.Reliability += float64(share * off * off)
		k.Resolution += float64(share * (b.Rate - overall) * (b.Rate - overall))
		for _, i := range bin {
			y := float64(class(event[i]))
			d := probability[i] - b.Probability
			k.Brier += float64((probability[i] - y) * (probability[i] - y) / n)
			k.Within += float64(d * (d - 2*(y-b.Rate)) / n)
		}
		k.Bins = append(k.Bins, b)
	}
	k.Uncertainty = overall * (1 - overall)
	return k, nil
}

// rate is the share of the examples that came true.
func rate(event []bool, examples []int) float64 {
	n := 0
	for _, i := range examples {
		n += class(event[i])
	}
	return float64(n) / float64(len(examples))
}

// split parts examples, sorted by probability, into the bins that are not empty.
func split(probability []float64, order []int, bins int, how Binning) [][]int {
	var parts [][]int
	begin := 0
	for end := 1; end <= len(order); end++ {
		if end < len(order) {
			before, next := probability[order[end-1]], probability[order[end]]
			apart := bin(before, bins) != bin(next, bins)
			if how == EqualMass { // past the end of the bin that the first example falls in
				apart = before != next && int64(end)*int64(bins) >= (int64(begin)*int64(bins)/int64(len(order))+1)*int64(len(order))
			}
			if !apart {
				continue
			}
		}
		parts = append(parts, order[begin:end])
		begin = end
	}
	return parts
}

// bin is the bin of equal width that a probability falls in.
func bin(p float64, bins int) int { return max(0, int(math.Ceil(p*float64(bins)))-1) }
