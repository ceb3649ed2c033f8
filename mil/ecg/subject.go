package ecg

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/espalier-ml/espalier/internal/enum"
	"github.com/espalier-ml/espalier/internal/report"
)

// Subject is who a record is of, as far as its comments tell.
type Subject struct {
	Age float64 // years; NaN if it is not known
	Sex Sex
}

type subjectJSON struct {
	Age report.Number `json:"age"`
	Sex Sex           `json:"sex"`
}

// MarshalJSON writes an age that is not known as null.
func (s Subject) MarshalJSON() ([]byte, error) {
	return json.Marshal(subjectJSON{report.Number(s.Age), s.Sex})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Subject) UnmarshalJSON(b []byte) error {
	var j subjectJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*s = Subject{float64(j.Age), j.Sex}
	return nil
}

// Sex is the sex of a [Subject].
type Sex uint8

// The values.
const (
	SexUnknown Sex = iota
	Female
	Male
)

var sexes = enum.Of[Sex]("sex", "unknown", "female", "male")

// String is the name.
func (s Sex) String() string { return sexes.String(s) }

// MarshalText writes the name.
func (s Sex) MarshalText() ([]byte, error) { return sexes.Marshal(s) }

// UnmarshalText reads a name.
func (s *Sex) UnmarshalText(text []byte) error { return sexes.Unmarshal(s, text) }

var (
	agePattern = regexp.MustCompile(`(?i)(?:^|[^a-z])age>?\s*[:=]\s*([0-9.]+)`)
	sexPattern = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:sex|gender)>?\s*[:=]\s*([a-z]+)`)
	// Of the MIT-BIH databases: age and sex, then numbers of the recorder.
	barePattern = regexp.MustCompile(`^([0-9]{1,3}|-1) ([MF])(?: |$)`)
)

// ParseSubject finds age and sex in the comments of a header, in the forms that databases have: "age: 81", "Age: 71",
// "<age>: 28  <sex>: M" and "69 M 1085 1629 x1". What is given as "??", "NaN" or "-" is not known.
func ParseSubject(comments []string) Subject {
	s := Subject{Age: math.NaN()}
	age := func(text string) {
		if v, err := strconv.ParseFloat(text, 64); err == nil && v <= 150 && s.Age != s.Age {
			s.Age = v
		}
	}
	sex := func(text string) {
		switch text = strings.ToLower(text); {
		case s.Sex != SexUnknown:
		case text == "m" || text == "male":
			s.Sex = Male
		case text == "f" || text == "female":
			s.Sex = Female
		}
	}
	for _, c := range comments {
		if m := agePattern.FindStringSubmatch(c); m != nil {
			age(m[1])
		}
		if m := sexPattern.FindStringSubmatch(c); m != nil {
			sex(m[1])
		}
		if m := barePattern.FindStringSubmatch(c); m != nil {
			if m[1] != "-1" {
				age(m[1])
			}
			sex(m[2])
		}
	}
	return s
}
