//go:build amd64 && !purego && !noasm

package kernel

import "github.com/espalier-ml/espalier/internal/cpu"

//go:generate sh -c "cd _gen && go run ./vector -out ../vector_amd64.s -stubs ../vector_stubs_amd64.go -pkg kernel -other ../vector_stubs_other.go"

// vectors tells whether the processor runs the vector functions in assembly.
var vectors = cpu.AVX2
