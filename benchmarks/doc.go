// Package benchmarks puts the kernels of package tensor beside those of other libraries: OpenBLAS, through
// cgo, and gonum. It is a module of its own so that espalier itself needs neither.
//
//	apt-get install libopenblas-dev                       # cblas.h and the library
//	go test -bench Gemm -count 10 | tee new.txt           # for benchstat
//	go run ./cmd/ratios                                   # interleaved comparison, as tables
//
// Speeds of machines and of minutes differ by more than libraries do. The command therefore alternates
// between the libraries many times a second within one process and reports the median of the ratios.
package benchmarks
