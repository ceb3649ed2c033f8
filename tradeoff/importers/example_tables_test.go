package importers_test

import (
	"fmt"
	"strings"

	"github.com/espalier-ml/espalier/tradeoff/importers"
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
