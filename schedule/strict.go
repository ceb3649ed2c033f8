package schedule

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// ErrSpec reports JSON, or text in the short form, that does not describe what it should.
var ErrSpec = errors.New("bad specification")

// strictJSON decodes one JSON value and refuses fields that v does not have and anything after it.
func strictJSON(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("data after the value")
	}
	return nil
}
