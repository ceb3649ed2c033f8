package mil

import "errors"

// ErrEmptyBag reports a bag without instances where a pooler was not told what to make of one ([WithEmpty]). It is the
// error of this package beside those of packages tensor, stats and survival; functions wrap it with what is at fault.
var ErrEmptyBag = errors.New("empty bag")
