// Package maddness approximates products with a fixed matrix without multiplying: rows are hashed by a few comparisons, and outputs
// are sums of table entries.
package maddness
