package importers

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

var benchmarkLine = regexp.MustCompile(`(?m)^Benchmark\S*\s+\d+\s+\S+ \S+`)

func isBenchmark(head []byte) bool { return benchmarkLine.Match(head) }

// benchmarks reads what go test -bench prints: each line is a run of its own. Parts of the name such as method=fast
// are fields, and the rest is the task. Units of time are the cost in seconds, all others are qualities.
func (s Source) benchmarks(r io.Reader) ([]runlog.Record, error) {
	l, err := openLines(s.Name, r)
	if err != nil {
		return nil, err
	}
	var records []runlog.Record
	for {
		line, err := l.line()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		fields := strings.Fields(string(bytes.TrimSpace(line)))
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") || len(fields)%2 != 0 {
			continue
		}
		record := evaluation(fmt.Sprintf("%s:%d", s.Name, l.number))
		for i, part := range strings.Split(strings.TrimPrefix(fields[0], "Benchmark"), "/") {
			key, value, ok := strings.Cut(part, "=")
			if set, known := texts[key]; ok && known {
				set(&record, value)
			} else if i == 0 {
				record.Task = part
			}
		}
		for i := 2; i < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, l.errorf("%q is no number of %s: %w", fields[i], fields[i+1], tensor.ErrNotFinite)
			}
			switch unit := fields[i+1]; {
			case unit == "ns/op":
				s.set(&record, "seconds", v/1e9)
			case unit == "sec/op" || unit == "s/op":
				s.set(&record, "seconds", v)
			case unit == "B/op" || unit == "allocs/op":
			default:
				s.set(&record, unit, v)
			}
		}
		if len(record.Quality) > 0 {
			records = append(records, record)
		}
	}
	if len(records) == 0 {
		return nil, s.errorf(": no benchmark reports a quality (b.ReportMetric): %w", tensor.ErrEmpty)
	}
	return records, nil
}
