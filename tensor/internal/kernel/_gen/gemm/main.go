// Command gemm generates the matrix-product kernels for amd64 with AVX2 and FMA.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Bits of the flags argument of the tile kernels; the Go side has the same constants.
const (
	accumulate = 1 << iota
	rectify
	scale
	resume
)

// prec is one element type: its instructions and sizes.
type prec struct {
	suffix, typ                          string
	size, lanes                          int
	load, xor, bcast, fma, add, mul, max func(...Op)
	mask                                 func(mask, x, y Op) // masked load or store
	fmaBcast                             func(...Op)         // with one element of memory for all lanes
	loadZ                                func(m, mask, v Op) // zero where the mask is
	shift                                Op
}

var f32 = prec{
	suffix: "32", typ: "float32", size: 4, lanes: 8, shift: Imm(2),
	load: VMOVUPS, xor: VXORPS, bcast: VBROADCASTSS, fma: VFMADD231PS, add: VADDPS, mul: VMULPS, max: VMAXPS,
	mask: VMASKMOVPS, fmaBcast: VFMADD231PS_BCST, loadZ: VMOVUPS_Z,
}

var f64 = prec{
	suffix: "64", typ: "float64", size: 8, lanes: 4, shift: Imm(3),
	load: VMOVUPD, xor: VXORPD, bcast: VBROADCASTSD, fma: VFMADD231PD, add: VADDPD, mul: VMULPD, max: VMAXPD,
	mask: VMASKMOVPD, fmaBcast: VFMADD231PD_BCST, loadZ: VMOVUPD_Z,
}

// tile generates a kernel for mr rows and nv vectors of columns. A is read through its strides and
// never packed; both transposes of A are the same code. All tiles of one call share B's panel; the panel that will be
// needed next is fetched on the way.
func tile(p prec, mr, nv int) {
	name := fmt.Sprintf("tile%s_%dx%d", p.suffix, mr, nv*p.lanes)
	TEXT(name, NOSPLIT, fmt.Sprintf("func(tiles, kc int, a *%[1]s, ars, acs int, b *%[1]s, brs int, c *%[1]s, ldc int, "+
		"alpha %[1]s, flags int, bias, mask, next *%[1]s)", p.typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes tiles blocks of %d rows below each other, %d columns wide.", name, mr, nv*p.lanes))
	width := 8 * 4 // bytes of a vector
	tiles := Load(Param("tiles"), GP64())
	arow := Load(Param("a"), GP64())
	ars := Load(Param("ars"), GP64())
	acs := Load(Param("acs"), GP64())
	brs := Load(Param("brs"), GP64())
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	for _, r := range []reg.Register{ars, acs, brs, ldc} {
		SHLQ(p.shift, r)
	}
	next := Load(Param("next"), GP64())
	Label("tile")
	kc := Load(Param("kc"), GP64())
	b := Load(Param("b"), GP64())
	a := GP64()
	MOVQ(arow, a)
	a3 := GP64()
	if mr > 3 {
		LEAQ(Mem{Base: a, Index: ars, Scale: 2}, a3)
		ADDQ(ars, a3)
	}
	acc := make([][]reg.VecVirtual, mr)
	for i := range acc {
		acc[i] = make([]reg.VecVirtual, nv)
		for j := range acc[i] {
			acc[i][j] = YMM()
		}
	}
	bv := make([]reg.VecVirtual, nv)
	for j := range bv {
		bv[j] = YMM()
	}
	t := []reg.VecVirtual{YMM(), YMM()}
	resumed(func() {
		at := GP64()
		MOVQ(c, at)
		mask := Load(Param("mask"), GP64())
		TESTQ(mask, mask)
		JNE(LabelRef("resumemasked"))
		for i := range acc {
			for j := range acc[i] {
				p.load(Mem{Base: at, Disp: width * j}, acc[i][j])
			}
			ADDQ(ldc, at)
		}
		JMP(LabelRef("ready"))
		Label("resumemasked")
		for j := range nv {
			p.load(Mem{Base: mask, Disp: width * j}, t[j])
		}
		for i := range acc {
			for j := range acc[i] {
				p.mask(Mem{Base: at, Disp: width * j}, t[j], acc[i][j])
			}
			ADDQ(ldc, at)
		}
	}, func() {
		prefetchC(c, ldc, mr)
		for i := range acc {
			for j := range acc[i] {
				p.xor(acc[i][j], acc[i][j], acc[i][j])
			}
		}
	})
	// Rows of the next tile are fetched while this one is computed: hardware does not foresee the jump.
	ahead := GP64()
	IMUL3Q(Imm(uint64(mr)), ars, ahead)
	ADDQ(a, ahead)
	ahead3 := GP64()
	if mr > 3 {
		LEAQ(Mem{Base: ahead, Index: ars, Scale: 2}, ahead3)
		ADDQ(ars, ahead3)
	}
	step := func(u int) {
		for i := u; i < mr; i += 4 {
			m := Mem{Base: ahead}
			if i >= 3 {
				m.Base = ahead3
			}
			if i%3 > 0 {
				m.Index, m.Scale = ars, uint8(i%3)
			}
			PREFETCHT1(m)
		}
		if u == 3 { // and, over sixteen tiles, the next panel of B
			PREFETCHT1(Mem{Base: next})
			ADDQ(Imm(16*uint64(nv)/2), next)
			LEAQ(Mem{Base: ahead, Index: acs, Scale: 4}, ahead)
			if mr > 3 {
				LEAQ(Mem{Base: ahead3, Index: acs, Scale: 4}, ahead3)
			}
		}
		for j := range bv {
			p.load(Mem{Base: b, Disp: width * j}, bv[j])
		}
		for i := range mr {
			m := Mem{Base: a}
			if i >= 3 {
				m.Base = a3
			}
			if i%3 > 0 {
				m.Index, m.Scale = ars, uint8(i%3)
			}
			x := t[i%2]
			p.bcast(m, x)
			for j := range bv {
				p.fma(bv[j], x, acc[i][j])
			}
		}
		ADDQ(acs, a)
		if mr > 3 {
			ADDQ(acs, a3)
		}
		ADDQ(brs, b)
	}
	overK(kc, mr, step)

	flags := Load(Param("flags"), GP64())
	TESTQ(U32(scale), flags)
	JE(LabelRef("scaled"))
	al, _ := Param("alpha").Resolve()
	p.bcast(al.Addr, t[0])
	for i := range acc {
		for j := range acc[i] {
			p.mul(t[0], acc[i][j], acc[i][j])
		}
	}
	Label("scaled")
	mask := Load(Param("mask"), GP64())
	TESTQ(mask, mask)
	JNE(LabelRef("masked"))
	epilogue(p, acc, bv, t, c, ldc, flags, nil, "")
	JMP(LabelRef("next"))
	Label("masked")
	masks := make([]reg.VecVirtual, nv)
	for j := range masks {
		masks[j] = t[j]
		p.load(Mem{Base: mask, Disp: width * j}, masks[j])
	}
	epilogue(p, acc, bv, t, c, ldc, flags, masks, "m")
	Label("next")
	down := GP64()
	IMUL3Q(Imm(uint64(mr)), ars, down)
	ADDQ(down, arow)
	IMUL3Q(Imm(uint64(mr)), ldc, down)
	ADDQ(down, c)
	DECQ(tiles)
	JNE(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// wide generates the AVX-512 kernel for mr rows of one vector. It needs a third of the instructions of AVX2 tiles,
// which counts where two threads share a core, and its heights up to twelve leave no row to a tile that is too low to
// be fast. Arguments that change from tile to tile stay in memory: there are not enough registers.
func wide(p prec, mr int) {
	name := fmt.Sprintf("wide%s_%d", p.suffix, mr)
	TEXT(name, NOSPLIT, fmt.Sprintf("func(tiles, kc int, a *%[1]s, ars, acs int, b *%[1]s, brs int, c *%[1]s, ldc int, "+
		"alpha %[1]s, flags int, bias *%[1]s, mask uint32, next *%[1]s)", p.typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes tiles blocks of %d rows below each other, those of %d columns that mask selects, with "+
		"AVX-512.", name, mr, 2*p.lanes))
	tiles, _ := Param("tiles").Resolve()
	arow, _ := Param("a").Resolve()
	ars := Load(Param("ars"), GP64())
	acs := Load(Param("acs"), GP64())
	brs := Load(Param("brs"), GP64())
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	next := Load(Param("next"), GP64())
	mask := K()
	KMOVW(Load(Param("mask"), GP32()), mask)
	for _, r := range []reg.Register{ars, acs, brs, ldc} {
		SHLQ(p.shift, r)
	}
	ars3, ars5 := GP64(), GP64()
	LEAQ(Mem{Base: ars, Index: ars, Scale: 2}, ars3)
	LEAQ(Mem{Base: ars, Index: ars, Scale: 4}, ars5)
	Label("tile")
	kc := Load(Param("kc"), GP64())
	b := Load(Param("b"), GP64())
	a, a6, ahead, ahead6 := GP64(), GP64(), GP64(), GP64()
	MOVQ(arow.Addr, a)
	IMUL3Q(Imm(uint64(mr)), ars, ahead) // rows of the next tile are fetched while this one is computed
	ADDQ(a, ahead)
	if mr > 6 {
		LEAQ(Mem{Base: a, Index: ars3, Scale: 2}, a6)
		LEAQ(Mem{Base: ahead, Index: ars3, Scale: 2}, ahead6)
	}
	row := func(i int, lo, hi reg.Register) Mem {
		m := Mem{Base: lo}
		if i >= 6 {
			m.Base = hi
		}
		switch i % 6 {
		case 1, 2, 4:
			m.Index, m.Scale = ars, uint8(i%6)
		case 3:
			m.Index, m.Scale = ars3, 1
		case 5:
			m.Index, m.Scale = ars5, 1
		}
		return m
	}
	acc := make([]reg.VecVirtual, mr)
	for i := range acc {
		acc[i] = ZMM()
	}
	at := GP64()
	resumed(func() {
		MOVQ(c, at)
		for i := range acc {
			p.loadZ(Mem{Base: at}, mask, acc[i])
			ADDQ(ldc, at)
		}
	}, func() {
		prefetchC(c, ldc, mr)
		for i := range acc {
			p.xor(acc[i], acc[i], acc[i])
		}
	})
	bv, t := ZMM(), ZMM()
	overK(kc, mr, func(u int) {
		for i := u; i < mr; i += 4 {
			PREFETCHT1(row(i, ahead, ahead6))
		}
		if u == 3 && mr > 3 {
			PREFETCHT1(Mem{Base: next})
			ADDQ(Imm(32), next)
			LEAQ(Mem{Base: ahead, Index: acs, Scale: 4}, ahead)
			if mr > 6 {
				LEAQ(Mem{Base: ahead6, Index: acs, Scale: 4}, ahead6)
			}
		}
		p.load(Mem{Base: b}, bv)
		for i := range acc {
			p.fmaBcast(row(i, a, a6), bv, acc[i])
		}
		ADDQ(acs, a)
		if mr > 6 {
			ADDQ(acs, a6)
		}
		ADDQ(brs, b)
	})

	flags := Load(Param("flags"), GP64())
	TESTQ(U32(scale), flags)
	JE(LabelRef("scaled"))
	al, _ := Param("alpha").Resolve()
	p.bcast(al.Addr, t)
	for i := range acc {
		p.mul(t, acc[i], acc[i])
	}
	Label("scaled")
	TESTQ(U32(accumulate), flags)
	JE(LabelRef("bias"))
	MOVQ(c, at)
	for i := range acc {
		p.loadZ(Mem{Base: at}, mask, t)
		p.add(t, acc[i], acc[i])
		ADDQ(ldc, at)
	}
	Label("bias")
	bias := Load(Param("bias"), GP64())
	TESTQ(bias, bias)
	JE(LabelRef("act"))
	p.loadZ(Mem{Base: bias}, mask, t)
	for i := range acc {
		p.add(t, acc[i], acc[i])
	}
	Label("act")
	TESTQ(U32(rectify), flags)
	JE(LabelRef("store"))
	p.xor(t, t, t)
	for i := range acc { // a NaN of the accumulator, the second source, survives
		p.max(acc[i], t, acc[i])
	}
	Label("store")
	MOVQ(c, at)
	for i := range acc {
		p.load(acc[i], mask, Mem{Base: at})
		ADDQ(ldc, at)
	}
	MOVQ(at, c)
	IMUL3Q(Imm(uint64(mr)), ars, at)
	ADDQ(at, arow.Addr)
	DECQ(tiles.Addr)
	JNE(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// pairs generates the AVX-512 kernel for mr rows of two vectors, each with its panel of B. An element of A that is
// loaded once serves both, so that of the loads, 16 for 14 rows, two fit in each cycle and the 28 multiply-adds are what
// takes time. Twenty-eight accumulators, two vectors of B and two elements of A are all the registers there are.
func pairs(p prec, mr int) {
	name := fmt.Sprintf("pair%s_%d", p.suffix, mr)
	TEXT(name, NOSPLIT, fmt.Sprintf("func(tiles, kc int, a *%[1]s, ars, acs int, b, b1 *%[1]s, brs int, c *%[1]s, ldc int, "+
		"alpha %[1]s, flags int, bias *%[1]s, mask uint32, next *%[1]s)", p.typ))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s computes tiles blocks of %d rows below each other: %d columns, and as many more of those that mask "+
		"selects, with AVX-512.", name, mr, 2*p.lanes))
	tiles, _ := Param("tiles").Resolve()
	arow, _ := Param("a").Resolve()
	ars := Load(Param("ars"), GP64())
	acs := Load(Param("acs"), GP64())
	brs := Load(Param("brs"), GP64())
	c := Load(Param("c"), GP64())
	next := Load(Param("next"), GP64())
	mask := K()
	KMOVW(Load(Param("mask"), GP32()), mask)
	for _, r := range []reg.Register{ars, acs, brs} {
		SHLQ(p.shift, r)
	}
	ars3, ars5 := GP64(), GP64()
	LEAQ(Mem{Base: ars, Index: ars, Scale: 2}, ars3)
	LEAQ(Mem{Base: ars, Index: ars, Scale: 4}, ars5)
	stride := func() reg.Register { // of C
		ldc := Load(Param("ldc"), GP64())
		SHLQ(p.shift, ldc)
		return ldc
	}
	var acc [2][]reg.VecVirtual
	for j := range acc {
		acc[j] = make([]reg.VecVirtual, mr)
		for i := range acc[j] {
			acc[j][i] = ZMM()
		}
	}
	each := func(f func(v reg.VecVirtual, i, j int)) {
		for i := range mr {
			for j := range acc {
				f(acc[j][i], i, j)
			}
		}
	}
	Label("tile")
	at, ldc := GP64(), stride()
	resumed(func() {
		MOVQ(c, at)
		each(func(v reg.VecVirtual, _, j int) {
			if j == 0 {
				p.load(Mem{Base: at}, v)
				return
			}
			p.loadZ(Mem{Base: at, Disp: 64}, mask, v)
			ADDQ(ldc, at)
		})
	}, func() {
		prefetchC(c, ldc, mr)
		each(func(v reg.VecVirtual, _, _ int) { p.xor(v, v, v) })
	})
	kc := Load(Param("kc"), GP64())
	b, b1 := Load(Param("b"), GP64()), Load(Param("b1"), GP64())
	a, a7, ahead, ahead7 := GP64(), GP64(), GP64(), GP64()
	MOVQ(arow.Addr, a)
	IMUL3Q(Imm(uint64(mr)), ars, ahead) // rows of the next tile are fetched while this one is computed
	ADDQ(a, ahead)
	if mr > 7 {
		for _, up := range [][2]reg.Register{{a, a7}, {ahead, ahead7}} {
			LEAQ(Mem{Base: up[0], Index: ars3, Scale: 2}, up[1])
			ADDQ(ars, up[1])
		}
	}
	// Fourteen rows are in reach of two of them, with one, three and five strides and their multiples.
	row := func(i int, lo, hi reg.Register) Mem {
		index, scale := ars, i
		switch i {
		case 0:
			return Mem{Base: lo}
		case 7:
			return Mem{Base: hi}
		case 3, 6, 12:
			index, scale = ars3, i/3
		case 5, 10:
			index, scale = ars5, i/5
		case 9, 11:
			lo, scale = hi, i-7
		case 13:
			lo, index, scale = hi, ars3, 2
		}
		return Mem{Base: lo, Index: index, Scale: uint8(scale)}
	}
	bv := []reg.VecVirtual{ZMM(), ZMM()}
	t := []reg.VecVirtual{ZMM(), ZMM()}
	overK(kc, mr, func(u int) {
		for i := u; i < mr; i += 4 {
			PREFETCHT1(row(i, ahead, ahead7))
		}
		if u == 3 && mr > 3 {
			PREFETCHT1(Mem{Base: next})
			ADDQ(brs, next)
			LEAQ(Mem{Base: ahead, Index: acs, Scale: 4}, ahead)
			if mr > 7 {
				LEAQ(Mem{Base: ahead7, Index: acs, Scale: 4}, ahead7)
			}
		}
		p.load(Mem{Base: b}, bv[0])
		p.load(Mem{Base: b1}, bv[1])
		for i := range mr {
			p.bcast(row(i, a, a7), t[i%2])
			for j := range acc {
				p.fma(bv[j], t[i%2], acc[j][i])
			}
		}
		ADDQ(acs, a)
		if mr > 7 {
			ADDQ(acs, a7)
		}
		ADDQ(brs, b)
		ADDQ(brs, b1)
	})

	flags := Load(Param("flags"), GP64())
	TESTQ(U32(scale), flags)
	JE(LabelRef("scaled"))
	al, _ := Param("alpha").Resolve()
	p.bcast(al.Addr, t[0])
	each(func(v reg.VecVirtual, _, _ int) { p.mul(t[0], v, v) })
	Label("scaled")
	ldc = stride()
	TESTQ(U32(accumulate), flags)
	JE(LabelRef("bias"))
	MOVQ(c, at)
	each(func(v reg.VecVirtual, _, j int) {
		if j == 0 {
			p.add(Mem{Base: at}, v, v)
			return
		}
		p.loadZ(Mem{Base: at, Disp: 64}, mask, t[1])
		p.add(t[1], v, v)
		ADDQ(ldc, at)
	})
	Label("bias")
	bias := Load(Param("bias"), GP64())
	TESTQ(bias, bias)
	JE(LabelRef("act"))
	p.load(Mem{Base: bias}, t[0])
	p.loadZ(Mem{Base: bias, Disp: 64}, mask, t[1])
	each(func(v reg.VecVirtual, _, j int) { p.add(t[j], v, v) })
	Label("act")
	TESTQ(U32(rectify), flags)
	JE(LabelRef("store"))
	p.xor(t[0], t[0], t[0])
	each(func(v reg.VecVirtual, _, _ int) { p.max(v, t[0], v) }) // a NaN of the second source survives
	Label("store")
	MOVQ(c, at)
	each(func(v reg.VecVirtual, _, j int) {
		if j == 0 {
			p.load(v, Mem{Base: at})
			return
		}
		p.load(v, mask, Mem{Base: at, Disp: 64})
		ADDQ(ldc, at)
	})
	MOVQ(at, c)
	IMUL3Q(Imm(uint64(mr)), ars, at)
	ADDQ(at, arow.Addr)
	DECQ(tiles.Addr)
	JNE(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// resumed generates the two beginnings of a tile: accumulators that were stored before, and zeros.
func resumed(load, zero func()) {
	TESTQ(U32(resume), Load(Param("flags"), GP64()))
	JE(LabelRef("zero"))
	load()
	JMP(LabelRef("ready"))
	Label("zero")
	zero()
	Label("ready")
}

// overK generates the loop over k: four steps at a time, then one by one. A step is told which of the four it is, and
// none if it is a single one.
func overK(kc reg.Register, none int, step func(u int)) {
	const unroll = 4
	SUBQ(Imm(unroll), kc)
	JL(LabelRef("tail"))
	Label("unrolled")
	for u := range unroll {
		step(u)
	}
	SUBQ(Imm(unroll), kc)
	JGE(LabelRef("unrolled"))
	Label("tail")
	ADDQ(Imm(unroll), kc)
	JE(LabelRef("finish"))
	Label("single")
	step(none)
	DECQ(kc)
	JNE(LabelRef("single"))
	Label("finish")
}

// prefetchC fetches the rows of a tile, which are read or written last: by then they have arrived.
func prefetchC(c, ldc reg.Register, rows int) {
	row := GP64()
	MOVQ(c, row)
	for range rows {
		PREFETCHT0(Mem{Base: row})
		ADDQ(ldc, row)
	}
}

// epilogue adds C and the bias, rectifies and stores the tile.
func epilogue(p prec, acc [][]reg.VecVirtual, tmp, t []reg.VecVirtual, c, ldc, flags reg.Register,
	masks []reg.VecVirtual, tag string) {
	const width = 32
	load := func(m Mem, j int) {
		if masks == nil {
			p.load(m, tmp[j])
		} else {
			p.mask(m, masks[j], tmp[j])
		}
	}
	row := GP64()
	TESTQ(U32(accumulate), flags)
	JE(LabelRef(tag + "bias"))
	MOVQ(c, row)
	for i := range acc {
		for j := range acc[i] {
			m := Mem{Base: row, Disp: width * j}
			if masks == nil {
				p.add(m, acc[i][j], acc[i][j])
			} else {
				load(m, j)
				p.add(tmp[j], acc[i][j], acc[i][j])
			}
		}
		ADDQ(ldc, row)
	}
	Label(tag + "bias")
	bias := Load(Param("bias"), GP64())
	TESTQ(bias, bias)
	JE(LabelRef(tag + "act"))
	for j := range tmp {
		load(Mem{Base: bias, Disp: width * j}, j)
	}
	for i := range acc {
		for j := range acc[i] {
			p.add(tmp[j], acc[i][j], acc[i][j])
		}
	}
	Label(tag + "act")
	TESTQ(U32(rectify), flags)
	JE(LabelRef(tag + "store"))
	p.xor(tmp[0], tmp[0], tmp[0])
	for i := range acc {
		for j := range acc[i] { // a NaN of the accumulator, the second source, survives
			p.max(acc[i][j], tmp[0], acc[i][j])
		}
	}
	Label(tag + "store")
	MOVQ(c, row)
	for i := range acc {
		for j := range acc[i] {
			m := Mem{Base: row, Disp: width * j}
			if masks == nil {
				p.load(acc[i][j], m)
			} else {
				p.mask(acc[i][j], masks[j], m)
			}
		}
		ADDQ(ldc, row)
	}
}

// transpose generates the packing of a transposed B: 16 rows of the source, each contiguous in k,
// become the 16 columns of a panel. kc is a multiple of 8.
func transpose() {
	TEXT("pack32_t16", NOSPLIT, "func(kc int, b *float32, ldb int, dst *float32)")
	Pragma("noescape")
	Doc("pack32_t16 writes dst[p*16+j] = b[j*ldb+p] for 16 j and kc p; kc is a multiple of 8.")
	kc := Load(Param("kc"), GP64())
	b := Load(Param("b"), GP64())
	ldb := Load(Param("ldb"), GP64())
	dst := Load(Param("dst"), GP64())
	SHLQ(Imm(2), ldb)
	ldb3 := GP64()
	LEAQ(Mem{Base: ldb, Index: ldb, Scale: 2}, ldb3)
	Label("loop")
	CMPQ(kc, Imm(8))
	JL(LabelRef("done"))
	src := GP64()
	MOVQ(b, src)
	for half := range 2 {
		r := make([]reg.VecVirtual, 8)
		for i := range r {
			r[i] = YMM()
		}
		for i := range r {
			m := Mem{Base: src}
			switch i % 4 {
			case 1:
				m.Index, m.Scale = ldb, 1
			case 2:
				m.Index, m.Scale = ldb, 2
			case 3:
				m.Index, m.Scale = ldb3, 1
			}
			VMOVUPS(m, r[i])
			if i%4 == 3 {
				LEAQ(Mem{Base: src, Index: ldb, Scale: 4}, src)
			}
		}
		var s [8]reg.VecVirtual
		for i := 0; i < 8; i += 4 { // pairs, then fours, inside 128-bit lanes
			lo0, hi0, lo1, hi1 := YMM(), YMM(), YMM(), YMM()
			VUNPCKLPS(r[i+1], r[i], lo0)
			VUNPCKHPS(r[i+1], r[i], hi0)
			VUNPCKLPS(r[i+3], r[i+2], lo1)
			VUNPCKHPS(r[i+3], r[i+2], hi1)
			for q := range 4 {
				s[i+q] = YMM()
			}
			VSHUFPS(Imm(0x44), lo1, lo0, s[i])
			VSHUFPS(Imm(0xEE), lo1, lo0, s[i+1])
			VSHUFPS(Imm(0x44), hi1, hi0, s[i+2])
			VSHUFPS(Imm(0xEE), hi1, hi0, s[i+3])
		}
		for q := range 4 {
			o := YMM()
			VPERM2F128(Imm(0x20), s[q+4], s[q], o)
			VMOVUPS(o, Mem{Base: dst, Disp: q*64 + half*32})
			o = YMM()
			VPERM2F128(Imm(0x31), s[q+4], s[q], o)
			VMOVUPS(o, Mem{Base: dst, Disp: (q+4)*64 + half*32})
		}
	}
	ADDQ(Imm(32), b)
	ADDQ(U32(8*64), dst)
	SUBQ(Imm(8), kc)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// copyPanel generates the packing of an untransposed B: one vector pair per row. Rows far apart are fetched ahead.
func copyPanel() {
	TEXT("packRows", NOSPLIT, "func(rows int, src *byte, stride int, dst *byte)")
	Pragma("noescape")
	Doc("packRows copies 64 bytes from each of rows rows, stride bytes apart, one behind the other; rows is positive.")
	rows := Load(Param("rows"), GP64())
	src := Load(Param("src"), GP64())
	stride := Load(Param("stride"), GP64())
	dst := Load(Param("dst"), GP64())
	ahead := GP64()
	MOVQ(stride, ahead)
	SHLQ(Imm(4), ahead)
	ADDQ(src, ahead)
	lo, hi := YMM(), YMM()
	Label("loop")
	PREFETCHT0(Mem{Base: ahead})
	VMOVUPS(Mem{Base: src}, lo)
	VMOVUPS(Mem{Base: src, Disp: 32}, hi)
	VMOVUPS(lo, Mem{Base: dst})
	VMOVUPS(hi, Mem{Base: dst, Disp: 32})
	ADDQ(stride, ahead)
	ADDQ(stride, src)
	ADDQ(Imm(64), dst)
	DECQ(rows)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// copyPanels generates the packing of four panels at once, whose rows lie beside each other in B: whole rows of B come
// from further away than the first-level cache in one piece.
func copyPanels() {
	TEXT("packRows4", NOSPLIT, "func(rows int, src *byte, stride int, dst *byte, panel int)")
	Pragma("noescape")
	Doc("packRows4 copies 256 bytes from each of rows rows, stride bytes apart: 64 each to four panels, panel bytes apart, " +
		"in which they lie one behind the other; rows is positive. It needs AVX-512.")
	rows := Load(Param("rows"), GP64())
	src := Load(Param("src"), GP64())
	stride := Load(Param("stride"), GP64())
	dst := Load(Param("dst"), GP64())
	panel := Load(Param("panel"), GP64())
	panel3, ahead := GP64(), GP64()
	LEAQ(Mem{Base: panel, Index: panel, Scale: 2}, panel3)
	MOVQ(stride, ahead)
	SHLQ(Imm(3), ahead)
	ADDQ(src, ahead)
	Label("loop")
	to := []Mem{{Base: dst}, {Base: dst, Index: panel, Scale: 1}, {Base: dst, Index: panel, Scale: 2},
		{Base: dst, Index: panel3, Scale: 1}}
	for j, m := range to {
		v := ZMM()
		PREFETCHT0(Mem{Base: ahead, Disp: 64 * j})
		VMOVUPS(Mem{Base: src, Disp: 64 * j}, v)
		VMOVUPS(v, m)
	}
	ADDQ(stride, ahead)
	ADDQ(stride, src)
	ADDQ(Imm(64), dst)
	DECQ(rows)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// rowsOf4 are the addresses of the current vector of four rows.
func rowsOf4(a, lda, lda3 reg.Register, disp int) [4]Mem {
	return [4]Mem{
		{Base: a, Disp: disp}, {Base: a, Index: lda, Scale: 1, Disp: disp},
		{Base: a, Index: lda, Scale: 2, Disp: disp}, {Base: a, Index: lda3, Scale: 1, Disp: disp},
	}
}

// gemv generates y = alpha*A*x + beta*y for blocks of four rows: two accumulators a row, the ragged end of a row into
// the first.
func gemv(p prec) {
	name := "gemv" + p.suffix
	TEXT(name, NOSPLIT, fmt.Sprintf("func(blocks, n int, a *%[1]s, lda int, x, y *%[1]s, alpha, beta %[1]s, mask *%[1]s)",
		p.typ))
	Pragma("noescape")
	Doc(name + " computes y = alpha*A*x + beta*y for blocks of 4 rows of n columns; mask selects the last n modulo a " +
		"vector.")
	blocks := Load(Param("blocks"), GP64())
	arow := Load(Param("a"), GP64())
	lda := Load(Param("lda"), GP64())
	y := Load(Param("y"), GP64())
	SHLQ(p.shift, lda)
	lda3 := GP64()
	LEAQ(Mem{Base: lda, Index: lda, Scale: 2}, lda3)
	Label("block")
	n := Load(Param("n"), GP64())
	x := Load(Param("x"), GP64())
	a := GP64()
	MOVQ(arow, a)
	var acc [4][2]reg.VecVirtual
	for r := range acc {
		for u := range acc[r] {
			acc[r][u] = YMM()
			p.xor(acc[r][u], acc[r][u], acc[r][u])
		}
	}
	v := YMM()
	Label("pair")
	SUBQ(Imm(uint64(2*p.lanes)), n)
	JL(LabelRef("single"))
	for u := range 2 {
		p.load(Mem{Base: x, Disp: 32 * u}, v)
		for r, m := range rowsOf4(a, lda, lda3, 32*u) {
			p.fma(m, v, acc[r][u])
		}
	}
	ADDQ(Imm(64), a)
	ADDQ(Imm(64), x)
	JMP(LabelRef("pair"))
	Label("single")
	ADDQ(Imm(uint64(p.lanes)), n)
	JL(LabelRef("ragged"))
	p.load(Mem{Base: x}, v)
	for r, m := range rowsOf4(a, lda, lda3, 0) {
		p.fma(m, v, acc[r][0])
	}
	ADDQ(Imm(32), a)
	ADDQ(Imm(32), x)
	SUBQ(Imm(uint64(p.lanes)), n)
	Label("ragged")
	ADDQ(Imm(uint64(p.lanes)), n)
	JE(LabelRef("fold"))
	mp := Load(Param("mask"), GP64())
	mask, w := YMM(), YMM()
	p.load(Mem{Base: mp}, mask)
	p.mask(Mem{Base: x}, mask, v)
	for r, m := range rowsOf4(a, lda, lda3, 0) {
		p.mask(m, mask, w)
		p.fma(w, v, acc[r][0])
	}
	Label("fold") // the four sums side by side
	for r := range acc {
		p.add(acc[r][1], acc[r][0], acc[r][0])
	}
	sums := YMM()
	if p.size == 4 {
		VHADDPS(acc[1][0], acc[0][0], v)
		VHADDPS(acc[3][0], acc[2][0], sums)
		VHADDPS(sums, v, sums)
		VEXTRACTF128(Imm(1), sums, v.AsX())
		VADDPS(v.AsX(), sums.AsX(), sums.AsX())
	} else {
		VHADDPD(acc[1][0], acc[0][0], v)
		VHADDPD(acc[3][0], acc[2][0], sums)
		hi := YMM()
		VPERM2F128(Imm(0x21), sums, v, hi) // high half of the first, low half of the second
		VBLENDPD(Imm(0xC), sums, v, sums)
		VADDPD(hi, sums, sums)
	}
	al, _ := Param("alpha").Resolve()
	be, _ := Param("beta").Resolve()
	factor := YMM()
	if p.size == 4 {
		VBROADCASTSS(al.Addr, factor.AsX())
		VMULPS(factor.AsX(), sums.AsX(), sums.AsX())
		VBROADCASTSS(be.Addr, factor.AsX())
		VPTEST(factor.AsX(), factor.AsX())
		JE(LabelRef("store"))
		VFMADD231PS(Mem{Base: y}, factor.AsX(), sums.AsX())
		Label("store")
		VMOVUPS(sums.AsX(), Mem{Base: y})
	} else {
		VBROADCASTSD(al.Addr, factor)
		VMULPD(factor, sums, sums)
		VBROADCASTSD(be.Addr, factor)
		VPTEST(factor, factor)
		JE(LabelRef("store"))
		VFMADD231PD(Mem{Base: y}, factor, sums)
		Label("store")
		VMOVUPD(sums, Mem{Base: y})
	}
	LEAQ(Mem{Base: arow, Index: lda, Scale: 4}, arow)
	ADDQ(Imm(uint64(4*p.size)), y)
	DECQ(blocks)
	JNE(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// gemvTrans generates y += alpha*Aᵀ*x for blocks of four rows of A.
func gemvTrans(p prec) {
	name := "gemvtrans" + p.suffix
	TEXT(name, NOSPLIT, fmt.Sprintf("func(blocks, n int, a *%[1]s, lda int, x, y *%[1]s, alpha %[1]s, mask *%[1]s)",
		p.typ))
	Pragma("noescape")
	Doc(name + " adds alpha*Aᵀ*x to y for blocks of 4 rows of n columns; mask selects the last n modulo a vector.")
	blocks := Load(Param("blocks"), GP64())
	arow := Load(Param("a"), GP64())
	lda := Load(Param("lda"), GP64())
	x := Load(Param("x"), GP64())
	SHLQ(p.shift, lda)
	lda3 := GP64()
	LEAQ(Mem{Base: lda, Index: lda, Scale: 2}, lda3)
	alpha := YMM()
	al, _ := Param("alpha").Resolve()
	p.bcast(al.Addr, alpha)
	Label("block")
	n := Load(Param("n"), GP64())
	y := Load(Param("y"), GP64())
	a := GP64()
	MOVQ(arow, a)
	var xv [4]reg.VecVirtual
	for r := range xv {
		xv[r] = YMM()
		p.bcast(Mem{Base: x, Disp: r * p.size}, xv[r])
		p.mul(alpha, xv[r], xv[r])
	}
	step := func(u int) {
		s := YMM()
		p.load(Mem{Base: y, Disp: 32 * u}, s)
		for r, m := range rowsOf4(a, lda, lda3, 32*u) {
			p.fma(m, xv[r], s)
		}
		p.load(s, Mem{Base: y, Disp: 32 * u})
	}
	Label("pair")
	SUBQ(Imm(uint64(2*p.lanes)), n)
	JL(LabelRef("single"))
	step(0)
	step(1)
	ADDQ(Imm(64), a)
	ADDQ(Imm(64), y)
	JMP(LabelRef("pair"))
	Label("single")
	ADDQ(Imm(uint64(p.lanes)), n)
	JL(LabelRef("ragged"))
	step(0)
	ADDQ(Imm(32), a)
	ADDQ(Imm(32), y)
	SUBQ(Imm(uint64(p.lanes)), n)
	Label("ragged")
	ADDQ(Imm(uint64(p.lanes)), n)
	JE(LabelRef("next"))
	mp := Load(Param("mask"), GP64())
	mask, s, w := YMM(), YMM(), YMM()
	p.load(Mem{Base: mp}, mask)
	p.mask(Mem{Base: y}, mask, s)
	for r, m := range rowsOf4(a, lda, lda3, 0) {
		p.mask(m, mask, w)
		p.fma(w, xv[r], s)
	}
	p.mask(s, mask, Mem{Base: y})
	Label("next")
	LEAQ(Mem{Base: arow, Index: lda, Scale: 4}, arow)
	ADDQ(Imm(uint64(4*p.size)), x)
	DECQ(blocks)
	JNE(LabelRef("block"))
	VZEROUPPER()
	RET()
}

func main() {
	ConstraintExpr("amd64,!purego,!noasm")
	for _, p := range []prec{f32, f64} {
		for mr := 1; mr <= 6; mr++ {
			for nv := 1; nv <= 2; nv++ {
				tile(p, mr, nv)
			}
		}
		for mr := 1; mr <= 12; mr++ {
			wide(p, mr)
		}
		for mr := 1; mr <= 14; mr++ {
			pairs(p, mr)
		}
		gemv(p)
		gemvTrans(p)
	}
	transpose()
	copyPanel()
	copyPanels()
	Generate()
}
