package kernel

// compare encodes rows, numbered from first on, without vectors.
func compare[T Number, V float32 | int32](e *Encoder, codes []byte, x []T, rowStride, dimStride, first, rows int,
	thresholds [][16]V) {
	dims := e.dims
	if current != avx512 {
		dims = dims[:e.codebooks]
	}
	step := apart()
	for end := first + rows; first < end; {
		n := min(Block-first%Block, end-first)
		if dimStride == 1 {
			for r := range n {
				for c := range dims {
					codes[index(e.codebooks, first+r, c)] = tag(c) | leaf(&thresholds[c], &dims[c], x[r*rowStride:], 1)
				}
			}
		} else {
			for c := range dims {
				out, bits := codes[index(e.codebooks, first, c):], tag(c)
				for r := range n {
					out[r*step] = bits | leaf(&thresholds[c], &dims[c], x[r*rowStride:], dimStride)
				}
			}
		}
		first += n
		x = x[min(len(x), n*rowStride):]
	}
}

// leaf goes down a tree.
func leaf[T Number, V float32 | int32](t *[16]V, dims *[4]int, x []T, stride int) byte {
	i := greater(V(x[dims[0]*stride]), t[1])
	i = i&1 | 2
	i = 2*i + greater(V(x[dims[1]*stride]), t[i])
	i = 2*i + greater(V(x[dims[2]*stride]), t[i&7])
	i = 2*i + greater(V(x[dims[3]*stride]), t[i&15])
	return byte(i & 15)
}

// greater is 1 if v > t and else 0: a flag and not a branch.
func greater[V float32 | int32](v, t V) uint {
	var b uint
	if v > t {
		b = 1
	}
	return b
}
