package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/espalier-ml/espalier/tradeoff/runlog"
)

func check(c *call, args []string) error {
	var s selection
	s.register(c.flags)
	rules := c.flags.String("rules", "", "these rules only, as T01,T06")
	strict := c.flags.Bool("strict", false, "fail on warnings and on what the records do not tell, too")
	list := c.flags.Bool("list", false, "print the rules and no findings; takes no files")
	asJSON := c.flags.Bool("json", false, "print JSON")
	files, err := c.parse(args, list)
	if err == nil && *list {
		for _, r := range runlog.Rules() {
			fmt.Fprintf(c.stdout, "%s %-10s %-26s %s\n", r.ID, r.Severity, r.Name, r.Text)
		}
		return nil
	}
	if err != nil {
		return err
	}
	log, err := c.log(files, &s)
	if err != nil {
		return err
	}
	var ids []string
	if *rules != "" {
		ids = strings.Split(*rules, ",")
	}
	findings, err := log.Review(ids...)
	if err != nil {
		return err
	}
	failed := false
	for _, f := range findings {
		failed = failed || f.Severity == runlog.Error || *strict
	}
	if *asJSON {
		if err := json.NewEncoder(c.stdout).Encode(append([]runlog.Finding{}, findings...)); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			fmt.Fprintln(c.stdout, f)
		}
	}
	if failed {
		return errFindings
	}
	return nil
}
