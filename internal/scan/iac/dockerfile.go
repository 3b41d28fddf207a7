package iac

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aquasecurity/trivy/pkg/iac/providers/dockerfile"
	trivy "github.com/aquasecurity/trivy/pkg/iac/scan"
	"github.com/aquasecurity/trivy/pkg/iac/scanners/dockerfile/parser"
	"github.com/aquasecurity/trivy/pkg/iac/types"
	buildkit "github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/pullwarden/pullwarden/internal/change"
)

// fromLine matches the instruction that a Dockerfile cannot do without.
var fromLine = regexp.MustCompile(`(?im)^[ \t]*FROM[ \t]+\S+(?:[ \t]+AS[ \t]+\S+)?[ \t]*\r?$`)

// dockerfile looks at one Dockerfile.
func (in *inspection) dockerfile(path string, text []byte) error {
	parsed, err := parser.NewParser().Parse(in.ctx, bytes.NewReader(text), path)
	if err != nil && !isExactlyDockerfile(path) && !fromLine.Match(text) {
		return nil // only named after one
	}
	if err != nil {
		return &SyntaxError{Path: path, Line: lineIn(err), Why: "cannot be read as a Dockerfile"}
	}
	if err := in.ready(); err != nil {
		return err
	}
	for _, d := range parsed {
		results, err := in.engine.judge(in.ctx, types.SourceDockerfile, path, d.ToRego())
		if err != nil {
			return err
		}
		last, err := in.engine.judge(in.ctx, types.SourceDockerfile, path, running(d).ToRego())
		if err != nil {
			return err
		}
		isUser := func(res trivy.Result) bool { return res.Rule().ID == lastUser }
		results = slices.DeleteFunc(results, isUser)
		for _, res := range append(results, slices.DeleteFunc(last, func(res trivy.Result) bool { return !isUser(res) })...) {
			if !counts(res.Rule()) {
				continue
			}
			h := hit{
				rule:    in.engine.rule(res.Rule()),
				at:      change.Span{Path: path, Start: res.Range().GetStartLine(), End: res.Range().GetEndLine()},
				message: in.engine.message(res, ""),
			}
			if h.at.Start == 0 { // something is missing: the last stage is what runs
				h.span = lastStage(d, path)
				h.at = h.span
				h.at.End = h.at.Start
			} else {
				h.at.End = max(h.at.Start, h.at.End)
				h.name = clean(linesOf(text, h.at.Start, h.at.End))
			}
			in.hits = append(in.hits, h)
		}
	}
	return nil
}

// lastUser is the check of who runs the image. The engine asks it of all
// stages together, although only the last one becomes the image.
const lastUser = "DS-0002"

// running is the stage that becomes the image, beginning with the commands of
// the stages that it is made from, and with the variables of USER filled in.
func running(d *dockerfile.Dockerfile) *dockerfile.Dockerfile {
	if len(d.Stages) == 0 {
		return d
	}
	global := map[string]string{}
	named := map[string]int{}
	origin := make([]int, len(d.Stages))
	for i, stage := range d.Stages {
		origin[i] = -1
		for _, c := range stage.Commands {
			switch {
			case c.Cmd == "arg" && stage.Name == "":
				arguments(c, global, nil)
			case c.Cmd == "from" && len(c.Value) > 0:
				if from, ok := named[strings.ToLower(expand(c.Value[0], global))]; ok {
					origin[i] = from
				}
				if len(c.Value) == 3 && strings.EqualFold(c.Value[1], "as") {
					named[strings.ToLower(c.Value[2])] = i
				}
			}
		}
	}
	var chain []int
	for i := len(d.Stages) - 1; i >= 0; i = origin[i] {
		chain = append([]int{i}, chain...)
	}
	out := dockerfile.Stage{Name: d.Stages[len(d.Stages)-1].Name}
	values := map[string]string{}
	for _, i := range chain {
		for _, c := range d.Stages[i].Commands {
			switch c.Cmd {
			case "arg":
				arguments(c, values, global)
			case "env":
				for n := 0; n+1 < len(c.Value); n += 3 { // name, value, separator
					values[c.Value[n]] = expand(strings.Trim(c.Value[n+1], `"'`), values)
				}
			case "user":
				c.Value = slices.Clone(c.Value)
				for n := range c.Value {
					c.Value[n] = strings.Trim(expand(c.Value[n], values), `"'`)
				}
			}
			out.Commands = append(out.Commands, c)
		}
	}
	return &dockerfile.Dockerfile{Stages: []dockerfile.Stage{out}}
}

// arguments notes the defaults of an ARG; one without has that of outer, if any.
func arguments(c dockerfile.Command, values, outer map[string]string) {
	for _, v := range c.Value {
		name, value, ok := strings.Cut(v, "=")
		if inherited, has := outer[name]; !ok && has {
			value, ok = inherited, true
		}
		if ok {
			values[name] = expand(strings.Trim(value, `"'`), values)
		}
	}
}

// expand fills in variables. One that is not known stays as it is.
func expand(s string, values map[string]string) string {
	return os.Expand(s, func(name string) string {
		name, otherwise, has := strings.Cut(name, ":-")
		switch v, ok := values[name]; {
		case ok:
			return v
		case has:
			return otherwise
		}
		return "${" + name + "}"
	})
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
