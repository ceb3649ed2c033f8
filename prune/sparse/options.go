package sparse

import (
	"fmt"

	"github.com/espalier-ml/espalier/internal/option"
)

// Option is a choice of whatever makes a [Matrix].
type Option func(*config) error

type config struct {
	format  Format
	n, m    int
	workers int
}

// WithFormat sets how elements are stored; default [Panels]. NM is that of [WithNM](2, 4).
func WithFormat(f Format) Option {
	return func(c *config) error {
		c.format, c.n, c.m = f, 2, 4
		return formats.Option("WithFormat", f)
	}
}

// WithNM stores elements in format [NM]: at most n of every m neighbours in a row are kept, 1 <= n <= m <= 256. The
// last group of a row may be shorter.
func WithNM(n, m int) Option {
	return func(c *config) error {
		c.format, c.n, c.m = NM, n, m
		return option.Range(n >= 1 && n <= m && m <= 256, "WithNM", fmt.Sprintf("%d, %d", n, m), "1 <= n <= m <= 256")
	}
}

// WithWorkers sets the goroutines of a product, on which no bit of it depends; default 0, GOMAXPROCS.
func WithWorkers(n int) Option {
	return func(c *config) error {
		c.workers = n
		return option.Workers(n)
	}
}
