// Package cli is what the example programs have in common on the command line.
package cli

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

// Usage makes -h say what the program does before it lists the flags.
func Usage(text string) {
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "%s\n\nFlags:\n", text)
		flag.PrintDefaults()
	}
}

// Directory makes a directory for results, "" standing for none, and tries to write to it: better now than after the
// training.
func Directory(path string) error {
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(path, ".try")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
