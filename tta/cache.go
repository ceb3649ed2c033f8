package tta

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/espalier-ml/espalier/internal/blob"
	"github.com/espalier-ml/espalier/internal/option"
)

// Cache keeps the outputs of a model between calls of [Collect], so that a view that was added to a policy, or a run
// that was interrupted, costs only what is new. It belongs to one model and one list of inputs, which a key does not
// tell. It is called from one goroutine at a time.
type Cache interface {
	// Load copies the outputs of a view of an example to out and reports whether it has as many.
	Load(key CacheKey, out []float32) bool
	// Store keeps a copy of out.
	Store(key CacheKey, out []float32)
}

// CacheKey is a view of an example.
type CacheKey struct {
	Example int    // its position in the inputs, from 0
	View    string // the names of the view's steps, the permutation of its classes and, where it draws, seed and index
}

// WithCache has outputs taken from a cache where it has them, and stored where it has not. The batches of the model are
// then made of what is missing. Default: none.
func WithCache(cache Cache) CollectOption {
	return collectChoice(func(c *collectConfig) error {
		c.cache = cache
		return option.Nil(cache != nil, "WithCache")
	})
}

// MemoryCache is a [Cache] in memory, whose zero value is empty and ready. It can be saved and loaded, and is safe for
// concurrent use.
type MemoryCache struct {
	mu   sync.Mutex
	rows map[CacheKey][]float32
}

// Load implements [Cache].
func (m *MemoryCache) Load(key CacheKey, out []float32) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	row := m.rows[key]
	return len(row) == len(out) && copy(out, row) == len(out)
}

// Store implements [Cache].
func (m *MemoryCache) Store(key CacheKey, out []float32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows == nil {
		m.rows = map[CacheKey][]float32{}
	}
	m.rows[key] = slices.Clone(out)
}

// Len is the number of views of examples.
func (m *MemoryCache) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.rows)
}

// The binary form, little-endian: a magic with the version; for each entry, in order, the example, the length of the
// view's name, the name, the number of outputs as unsigned varints and the outputs as float32; and the CRC-32 of all.
const cacheMagic = "tta.cache\x01"

// MarshalBinary writes the entries, versioned and checksummed.
func (m *MemoryCache) MarshalBinary() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := make([]CacheKey, 0, len(m.rows))
	for k := range m.rows {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b CacheKey) int {
		if a.Example != b.Example {
			return a.Example - b.Example
		}
		if a.View < b.View {
			return -1
		}
		return 1
	})
	b := []byte(cacheMagic)
	for _, k := range keys {
		b = binary.AppendUvarint(b, uint64(k.Example))
		b = binary.AppendUvarint(b, uint64(len(k.View)))
		b = append(b, k.View...)
		b = binary.AppendUvarint(b, uint64(len(m.rows[k])))
		for _, v := range m.rows[k] {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	return blob.Seal(b), nil
}

// UnmarshalBinary reads what MarshalBinary wrote, in place of what is there. The error wraps [ErrFormat] for anything
// else; nothing changes then.
func (m *MemoryCache) UnmarshalBinary(data []byte) error {
	body, err := blob.Open(data, cacheMagic)
	if err != nil {
		return fmt.Errorf("tta: MemoryCache: %w: %w", err, ErrFormat)
	}
	r := blob.Reader{Body: body}
	rows := map[CacheKey][]float32{}
	for len(r.Body) > 0 && !r.Bad {
		key := CacheKey{Example: r.Size(math.MaxInt32)}
		key.View = string(r.Take(r.Size(len(r.Body))))
		raw := r.Take(4 * r.Size(len(r.Body)/4))
		row := make([]float32, len(raw)/4)
		for i := range row {
			row[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		if _, twice := rows[key]; twice {
			return fmt.Errorf("tta: MemoryCache: example %d, view %q is there twice: %w", key.Example, key.View,
				ErrFormat)
		}
		rows[key] = row
	}
	if err := r.End(); err != nil {
		return fmt.Errorf("tta: MemoryCache: %w: %w", err, ErrFormat)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows = rows
	return nil
}
