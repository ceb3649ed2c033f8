package progress

import (
	"sync"
	"testing"
)

func TestEachIsReported(t *testing.T) {
	var seen []int
	done, end := Start(100, func(done, total int) {
		if total != 100 {
			t.Errorf("total %d", total)
		}
		seen = append(seen, done)
	})
	var all sync.WaitGroup
	for range 100 {
		all.Go(done)
	}
	all.Wait()
	end()
	if len(seen) != 100 {
		t.Fatalf("%d reports", len(seen))
	}
	for i, n := range seen {
		if n != i+1 {
			t.Fatalf("report %d is %d", i, n)
		}
	}
}
