package window

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Text is what the model learns from and what it is tested on.
type Text struct {
	Source      string
	Train, Test []byte
}

// packages are those parts of the standard library that are mostly code and documentation, not tables.
var packages = []string{"archive", "bufio", "bytes", "compress", "container", "database", "encoding", "errors",
	"expvar", "fmt", "go", "html",
	"io", "log", "mime", "net/http", "net/mail", "net/textproto", "net/url", "os", "path", "regexp", "sort", "strconv",
	"strings", "sync",
	"testing", "text", "unicode"}

const (
	libraryBytes = 1_500_000
	largestFile  = 64 << 10
)

// StandardLibrary reads source files of the user's Go toolchain without their licence headers. Every tenth is kept
// for the test.
func StandardLibrary() (Text, error) {
	root, err := goroot()
	if err != nil {
		return Text{}, err
	}
	source := os.DirFS(filepath.Join(root, "src"))
	var files []string
	for _, p := range packages {
		err := fs.WalkDir(source, p, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && (d.Name() == "testdata" || d.Name() == "internal") {
				return fs.SkipDir
			}
			if !d.IsDir() && path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") {
				files = append(files, name)
			}
			return nil
		})
		if err != nil {
			return Text{}, fmt.Errorf("reading the standard library in %s: %w; -text FILE reads another text", root, err)
		}
	}
	// An order that mixes the packages and is the same everywhere.
	place := func(name string) uint64 {
		h := fnv.New64a()
		h.Write([]byte(name))
		return h.Sum64()
	}
	slices.SortFunc(files, func(a, b string) int { return cmp.Compare(place(a), place(b)) })
	t := Text{}
	used := 0
	for _, name := range files {
		if len(t.Train)+len(t.Test) > libraryBytes {
			break
		}
		b, err := fs.ReadFile(source, name)
		if err != nil {
			return Text{}, err
		}
		if len(b) > largestFile {
			continue
		}
		if _, rest, ok := bytes.Cut(b, []byte("\n\n")); ok && bytes.HasPrefix(b, []byte("// Copyright")) {
			b = rest
		}
		if used++; used%10 == 0 {
			t.Test = append(t.Test, b...)
		} else {
			t.Train = append(t.Train, b...)
		}
	}
	t.Source = fmt.Sprintf("%d files of the standard library of %s, every tenth held out", used, runtime.Version())
	return t, nil
}

// goroot asks the go command, and otherwise the environment of this program.
func goroot() (string, error) {
	var candidates []string
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err == nil {
		candidates = append(candidates, strings.TrimSpace(string(out)))
	}
	candidates = append(candidates, os.Getenv("GOROOT"))
	for _, root := range candidates {
		if _, err := os.Stat(filepath.Join(root, "src", "fmt", "print.go")); root != "" && err == nil {
			return root, nil
		}
	}
	if err == nil {
		err = errors.New("there is no source in its GOROOT")
	}
	return "", fmt.Errorf("no standard library found by \"go env GOROOT\": %w; -text FILE reads another text", err)
}

// File reads any text. Its last tenth is held out.
func File(name string) (Text, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return Text{}, err
	}
	cut := len(b) * 9 / 10
	for cut > 0 && b[cut] != '\n' && b[cut] != ' ' {
		cut--
	}
	return Text{Source: name + ", the last tenth held out", Train: b[:cut], Test: b[cut:]}, nil
}
