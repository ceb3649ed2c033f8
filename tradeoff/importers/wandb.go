package importers

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// isHistory reports whether a line is a JSON object of its own, and not the beginning of a document.
func isHistory(line []byte) bool {
	return json.Valid(finite(bytes.TrimSpace(line))) && !bytes.Contains(line, []byte(`"log_history"`))
}

// history reads JSON lines of metrics, such as the history of Weights & Biases: _step and _runtime are costs, other
// numbers qualities, and what is no number a label. Names with a leading underscore are passed over.
func (s Source) history(r io.Reader) ([]runlog.Record, error) {
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
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		var entry map[string]json.RawMessage
		if err := json.Unmarshal(finite(line), &entry); err != nil {
			return nil, l.errorf("%w", err)
		}
		record := evaluation(s.folder())
		for _, name := range slices.Sorted(maps.Keys(entry)) {
			v, ok := number(entry[name])
			to, renamed := s.Rename[name]
			if !renamed {
				to = name
			}
			switch {
			case !ok:
				var label string
				if set, isText := texts[to]; isText && json.Unmarshal(entry[name], &label) == nil {
					set(&record, label)
				}
			case to == "_step" || to == "step":
				if !(v >= 0 && v < 1<<31) {
					return nil, l.errorf("%s is %v: %w", name, v, tensor.ErrRange)
				}
				record.Step = int(v)
			case renamed:
				s.set(&record, name, v)
			case name == "_runtime":
				s.set(&record, "seconds", v)
			case name == "epoch":
				s.set(&record, "epochs", v)
			case strings.HasPrefix(name, "_"), speed(name):
			default:
				s.set(&record, name, v)
			}
		}
		if len(record.Quality) > 0 {
			records = append(records, record)
		}
	}
	if len(records) == 0 {
		return nil, s.errorf(": no metrics in %d lines: %w", l.number-1, tensor.ErrEmpty)
	}
	return records, nil
}

// chart splits the name of a column of an exported chart, "run - metric", of which those with __MIN and __MAX are the
// range of the points that were drawn as one.
func chart(column string) (run, metric string, ok bool) {
	i := strings.LastIndex(column, " - ")
	if i < 0 {
		return "", "", false
	}
	return column[:i], column[i+3:], true
}

func isRange(column string) bool {
	return strings.HasSuffix(column, "__MIN") || strings.HasSuffix(column, "__MAX")
}
