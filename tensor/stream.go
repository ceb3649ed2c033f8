package tensor

import "math/rand/v2"

// Stream returns a generator keyed by a seed and by what is being drawn: epoch, sample, replicate.
// Equal keys give equal draws on every architecture, whoever draws and in whatever order, so
// random work can be split over any number of workers. Streams of different keys are independent
// for all practical purposes. The order of ids matters; their number does too.
func Stream(seed uint64, ids ...uint64) *rand.Rand {
	hi, lo := mix(seed+phi64), mix(seed^0xC2B2AE3D27D4EB4F)
	for _, id := range ids {
		hi = mix(hi + phi64*(id+1))
		lo = mix(lo ^ hi)
	}
	return rand.New(rand.NewPCG(hi, lo))
}

const phi64 = 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection with full avalanche.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}
