package eval

import (
	"fmt"
	"io"
	"os"
	"slices"
)

// Published is one row of a table of published results.
type Published struct {
	Paper, Method, Dataset, Model string
	Year                          int
	Compression, Speedup          float64 // 0 if not reported
	Top1, Top5                    float64 // 0 if not reported
	DTop1, DTop5                  float64 // change of accuracy against the unpruned model
	HasDTop1, HasDTop5            bool
	StdTop1                       float64 // 0 if not reported
	OrigTop1, OrigTop5            float64
}

// LoadPublished reads a table of published results from a file: the columns paper, method, year, dataset, model,
// compression_ratio, theoretical_speedup, top1, top5, d_top1, d_top5, std_top1, orig_top1 and orig_top5, empty where
// a paper says nothing. The table that the paper's authors collected from 81 papers can be had in this form; none is
// embedded here. Errors are those of [ReadCSV] and of the file.
func LoadPublished(path string) ([]Published, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	defer f.Close()
	return ReadPublished(f)
}

// ReadPublished is [LoadPublished] from a reader.
func ReadPublished(r io.Reader) ([]Published, error) {
	t, err := readTable(r, []string{"paper", "dataset", "model", "compression_ratio", "theoretical_speedup", "d_top1"})
	if err != nil {
		return nil, err
	}
	var rows []Published
	for t.next() {
		rows = append(rows, Published{Paper: t.text("paper"), Method: t.text("method"), Dataset: t.text("dataset"),
			Model: t.text("model"),
			Year:  t.whole("year"), Compression: t.number("compression_ratio"), Speedup: t.number("theoretical_speedup"),
			Top1: t.number("top1"), Top5: t.number("top5"), DTop1: t.number("d_top1"), DTop5: t.number("d_top5"),
			HasDTop1: t.text("d_top1") != "", HasDTop5: t.text("d_top5") != "", StdTop1: t.number("std_top1"),
			OrigTop1: t.number("orig_top1"), OrigTop5: t.number("orig_top5")})
	}
	return rows, t.err
}

// PublishedCurves gathers the changes of top-1 accuracy by paper for one dataset and model, sorted by ratio. Papers
// without such numbers are left out.
func PublishedCurves(rows []Published, dataset, model string, axis Axis) map[string][]Point {
	curves := map[string][]Point{}
	for _, r := range rows {
		x := r.Compression
		if axis == BySpeedup {
			x = r.Speedup
		}
		if r.Dataset == dataset && r.Model == model && x > 0 && r.HasDTop1 {
			curves[r.Paper] = append(curves[r.Paper], Point{x, r.DTop1})
		}
	}
	for paper, c := range curves {
		curves[paper] = slices.Clip(Reduce(c, AsIs))
	}
	return curves
}
