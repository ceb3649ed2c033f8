package kernel

//go:generate sh -c "cd _gen && go run ./x86 -out ../kernel_amd64.s -stubs ../stubs_amd64.go -pkg kernel"
//go:generate sh -c "cd _gen && go run ./neon -out ../kernel_arm64.s"
