//go:build purego || noasm || !amd64

package kernel

// Tiles computes tiles blocks of mr rows below each other, each cols columns wide:
// C = act(alpha*A*B + C + bias), every part as flags say; bias may be nil. Element (i, p) of A is
// a[i*ars+p*acs], row p of the panel of B starts at b[p*brs] and is readable for width elements,
// which is NR or half of it.
func Tiles[T float](mr, width, cols, tiles, kc int, a *T, ars, acs int, b *T, brs int, c *T, ldc int, alpha T, flags int, bias *T) {
	tilesGo(mr, cols, tiles, kc, a, ars, acs, b, brs, c, ldc, alpha, flags, bias)
}
