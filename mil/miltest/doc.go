// Package miltest tests poolers of one's own for use with [github.com/espalier-ml/espalier/mil], and makes bags whose
// best possible score has an AUC that is known in closed form.
//
//	func TestMyPooler(t *testing.T) {
//		miltest.CheckPooler(t, MyPooler{}, miltest.WithColumns(8))
//	}
//
// The check is a list of properties; its documentation is the contract, and a failure says what is wrong and why that
// matters. The poolers of package mil pass it.
package miltest
