package importers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff/score"
)

// MLPerfReference is the reference convergence points of one benchmark, for tradeoff.NewReferences.
type MLPerfReference struct {
	Benchmark string
	Points    []score.ReferencePoint // by increasing batch size
}

// ReadMLPerfReferences reads the JSON file of reference convergence points (RCP) that MLPerf publishes for each
// benchmark and version: records with "Benchmark", "BS" and "Epochs to converge" or "samples to converge". Benchmarks
// are in alphabetical order. The error names the line, or the record, and wraps [tensor.ErrEmpty] or [tensor.ErrShape].
func ReadMLPerfReferences(r io.Reader) ([]MLPerfReference, error) {
	const source = "MLPerf references"
	data, err := readAll(source, r)
	if err != nil {
		return nil, err
	}
	var file map[string]struct {
		Benchmark string
		BS        int
		Epochs    []float64 `json:"Epochs to converge"`
		Samples   []float64 `json:"samples to converge"`
	}
	if err := unmarshal(source, data, &file); err != nil {
		return nil, err
	}
	byBenchmark := map[string]int{}
	var refs []MLPerfReference
	for _, name := range slices.Sorted(maps.Keys(file)) {
		record := file[name]
		if len(record.Epochs) == 0 {
			record.Epochs = record.Samples
		}
		if record.Benchmark == "" || record.BS <= 0 || len(record.Epochs) == 0 {
			return nil, fmt.Errorf(
				`importers: %s: record %q has Benchmark %q, BS %d and %d "Epochs to converge"; want all three: %w`, source, name,
				record.Benchmark, record.BS, len(record.Epochs), tensor.ErrShape)
		}
		i, ok := byBenchmark[record.Benchmark]
		if !ok {
			i = len(refs)
			byBenchmark[record.Benchmark] = i
			refs = append(refs, MLPerfReference{Benchmark: record.Benchmark})
		}
		refs[i].Points = append(refs[i].Points, score.ReferencePoint{Name: name, BatchSize: record.BS,
			Epochs: record.Epochs})
	}
	if len(refs) == 0 {
		return nil, fmt.Errorf("importers: %s: no records: %w", source, tensor.ErrEmpty)
	}
	slices.SortFunc(refs, func(a, b MLPerfReference) int {
		return bytes.Compare([]byte(a.Benchmark),
			[]byte(b.Benchmark))
	})
	for _, ref := range refs {
		slices.SortStableFunc(ref.Points, func(a, b score.ReferencePoint) int { return a.BatchSize - b.BatchSize })
	}
	return refs, nil
}

// largestDocument is the number of bytes that a file may have that is read as a whole.
const largestDocument = 64 << 20

// readAll reads a document of tolerable size.
func readAll(source string, r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, largestDocument+1))
	if err != nil {
		return nil, fmt.Errorf("importers: %s: %w", source, err)
	}
	if len(data) > largestDocument {
		return nil, fmt.Errorf("importers: %s: more than %d bytes: %w", source, largestDocument, tensor.ErrRange)
	}
	return data, nil
}

// unmarshal reads a JSON document and names the line of a fault.
func unmarshal(source string, data []byte, v any) error {
	err := json.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	at := int64(len(data))
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &kind):
		at = kind.Offset
	}
	line := 1 + bytes.Count(data[:min(max(at, 0), int64(len(data)))], []byte("\n"))
	return fmt.Errorf("importers: %s:%d: %w", source, line, err)
}
