package ecg

import (
	"errors"
	"fmt"
)

// The errors of this package, beside those of package tensor. Functions wrap them with what is at fault.
var (
	// ErrHeader reports a header that says nothing that can be understood, or contradicts itself.
	ErrHeader = errors.New("bad header")
	// ErrFormat reports a format of samples that this package does not read, such as FLAC.
	ErrFormat = errors.New("unsupported format")
	// ErrTruncated reports a file that ends too early. Where that is known it is a [TruncatedError].
	ErrTruncated = errors.New("file cut short")
	// ErrChecksum reports samples whose sum is not what the header says.
	ErrChecksum = errors.New("wrong checksum")
	// ErrTooLarge reports more samples than [WithLimit] allows.
	ErrTooLarge = errors.New("more samples than the limit")
	// ErrAnnotations reports a file that is no annotation file.
	ErrAnnotations = errors.New("bad annotations")
	// ErrTooFewBeats reports a sequence of beats that is too short for what is asked of it.
	ErrTooFewBeats = errors.New("too few beats")
)

// TruncatedError is a file of samples that ends before its header says.
type TruncatedError struct {
	File       string
	Want, Have int // frames
}

// Error names the file and both numbers.
func (e *TruncatedError) Error() string {
	return fmt.Sprintf("%s: %d frames, want %d: %v", e.File, e.Have, e.Want, ErrTruncated)
}

// Unwrap is [ErrTruncated].
func (e *TruncatedError) Unwrap() error { return ErrTruncated }
