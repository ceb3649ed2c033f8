package importers

import (
	"bytes"
	"io"
	"path"
	"regexp"
	"strconv"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// metricLine is milliseconds since 1970, a value and a step.
var metricLine = regexp.MustCompile(`^(\d{10,}) (\S+)(?: (\d+))?$`)

// metric reads a metric file of MLflow, mlruns/EXPERIMENT/RUN/metrics/NAME: the file is named after the metric and the
// run is the folder above. The time is that of a clock on the wall, which no other file of the run begins with, so that
// steps are the only cost.
func (s Source) metric(r io.Reader) ([]runlog.Record, error) {
	l, err := openLines(s.Name, r)
	if err != nil {
		return nil, err
	}
	var records []runlog.Record
	for {
		line, err := l.line()
		if err == io.EOF {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		m := metricLine.FindSubmatch(line)
		if m == nil {
			return nil, l.errorf("%q is no line of a metric, want a time, a value and a step: %w", line, tensor.ErrShape)
		}
		v, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil {
			return nil, l.errorf("the value is %q, want a number: %w", m[2], tensor.ErrNotFinite)
		}
		record := evaluation(s.Run())
		if len(m[3]) > 0 {
			if record.Step, err = strconv.Atoi(string(m[3])); err != nil {
				return nil, l.errorf("the step is %q: %w", m[3], tensor.ErrRange)
			}
		}
		s.set(&record, path.Base(s.Name), v)
		if len(record.Quality) > 0 {
			records = append(records, record)
		}
	}
}
