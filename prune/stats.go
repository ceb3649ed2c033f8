package prune

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/espalier-ml/espalier/tensor"
)

// Stats are the size and the theoretical cost of a pruned model. Masks count, not values: a bias that happens to be
// zero is not pruned. All parameters count in the size, prunable or not; running statistics of norms are no
// parameters.
type Stats struct {
	Layers []LayerStats `json:"layers"` // one per parameter, in order

	Size          int      `json:"size"`                // scalars before
	Kept          int      `json:"kept"`                // scalars after
	Prunable      int      `json:"prunable"`            // scalars of parameters that may be pruned
	NonzeroValues int      `json:"nonzero_values"`      // scalars that are not zero, which ShrinkBench calls size_nz
	MACs          int64    `json:"macs,omitempty"`      // multiply-adds per example before; 0 without WithMACs
	KeptMACs      int64    `json:"kept_macs,omitempty"` // and after, of weights alone
	Collapsed     []string `json:"collapsed,omitempty"` // weights that have lost every element
}

// LayerStats are those of one parameter.
type LayerStats struct {
	Info
	Prunable      bool  `json:"prunable"`
	Kept          int   `json:"kept"`
	NonzeroValues int   `json:"nonzero_values"`
	KeptMACs      int64 `json:"kept_macs,omitempty"`
}

// Sparsity is the fraction of the parameter that is pruned.
func (l LayerStats) Sparsity() float64 {
	if l.Size == 0 {
		return 0
	}
	return float64(l.Size-l.Kept) / float64(l.Size)
}

// StatsOf computes the statistics of masks over a model. Parameters without a mask are not pruned; macs may be nil.
// Errors are those of [New] for parameters and multiply-adds and of [ApplyMasks] for masks.
func StatsOf[T tensor.Float](params []*tensor.Param[T], masks *Masks, macs map[string]int64) (Stats, error) {
	infos, err := describe(params, LayoutNN, nil, macs)
	if err != nil {
		return Stats{}, err
	}
	found := 0
	for _, info := range infos {
		if m := masks.get(info.Name); m != nil {
			if found++; m.n != info.Size {
				return Stats{}, fmt.Errorf("prune: param %q: %d elements and a mask of %d: %w",
					info.Name, info.Size, m.n, tensor.ErrShape)
			}
		}
	}
	if masks != nil && found != masks.Len() {
		return Stats{}, orphans(masks, func(name string) bool {
			return slices.ContainsFunc(infos, func(i Info) bool { return i.Name == name })
		})
	}
	return statsOf(params, infos, masks.get), nil
}

// Stats computes the statistics of the model as it is pruned now.
func (p *Pruner[T]) Stats() Stats {
	masks := map[string]*Mask{}
	for k, i := range p.pick.at {
		masks[p.pick.infos[i].Name] = p.pick.masks[k]
	}
	return statsOf(p.pick.params, p.pick.infos, func(name string) *Mask { return masks[name] })
}

func statsOf[T tensor.Float](params []*tensor.Param[T], infos []Info, mask func(name string) *Mask) Stats {
	var s Stats
	for i, info := range infos {
		l := LayerStats{Info: info, Kept: info.Size}
		for _, v := range params[i].Data {
			if v != 0 {
				l.NonzeroValues++
			}
		}
		if info.TiedTo != "" { // counted there
			if m := mask(info.TiedTo); m != nil {
				l.Prunable, l.Kept = true, m.Count()
			}
			s.Layers = append(s.Layers, l)
			continue
		}
		if m := mask(info.Name); m != nil {
			l.Prunable, l.Kept = true, m.Count()
			s.Prunable += info.Size
			if l.Kept == 0 && info.Role == Weight && info.Size > 0 {
				s.Collapsed = append(s.Collapsed, info.Name)
			}
		}
		l.KeptMACs = int64(keptMACs(info, l.Kept) + 0.5)
		s.Size += info.Size
		s.Kept += l.Kept
		s.NonzeroValues += l.NonzeroValues
		s.MACs += info.MACs
		s.KeptMACs += l.KeptMACs
		s.Layers = append(s.Layers, l)
	}
	return s
}

// Compression is the size before over the size after, >= 1, and infinite if nothing is left, which [Stats.String] says
// in words. What is left may include
// weights that no path uses; [EffectiveKept] counts without them.
func (s Stats) Compression() float64 { return float64(s.Size) / float64(s.Kept) }

// Speedup is the theoretical one: multiply-adds before over after, >= 1, and infinite if nothing is left. The error
// wraps tensor.ErrEmpty if they were not counted; see [WithMACs].
func (s Stats) Speedup() (float64, error) {
	if s.MACs == 0 {
		return 0, fmt.Errorf("prune: Speedup: no multiply-adds were counted: %w", tensor.ErrEmpty)
	}
	return float64(s.MACs) / float64(s.KeptMACs), nil
}

// Sparsity is the pruned fraction of the prunable scalars.
func (s Stats) Sparsity() float64 {
	if s.Prunable == 0 {
		return 0
	}
	return float64(s.Size-s.Kept) / float64(s.Prunable)
}

// String is a table with a line per parameter and one for the model.
func (s Stats) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "parameter\tshape\tsize\tkept\tsparsity\tMACs\tkept\t")
	for _, l := range s.Layers {
		note := ""
		if !l.Prunable {
			note = "not pruned"
		}
		if l.TiedTo != "" {
			note = "is " + l.TiedTo
		}
		fmt.Fprintf(w, "%s\t%v\t%d\t%d\t%.4f\t%d\t%d\t %s\n",
			l.Name, l.Shape, l.Size, l.Kept, l.Sparsity(), l.MACs, l.KeptMACs, note)
	}
	fmt.Fprintf(w, "model\t\t%d\t%d\t%.4f\t%d\t%d\t\n", s.Size, s.Kept, s.Sparsity(), s.MACs, s.KeptMACs)
	w.Flush()
	if s.Kept == 0 {
		b.WriteString("nothing is left")
	} else {
		fmt.Fprintf(&b, "compression %.4g", s.Compression())
	}
	if speedup, err := s.Speedup(); err == nil && s.KeptMACs > 0 {
		fmt.Fprintf(&b, ", theoretical speedup %.4g", speedup)
	}
	if len(s.Collapsed) > 0 {
		fmt.Fprintf(&b, ", collapsed: %s", strings.Join(s.Collapsed, ", "))
	}
	return b.String() + "\n"
}
