package importers

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/espalier-ml/espalier/tensor"
)

// lines reads rows of comma-separated values whose columns have names. It unpacks gzip.
type lines struct {
	r      *bufio.Reader
	source string
	number int      // of the current line, from 1
	header []string // names of the columns
	fields [][]byte // of the current line
	err    error
}

// longest is the number of bytes that a line may have.
const longest = 1 << 20

func newLines(source string, r io.Reader) (*lines, error) {
	l, err := openLines(source, r)
	if err != nil {
		return nil, err
	}
	if !l.next() {
		if l.err == nil {
			l.err = l.errorf("no header: %w", tensor.ErrEmpty)
		}
		return nil, l.err
	}
	for _, f := range l.fields {
		l.header = append(l.header, string(bytes.TrimPrefix(bytes.TrimSpace(f), []byte("\xef\xbb\xbf"))))
	}
	return l, nil
}

// openLines is lines of which none has been read.
func openLines(source string, r io.Reader) (*lines, error) {
	l := &lines{r: bufio.NewReaderSize(r, 1<<16), source: source}
	if magic, _ := l.r.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(l.r)
		if err != nil {
			return nil, fmt.Errorf("importers: %s: %w", source, err)
		}
		l.r = bufio.NewReaderSize(z, 1<<16)
	}
	return l, nil
}

func (l *lines) errorf(format string, args ...any) error {
	return fmt.Errorf("importers: %s:%d: "+format, append([]any{l.source, l.number}, args...)...)
}

// column finds a column by its name.
func (l *lines) column(name string) (int, error) {
	if k := slices.Index(l.header, name); k >= 0 {
		return k, nil
	}
	return 0, l.errorf("no column %q among %q: %w", name, l.header, tensor.ErrShape)
}

// columns finds several.
func (l *lines) columns(names ...string) ([]int, error) {
	at := make([]int, len(names))
	var faults []error
	for i, name := range names {
		var err error
		at[i], err = l.column(name)
		faults = append(faults, err)
	}
	return at, errors.Join(faults...)
}

// next reads the next line that is not blank.
func (l *lines) next() bool {
	for l.err == nil {
		line, err := l.line()
		if err != nil {
			if err != io.EOF {
				l.err = err
			}
			return false
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		l.split(line)
		if l.err == nil && l.header != nil && len(l.fields) != len(l.header) {
			l.err = l.errorf("%d fields in a table of %d columns: %w", len(l.fields), len(l.header), tensor.ErrShape)
		}
		return l.err == nil
	}
	return false
}

// line reads a line without its end.
func (l *lines) line() ([]byte, error) {
	l.number++
	line, err := l.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		long := slices.Clone(line)
		for err == bufio.ErrBufferFull && len(long) <= longest {
			line, err = l.r.ReadSlice('\n')
			long = append(long, line...)
		}
		if len(long) > longest {
			return nil, l.errorf("more than %d bytes: %w", longest, tensor.ErrRange)
		}
		line = long
	}
	switch {
	case err == io.EOF && len(line) > 0, err == nil:
		return bytes.TrimRight(line, "\r\n"), nil
	case err == io.EOF:
		return nil, err
	}
	return nil, l.errorf("%w", err)
}

func (l *lines) split(line []byte) {
	l.fields = l.fields[:0]
	if bytes.IndexByte(line, '"') >= 0 {
		record, err := csv.NewReader(bytes.NewReader(line)).Read()
		if err != nil {
			l.err = l.errorf("%w", err)
			return
		}
		for _, f := range record {
			l.fields = append(l.fields, []byte(f))
		}
		return
	}
	for {
		comma := bytes.IndexByte(line, ',')
		if comma < 0 {
			l.fields = append(l.fields, line)
			return
		}
		l.fields = append(l.fields, line[:comma])
		line = line[comma+1:]
	}
}

// float reads a field; an empty one and "nan" are NaN if that is allowed.
func (l *lines) float(column int, missing bool) float64 {
	f := bytes.TrimSpace(l.fields[column])
	if len(f) == 0 && missing {
		return nan
	}
	v, err := strconv.ParseFloat(string(f), 64)
	if l.err == nil && (err != nil || v != v && !missing) {
		l.err = l.errorf("%s is %q, want a number: %w", l.header[column], f, tensor.ErrNotFinite)
	}
	return v
}

func (l *lines) whole(column int) int {
	v, err := strconv.Atoi(string(bytes.TrimSpace(l.fields[column])))
	if err != nil && l.err == nil {
		l.err = l.errorf("%s is %q, want a whole number: %w", l.header[column], l.fields[column], tensor.ErrRange)
	}
	return v
}

// natural reads a whole number of at least 0, which may be written as 12.0.
func (l *lines) natural(column int) uint64 {
	v, err := natural(string(bytes.TrimSpace(l.fields[column])), 63)
	if err != nil && l.err == nil {
		l.err = l.errorf("%s is %q, %w", l.header[column], l.fields[column], err)
	}
	return v
}
