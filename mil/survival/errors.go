package survival

import "errors"

// The errors of this package, beside those of packages tensor and stats. Functions wrap them with what is at fault.
var (
	// ErrNoEvents reports lifetimes that are all censored.
	ErrNoEvents = errors.New("no events")
	// ErrNoPairs reports lifetimes of which no two can be put in order: a concordance of nothing.
	ErrNoPairs = errors.New("no pairs that can be compared")
	// ErrSingular reports a column that is constant or a combination of others wherever events happen.
	ErrSingular = errors.New("the data do not determine a coefficient")
	// ErrMonotone reports a likelihood that grows for ever: a column, or a combination of columns, is the largest of
	// all at risk at every event. The estimate is infinite. [WithRidge] makes it finite.
	ErrMonotone = errors.New("monotone likelihood")
	// ErrNotConverged reports a likelihood whose maximum Newton's method did not find.
	ErrNotConverged = errors.New("no convergence")
)
