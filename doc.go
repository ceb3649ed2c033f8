// Package espalier is a library of training algorithms, each from a paper, as small independent packages
// that are wired into a training loop of the user's own. This package holds no code; import the parts:
//
//   - [github.com/espalier-ml/espalier/schedule]: hyper-parameters as pure functions of training time
//   - [github.com/espalier-ml/espalier/tensor]: the numeric core under the algorithms: matrix views, products,
//     seeded streams, deterministic parallel loops
//
// An espalier is a plant trained flat against a frame by pruning.
package espalier
