package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/upgrade"
)

// Proposal is a plan as a pull request onto base, made for its commit sha.
func (t *Texts) Proposal(p upgrade.Plan, base, sha string, labels []string) (forge.Proposal, error) {
	changed := slices.Sorted(maps.Keys(p.Files))
	body, err := t.render("proposal.md.tmpl", nil, struct {
		upgrade.Plan
		Changed           []string
		Check, PolicyPath string
	}{p, changed, verification(p.Ecosystem), policy.Path})
	if err != nil {
		return forge.Proposal{}, err
	}
	title := clip(fmt.Sprintf("Upgrade %s to %s", oneLine(p.Package), oneLine(p.To)), 120)
	var ids []string
	for _, a := range p.Settles {
		ids = append(ids, a.ID)
	}
	return forge.Proposal{
		Branch: p.Branch(), Base: base, BaseSHA: sha, Title: title, Body: body,
		Message: title + "\n\nSettles " + strings.Join(ids, ", ") + ".\n",
		Labels:  labels, Files: p.Files,
	}, nil
}

// verification says what a reviewer can do to see that the files are right.
func verification(ecosystem string) string {
	switch ecosystem {
	case "Go":
		return "`go mod verify` and `go build` take the files as they are. `go mod tidy` may still drop a line that nothing needs any more."
	case "npm":
		return "`npm ci` installs from the lockfile as it is."
	}
	return ""
}

// firstLink returns the first address that can stand in a link.
func firstLink(urls []string) string {
	for _, u := range urls {
		if webLink(u) {
			return u
		}
	}
	return ""
}

// UpgradeRefused says in one line why an upgrade is not made.
func UpgradeRefused(r upgrade.Refused) string {
	what := r.Manifest
	if r.Package != "" {
		what = r.Package + " " + r.From + " in " + r.Manifest
	}
	return fmt.Sprintf("%s: %s (%s)", oneLine(what), oneLine(r.Why), ids(r.Known))
}

func ids(as []advisory.Advisory) string {
	var out []string
	for _, a := range as {
		out = append(out, a.ID)
	}
	return strings.Join(out, ", ")
}
