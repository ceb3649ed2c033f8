//go:build !amd64 || purego || noasm

package kernel

func clear32(int, *uint64, *uint32) { panic("no assembly in this build") }
func clear64(int, *uint64, *uint64) { panic("no assembly in this build") }
