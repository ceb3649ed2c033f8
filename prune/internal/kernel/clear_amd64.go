//go:build amd64 && !purego && !noasm

package kernel

//go:generate sh -c "cd _gen && go run . -out ../clear_amd64.s -stubs ../clear_stubs_amd64.go -pkg kernel"
