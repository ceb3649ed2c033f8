// Package mil learns from bags of instances of which only the bags have labels: multiple instance learning.
package mil
