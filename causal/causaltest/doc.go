// Package causaltest tests penalties, kernels and risks of one's own for use beside those of
// [github.com/espalier-ml/espalier/causal], and makes data with a shortcut whose answer is known.
//
//	func TestMyPenalty(t *testing.T) {
//		causaltest.CheckPenalty(t, MyPenalty{}, causaltest.WithoutWeights())
//	}
//
// Each check is a list of properties; its documentation is the contract, and a failure says what is wrong and why that
// matters. The penalties, kernels and risks of package causal pass them.
package causaltest
