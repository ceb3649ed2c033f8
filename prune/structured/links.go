package structured

// links joins channels that are kept or pruned together: a union of sets.
type links struct {
	parent []int
	kept   []string // why a channel must stay, "" if it need not; valid for the first of a set
}

// add returns new channels.
func (l *links) add(n int) []int {
	ids := make([]int, n)
	for k := range ids {
		ids[k] = len(l.parent)
		l.parent = append(l.parent, ids[k])
		l.kept = append(l.kept, "")
	}
	return ids
}

// find is the first channel of a set.
func (l *links) find(id int) int {
	for l.parent[id] != id {
		l.parent[id] = l.parent[l.parent[id]]
		id = l.parent[id]
	}
	return id
}

func (l *links) join(a, b int) {
	a, b = l.find(a), l.find(b)
	if a > b {
		a, b = b, a
	}
	l.parent[b] = a
	if l.kept[a] == "" {
		l.kept[a] = l.kept[b]
	}
}

func (l *links) keep(id int, why string) {
	if id = l.find(id); l.kept[id] == "" {
		l.kept[id] = why
	}
}
