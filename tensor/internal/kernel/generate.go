package kernel

// The directive is here and not beside the functions it generates because go generate reads only
// files of the architecture that it runs on.
//go:generate sh -c "cd _gen && go run ./neon -out ../gemm_arm64.s"
