// Package maskingtest checks maskers: the user's own in their tests, and those of package masking in its tests.
//
//	func TestMyMasker(t *testing.T) {
//		rate := schedule.Linear{From: 0.3, To: 0.15, Over: 1000}
//		maskingtest.Check(t, NewMyMasker(vocab, maskID, rate), vocab, maskID, rate, maskingtest.WithSpecial(0, 1, 2))
//	}
package maskingtest
