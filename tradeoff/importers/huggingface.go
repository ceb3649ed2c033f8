package importers

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

// trainerState reads the log_history of trainer_state.json, or of a JSON document that is such a list. What the trainer
// tells of its own speed is no quality.
func (s Source) trainerState(r io.Reader) ([]runlog.Record, error) {
	data, err := readAll(s.Name, r)
	if err != nil {
		return nil, err
	}
	data = finite(data)
	var state struct {
		History []map[string]json.RawMessage `json:"log_history"`
	}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		err = unmarshal(s.Name, data, &state.History)
	} else {
		err = unmarshal(s.Name, data, &state)
	}
	if err != nil {
		return nil, err
	}
	var records []runlog.Record
	for i, entry := range state.History {
		record := evaluation(s.folder())
		for _, name := range slices.Sorted(maps.Keys(entry)) {
			v, ok := number(entry[name])
			_, renamed := s.Rename[name]
			switch {
			case !ok, speed(name):
			case name == "epoch" && !renamed:
				s.set(&record, "epochs", v)
			case name == "step" && !(v >= 0 && v < 1<<31):
				return nil, s.errorf(": log_history[%d]: step is %v: %w", i, v, tensor.ErrRange)
			default:
				s.set(&record, name, v)
			}
		}
		if len(record.Quality) > 0 {
			records = append(records, record)
		}
	}
	if len(records) == 0 {
		return nil, s.errorf(": no log_history with evaluations: %w", tensor.ErrEmpty)
	}
	return records, nil
}

// speed reports whether a name is of what is no quality: how fast it ran and what it was set to.
func speed(name string) bool {
	for _, end := range []string{"_runtime", "_per_second", "learning_rate", "grad_norm", "total_flos"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// number is a JSON number, NaN for null and the words that are not finite, and false for what is none.
func number(text json.RawMessage) (v float64, ok bool) {
	switch string(text) {
	case "null", `"NaN"`:
		return math.NaN(), true
	case `"Infinity"`:
		return math.Inf(1), true
	case `"-Infinity"`:
		return math.Inf(-1), true
	}
	return v, json.Unmarshal(text, &v) == nil
}

// finite writes the NaN and Infinity of Python as strings, outside of strings.
func finite(data []byte) []byte {
	if !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Infinity")) {
		return data
	}
	parts := bytes.Split(data, []byte(`"`))
	inside := false
	for i := range parts {
		if !inside {
			for _, word := range []string{"-Infinity", "NaN"} {
				parts[i] = bytes.ReplaceAll(parts[i], []byte(word), []byte("\x00"+word+"\x00"))
			}
			parts[i] = bytes.ReplaceAll(parts[i], []byte("Infinity"), []byte("\x01"))
			parts[i] = bytes.ReplaceAll(parts[i], []byte("\x00-\x01\x00"), []byte(`"-Infinity"`))
			parts[i] = bytes.ReplaceAll(parts[i], []byte("\x01"), []byte(`"Infinity"`))
			parts[i] = bytes.ReplaceAll(parts[i], []byte("\x00"), []byte(`"`))
		}
		slashes := len(parts[i]) - len(bytes.TrimRight(parts[i], `\`))
		if !inside || slashes%2 == 0 {
			inside = !inside
		}
	}
	return bytes.Join(parts, []byte(`"`))
}
