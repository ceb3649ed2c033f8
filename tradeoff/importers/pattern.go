package importers

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// matches reads plain text: each line in which the pattern is found is an evaluation, and its named groups are columns.
func (s Source) matches(r io.Reader) ([]runlog.Record, error) {
	names := s.Pattern.SubexpNames()
	if !slices.ContainsFunc(names, func(n string) bool { return n != "" }) {
		return nil, s.errorf(": the pattern %q has no named groups, such as (?P<step>\\d+): %w", s.Pattern, tensor.ErrShape)
	}
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
		m := s.Pattern.FindSubmatch(line)
		if m == nil {
			continue
		}
		record := evaluation(s.Name)
		for i, name := range names {
			text := strings.TrimSpace(string(m[i]))
			if name == "" || slices.Contains(absent, strings.ToLower(text)) {
				continue
			}
			if set, ok := texts[name]; ok {
				set(&record, text)
				continue
			}
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, l.errorf("group %s is %q, want a number: %w", name, text, tensor.ErrNotFinite)
			}
			if (name == "step" || name == "seed") && !(v >= 0 && v < 1<<31 && v == float64(int(v))) {
				return nil, l.errorf("group %s is %q, want a whole number of at least 0: %w", name, text, tensor.ErrRange)
			}
			s.set(&record, name, v)
		}
		if len(record.Quality) > 0 {
			records = append(records, record)
		}
	}
	if len(records) == 0 {
		return nil, s.errorf(": the pattern %q is found with a quality in none of %d lines: %w", s.Pattern, l.number-1,
			tensor.ErrEmpty)
	}
	return records, nil
}
