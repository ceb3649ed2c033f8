package maddness

import (
	"context"
	"fmt"

	"github.com/espalier-ml/espalier/tensor"
)

// meter counts the steps of a fit for [WithProgress] and ends it with its context.
type meter struct {
	ctx         context.Context
	report      func(done, total int)
	done, total int
}

// checkContext refuses a context that is nil or over.
func checkContext(ctx context.Context) error {
	if ctx == nil {
		return fmt.Errorf("ctx is nil: %w", tensor.ErrEmpty)
	}
	return ctx.Err()
}

// expect adds the trees of a fit.
func (m *meter) expect(o *config) { m.total += o.codebooks * (1 + o.refine) }

// step counts one. The error is that of the context.
func (m *meter) step() error {
	m.done++
	if m.report != nil {
		m.report(m.done, m.total)
	}
	return m.ctx.Err()
}
