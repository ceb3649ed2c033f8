// Command surface lists what a reader of the documentation would trip over: exported names that nobody uses, with
// neither a caller in another package nor an Example, and lines of more than 120 columns. It exits with status 1 if it
// lists any. Run it from the root of the module:
//
//	go run .ci/surface/main.go
//
// An enumeration is one name: its constants are used if one of them or the type is. Methods that an interface asks for
// are used by whoever calls the interface, errors by errors.Is, and a kit by its own tests.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

const columns = 120

// modules are the folders of the modules whose code counts as a caller; the first is the one that is looked at.
var modules = []string{".", "benchmarks", "adapters/gomlx"}

func main() {
	s := &surface{names: map[string]string{}, used: map[string]bool{}, groups: map[string][]string{},
		asked: map[string]bool{}}
	for i, dir := range modules {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
			continue
		}
		if err := s.module(dir, i == 0); err != nil {
			fmt.Fprintln(os.Stderr, "surface:", err)
			os.Exit(2)
		}
	}
	unused := s.unused()
	for _, name := range unused {
		fmt.Println(name)
	}
	long, err := longLines()
	if err != nil {
		fmt.Fprintln(os.Stderr, "surface:", err)
		os.Exit(2)
	}
	for _, line := range long {
		fmt.Println(line)
	}
	if len(unused)+len(long) > 0 {
		fmt.Printf("%d names without a caller or an Example, %d lines over %d columns\n", len(unused), len(long), columns)
		os.Exit(1)
	}
}

type surface struct {
	names  map[string]string   // key -> position
	used   map[string]bool     // keys
	groups map[string][]string // enumeration type -> keys of its constants
	asked  map[string]bool     // names of methods of interfaces
}

// listed is what go list says of a package.
type listed struct {
	ImportPath, Dir, Export, Name      string
	GoFiles, TestGoFiles, XTestGoFiles []string
	Standard                           bool
	Module                             *struct{ Path string }
	ForTest                            string
	ImportMap                          map[string]string
}

func (s *surface) module(dir string, own bool) error {
	cmd := exec.Command("go", "list", "-export", "-deps", "-test", "-json", "./...")
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: go list: %w", dir, err)
	}
	exports := map[string]string{}
	var packages []listed
	d := json.NewDecoder(bytes.NewReader(out))
	for {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if p.ForTest == "" {
			exports[p.ImportPath] = p.Export
		}
		if p.Module != nil && strings.HasPrefix(p.Module.Path, root) && p.ForTest == "" &&
			!strings.HasSuffix(p.ImportPath, ".test") {
			packages = append(packages, p)
		}
	}
	fset := token.NewFileSet()
	lookup := func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data of %q", path)
		}
		return os.Open(exports[path])
	}
	imp := importer.ForCompiler(fset, "gc", lookup)
	for _, p := range packages {
		s.check(fset, imp, p, p.GoFiles, own && p.Name != "main" && exported(p.ImportPath), false)
		s.check(fset, imp, p, append(slices.Clone(p.GoFiles), p.TestGoFiles...), false, true)
		s.check(fset, imp, p, p.XTestGoFiles, false, true)
	}
	return nil
}

const root = "github.com/espalier-ml/espalier"

// exported reports whether others can import a package.
func exported(path string) bool { return !strings.Contains(path+"/", "/internal/") }

// check type-checks files of a package, notes what they declare and what they use. Errors of types are left out: test
// files of a package are checked against its export data.
func (s *surface) check(fset *token.FileSet, imp types.Importer, p listed, files []string, declares, tests bool) {
	if len(files) == 0 {
		return
	}
	var parsed []*ast.File
	for _, name := range files {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err == nil {
			parsed = append(parsed, f)
		}
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
	c := types.Config{Importer: imp, Error: func(error) {}}
	pkg, _ := c.Check(p.ImportPath, fset, parsed, info)
	if pkg == nil {
		return
	}
	if declares {
		s.declare(fset, pkg)
	}
	for id, obj := range info.Uses {
		s.use(fset, p, id.Pos(), obj, tests)
	}
}

func (s *surface) use(fset *token.FileSet, p listed, pos token.Pos, obj types.Object, tests bool) {
	if obj.Pkg() == nil || !strings.HasPrefix(obj.Pkg().Path(), root) {
		return
	}
	file := filepath.Base(fset.Position(pos).Filename)
	same := obj.Pkg().Path() == p.ImportPath
	kit := strings.HasSuffix(p.ImportPath, "test") // whose tests are its only callers here
	if same && !(tests && (kit || strings.HasPrefix(file, "example"))) {
		return
	}
	s.used[key(obj)] = true
	// Whoever uses a function, a variable or a field uses the types that it names.
	if t := obj.Type(); t != nil {
		s.useType(t, 0)
	}
}

func (s *surface) useType(t types.Type, depth int) {
	if depth > 4 {
		return
	}
	switch t := t.(type) {
	case *types.Named:
		if o := t.Obj(); o.Pkg() != nil && strings.HasPrefix(o.Pkg().Path(), root) {
			s.used[key(o)] = true
		}
		if fields, ok := t.Underlying().(*types.Struct); ok {
			for i := range fields.NumFields() {
				if f := fields.Field(i); f.Exported() {
					s.useType(f.Type(), depth+1)
				}
			}
		}
		for i := range t.TypeArgs().Len() {
			s.useType(t.TypeArgs().At(i), depth+1)
		}
	case *types.Alias:
		s.used[key(t.Obj())] = true
		s.useType(types.Unalias(t), depth+1)
	case *types.Pointer:
		s.useType(t.Elem(), depth+1)
	case *types.Slice:
		s.useType(t.Elem(), depth+1)
	case *types.Array:
		s.useType(t.Elem(), depth+1)
	case *types.Map:
		s.useType(t.Key(), depth+1)
		s.useType(t.Elem(), depth+1)
	case *types.Signature:
		for _, tuple := range []*types.Tuple{t.Params(), t.Results()} {
			for i := range tuple.Len() {
				s.useType(tuple.At(i).Type(), depth+1)
			}
		}
	}
}

// key names an object the same way whether its package was read from source or from export data.
func key(obj types.Object) string {
	path := ""
	if obj.Pkg() != nil {
		path = strings.TrimPrefix(strings.TrimPrefix(obj.Pkg().Path(), root), "/")
	}
	if f, ok := obj.(*types.Func); ok {
		if recv := f.Signature().Recv(); recv != nil {
			return path + "." + receiver(recv.Type()) + "." + obj.Name()
		}
	}
	return path + "." + obj.Name()
}

func receiver(t types.Type) string {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := t.(*types.Named); ok {
		return n.Origin().Obj().Name()
	}
	return t.String()
}

func (s *surface) declare(fset *token.FileSet, pkg *types.Package) {
	scope := pkg.Scope()
	for _, name := range scope.Names() {
		obj := scope.Lookup(name)
		t, isType := obj.(*types.TypeName)
		if isType {
			if i, ok := t.Type().Underlying().(*types.Interface); ok {
				if !i.IsMethodSet() { // a constraint is used by the functions that it is of
					s.used[key(t)] = true
				}
				for k := range i.NumMethods() {
					s.asked[i.Method(k).Name()] = true
				}
			}
		}
		if !obj.Exported() {
			continue
		}
		s.names[key(obj)] = fset.Position(obj.Pos()).String()
		if c, ok := obj.(*types.Const); ok {
			if n, ok := c.Type().(*types.Named); ok && n.Obj().Pkg() == pkg {
				group := key(n.Obj())
				s.groups[group] = append(s.groups[group], key(c))
			}
		}
		if n, ok := obj.Type().(*types.Named); ok && isType && !t.IsAlias() {
			for i := range n.NumMethods() {
				if m := n.Method(i); m.Exported() {
					s.names[key(m)] = fset.Position(m.Pos()).String()
				}
			}
		}
	}
}

// standard are methods that the standard library and testing ask for.
var standard = []string{"String", "Error", "Unwrap", "Is", "As", "MarshalText", "UnmarshalText", "MarshalJSON",
	"UnmarshalJSON", "MarshalBinary", "UnmarshalBinary", "AppendBinary", "Write", "WriteTo", "Read", "ReadFrom", "Close",
	"Len", "Less", "Swap", "Format", "Set", "Validate"}

func (s *surface) unused() []string {
	for group, constants := range s.groups {
		any := s.used[group]
		for _, c := range constants {
			any = any || s.used[c]
		}
		for _, c := range append(constants, group) {
			s.used[c] = s.used[c] || any
		}
	}
	var list []string
	for name, at := range s.names {
		parts := strings.Split(name, ".")
		last := parts[len(parts)-1]
		isMethod := len(parts) > 2
		if s.used[name] || !isMethod && strings.HasPrefix(last, "Err") ||
			isMethod && (s.asked[last] || slices.Contains(standard, last)) {
			continue
		}
		list = append(list, at+": "+name)
	}
	wd, _ := os.Getwd()
	for i := range list {
		list[i] = strings.TrimPrefix(list[i], wd+"/")
	}
	sort.Strings(list)
	return list
}

// longLines looks at what git knows of, but for generated code, what generates instructions, and what cannot be broken:
// tables and commands of documents, directives and the expected output of examples.
func longLines() ([]string, error) {
	out, err := exec.Command("git", "ls-files", "*.go", "*.md").Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	var long []string
	for _, name := range strings.Fields(string(out)) {
		b, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if bytes.Contains(b[:min(len(b), 300)], []byte("DO NOT EDIT")) || strings.Contains(name, "/_gen/") {
			continue
		}
		document, output := strings.HasSuffix(name, ".md"), false
		for i, line := range strings.Split(string(b), "\n") {
			output = !strings.HasPrefix(line, "}") && (output || strings.Contains(line, "// Output:"))
			whole := document && (strings.HasPrefix(line, "|") || strings.HasPrefix(line, "    ")) ||
				output || strings.HasPrefix(line, "//go:")
			if n := len([]rune(line)); n > columns && !whole {
				long = append(long, fmt.Sprintf("%s:%d: %d columns", name, i+1, n))
			}
		}
	}
	return long, nil
}
