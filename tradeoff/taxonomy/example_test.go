package taxonomy_test

import (
	"fmt"

	"github.com/espalier-ml/espalier/tradeoff/taxonomy"
)

func ExampleFind() {
	for _, m := range taxonomy.Find(taxonomy.In(taxonomy.Parameters, taxonomy.Restrict)) {
		fmt.Printf("%s: %s.%s, %v, %v\n", m.Name, m.Package, m.Symbol, m.Phase, m.Cells)
	}
	for _, m := range taxonomy.Find(taxonomy.Helping(taxonomy.Overhead), taxonomy.During(taxonomy.Training),
		taxonomy.For(taxonomy.Speed)) {
		fmt.Println(m.Name, taxonomy.Algorithm.Component())
	}
	fmt.Println(len(taxonomy.Find(taxonomy.Of(taxonomy.Objective), taxonomy.By(taxonomy.Remove))) == 0)
	// Output:
	// low-rank products: maddness/amm.FitPCA, inference, [parameters/restrict]
	// table lookups for products: maddness.Fit, inference, [architecture/replace parameters/restrict]
	// growing batches optimization
	// true
}

func ExampleMethods() {
	fmt.Println(taxonomy.Methods()[0].Name)
	s, err := taxonomy.ParseSubcomponent("architecture")
	fmt.Println(s, err)
	a, err := taxonomy.ParseAction("remove")
	fmt.Println(a, err)
	b, err := taxonomy.ParseBottleneck("gc")
	fmt.Println(b, err)
	// Output:
	// N:M sparsity
	// architecture <nil>
	// remove <nil>
	// gc <nil>
}
