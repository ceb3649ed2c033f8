package score

import (
	"math"

	"github.com/espalier-ml/espalier/tradeoff"
)

var nan, inf = math.NaN(), math.Inf(1)

func direction(higher bool) tradeoff.Direction {
	if higher {
		return tradeoff.HigherBetter
	}
	return tradeoff.LowerBetter
}
