//go:build !amd64 || purego || noasm

package kernel

func panel32(int, int, *uint16, *uint16, *float32, *float32, *float32, bool) {
	panic("no assembly in this build")
}
func panel64(int, int, *uint16, *uint16, *float64, *float64, *float64, bool) {
	panic("no assembly in this build")
}

func transpose32(int, *float32, int, int, *float32, int, int)     { panic("no assembly in this build") }
func transpose32Wide(int, *float32, int, int, *float32, int, int) { panic("no assembly in this build") }
func transpose64(int, *float64, int, int, *float64, int, int)     { panic("no assembly in this build") }
