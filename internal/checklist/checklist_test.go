package checklist

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/espalier-ml/espalier/tensor"
)

var table = Table[int]{
	{"X01", "sign", Error, "not negative", func(n int, p *Places) {
		if n < 0 {
			p.Fail("%d is", n)
		}
		p.Unknown("never counts beside a failure")
	}},
	{"X02", "size", Warning, "small", func(n int, p *Places) {
		if n > 9 {
			p.Fail("%d", n)
		}
	}},
}

func TestReview(t *testing.T) {
	findings, err := table.Review(-1)
	assert.NoError(t, err)
	assert.Equal(t, []Finding{{"X01", Error, "not negative: -1 is"}}, findings)
	findings, err = table.Review(10, "X02", "X01")
	assert.NoError(t, err)
	assert.Equal(t, "X01 undecided: not negative: never counts beside a failure", findings[0].String())
	assert.Equal(t, "X02 warning: small: 10", findings[1].String())
	b, err := json.Marshal(findings)
	assert.NoError(t, err)
	var back []Finding
	assert.NoError(t, json.Unmarshal(b, &back))
	assert.Equal(t, findings, back)
	_, err = table.Review(0, "X03")
	assert.EqualError(t, err, `no rule "X03", want X01 to X02: out of range`)
	assert.ErrorIs(t, err, tensor.ErrRange)
	assert.Equal(t, Rule{"X02", "size", Warning, "small"}, table.Rules()[1])
}
