package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/espalier-ml/espalier/examples/maddness/network"
	"github.com/espalier-ml/espalier/examples/progress"
	"github.com/espalier-ml/espalier/internal/golden"
	"github.com/espalier-ml/espalier/maddness"
	"github.com/espalier-ml/espalier/maddness/amm"
	"github.com/espalier-ml/espalier/tensor"
)

var productsExperiment = experiment{
	name: "products",
	about: "three products of which maddness/testdata has the rows, by codebooks of 8-bit tables, each seed fitted to " +
		"nine tenths of the training rows; the error is the mean square over the variance on rows that nothing was fitted " +
		"to. The authors' code was run once, on all training rows: its error stands in the claim.",
	run: products,
}

// productData is the rows of the products, from the root of the repository.
var productData = filepath.Join("maddness", "testdata")

// product is a matrix product on real data.
type product struct {
	name, file, rows string
	sizes            []int
	authors          map[int]float64 // error of the authors' code, by codebooks
	train, test, b   network.Matrix
}

// realProducts is the products without their rows. The authors' errors are those in their files.
func realProducts() []product {
	return []product{
		{name: "logistic regression of 8x8 digits, 64 to 10", file: "digits_softmax", sizes: []int{2, 4, 8, 16, 32}},
		{name: "a network's features of MNIST, 512 to 10", file: "mnist_relu_features", rows: "mnist_relu_features_u8",
			sizes: []int{4, 8, 16, 32}},
		{name: "Sobel filters on another photograph, 27 to 2", file: "img_sobel", rows: "img_sobel_u8",
			sizes: []int{2, 4, 8, 16}},
	}
}

// read fills in rows, matrix and the authors' errors.
func (p *product) read() error {
	var g struct {
		XTrain golden.Tensor `json:"X_train"`
		XTest  golden.Tensor `json:"X_test"`
		Rows   int           `json:"rows_train"`
		Scale  *float64
		W      golden.Tensor
		Curves []struct {
			C         int
			Reference struct{ NMSE float64 } `json:"reference_maddness"`
		}
	}
	if err := golden.ReadJSON(filepath.Join(productData, p.file+".json.gz"), &g); err != nil {
		return fmt.Errorf("run it at the root of the repository: %w", err)
	}
	p.b = float32s(g.W.Shape, g.W.Data, 1)
	p.authors = map[int]float64{}
	for _, c := range g.Curves {
		p.authors[c.C] = c.Reference.NMSE
	}
	if p.rows == "" {
		p.train, p.test = float32s(g.XTrain.Shape, g.XTrain.Data, 1), float32s(g.XTest.Shape, g.XTest.Data, 1)
		return nil
	}
	a, err := golden.ReadNPY(filepath.Join(productData, p.rows+".npy.gz"))
	if err != nil {
		return err
	}
	scale := 1.0
	if g.Scale != nil {
		scale = *g.Scale
	}
	x := float32s(a.Shape, a.Data, scale)
	p.train, p.test = x.Slice(0, g.Rows, 0, x.Cols), x.Slice(g.Rows, x.Rows, 0, x.Cols)
	return nil
}

func float32s(shape []int, data []float64, scale float64) network.Matrix {
	x := tensor.NewMatrix[float32](shape[0], shape[1])
	for i, v := range data {
		x.Data[i] = float32(scale * v)
	}
	return x
}

// errorsOf is the errors of one product, of a seed, by the order of sizes.
type errorsOf struct{ ours, simple, other []float64 }

// products is Blalock and Guttag 2021 beside the code of its authors.
func products(ctx context.Context, t trial) ([]Claim, error) {
	list := realProducts()
	if t.quick {
		list = list[:1]
		list[0].sizes = list[0].sizes[:1]
	}
	for i := range list {
		if err := list[i].read(); err != nil {
			return nil, err
		}
	}
	all := make([][]errorsOf, len(list))
	for i := range all {
		all[i] = make([]errorsOf, len(t.seeds))
	}
	errs := make([]error, len(list)*len(t.seeds))
	done, end := progress.Start(len(errs), t.report)
	tensor.Parallel(len(errs), 1, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			i, s := k%len(list), k/len(list)
			all[i][s], errs[k] = list[i].study(ctx, t.seeds[s])
			done()
		}
	})
	end()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var claims []Claim
	for i, p := range list {
		claims = append(claims, p.claims(all[i])...)
	}
	return claims, nil
}

// study fits to nine tenths of the rows.
func (p product) study(ctx context.Context, seed uint64) (e errorsOf, err error) {
	order := tensor.Stream(seed, 2<<20).Perm(p.train.Rows)
	rows := tensor.NewMatrix[float32](p.train.Rows*9/10, p.train.Cols)
	for i := range rows.Rows {
		copy(rows.Row(i), p.train.Row(order[i]))
	}
	other := tensor.NewMatrix[float32](p.b.Rows, p.b.Cols)
	for j, from := range tensor.Stream(seed, 3<<20).Perm(p.b.Rows) {
		copy(other.Row(j), p.b.Row(from))
	}
	for _, c := range p.sizes {
		for _, m := range []struct {
			to   *[]float64
			b    network.Matrix
			opts []maddness.Option
		}{{&e.ours, p.b, nil}, {&e.simple, p.b, []maddness.Option{maddness.WithSimple()}}, {&e.other, other, nil}} {
			op, err := maddness.Fit(ctx, rows, m.b, append(m.opts, maddness.WithCodebooks(c), maddness.WithSeed(seed))...)
			if err != nil {
				return e, fmt.Errorf("%s, %d codebooks: %w", p.file, c, err)
			}
			r, err := amm.Evaluate(amm.Maddness{Operator: op}, amm.Task{A: p.test, B: p.b})
			if err != nil {
				return e, fmt.Errorf("%s, %d codebooks: %w", p.file, c, err)
			}
			*m.to = append(*m.to, r.NMSE)
		}
	}
	return e, nil
}

// claims is what the errors of all seeds say.
func (p product) claims(seeds []errorsOf) []Claim {
	const ratio, other = "times its error", "fitted to a matrix whose rows were shuffled"
	var claims []Claim
	against := func(text string, k int, theirs float64) Claim {
		c := Claim{Text: text, Quantity: ratio, Bar: below(1), Control: other}
		for _, e := range seeds {
			add(&c, e.ours[k]/theirs, e.other[k]/theirs)
		}
		return c
	}
	for k, size := range p.sizes {
		claims = append(claims, against(fmt.Sprintf("%s: %d codebooks have less error than the authors' %d, which has %s",
			p.name, size, size, number(p.authors[size])), k, p.authors[size]))
	}
	if k := len(p.sizes) - 2; k >= 0 {
		most := p.sizes[k+1]
		claims = append(claims, against(fmt.Sprintf("%s: %d codebooks have less error than the authors' %d, which has %s",
			p.name, p.sizes[k], most, number(p.authors[most])), k, p.authors[most]))
	}
	simple := Claim{Text: p.name + ": less error than WithSimple",
		Quantity: "times its error, mean over numbers of codebooks", Bar: below(1), Control: other}
	for _, e := range seeds {
		ours, none := 0.0, 0.0
		for k := range p.sizes {
			ours += e.ours[k] / e.simple[k] / float64(len(p.sizes))
			none += e.other[k] / e.simple[k] / float64(len(p.sizes))
		}
		add(&simple, ours, none)
	}
	return append(claims, simple)
}
