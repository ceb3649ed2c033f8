package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/espalier-ml/espalier/causal"
)

func auditText(t *testing.T, text string, s settings) (string, error) {
	t.Helper()
	s.file, s.score, s.y, s.v, s.margin = "-", "score", "y", "v", 0.1
	var b bytes.Buffer
	err := run(context.Background(), s, strings.NewReader(text), &b)
	return b.String(), err
}

func TestDemonstration(t *testing.T) {
	var b bytes.Buffer
	dir := t.TempDir()
	require.NoError(t, run(context.Background(), settings{margin: 0.1, out: dir}, nil, &b))
	assert.Contains(t, b.String(), "verdict: clean")
	assert.Contains(t, b.String(), "verdict: uses the shortcut")
	svg, err := os.ReadFile(filepath.Join(dir, "audit.svg"))
	require.NoError(t, err)
	assert.Contains(t, string(svg), "uses the shortcut")
}

func TestMessyFiles(t *testing.T) {
	var b strings.Builder
	b.WriteString("\ufeffid,y,v,score\n")
	for i := range 400 {
		v := []string{"north", "south", "NA", "east"}[i%4]
		fmt.Fprintf(&b, "%d,%d,%s,%g\n", i, i/4%2, v, float64(i/4%2)+float64(i*7919%100)/50)
	}
	out, err := auditText(t, b.String(), settings{})
	require.NoError(t, err)
	assert.Contains(t, out, "0=east 1=north 2=south")
	assert.Contains(t, out, "300 rows, 100 more without a known auxiliary label")
	assert.Equal(t, 3, strings.Count(out, "AUC of v="))
	out, err = auditText(t, b.String(), settings{asJSON: true})
	require.NoError(t, err)
	var r causal.AuditReport
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	assert.Equal(t, 300, r.Rows)
}

func TestBadFiles(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "no header",
		"y,v\n1,1\n":                        `no column "score"`,
		"score,y,v\nNaN,1,1\n":              "not finite",
		"score,y,v\nhigh,1,1\n":             `the score is "high"`,
		"score,y,v\n1,2,1\n":                `row 1: the label is "2"`,
		"score,y,v\n1,1\n":                  "wrong number of fields",
		"score,y,v\n1,1,NA\n":               "no row of 1 has a known label",
		"score,y,v\n":                       "no row of 0",
		"score,y,v\n\"1,1,1\n":              "quote",
		"score,y,v\n0.1,1,1\n0.2,0,1.5.2\n": "",
	} {
		_, err := auditText(t, text, settings{})
		if want == "" {
			assert.NoError(t, err, text)
			continue
		}
		assert.ErrorContains(t, err, want, "%q", text)
	}
}
