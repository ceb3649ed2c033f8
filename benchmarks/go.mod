module github.com/espalier-ml/espalier/benchmarks

go 1.26

require (
	github.com/espalier-ml/espalier v0.0.0
	gonum.org/v1/gonum v0.17.0
)

require golang.org/x/exp v0.0.0-20250620022241-b7579e27df2b // indirect

replace github.com/espalier-ml/espalier => ..
