//go:build amd64 && !purego && !noasm

package cpu

func cpuid(leaf, sub uint32) (a, b, c, d uint32)
func xgetbv() (lo, hi uint32)

func init() { AVX2, AVX512, VNNI = detect() }

func detect() (avx2, avx512, vnni bool) {
	highest, _, _, _ := cpuid(0, 0)
	if highest < 7 {
		return
	}
	_, _, c1, _ := cpuid(1, 0)
	const fma, osxsave, avx = 1 << 12, 1 << 27, 1 << 28
	if c1&fma == 0 || c1&osxsave == 0 || c1&avx == 0 {
		return
	}
	saved, _ := xgetbv() // which registers the system saves at a context switch
	const ymm, zmm = 1<<1 | 1<<2, 1<<1 | 1<<2 | 7<<5
	_, b7, c7, _ := cpuid(7, 0)
	avx2 = saved&ymm == ymm && b7&(1<<5) != 0
	const fbwdqvl = 1<<16 | 1<<30 | 1<<17 | 1<<31
	avx512 = avx2 && saved&zmm == zmm && b7&fbwdqvl == fbwdqvl
	const vbmi, avx512vnni = 1 << 1, 1 << 11
	vnni = avx512 && c7&(vbmi|avx512vnni) == vbmi|avx512vnni
	return
}
