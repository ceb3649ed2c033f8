package tensor

import (
	"fmt"
	"slices"
	"unsafe"
)

// Tied tells which parameters are one under several names, such as the weights that an embedding and an output layer
// share: first[i] is the index of the first parameter over the memory of params[i], which is i for most. Parameters
// without elements share nothing. The error wraps [ErrOverlap] and names both where two parameters share some of
// their memory but not all of it.
func Tied[T Float](params []*Param[T]) (first []int, err error) {
	first = make([]int, len(params))
	order := make([]int, 0, len(params))
	for i, p := range params {
		first[i] = i
		if len(p.Data) > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := start(params[a]), start(params[b])
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	for k := 1; k < len(order); k++ {
		a, b := order[k-1], order[k]
		switch p, q := params[a], params[b]; {
		case start(p) == start(q) && len(p.Data) == len(q.Data):
			first[b] = first[a]
		case Overlap(p.Data, q.Data):
			a, b = min(a, b), max(a, b)
			return nil, fmt.Errorf("tensor: params[%d] %q of %d elements and params[%d] %q of %d share some of them: %w",
				a, params[a].Name, len(params[a].Data), b, params[b].Name, len(params[b].Data), ErrOverlap)
		}
	}
	return first, nil
}

func start[T Float](p *Param[T]) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(p.Data))) }
