package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/espalier-ml/espalier/examples/mlm/window"
	"github.com/espalier-ml/espalier/tensor"
)

// result is a run.
type result struct {
	arm    int
	short  bool // as many targets as constant 15 % has in a whole run
	seed   int
	curve  []window.Point
	failed error
}

func (r *result) last() window.Point { return r.curve[len(r.curve)-1] }

// trainAll runs every arm with every seed, and again for as many steps as give the targets of constant 15 %.
func trainAll(c *window.Corpus, p plan, progress io.Writer) ([]result, error) {
	var runs []result
	steps := map[bool][]int{}
	for a, arm := range window.Arms {
		fewer, err := arm.Fewer(p.steps)
		if err != nil {
			return nil, err
		}
		steps[false], steps[true] = append(steps[false], p.steps), append(steps[true], fewer)
		for seed := range p.seeds {
			runs = append(runs, result{arm: a, seed: seed})
			if a != window.Constant15 && a != window.Subset { // which have them anyway
				runs = append(runs, result{arm: a, seed: seed, short: true})
			}
		}
	}
	var mu sync.Mutex
	start, done, all := time.Now(), 0, 0
	for _, r := range runs {
		all += steps[r.short][r.arm]
	}
	tick := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		if done += n; terminal(progress) {
			left := time.Since(start).Seconds() * float64(all-done) / float64(done)
			fmt.Fprintf(progress, "\r%d runs, %3d %% done, %3.0f s left ", len(runs), 100*done/all, left)
		}
	}
	tensor.Parallel(len(runs), 1, func(lo, _ int) {
		r := &runs[lo]
		r.curve, r.failed = c.Run(window.Arms[r.arm], uint64(r.seed), steps[r.short][r.arm], tick)
	})
	if terminal(progress) {
		fmt.Fprint(progress, "\r\033[K")
	}
	for _, r := range runs {
		if r.failed != nil {
			return nil, fmt.Errorf("%s, seed %d: %w", window.Arms[r.arm].Name, r.seed, r.failed)
		}
	}
	fmt.Printf("%d runs in %.0f s\n\n", len(runs), time.Since(start).Seconds())
	return runs, nil
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
