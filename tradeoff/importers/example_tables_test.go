package importers_test

import (
	"fmt"
	"strings"

	"github.com/espalier-ml/espalier/tradeoff"
	"github.com/espalier-ml/espalier/tradeoff/importers"
	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

func ExampleReadCSV() {
	records, err := importers.ReadCSV(strings.NewReader("algo;seed;wall;acc\nfast;1;10;0.5\nfast;1;20;\n"),
		map[string]string{"algo": "method", "wall": "seconds"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(records), records[0].Method, records[0].Cost, records[0].Quality)
	// Output:
	// 1 [fast] map[seconds:10] map[acc:0.5]
}

func ExampleReadShrinkBench() {
	records, err := importers.ReadShrinkBench(strings.NewReader(
		"dataset,model,strategy,compression,seed,size,size_nz,post_acc1\n" +
			"CIFAR10,resnet,GlobalMag,4,1,100,25,0.8\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(records[0].RunID, records[0].Cost["params_ratio"], records[0].Quality)
	// Output:
	// CIFAR10/resnet/GlobalMag/4/1 0.25 map[top1:0.8]
}

func ExampleReadCSV_speedup() {
	const table = "algo,seed,wall,val_acc\nbaseline,1,60,0.90\nbaseline,2,64,0.90\nnew,1,30,0.90\nnew,2,32,0.90\n"
	records, err := importers.ReadCSV(strings.NewReader(table), map[string]string{"algo": "method", "wall": "seconds",
		"val_acc": "accuracy"})
	if err != nil {
		panic(err)
	}
	arms, err := runlog.Arms(records, "seconds", "accuracy")
	if err != nil {
		panic(err)
	}
	s, err := tradeoff.Speedup(arms[0].Runs, arms[1].Runs, tradeoff.AtQuality(0.9))
	fmt.Printf("%s is %.2fx as fast %v\n", arms[1].Method, s.Value, err)
	// Output:
	// new is 2.00x as fast <nil>
}
