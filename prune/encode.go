package prune

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/espalier-ml/espalier/internal/blob"
	"github.com/espalier-ml/espalier/tensor"
)

// Binary form of masks: a magic, the number of masks, and for each its name, its length in bits and its words,
// numbers being varints and words little-endian; then the CRC-32 of everything before it.
const (
	masksMagic  = "prune.masks\x01"
	prunerMagic = "prune.pruner\x02"
)

// MarshalBinary writes the masks: versioned, checksummed, one bit per element.
func (m *Masks) MarshalBinary() ([]byte, error) {
	return blob.Seal(m.append([]byte(masksMagic))), nil
}

// UnmarshalBinary reads what MarshalBinary wrote. The error wraps tensor.ErrRange for anything else; m is unchanged
// then.
func (m *Masks) UnmarshalBinary(b []byte) error {
	d, err := unsealed(b, masksMagic)
	if err != nil {
		return err
	}
	masks := readMasks(d)
	if err := ended(d); err != nil {
		return err
	}
	*m = *masks
	return nil
}

func (m *Masks) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(m.Len()))
	for name, mask := range m.All() {
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
		b = binary.AppendUvarint(b, uint64(mask.n))
		b = appendWords(b, mask)
	}
	return b
}

func appendWords(b []byte, m *Mask) []byte {
	for _, w := range m.words {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

type masksJSON struct {
	Version int        `json:"version"`
	Masks   []maskJSON `json:"masks"`
}

type maskJSON struct {
	Name string `json:"name"`
	Size int    `json:"size"`
	Kept string `json:"kept"` // base64 of the words, little-endian, bit i of word w being element 64w+i
}

// MarshalJSON writes the masks with a version and base64 bits.
func (m *Masks) MarshalJSON() ([]byte, error) {
	j := masksJSON{Version: 1, Masks: []maskJSON{}}
	for name, mask := range m.All() {
		j.Masks = append(j.Masks, maskJSON{name, mask.n, base64.StdEncoding.EncodeToString(appendWords(nil, mask))})
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON wrote. Errors are those of encoding/json or wrap tensor.ErrRange; m is
// unchanged then.
func (m *Masks) UnmarshalJSON(b []byte) error {
	var j masksJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("prune: masks: %w", err)
	}
	if j.Version != 1 {
		return fmt.Errorf("prune: masks: version %d, want 1: %w", j.Version, tensor.ErrRange)
	}
	masks := new(Masks)
	for _, e := range j.Masks {
		words, err := base64.StdEncoding.DecodeString(e.Kept)
		if err != nil {
			return fmt.Errorf("prune: mask %q: %w", e.Name, err)
		}
		mask, err := maskOf(e.Size, words)
		if err != nil {
			return fmt.Errorf("prune: mask %q: %w", e.Name, err)
		}
		if err := masks.Add(e.Name, mask); err != nil {
			return err
		}
	}
	*m = *masks
	return nil
}

// maskOf reads a mask of n elements that takes all of b.
func maskOf(n int, b []byte) (*Mask, error) {
	if n < 0 || len(b)%8 != 0 || n > len(b)*8 || n <= len(b)*8-64 {
		return nil, fmt.Errorf("%d elements in %d bytes: %w", n, len(b), tensor.ErrRange)
	}
	m := emptyMask(n)
	for i := range m.words {
		m.words[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	if r := n & 63; r != 0 && m.words[len(m.words)-1]>>r != 0 {
		return nil, fmt.Errorf("bits beyond element %d: %w", n, tensor.ErrRange)
	}
	return m, nil
}

// MarshalBinary writes the state of a run: step, sparsity and masks, and a hash of the options by which others are
// refused. Snapshots and weights are not in it.
func (p *Pruner[T]) MarshalBinary() ([]byte, error) {
	b := []byte(prunerMagic)
	b = binary.LittleEndian.AppendUint64(b, p.pick.cfg.fingerprint())
	b = binary.AppendUvarint(b, uint64(p.last+1))
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p.amount))
	flags := byte(0)
	if p.pick.updated {
		flags |= 1
	}
	if p.done {
		flags |= 2
	}
	b = append(b, flags)
	return blob.Seal(p.Masks().append(b)), nil
}

// UnmarshalBinary continues a run: the pruner must have been made by [New] for the same model and with the same
// options. Masks are applied at the next Step. The error wraps tensor.ErrRange for anything that MarshalBinary does
// not write, tensor.ErrConflict for a run with other options and tensor.ErrShape for masks of another model; the pruner
// is unchanged then. Of functions and of the user's own scorers, patterns and distributions only the type is compared.
func (p *Pruner[T]) UnmarshalBinary(b []byte) error {
	if p.state.block == nil {
		return fmt.Errorf("prune: UnmarshalBinary of a pruner that New has not made: %w", tensor.ErrEmpty)
	}
	d, err := unsealed(b, prunerMagic)
	if err != nil {
		return err
	}
	mark, step := d.Uint64(), d.Uvarint()
	amount, flags := math.Float64frombits(d.Uint64()), d.Byte()
	masks := readMasks(d)
	if err := ended(d); err != nil {
		return err
	}
	if step > 1<<53 || !(amount >= 0 && amount <= 1) || flags > 3 || flags == 2 {
		return fmt.Errorf("prune: pruner: step %d, sparsity %v, flags %d: %w", step, amount, flags, tensor.ErrRange)
	}
	if masks.Len() != len(p.pick.at) {
		return fmt.Errorf("prune: pruner: %d masks for %d parameters: %w", masks.Len(), len(p.pick.at), tensor.ErrShape)
	}
	next := make([]*Mask, len(p.pick.at))
	for k, i := range p.pick.at {
		if next[k] = masks.Get(p.pick.infos[i].Name); next[k] == nil || next[k].n != p.pick.infos[i].Size {
			return fmt.Errorf("prune: pruner: param %q has no mask of %d elements: %w",
				p.pick.infos[i].Name, p.pick.infos[i].Size, tensor.ErrShape)
		}
	}
	if mark != p.pick.cfg.fingerprint() {
		return fmt.Errorf("prune: pruner: the state is that of a run with other options: %w", tensor.ErrConflict)
	}
	p.last, p.amount, p.pick.updated, p.done, p.pick.masks = int(step)-1, amount, flags&1 != 0, flags&2 != 0, next
	p.pick.recount()
	return nil
}

// MarshalText writes the state as base64, so that it fits into JSON and YAML.
func (p *Pruner[T]) MarshalText() ([]byte, error) {
	b, err := p.MarshalBinary()
	return base64.StdEncoding.AppendEncode(nil, b), err
}

// UnmarshalText reads what MarshalText wrote; errors are those of UnmarshalBinary.
func (p *Pruner[T]) UnmarshalText(text []byte) error {
	b, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("prune: pruner: %w: %w", err, tensor.ErrRange)
	}
	return p.UnmarshalBinary(b)
}

// fingerprint is a hash of what a run's options mean, but for the inside of functions and of the user's own types.
func (c *config) fingerprint() uint64 {
	s := c.schedule
	var b strings.Builder
	fmt.Fprintln(&b, c.scope, c.rule, c.target, s.Begin, s.End, s.every(), s.Lead, c.rewire != nil, c.regrow, c.seed,
		c.minKeep, c.collapse, c.layout, c.layouts, c.biases, c.groups != nil, c.filter != nil, c.macs, c.kind)
	fixed := slices.Sorted(slices.Values(c.fixed))
	fmt.Fprintf(&b, "%q %T %T %T %T", fixed, c.scorer, c.pattern, c.distribution, s.Curve)
	if c.rewire != nil {
		fmt.Fprint(&b, *c.rewire)
	}
	for _, v := range []any{c.pattern, c.distribution, s.Curve} {
		switch v := v.(type) {
		case Polynomial:
			fmt.Fprint(&b, v)
		case NMPattern:
			fmt.Fprint(&b, v)
		}
	}
	return nameKey(b.String())
}

// unsealed is what was sealed under a magic.
func unsealed(b []byte, magic string) (*blob.Reader, error) {
	body, err := blob.Open(b, magic)
	if err != nil {
		return nil, fmt.Errorf("prune: %w: %w", err, tensor.ErrRange)
	}
	return &blob.Reader{Body: body}, nil
}

func ended(d *blob.Reader) error {
	if err := d.End(); err != nil {
		return fmt.Errorf("prune: %w: %w", err, tensor.ErrRange)
	}
	return nil
}

func readMasks(d *blob.Reader) *Masks {
	masks := new(Masks)
	for range d.Size(len(d.Body)) {
		name := string(d.Take(d.Size(len(d.Body))))
		n := d.Size(8 * len(d.Body))
		words := d.Take((n + 63) / 64 * 8)
		if d.Bad {
			break
		}
		mask, err := maskOf(n, words)
		if err != nil || masks.Add(name, mask) != nil {
			d.Bad = true
			break
		}
	}
	return masks
}
