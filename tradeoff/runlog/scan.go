package runlog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/espalier-ml/espalier/tensor"
)

// longestLine is the number of bytes that a line of a log may have.
const longestLine = 4 << 20

// ReadJSONL reads records, one JSON object a line; blank lines are passed over. A quality that is null, NaN or Infinity
// is one of a run that failed, and a cost that is null is none. An error names the line; the records before it are
// returned as well, so that the log of a run that was killed in the middle of a line is not lost.
func ReadJSONL(r io.Reader) ([]Record, error) {
	var records []Record
	cut, err := scan(r, func(record *Record) error {
		records = append(records, record.clone())
		return nil
	})
	if err == nil && cut != nil {
		err = fmt.Errorf("runlog: %w", cut)
	}
	return records, err
}

// scan calls f with each record, whose maps it uses again for the next. Cut is the error of a last line without an end.
func scan(r io.Reader, f func(*Record) error) (cut, err error) {
	end := &lastByte{r: r}
	lines := bufio.NewScanner(end)
	lines.Buffer(make([]byte, 1<<16), longestLine)
	d := decoder{words: map[string]string{}}
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		record, err := d.decode(line)
		if err != nil {
			if _, syntax := errors.AsType[*json.SyntaxError](err); syntax && end.end && end.last != '\n' && !lines.Scan() {
				return fmt.Errorf("line %d: the last line is cut off: %w", n, err), nil
			}
			return nil, fmt.Errorf("runlog: line %d: %w", n, err)
		}
		if err := f(record); err != nil {
			return nil, fmt.Errorf("runlog: line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("more than %d bytes: %w", longestLine, tensor.ErrRange)
		}
		return nil, fmt.Errorf("runlog: line %d: %w", n+1, err)
	}
	return nil, nil
}

// lastByte remembers the last byte read, and whether the end was seen.
type lastByte struct {
	r    io.Reader
	last byte
	end  bool
}

// Read reads on and remembers the last byte.
func (l *lastByte) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if n > 0 {
		l.last = p[n-1]
	}
	l.end = l.end || err == io.EOF
	return n, err
}

// decoder reads lines. Nearly all lines of a long log are plain evaluations, for which it does without the decoder of
// the standard library: that takes some ten times as long.
type decoder struct {
	words  map[string]string // that were seen, once each
	record Record
	line   []byte
	at     int
}

// decode reads a line. The record is valid until the next call.
func (d *decoder) decode(line []byte) (*Record, error) {
	if d.evaluation(line) {
		if err := d.record.Validate(); err == nil {
			return &d.record, nil
		}
	}
	var r Record
	if err := json.Unmarshal(bareWords(line), &r); err != nil {
		return nil, err
	}
	return &r, r.Validate()
}

// evaluation reads a plain evaluation, and reports false for all else.
func (d *decoder) evaluation(line []byte) bool {
	cost, quality := d.record.Cost, d.record.Quality
	if cost == nil {
		cost, quality = map[string]float64{}, map[string]float64{}
	}
	clear(cost)
	clear(quality)
	d.record = Record{Cost: cost, Quality: quality}
	d.line, d.at = line, 0
	if !d.byte('{') {
		return false
	}
	for {
		key, ok := d.word()
		if !ok || !d.byte(':') || !d.field(key) {
			return false
		}
		if d.byte('}') {
			return d.at == len(d.line) && d.record.Kind == "eval"
		}
		if !d.byte(',') {
			return false
		}
	}
}

func (d *decoder) field(key string) (ok bool) {
	r := &d.record
	switch key {
	case "schema":
		r.Schema, ok = d.word()
	case "kind":
		r.Kind, ok = d.word()
	case "run_id":
		r.RunID, ok = d.word()
	case "task":
		r.Task, ok = d.word()
	case "model":
		r.Model, ok = d.word()
	case "env_id":
		r.EnvID, ok = d.word()
	case "time":
		var text []byte
		if text, ok = d.quoted(); ok {
			var err error
			r.Time, err = time.Parse(time.RFC3339Nano, string(text))
			ok = err == nil
		}
	case "step":
		text := d.number()
		step, err := strconv.Atoi(string(text))
		r.Step, ok = step, err == nil
	case "cost":
		ok = d.numbers(r.Cost)
	case "quality":
		ok = d.numbers(r.Quality)
	}
	return ok
}

func (d *decoder) blank() {
	for d.at < len(d.line) && (d.line[d.at] == ' ' || d.line[d.at] == '\t') {
		d.at++
	}
}

// byte passes over a byte if it comes next.
func (d *decoder) byte(c byte) bool {
	d.blank()
	if d.at < len(d.line) && d.line[d.at] == c {
		d.at++
		return true
	}
	return false
}

// quoted is a string of printable ASCII without escapes.
func (d *decoder) quoted() ([]byte, bool) {
	if !d.byte('"') {
		return nil, false
	}
	for from := d.at; d.at < len(d.line); d.at++ {
		switch c := d.line[d.at]; {
		case c == '"':
			d.at++
			return d.line[from : d.at-1], true
		case c == '\\' || c < ' ' || c > '~':
			return nil, false
		}
	}
	return nil, false
}

func (d *decoder) word() (string, bool) {
	text, ok := d.quoted()
	if !ok {
		return "", false
	}
	if s, seen := d.words[string(text)]; seen {
		return s, true
	}
	s := string(text)
	if len(d.words) < 1<<16 { // names repeat; what does not is not worth a place
		d.words[s] = s
	}
	return s, true
}

func (d *decoder) number() []byte {
	d.blank()
	from := d.at
	for d.at < len(d.line) {
		switch c := d.line[d.at]; {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
			d.at++
			continue
		}
		break
	}
	return d.line[from:d.at]
}

// numbers reads an object of numbers as JSON spells them; all else is for the slow way.
func (d *decoder) numbers(into map[string]float64) bool {
	if !d.byte('{') {
		return false
	}
	for {
		name, ok := d.word()
		if !ok || !d.byte(':') {
			return false
		}
		text := d.number()
		v, err := strconv.ParseFloat(string(text), 64)
		if err != nil || !json.Valid(text) {
			return false
		}
		into[name] = v
		if d.byte('}') {
			return true
		}
		if !d.byte(',') {
			return false
		}
	}
}

// numbers is an object of numbers, of which some are not finite: null, or the words that [bareWords] makes strings of.
type numbers map[string]float64

// UnmarshalJSON reads what MarshalJSON writes, and NaN, Infinity and -Infinity in quotes. Null is NaN.
func (n *numbers) UnmarshalJSON(b []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	if raw == nil {
		return nil
	}
	*n = make(numbers, len(raw))
	for name, text := range raw {
		var v float64
		switch string(text) {
		case "null", `"NaN"`:
			v = math.NaN()
		case `"Infinity"`:
			v = math.Inf(1)
		case `"-Infinity"`:
			v = math.Inf(-1)
		default:
			if err := json.Unmarshal(text, &v); err != nil {
				return fmt.Errorf("%q: %w", name, err)
			}
		}
		(*n)[name] = v
	}
	return nil
}

// MarshalJSON writes null for what is not finite.
func (n numbers) MarshalJSON() ([]byte, error) {
	all := make(map[string]*float64, len(n))
	for name, v := range n {
		if all[name] = nil; v-v == 0 {
			all[name] = &v
		}
	}
	return json.Marshal(all)
}
