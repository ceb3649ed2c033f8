// Package tta is test-time augmentation.
package tta
