package masking

import (
	"math/bits"
	"sort"
)

// keyed draws the numbers of one row as hashes of counters: every draw is a function of seed, epoch, sample and
// position alone, so no draw depends on what was drawn before it or by whom.
type keyed struct {
	key    uint64 // of the row; selection bytes of position i are in the hash number i/8
	tie    uint64 // selection of the positions whose byte is that of the threshold
	action uint64
}

const golden64 = 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio

// hash is the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
func hash(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func rowKey(seed uint64, epoch, sample int) keyed {
	key := hash(hash(hash(seed+golden64)+golden64*(uint64(epoch)+1)) + golden64*(uint64(sample)+1))
	return keyed{key: key, tie: hash(key ^ 0x165667B19E3779F9), action: hash(key ^ 0xC2B2AE3D27D4EB4F)}
}

// uniform decides the selection of position i: it is selected at rate p if uniform < p*2^64. The highest byte is one of
// eight in a hash, the other seven are a hash of their own that is needed once in 256 positions.
func (k *keyed) uniform(i int32) uint64 {
	x := hash(k.key + golden64*(uint64(i)/8+1))
	return x>>(8*(uint(i)%8))<<56 | hash(k.tie+golden64*(uint64(i)+1))>>8
}

func (k *keyed) kept(m *Masker, _ rate, owner, _ int32) bool {
	return m.targetRate.admits(k.uniform(owner))
}

func (k *keyed) permute(s stream, p []int32) error {
	for i := range p {
		p[i] = int32(i)
	}
	key := hash(k.key ^ uint64(s))
	for i := len(p) - 1; i > 0; i-- {
		j, _ := bits.Mul64(hash(key+golden64*uint64(i)), uint64(i)+1)
		p[i], p[j] = p[j], p[i]
	}
	return nil
}

func (k *keyed) spanLength(m *Masker, _ int, start int32) (int, error) {
	u := hash(hash(k.key^uint64(lengthsOf)) + golden64*(uint64(start)+1))
	return 1 + sort.Search(len(m.cumulative), func(i int) bool { return u < m.cumulative[i] }), nil
}

func (k *keyed) roll(n int) (int, error) {
	j, _ := bits.Mul64(hash(k.key^uint64(rollOf)), uint64(n))
	return int(j), nil
}

func (k *keyed) replacement(m *Masker, owner int32) replacement {
	return m.replacementOf(hash(k.action + golden64*(uint64(owner)+1)))
}

func (k *keyed) token(m *Masker, i int32) int32 {
	return m.randomToken(hash(k.action + golden64*(uint64(i)+1)))
}

// selected64 has bit j set if position base+j is selected at a rate that is less than 1, for the j < n <= 64. It is
// uniform(i) < p*2^64, eight positions at a time.
func (k *keyed) selected64(base, n int, p rate) uint64 {
	const (
		high = 0x8080808080808080
		ones = 0x0101010101010101
	)
	t := p.below >> 56 * ones
	word := uint64(0)
	counter := k.key + golden64*uint64(base/8)
	for at := 0; at < n; at += 8 {
		counter += golden64
		x := hash(counter)
		d := (x | high) - t&^high // the high bit of a byte says x >= t for the low seven bits
		less := (^x&t | ^(x^t)&^d) & high
		word |= less >> 7 * 0x0102040810204080 >> 56 << at
		e := x ^ t
		equal := ^((e&^high + ^uint64(high)) | e) & high
		for ; equal != 0; equal &= equal - 1 {
			j := at + bits.TrailingZeros64(equal)/8
			if hash(k.tie+golden64*uint64(base+j+1))&^0xFF < p.below<<8 {
				word |= 1 << j
			}
		}
	}
	return word & (1<<n - 1) // all ones for n = 64
}
