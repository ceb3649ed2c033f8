//go:build purego || noasm || !amd64

package kernel

// vectors is false: there are no vector functions in assembly.
const vectors = false
