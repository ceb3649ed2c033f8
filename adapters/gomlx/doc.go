// Package gomlx is a placeholder.
package gomlx
