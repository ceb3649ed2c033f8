//go:build purego || noasm

package cpu

const assembly = false
