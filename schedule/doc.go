// Package schedule computes hyper-parameters as pure functions of training time.
package schedule
