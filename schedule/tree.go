package schedule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// object is a JSON object in the order of its text. The other nodes of a tree are []any, json.Number, string, bool
// and, for null, nil.
type object []member

type member struct {
	key   string
	value any
}

// parseTree reads one JSON value. encoding/json alone would take the last of repeated keys. What was read before an
// error comes with it.
func parseTree(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	v, err := readTree(d, maxSpecDepth)
	if err == nil {
		if _, err = d.Token(); err == io.EOF {
			return v, nil
		}
		return nil, fmt.Errorf("data after the end, at byte %d", d.InputOffset())
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		place := &pathError{}
		errors.As(err, &place)
		if err = errors.New("the text ends early"); place.path != "" {
			err = under(place.path, err)
		}
	}
	if name := typeOf(v); name != "" { // as it is called wherever else something is wrong
		err = under(key2path(name), err)
	}
	return nil, err
}

func readTree(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	if _, nested := token.(json.Delim); !nested {
		return token, nil
	}
	if depth == 0 {
		return nil, fmt.Errorf("more than %d levels deep", maxSpecDepth)
	}
	if token == json.Delim('[') {
		return readList(d, depth-1)
	}
	return readObject(d, depth-1)
}

func readList(d *json.Decoder, depth int) ([]any, error) {
	list := []any{}
	for d.More() {
		v, err := readTree(d, depth)
		if err != nil {
			return nil, under(index(len(list)), err)
		}
		list = append(list, v)
	}
	_, err := d.Token()
	return list, err
}

func readObject(d *json.Decoder, depth int) (object, error) {
	obj := object{}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return obj, err
		}
		key := token.(string) // the decoder lets nothing else pass for a key
		if seen[key] {
			return obj, under(key2path(key), errors.New("is there twice"))
		}
		seen[key] = true
		v, err := readTree(d, depth)
		if err != nil {
			return obj, under(key2path(key), err)
		}
		obj = append(obj, member{key, v})
	}
	_, err := d.Token()
	return obj, err
}

func appendTree(b []byte, v any) []byte {
	switch v := v.(type) {
	case object:
		b = append(b, '{')
		for i, m := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendTree(b, m.key), ':')
			b = appendTree(b, m.value)
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendTree(b, e)
		}
		return append(b, ']')
	case json.Number:
		return append(b, v...)
	}
	text, _ := json.Marshal(v) // strings and booleans have no way to fail
	return append(b, text...)
}

// pathError says where in a specification something is wrong. The path grows from the inside out, on the way
// up from an error, so that reading costs nothing for it.
type pathError struct {
	path string
	err  error
}

// Error names the place and what is wrong there.
func (e *pathError) Error() string {
	return strings.TrimPrefix(e.path, ".") + ": " + bare(e.err).Error()
}

// Unwrap is the cause.
func (e *pathError) Unwrap() error { return e.err }

// under puts a step, ".field" or "[i]", in front of the path of an error.
func under(step string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*pathError); ok {
		return &pathError{step + e.path, e.err}
	}
	return &pathError{step, err}
}

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

// key2path keeps hostile keys from flooding the error.
func key2path(key string) string {
	if len(key) > 40 {
		return "." + strconv.Quote(key[:40]) + "..."
	}
	return "." + key
}

// describe is a node as an error shows it.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case object:
		return "an object"
	case []any:
		return "a list"
	case string:
		return fmt.Sprintf("%.40q", v)
	case json.Number:
		return fmt.Sprintf("%.40s", v)
	}
	return fmt.Sprint(v)
}
