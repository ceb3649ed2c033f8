package tta

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/espalier-ml/espalier/tensor"
)

// Box is a detection: its edges, how sure it is, 0 to 1, and its class.
type Box struct {
	X0    float64 `json:"x0"`
	Y0    float64 `json:"y0"`
	X1    float64 `json:"x1"`
	Y1    float64 `json:"y1"`
	Score float64 `json:"score"`
	Class int     `json:"class"`
}

// Clip cuts a box off at the borders of an image of h x w pixels.
func (b Box) Clip(h, w int) Box {
	b.X0, b.X1 = min(max(b.X0, 0), float64(w)), min(max(b.X1, 0), float64(w))
	b.Y0, b.Y1 = min(max(b.Y0, 0), float64(h)), min(max(b.Y1, 0), float64(h))
	return b
}

// IoU is the area that two boxes share by the area that either covers, 0 if neither has any.
func (b Box) IoU(o Box) float64 {
	w, h := min(b.X1, o.X1)-max(b.X0, o.X0), min(b.Y1, o.Y1)-max(b.Y0, o.Y0)
	if w <= 0 || h <= 0 {
		return 0
	}
	shared := w * h
	return shared / (b.area() + o.area() - shared)
}

func (b Box) area() float64 { return max(b.X1-b.X0, 0) * max(b.Y1-b.Y0, 0) }

// checkBoxes names the first box that is none.
func checkBoxes(call string, views [][]Box) error {
	for a, boxes := range views {
		for k, b := range boxes {
			for _, v := range []float64{b.X0, b.Y0, b.X1, b.Y1, b.Score} {
				if v-v != 0 {
					return fmt.Errorf("tta: %s: box %d of view %d is %+v: %w", call, k, a, b, tensor.ErrNotFinite)
				}
			}
			if b.X1 < b.X0 || b.Y1 < b.Y0 || b.Score < 0 || b.Score > 1 {
				return fmt.Errorf("tta: %s: box %d of view %d is %+v: %w", call, k, a, b, tensor.ErrRange)
			}
		}
	}
	return nil
}

func checkIoU(call string, iou float64) error {
	if !(iou > 0 && iou < 1) {
		return fmt.Errorf("tta: %s: overlap %v, want a value in (0, 1): %w", call, iou, tensor.ErrRange)
	}
	return nil
}

// bySure orders boxes by falling score, and equal ones by place.
func bySure(a, b Box) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), a.Class-b.Class, cmp.Compare(a.X0, b.X0), cmp.Compare(a.Y0, b.Y0),
		cmp.Compare(a.X1, b.X1), cmp.Compare(a.Y1, b.Y1))
}

// FuseBoxes merges the detections of views, already taken back to one frame, by weighted box fusion (Solovyev et al.
// 2021): boxes of a class that overlap by at least iou are a cluster, whose edges are the means weighted by score and
// the view's weight. Its score is, with s_a the best score of view a in it or 0, the weighted mean of s_a over all
// views: a box that half of the views miss has half the score, none exceeds 1, and a view that finds a box twice counts
// once. Scaling all weights changes nothing. nil weights are equal. The result is ordered by score and does not depend
// on the order of the boxes of a view.
//
// The error wraps [tensor.ErrShape], [tensor.ErrNotFinite] or [tensor.ErrRange].
func FuseBoxes(views [][]Box, weights []float64, iou float64) ([]Box, error) {
	const call = "FuseBoxes"
	if err := errors.Join(checkBoxes(call, views), checkIoU(call, iou)); err != nil {
		return nil, err
	}
	if weights == nil {
		weights = slices.Repeat([]float64{1}, len(views))
	}
	if len(weights) != len(views) {
		return nil, fmt.Errorf("tta: %s: %d weights for %d views: %w", call, len(weights), len(views), tensor.ErrShape)
	}
	total := 0.0
	for a, w := range weights {
		if !(w > 0) || math.IsInf(w, 0) {
			return nil, fmt.Errorf("tta: %s: weight %d is %v, want more than 0: %w", call, a, w, tensor.ErrRange)
		}
		total += w
	}
	var all []sourced
	for a, boxes := range views {
		for _, b := range boxes {
			all = append(all, sourced{b, a, b.Score * weights[a] / total})
		}
	}
	slices.SortFunc(all, func(a, b sourced) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), bySure(a.Box, b.Box), a.view-b.view)
	})
	var clusters []*cluster
	for _, s := range all {
		var best *cluster
		most := iou
		for _, c := range clusters {
			if v := c.box.IoU(s.Box); c.box.Class == s.Class && (v > most || v == most && best == nil) {
				best, most = c, v
			}
		}
		if best == nil {
			best = &cluster{score: make([]float64, len(views))}
			clusters = append(clusters, best)
		}
		best.add(s)
	}
	fused := make([]Box, len(clusters))
	for k, c := range clusters {
		fused[k] = c.box
		fused[k].Score = 0
		for a, s := range c.score {
			fused[k].Score += s * weights[a] / total
		}
		fused[k].Score = min(fused[k].Score, 1)
	}
	slices.SortFunc(fused, bySure)
	return fused, nil
}

// sourced is a box with its view and weight in means.
type sourced struct {
	Box
	view   int
	weight float64
}

// cluster is boxes that are one.
type cluster struct {
	box    Box
	weight float64
	score  []float64 // the best of each view
}

func (c *cluster) add(s sourced) {
	c.score[s.view] = max(c.score[s.view], s.Score)
	c.box.Class = s.Class
	before := c.weight
	c.weight += s.weight
	if c.weight == 0 { // scores of 0
		c.box = s.Box
		return
	}
	f := s.weight / c.weight
	if before == 0 {
		f = 1
	}
	c.box.X0 += f * (s.X0 - c.box.X0)
	c.box.Y0 += f * (s.Y0 - c.box.Y0)
	c.box.X1 += f * (s.X1 - c.box.X1)
	c.box.Y1 += f * (s.Y1 - c.box.Y1)
}

// Suppress is non-maximum suppression of the boxes of all views: of those of a class that overlap by more than iou the
// surest stays. The result is ordered by score. The error is that of [FuseBoxes].
func Suppress(views [][]Box, iou float64) ([]Box, error) {
	const call = "Suppress"
	if err := errors.Join(checkBoxes(call, views), checkIoU(call, iou)); err != nil {
		return nil, err
	}
	all := slices.Concat(views...)
	slices.SortFunc(all, bySure)
	var kept []Box
	for _, b := range all {
		if !slices.ContainsFunc(kept, func(k Box) bool { return k.Class == b.Class && k.IoU(b) > iou }) {
			kept = append(kept, b)
		}
	}
	return kept, nil
}

// SoftSuppress lowers the scores of boxes that overlap a surer one of their class, by the factor exp(-IoU²/sigma)
// (Bodla et al. 2017), and leaves out those that come below least. The result is ordered by score. The error is that of
// [FuseBoxes], or wraps [tensor.ErrRange] for a sigma that is not above 0.
func SoftSuppress(views [][]Box, sigma, least float64) ([]Box, error) {
	const call = "SoftSuppress"
	if err := checkBoxes(call, views); err != nil {
		return nil, err
	}
	if !(sigma > 0) {
		return nil, fmt.Errorf("tta: %s: sigma %v, want more than 0: %w", call, sigma, tensor.ErrRange)
	}
	all := slices.Concat(views...)
	var kept []Box
	for len(all) > 0 {
		slices.SortFunc(all, bySure)
		best := all[0]
		if all = all[1:]; best.Score < least {
			break
		}
		kept = append(kept, best)
		for i := range all {
			if v := best.IoU(all[i]); all[i].Class == best.Class {
				all[i].Score *= math.Exp(-v * v / sigma)
			}
		}
	}
	slices.SortFunc(kept, bySure)
	return kept, nil
}
