package option

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/espalier-ml/espalier/tensor"
)

type config struct {
	workers int
}

type opt func(*config) error

func withWorkers(n int) opt {
	return func(c *config) error {
		c.workers = n
		return Workers(n)
	}
}

func TestApplyLaterWins(t *testing.T) {
	var c config
	assert.NoError(t, Apply("pkg: New", &c, []opt{withWorkers(3), withWorkers(2)}))
	assert.Equal(t, 2, c.workers)
}

func TestApplyReportsAllFaults(t *testing.T) {
	var c config
	err := Apply("pkg: New", &c, []opt{withWorkers(-1), nil, withWorkers(2)})
	assert.EqualError(t, err, "pkg: New: WithWorkers(-1): want 0 or more: out of range\npkg: New: option 1 is nil: "+
		"empty input")
	assert.ErrorIs(t, err, tensor.ErrRange)
	assert.ErrorIs(t, err, tensor.ErrEmpty)
}

func TestExclusive(t *testing.T) {
	var g Given
	g.Mark("WithA", "WithB")
	g.Mark("WithA")
	assert.Len(t, g, 2)
	assert.NoError(t, g.Exclusive("WithA", "WithC"))
	err := g.Exclusive("WithA", "WithC", "WithB")
	assert.EqualError(t, err, "WithA beside WithB: contradictory options")
	assert.ErrorIs(t, err, tensor.ErrConflict)
}

func TestCall(t *testing.T) {
	assert.NoError(t, Call("f", nil))
	one := Range(false, "WithLevel", 2, "a value in (0, 1)")
	assert.EqualError(t, Call("f", one), "f: WithLevel(2): want a value in (0, 1): out of range")
	assert.EqualError(t, Call("f", errors.Join(one, Nil(false, "WithX"))),
		"f: WithLevel(2): want a value in (0, 1): out of range\nf: WithX(nil): empty input")
	assert.EqualError(t, Call("pkg: New", errors.New("pkg: x is 0")), "pkg: New: x is 0")
	assert.EqualError(t, Call("pkg: New", errors.New("other: x is 0")), "pkg: New: other: x is 0")
	both := fmt.Errorf("%w and %w", tensor.ErrShape, tensor.ErrRange)
	assert.EqualError(t, Call("f", both), "f: "+both.Error())
	assert.ErrorIs(t, Call("f", both), tensor.ErrRange)
}
