package masking

// bitset has one bit per id.
type bitset []uint64

func newBitset(n int) bitset         { return make(bitset, (n+63)/64) }
func (b bitset) set(id int)          { b[id/64] |= 1 << (id % 64) }
func (b bitset) has(id int32) bool   { return b.bit(id) != 0 }
func (b bitset) bit(id int32) uint64 { return b[uint32(id)/64] >> (uint32(id) % 64) & 1 }
