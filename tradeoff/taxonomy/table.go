package taxonomy

// table is the methods. A test resolves every symbol, so that none can be renamed without it.
var table = []Method{
	{
		Name: "unstructured pruning", Package: "prune", Symbol: "New", Paper: "arXiv 2003.03033",
		Cells: []Cell{{Parameters, Remove}}, Goal: Quality,
		Notes: "smaller models of nearly the same quality; masks alone make no dense product faster",
	},
	{
		Name: "channel pruning", Package: "prune", Symbol: "Channel", Paper: "arXiv 2003.03033",
		Cells: []Cell{{Architecture, Remove}, {Parameters, Remove}}, Goal: Speed,
		Helps: []Bottleneck{Compute, MemoryBandwidth},
		Hurts: []Bottleneck{Input, InputLoad, InputPreprocess},
		Notes: "fewer channels are less arithmetic once they are cut out; the loader then has less time for each batch",
	},
	{
		Name: "N:M sparsity", Package: "prune", Symbol: "NM", Paper: "arXiv 2003.03033",
		Cells: []Cell{{Parameters, Remove}}, Phase: Inference, Goal: Speed, Helps: []Bottleneck{Compute, MemoryBandwidth},
		Notes: "a pattern that hardware and kernels can use",
	},
	{
		Name: "sparse training", Package: "prune", Symbol: "RigL", Paper: "arXiv 1911.11134",
		Cells: []Cell{{Parameters, Remove}, {Parameters, Reorder}}, Goal: Quality, Hurts: []Bottleneck{Overhead},
		Notes: "connections move while training; with dense kernels it costs a little and saves nothing",
	},
	{
		Name: "table lookups for products", Package: "maddness", Symbol: "Fit", Paper: "arXiv 2106.10860",
		Cells: []Cell{{Architecture, Replace}, {Parameters, Restrict}}, Phase: Inference, Goal: Speed,
		Helps: []Bottleneck{Compute, MemoryBandwidth},
		Notes: "a fixed matrix without multiplications, at an error that has to be measured",
	},
	{
		Name: "low-rank products", Package: "maddness/amm", Symbol: "FitPCA", Paper: "arXiv 2106.10860",
		Cells: []Cell{{Parameters, Restrict}}, Phase: Inference, Goal: Speed, Helps: []Bottleneck{Compute, MemoryBandwidth},
		Notes: "two thin products instead of one; the rival to beat with lookups",
	},
	{
		Name: "cyclic learning rates", Package: "schedule", Symbol: "Cyclic", Paper: "arXiv 2206.00832",
		Cells: []Cell{{Algorithm, Reorder}}, Phase: Measuring, Goal: Speed,
		Notes: "a whole tradeoff curve for the price of its longest run",
	},
	{
		Name: "budgeted schedules", Package: "schedule", Symbol: "WSD",
		Cells: []Cell{{Algorithm, Restrict}, {Algorithm, Reorder}}, Goal: Speed, Helps: []Bottleneck{Compute},
		Notes: "a rate that decays to the end of the budget that there is: the same quality in fewer steps",
	},
	{
		Name: "progressive resizing", Package: "schedule", Symbol: "Quantize",
		Cells: []Cell{{TrainingData, Reorder}, {TrainingData, Restrict}}, Goal: Speed, Helps: []Bottleneck{Compute},
		Hurts: []Bottleneck{Input, InputLoad, InputPreprocess},
		Notes: "image size or sequence length as a function of the step; early steps become cheap, and the input the " +
			"bottleneck",
	},
	{
		Name: "growing batches", Package: "schedule", Symbol: "Ints",
		Cells: []Cell{{Algorithm, Reorder}}, Goal: Speed, Helps: []Bottleneck{Optimizer, Overhead, Communication},
		Notes: "fewer and larger steps late in training: less time in updates and exchange",
	},
	{
		Name: "early stopping of a plateau", Package: "schedule", Symbol: "NewPlateau",
		Cells: []Cell{{Algorithm, Remove}}, Goal: Speed, Helps: []Bottleneck{Compute}, Hurts: []Bottleneck{Evaluation},
		Notes: "steps that improve nothing are not taken; it needs evaluations to know",
	},
	{
		Name: "scheduled masking rates", Package: "schedule/masking", Symbol: "New", Paper: "arXiv 2305.15096",
		Cells: []Cell{{Objective, Reorder}, {TrainingData, Reorder}}, Goal: Speed, Helps: []Bottleneck{Compute},
		Notes: "the same loss in fewer steps of pretraining",
	},
	{
		Name: "sparse targets", Package: "schedule/masking", Symbol: "Masker.MaskSparse", Paper: "arXiv 2305.15096",
		Cells: []Cell{{DerivedData, Remove}}, Goal: Speed, Helps: []Bottleneck{Compute, MemoryBandwidth},
		Notes: "logits of the positions to predict alone, and not of all",
	},
	{
		Name: "importance weights", Package: "causal", Symbol: "FitWeights", Paper: "arXiv 2105.06422",
		Cells: []Cell{{TrainingData, Reorder}}, Goal: Quality,
		Notes: "rows count as often as they would without a shortcut",
	},
	{
		Name: "independence penalties", Package: "causal", Symbol: "NewMMD", Paper: "arXiv 2105.06422",
		Cells: []Cell{{Objective, Retrofit}}, Goal: Quality, Hurts: []Bottleneck{Compute},
		Notes: "robust under shifts of an attribute; a kernel matrix of the batch more",
	},
	{
		Name: "stratified batches", Package: "causal", Symbol: "NewStratified", Paper: "arXiv 2105.06422",
		Cells: []Cell{{TrainingData, Reorder}}, Goal: Quality,
		Notes: "every batch has rows of every group, with the weights that belong to that",
	},
	{
		Name: "importance sampling", Package: "causal", Symbol: "NewResampler",
		Cells: []Cell{{TrainingData, Reorder}}, Goal: Quality,
		Notes: "rows drawn by weight instead of weighted in the loss",
	},
	{
		Name: "group-balanced subsets", Package: "causal", Symbol: "BalancedSubset",
		Cells: []Cell{{TrainingData, Remove}}, Goal: Quality, Helps: []Bottleneck{InputLoad},
		Notes: "the last layer refitted on few rows of every group",
	},
	{
		Name: "deterministic bootstrap of few runs", Package: "tensor/stats", Symbol: "Resample",
		Cells: []Cell{{Algorithm, Remove}}, Phase: Measuring, Goal: Speed, Helps: []Bottleneck{Evaluation},
		Notes: "as few runs as a claim needs, with an interval that says so",
	},
}
