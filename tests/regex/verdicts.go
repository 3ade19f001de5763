// Says for each pattern of patterns.json what Go's regexp makes of it: why it is refused, or which texts match. Reads and
// writes the file in place; a new row needs only its "pattern" and some "others".
//
//	go run verdicts.go
//
// A pattern is compiled as Tempo compiles it: as it is, which decides whether it is valid, and then parsed with "." matching
// line ends and anchored at both ends.
package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"regexp/syntax"
)

type row struct {
	Pattern string   `json:"pattern"`
	Error   string   `json:"error,omitempty"`
	Matches []string `json:"matches,omitempty"`
	Others  []string `json:"others,omitempty"`
}

func judged(old row) row {
	new := row{Pattern: old.Pattern}
	texts := append(old.Matches, old.Others...)
	if _, err := regexp.Compile(old.Pattern); err != nil {
		new.Error, new.Others = err.Error(), texts
		return new
	}
	parsed, err := syntax.Parse(old.Pattern, syntax.Perl|syntax.DotNL)
	if err != nil {
		panic(err)
	}
	anchored := regexp.MustCompile("^(?s:" + parsed.String() + ")$")
	for _, text := range texts {
		if anchored.MatchString(text) {
			new.Matches = append(new.Matches, text)
		} else {
			new.Others = append(new.Others, text)
		}
	}
	return new
}

func main() {
	const file = "patterns.json"
	text, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	var rows []row
	if err := json.Unmarshal(text, &rows); err != nil {
		panic(err)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for i, old := range rows {
		if out.WriteString(",\n"); i == 0 {
			out.Truncate(0)
			out.WriteString("[\n")
		}
		if err := encoder.Encode(judged(old)); err != nil {
			panic(err)
		}
		// Encode ends the line.
		out.Truncate(out.Len() - 1)
	}
	out.WriteString("\n]\n")
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		panic(err)
	}
}
