//go:build arm64 && !purego && !noasm

package cpu

func init() { NEON = true } // part of every arm64 processor that Go supports
