package dependency

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/finding"
)

// plain is what may stand in a command that a reader will copy. Names and
// versions come from manifests and records; any other is not put in a command.
var plain = regexp.MustCompile(`^[@A-Za-z0-9][A-Za-z0-9._~/+-]*$`)

// atVersion parts such a name from such a version, as ecosystems write the two.
var atVersion = regexp.MustCompile(`^(@?[A-Za-z0-9][A-Za-z0-9._~/+-]*)(?:@|==)([A-Za-z0-9][A-Za-z0-9._~/+-]*)$`)

// fix says in words what to do, and as edits where one line is all there is to change.
func (h *hit) fix(e ecosystem.Ecosystem) finding.Fix {
	p := h.copies[0]
	name := "the package"
	if plain.MatchString(p.Name) {
		name = "`" + p.Name + "`"
	}
	switch {
	case malicious(h.ID):
		return finding.Fix{Text: fmt.Sprintf("Remove %s now. It is malicious: treat each machine that installed it as compromised, and replace the credentials that were on it.", name)}
	case h.target == "" && h.LastAffected != "" && plain.MatchString(h.after):
		return finding.Fix{Text: fmt.Sprintf("Upgrade %s to a version after %s, the last one that is known to be vulnerable.", name, h.after)}
	case h.target == "":
		return finding.Fix{Text: fmt.Sprintf("No version without this vulnerability is known. Remove or replace %s; if it does not concern you, "+
			"add an exception with a reason, an owner and an end date to `.github/pullwarden.yml`.", name)}
	case name == "the package" || !plain.MatchString(h.target):
		return finding.Fix{Text: "Upgrade the package to a version in which this is fixed."}
	}
	return finding.Fix{Text: upgrade(e, p, name, h.target), Edits: h.edits()}
}

// malicious reports whether an advisory is of a package that was made to do harm.
func malicious(id string) bool { return strings.HasPrefix(id, "MAL-") }

// upgrade words the way to a version as the tools of the ecosystem do it.
func upgrade(e ecosystem.Ecosystem, p ecosystem.Package, name, to string) string {
	head := fmt.Sprintf("Upgrade %s to %s or newer", name, to)
	switch e.Name() {
	case "Go":
		if isStdlib(e, p) {
			return fmt.Sprintf("Build with Go %s or newer: run `go get go@%s`.", to, to)
		}
		return fmt.Sprintf("%s: run `go get %s@%s && go mod tidy`.", head, p.Name, to)
	case "npm":
		if p.Direct {
			flag := ""
			if p.Dev {
				flag = "--save-dev "
			}
			return fmt.Sprintf("%s: run `npm install %s%s@%s`.", head, flag, p.Name, to)
		}
		return fmt.Sprintf("%s: run `npm update %s`. If the version stays below it, upgrade %s, or add `\"overrides\": {%q: \"^%s\"}` to package.json and run `npm install`.",
			head, p.Name, bringer(p), p.Name, to)
	case "PyPI":
		if p.Direct {
			return fmt.Sprintf("%s: write `%s==%s`, and renew the hashes if the file has them.", head, p.Name, to)
		}
		return fmt.Sprintf("%s: run `pip-compile --upgrade-package %s==%s`, or upgrade %s.", head, p.Name, to, bringer(p))
	}
	return head + "."
}

// bringer names the direct dependency that brings p in.
func bringer(p ecosystem.Package) string {
	if len(p.Via) > 0 {
		if m := atVersion.FindStringSubmatch(p.Via[0]); m != nil {
			return fmt.Sprintf("`%s` (now %s), which brings it in", m[1], m[2])
		}
		if plain.MatchString(p.Via[0]) {
			return "`" + p.Via[0] + "`, which brings it in"
		}
	}
	return "what brings it in"
}

func isStdlib(e ecosystem.Ecosystem, p ecosystem.Package) bool {
	return e.Name() == "Go" && p.Name == "stdlib"
}

// edits replaces the version in the lines that state it; nil unless all of
// them state the same one and can be changed alone.
func (h *hit) edits() []change.Edit {
	var out []change.Edit
	for _, p := range h.copies {
		if p.Version != h.copies[0].Version || p.Line == "" || strings.Count(p.Line, p.Version) != 1 {
			return nil
		}
		out = append(out, change.Edit{Span: p.At, Text: strings.Replace(p.Line, p.Version, h.target, 1) + "\n"})
	}
	return out
}
