package runlog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// Env is what results depend on besides the program: two arms of a comparison should have the same.
type Env struct {
	Go         string            `json:"go"`
	OS         string            `json:"os"`
	Arch       string            `json:"arch"`
	ArchLevel  string            `json:"arch_level,omitempty"` // GOAMD64 or GOARM64 that the program was built with
	Module     string            `json:"module,omitempty"`     // main module and version
	Modules    map[string]string `json:"modules,omitempty"`    // versions of its dependencies
	Revision   string            `json:"revision,omitempty"`   // of its version control
	Modified   bool              `json:"modified,omitempty"`   // it had changes that were not committed
	CPU        string            `json:"cpu,omitempty"`
	Cores      int               `json:"cores"`
	GOMAXPROCS int               `json:"gomaxprocs"`
	// limit of the control group: microseconds and period, or "max"
	CPUMax     string    `json:"cpu_max,omitempty"`
	Memory     uint64    `json:"memory_bytes,omitempty"`
	GOGC       string    `json:"gogc,omitempty"`
	GOMEMLIMIT string    `json:"gomemlimit,omitempty"`
	Kernel     string    `json:"kernel,omitempty"`
	Load       []float64 `json:"load,omitempty"` // averages over 1, 5 and 15 minutes; not part of the ID
}

// CaptureEnv looks at the running process. What the system does not tell stays empty; on Linux it tells everything.
func CaptureEnv() Env {
	e := Env{Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU(),
		GOMAXPROCS: runtime.GOMAXPROCS(0),
		GOGC:       os.Getenv("GOGC"), GOMEMLIMIT: os.Getenv("GOMEMLIMIT")}
	if info, ok := debug.ReadBuildInfo(); ok {
		e.Module = strings.TrimSpace(info.Main.Path + " " + info.Main.Version)
		for _, m := range info.Deps {
			if e.Modules == nil {
				e.Modules = map[string]string{}
			}
			if m.Replace != nil {
				m = m.Replace
			}
			e.Modules[m.Path] = m.Version
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				e.Revision = s.Value
			case "vcs.modified":
				e.Modified = s.Value == "true"
			case "GOAMD64", "GOARM64":
				e.ArchLevel = s.Value
			}
		}
	}
	e.CPU = firstField("/proc/cpuinfo", "model name", "Model")
	if kib, _, _ := strings.Cut(firstField("/proc/meminfo", "MemTotal"), " "); kib != "" {
		n, _ := strconv.ParseUint(kib, 10, 64)
		e.Memory = n << 10
	}
	e.CPUMax = text("/sys/fs/cgroup/cpu.max")
	e.Kernel = text("/proc/sys/kernel/osrelease")
	for i, f := range strings.Fields(text("/proc/loadavg")) {
		if v, err := strconv.ParseFloat(f, 64); err == nil && i < 3 {
			e.Load = append(e.Load, v)
		}
	}
	return e
}

// ID is a short name of the environment, the same for environments that differ in nothing but the load.
func (e Env) ID() string {
	e.Load = nil
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings and numbers
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

func text(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// firstField is the value of the first line "name: value" with one of the names.
func firstField(file string, names ...string) string {
	for line := range strings.Lines(text(file)) {
		name, value, ok := strings.Cut(line, ":")
		for _, want := range names {
			if ok && strings.TrimSpace(name) == want {
				return strings.TrimSpace(value)
			}
		}
	}
	return ""
}
