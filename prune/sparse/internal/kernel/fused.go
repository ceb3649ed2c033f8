//go:build arm64 || loong64 || ppc64 || ppc64le || riscv64 || s390x

package kernel

// fused says that the compiler makes x*y + z one instruction.
const fused = true
