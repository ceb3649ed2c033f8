package main

import (
	"regexp"
	"strings"
)

// packages is how errors of the library begin, wherever they stand in a sentence.
var packages = regexp.MustCompile(
	`\b(tradeoff|runlog|importers|score|pareto|plot|stats): (?:[A-Z][A-Za-z]*(?:\.[A-Z][A-Za-z]*)?: )?`)

// flags is what the command calls things that the library has functions for.
var flagNames = strings.NewReplacer("(ResumeClock)", "by -resume-clock", "give it the speedup that matters ForSpeedup",
	"give the speedup that matters with -speedup", "compare KaplanMeier curves by LogRank",
	"the times are compared by a log-rank test", "say which", "choose one with -quality",
	"neither its name nor the records tell", "neither its name nor the logs tell; say it with -direction")

// plain is the text of an error for people who use the command and not the library.
func plain(err error) string { return flagNames.Replace(packages.ReplaceAllString(err.Error(), "")) }
