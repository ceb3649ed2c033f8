// Package taxonomy finds the method of this module that acts on a part of training: a table of methods by what they
// change, in what way, and which bottleneck that helps or hurts.
//
// The arrangement is after Bartoldson, Kailkhura and Blalock 2023 (arXiv 2210.06640), whose survey sorts algorithms for
// efficient training by the subcomponent that they change and by one of five actions: remove, restrict, reorder,
// replace, retrofit. Which method stands in which cell is this module's own judgement and not a quotation.
//
//	for _, m := range taxonomy.Find(taxonomy.In(taxonomy.Parameters, taxonomy.Remove)) {
//		fmt.Println(m.Name, m.Package, m.Symbol)
//	}
//	for _, m := range taxonomy.Find(taxonomy.Helping(taxonomy.Compute)) {
//		...
//	}
//
// It is not a list of all methods there are: only of those that can be imported from here. Package pipeline finds the
// bottleneck, and asks this package what to do about it.
package taxonomy
