package maddness

import (
	"cmp"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// explainedShare is how much of what is unknown of a column one comparison explains: 2/pi for the median of a normal
// distribution, a little more for later comparisons with it.
const explainedShare = 0.66

// forecast says from covariances alone how well trees over groups of columns will do. A tree is four bits. Each is an
// observation of one column of its group, with so much noise that it explains [explainedShare] of the variance that
// earlier bits of the tree left of that column; all is taken to be normal.
type forecast struct {
	cov     tensor.Matrix[float64] // D x D
	b       tensor.Matrix[float64] // D x M
	product tensor.Matrix[float64] // D x M: covariances of the columns with the product
	order   []int                  // the columns that contribute, those of most energy first

	groups [][]int
	of     []int                    // by column: its group, -1 if it contributes nothing
	along  []tensor.Matrix[float64] // by group, D x M: covariances of all columns with what it contributes
	loss   []float64                // by group: what its tree leaves of its contribution

	columns  []int // scratch of predict: the group's columns,
	variance []float64
	p        []float64    // their covariances with the contribution
	bit      [3][]float64 // and with earlier bits
	chosen   []float64
}

// newForecast measures the learner's rows. Beyond metricDims outputs it keeps the principal directions of the targets.
func newForecast(l *learner) *forecast {
	f := &forecast{cov: l.covariance()}
	tensor.Scale(f.cov.Data, 1/float64(l.x.Cols), f.cov.Data)
	q := min(l.metricDims, l.y.Rows)
	switch {
	case l.b.Rows > 0 && l.y.Cols <= q:
		f.b = tensor.Convert[float64](l.b)
	case l.b.Rows > 0:
		directions := l.directions(l.y, q)
		f.b = tensor.NewMatrix[float64](l.b.Rows, q)
		tensor.Gemm(tensor.NoTrans, tensor.Trans, 1, tensor.Convert[float64](l.b), directions, 0, f.b)
	default:
		f.b = l.directions(l.y, min(q, l.y.Cols)).Transposed()
	}
	d, m := f.b.Rows, f.b.Cols
	f.product = tensor.NewMatrix[float64](d, m)
	tensor.Gemm(tensor.NoTrans, tensor.NoTrans, 1, f.cov, f.b, 0, f.product)
	for j := range d {
		if f.energy(j) > 0 {
			f.order = append(f.order, j)
		}
	}
	slices.SortStableFunc(f.order, func(i, j int) int { return cmp.Compare(f.energy(j), f.energy(i)) })
	return f
}

// energy is the variance of what column j contributes to the product.
func (f *forecast) energy(j int) float64 { return f.cov.At(j, j) * tensor.Dot(f.b.Row(j), f.b.Row(j)) }

// balanced grows groups of about equal energy, each from the column of most energy that is left, by the column whose
// contribution has the largest covariance with the group's, signed, divided by its own energy to the given power: 0
// prefers strong columns, 1/2 similar ones.
func (f *forecast) balanced(count int, power float64) [][]int {
	left, rest := slices.Clone(f.order), 0.0
	weight := make([]float64, f.b.Rows)
	for _, j := range left {
		rest += f.energy(j)
		weight[j] = math.Pow(f.energy(j), -power)
	}
	groups := make([][]int, count)
	for k := range groups {
		target, energy := rest/float64(count-k), 0.0
		near := make([]float64, f.b.Rows)
		for len(left) > count-1-k {
			at, most := 0, math.Inf(-1)
			for i, j := range left {
				score := near[j]
				if len(groups[k]) == 0 {
					score = f.energy(j)
				}
				if score *= weight[j]; score > most {
					at, most = i, score
				}
			}
			j := left[at]
			e := f.energy(j)
			if len(groups[k]) > 0 && k < count-1 && energy+e/2 > target {
				break
			}
			energy, rest = energy+e, rest-e
			left = slices.Delete(left, at, at+1)
			groups[k] = append(groups[k], j)
			for _, i := range left {
				near[i] += f.cov.At(j, i) * tensor.Dot(f.b.Row(j), f.b.Row(i))
			}
		}
	}
	return groups
}

// from is the forecast of groups, none of which it leaves empty: those that are get a column of the largest or, if each
// has one, a column that contributes nothing. Other such columns are in no group.
func (f *forecast) from(groups [][]int) *forecast {
	d, m := f.b.Rows, f.b.Cols
	g := &forecast{cov: f.cov, b: f.b, product: f.product, order: f.order, groups: make([][]int, len(groups)),
		of: slices.Repeat([]int{-1}, d), along: make([]tensor.Matrix[float64], len(groups)),
		loss: make([]float64, len(groups)), columns: make([]int, d+1), variance: make([]float64, d+1),
		p: make([]float64, (d+1)*m), chosen: make([]float64, m)}
	for t := range g.bit {
		g.bit[t] = make([]float64, d+1)
	}
	for k, group := range groups {
		g.along[k] = tensor.NewMatrix[float64](d, m)
		for _, j := range group {
			if g.energy(j) > 0 {
				g.put(j, k)
			}
		}
	}
	idle := 0
	for k := range groups {
		if len(g.groups[k]) > 0 {
			continue
		}
		largest := slices.MaxFunc(g.groups, func(a, b []int) int { return cmp.Compare(len(a), len(b)) })
		if n := len(largest); n > 1 {
			g.move(largest[n-1], k)
			continue
		}
		for g.energy(idle) > 0 {
			idle++
		}
		g.put(idle, k)
		idle++
	}
	for k := range groups {
		g.loss[k], _ = g.predict(k, -1, -1)
	}
	return g
}

func (f *forecast) put(j, k int) {
	f.of[j] = k
	f.groups[k] = append(f.groups[k], j)
	f.shift(j, k, 1)
}

func (f *forecast) move(j, k int) {
	from := f.of[j]
	f.groups[from] = slices.DeleteFunc(f.groups[from], func(i int) bool { return i == j })
	f.shift(j, from, -1)
	f.put(j, k)
}

func (f *forecast) shift(j, k int, sign float64) {
	for i, c := range f.cov.Row(j) {
		tensor.Axpy(f.along[k].Row(i), sign*c, f.b.Row(j))
	}
}

// observed are the bits of a tree: columns and the variances of their noise.
type observed struct {
	column [4]int
	noise  [4]float64
	bits   int
}

// predict chooses the bits of the tree of group k, with column extra and without column less if they are not -1, and
// returns what they leave of the variance of the group's contribution. A bit takes |J|*M steps: of the conditional
// covariance, only the chosen columns are ever computed.
func (f *forecast) predict(k, extra, less int) (float64, observed) {
	n := f.gather(k, extra, less)
	m := f.b.Cols
	loss := 0.0
	for a := range n {
		loss += tensor.Dot(f.p[a*m:a*m+m], f.b.Row(f.columns[a]))
	}
	var o observed
	for bit := range 4 {
		best, at := 0.0, -1
		for a := range n {
			if unknown := f.variance[a]; unknown > 1e-9*f.cov.At(f.columns[a], f.columns[a]) {
				p := f.p[a*m : a*m+m]
				if s := tensor.Dot(p, p); s > best*unknown {
					best, at = s/unknown, a
				}
			}
		}
		if at < 0 {
			break
		}
		loss -= explainedShare * best
		o.column[bit], o.noise[bit] = f.columns[at], f.variance[at]*(1-explainedShare)/explainedShare
		o.bits = bit + 1
		if bit < 3 {
			f.observe(bit, at, n)
		}
	}
	return loss, o
}

// gather lists the columns that predict may choose from, with their variances and covariances, and returns how many.
func (f *forecast) gather(k, extra, less int) int {
	m, n := f.b.Cols, 0
	add := func(j int) {
		f.columns[n], f.variance[n] = j, f.cov.At(j, j)
		copy(f.p[n*m:n*m+m], f.along[k].Row(j))
		n++
	}
	for _, j := range f.groups[k] {
		if j != less {
			add(j)
		}
	}
	change := func(j int, sign float64) {
		for a := range n {
			tensor.Axpy(f.p[a*m:a*m+m], sign*f.cov.At(j, f.columns[a]), f.b.Row(j))
		}
	}
	if extra >= 0 {
		add(extra)
		change(extra, 1)
	}
	if less >= 0 {
		change(less, -1)
	}
	return n
}

// observe takes what the bit says, an observation of the column at the given place, off variances and covariances.
func (f *forecast) observe(bit, at, n int) {
	m := f.b.Cols
	v, scale, row := f.bit[bit][:n], math.Sqrt(explainedShare/f.variance[at]), f.cov.Row(f.columns[at])
	copy(f.chosen, f.p[at*m:at*m+m])
	for a := range v {
		c := row[f.columns[a]]
		for t := range bit {
			c -= f.bit[t][a] * f.bit[t][at]
		}
		v[a] = c * scale
	}
	for a, c := range v {
		f.variance[a] -= c * c
		tensor.Axpy(f.p[a*m:a*m+m], -c*scale, f.chosen)
	}
}

// apart moves columns, those of most energy first, to the group that lowers the sum of the groups' losses most.
func (f *forecast) apart(passes int) {
	for range passes {
		moved, total := false, tensor.Sum(f.loss)
		for _, j := range f.order {
			k := f.of[j]
			if len(f.groups[k]) == 1 {
				continue
			}
			without, _ := f.predict(k, -1, j)
			best, to, loss := -1e-6*total, -1, 0.0
			for other := range f.groups {
				if other == k {
					continue
				}
				with, _ := f.predict(other, j, -1)
				if change := without - f.loss[k] + with - f.loss[other]; change < best {
					best, to, loss = change, other, with
				}
			}
			if to >= 0 {
				f.move(j, to)
				f.loss[k], f.loss[to] = without, loss
				moved = true
			}
		}
		if !moved {
			return
		}
	}
}

// nearGroups is how many groups together tries for a column, those that lose least by it alone.
const nearGroups = 4

// together moves columns while that raises what the bits of all trees explain of the product.
func (f *forecast) together(passes int) {
	bits := make([]observed, len(f.groups))
	for k := range bits {
		f.loss[k], bits[k] = f.predict(k, -1, -1)
	}
	now := f.explained(bits)
	for range passes {
		before := now
		for _, j := range f.order {
			if len(f.groups[f.of[j]]) > 1 {
				now = f.rehome(j, bits, now)
			}
		}
		if now == before {
			return
		}
	}
}

// home is what a group would be with one more column.
type home struct {
	group      int
	loss, more float64 // what its tree leaves, and how much more that is
	bits       observed
}

// rehome moves column j if that explains more than now, and returns what is explained then.
func (f *forecast) rehome(j int, bits []observed, now float64) float64 {
	k := f.of[j]
	without, fewer := f.predict(k, -1, j)
	var homes []home
	for other := range f.groups {
		if other != k {
			loss, more := f.predict(other, j, -1)
			homes = append(homes, home{other, loss, loss - f.loss[other], more})
		}
	}
	slices.SortStableFunc(homes, func(a, b home) int { return cmp.Compare(a.more, b.more) })
	best, at, keep := now*(1+1e-6), -1, bits[k]
	bits[k] = fewer
	for i, h := range homes[:min(nearGroups, len(homes))] {
		old := bits[h.group]
		bits[h.group] = h.bits
		if v := f.explained(bits); v > best {
			best, at = v, i
		}
		bits[h.group] = old
	}
	if at < 0 {
		bits[k] = keep
		return now
	}
	h := homes[at]
	f.move(j, h.group)
	bits[h.group], f.loss[k], f.loss[h.group] = h.bits, without, h.loss
	return best
}

// explained is the variance of the product that the bits of all trees explain: P'(S+N)^-1 P with S the covariance of
// the observed columns, N the noise and P the covariances with the product. By Cholesky decomposition, row by row.
func (f *forecast) explained(trees []observed) float64 {
	m := f.b.Cols
	var column []int
	var noise []float64
	for _, t := range trees {
		column, noise = append(column, t.column[:t.bits]...), append(noise, t.noise[:t.bits]...)
	}
	n, sum := len(column), 0.0
	s, z := make([]float64, n*n), make([]float64, n*m)
	for a := range n {
		row, sa, za := f.cov.Row(column[a]), s[a*n:a*n+n], z[a*m:a*m+m]
		copy(za, f.product.Row(column[a]))
		for c := range a + 1 {
			sa[c] = row[column[c]]
		}
		sa[a] += noise[a]
		for c := range a {
			sa[c] = (sa[c] - tensor.Dot(sa[:c], s[c*n:c*n+c])) / s[c*n+c]
			sa[a] -= sa[c] * sa[c]
			tensor.Axpy(za, -sa[c], z[c*m:c*m+m])
		}
		sa[a] = math.Sqrt(max(sa[a], 1e-12*row[column[a]]))
		tensor.Scale(za, 1/sa[a], za)
		sum += tensor.Dot(za, za)
	}
	return sum
}

// likely returns the columns of group k that say most about its contribution, at most count, in increasing order.
func (f *forecast) likely(k, count int) []int {
	columns := slices.Clone(f.groups[k])
	score := func(j int) float64 {
		r := f.along[k].Row(j)
		return tensor.Dot(r, r) / max(f.cov.At(j, j), math.SmallestNonzeroFloat64)
	}
	slices.SortStableFunc(columns, func(i, j int) int { return cmp.Compare(score(j), score(i)) })
	columns = columns[:min(count, len(columns))]
	slices.Sort(columns)
	return columns
}
