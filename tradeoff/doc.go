// Package tradeoff turns the logs of training runs into claims about speed and quality that hold.
package tradeoff
