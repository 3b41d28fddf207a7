package iac

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/aquasecurity/trivy/pkg/iac/providers/dockerfile"
	"github.com/aquasecurity/trivy/pkg/iac/scanners/dockerfile/parser"
	"github.com/aquasecurity/trivy/pkg/iac/types"
	buildkit "github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/pullwarden/pullwarden/internal/change"
)

// dockerfile looks at one Dockerfile.
func (in *inspection) dockerfile(path string, text []byte) error {
	parsed, err := parser.NewParser().Parse(in.ctx, bytes.NewReader(text), path)
	if err != nil {
		return &SyntaxError{Path: path, Line: lineIn(err), Why: "cannot be read as a Dockerfile"}
	}
	for _, d := range parsed {
		results, err := in.engine.judge(in.ctx, types.SourceDockerfile, path, d.ToRego())
		if err != nil {
			return err
		}
		for _, res := range results {
			if !counts(res.Rule()) {
				continue
			}
			h := hit{
				rule:    in.engine.rule(res.Rule()),
				at:      change.Span{Path: path, Start: res.Range().GetStartLine(), End: res.Range().GetEndLine()},
				message: message(res, ""),
			}
			if h.at.Start == 0 { // something is missing: the last stage is what runs
				h.at = lastStage(d, path)
			} else {
				h.at.End = max(h.at.Start, h.at.End)
				h.name = clean(linesOf(text, h.at.Start, h.at.End))
			}
			in.hits = append(in.hits, h)
		}
	}
	return nil
}

func lastStage(d *dockerfile.Dockerfile, path string) change.Span {
	at := change.Span{Path: path}
	if n := len(d.Stages); n > 0 {
		if c := d.Stages[n-1].Commands; len(c) > 0 {
			at.Start, at.End = c[0].StartLine, c[len(c)-1].EndLine
		}
	}
	return at
}

var lineNumber = regexp.MustCompile(`line (\d+)`)

// lineIn returns the line that an error of a parser names, 0 if none. The text
// of such errors quotes the file and is not shown.
func lineIn(err error) int {
	if at := (*buildkit.LocationError)(nil); errors.As(err, &at) && len(at.Locations) > 0 && len(at.Locations[0]) > 0 {
		return at.Locations[0][0].Start.Line
	}
	if m := lineNumber.FindStringSubmatch(strings.ToLower(err.Error())); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return 0
}
