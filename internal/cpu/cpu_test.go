package cpu

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

// The system's own list of features is the reference where there is one.
func TestFeatures(t *testing.T) {
	t.Logf("AVX2 %v, AVX512 %v, VNNI %v, NEON %v", AVX2, AVX512, VNNI, NEON)
	if VNNI && !AVX512 || AVX512 && !AVX2 {
		t.Error("a later set without an earlier one")
	}
	if runtime.GOARCH != "amd64" || !assembly {
		return
	}
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Skip("no /proc/cpuinfo")
	}
	_, flags, _ := strings.Cut(string(info), "\nflags")
	flags, _, _ = strings.Cut(flags, "\n")
	has := func(names ...string) bool {
		for _, n := range names {
			if !strings.Contains(flags+" ", " "+n+" ") {
				return false
			}
		}
		return true
	}
	for _, c := range []struct {
		name string
		got  bool
		want bool
	}{
		{"AVX2", AVX2, has("avx2", "fma")},
		{"AVX512", AVX512, has("avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl")},
		{"VNNI", VNNI, has("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vbmi", "avx512_vnni")},
	} {
		if c.got != c.want {
			t.Errorf("%s is %v, the system says %v", c.name, c.got, c.want)
		}
	}
}
