package runlog

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/espalier-ml/espalier/tensor"
	"github.com/espalier-ml/espalier/tradeoff"
)

// What words in names of qualities say when the records do not.
var (
	lowerWords = []string{"loss", "err", "error", "perplexity", "ppl", "nll", "wer", "cer", "mse", "mae", "rmse", "nrmse",
		"mape", "xent", "bpb", "bpc", "fid", "kl", "brier", "logloss", "regret", "entropy", "crossentropy"}
	higherWords = []string{"acc", "accuracy", "top1", "top5", "acc1", "acc5", "auc", "auroc", "auprc", "f1", "bleu",
		"rouge",
		"precision", "recall", "iou", "miou", "map", "dice", "r2", "psnr", "ssim", "ndcg", "mrr", "reward", "return",
		"correct"}
)

// DirectionOf is the direction of a quality by what its name is used for: lower for names with a word such as "loss",
// "err", "perplexity" or "bits_per_byte" in them, higher for "accuracy", "f1" and the like. It reports false for names
// that have neither or both. Words end at punctuation and where capitals begin.
func DirectionOf(quality string) (tradeoff.Direction, bool) {
	words := wordsOf(quality)
	lower := slices.ContainsFunc(words, func(w string) bool { return slices.Contains(lowerWords, w) }) ||
		strings.Contains(strings.Join(words, "_"), "bits_per_")
	higher := slices.ContainsFunc(words, func(w string) bool { return slices.Contains(higherWords, w) })
	if lower { // the error of a precision is an error
		return tradeoff.LowerBetter, true
	}
	return tradeoff.HigherBetter, higher
}

// wordsOf is the words of a name in lower case: of "valLoss" val and loss, of "eval/top1-error" eval, top1 and error.
func wordsOf(name string) []string {
	var words []string
	word := []rune{}
	flush := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
		}
		word = word[:0]
	}
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			continue
		case unicode.IsUpper(r) && len(word) > 0 && !unicode.IsUpper(word[len(word)-1]):
			flush()
		}
		word = append(word, r)
	}
	flush()
	return words
}

// direction is that of the records, or guessed by the name.
func (r *loggedRun) direction(quality string) (d tradeoff.Direction, guessed bool, err error) {
	if d, err := tradeoff.ParseDirection(r.Direction[quality]); err == nil {
		return d, false, nil
	}
	d, sure := DirectionOf(quality)
	if !sure {
		return 0, false, fmt.Errorf("runlog: Arms: whether %q is better higher or lower, "+
			"neither its name nor the records tell: %w", quality, tensor.ErrShape)
	}
	return d, true, nil
}

// directionOf is the direction that was set, or that of a run.
func (l *Log) directionOf(r *loggedRun, quality string) (d tradeoff.Direction, guessed bool, err error) {
	if l.direction != nil {
		return *l.direction, false, nil
	}
	return r.direction(quality)
}
