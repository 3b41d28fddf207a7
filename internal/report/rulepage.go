package report

import (
	"bytes"
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/templates"
)

// rulesHelp is where RulePages are published.
const rulesHelp = "https://github.com/pullwarden/pullwarden/blob/main/docs/rules/"

// pageName matches the ids whose page can have their name.
var pageName = regexp.MustCompile(`^[a-z]+/[A-Za-z0-9][A-Za-z0-9-]*$`)

// pageOf returns the id of the page about a rule, "" if there is none. There
// is a rule for each advisory, and a page for each kind of them.
func pageOf(rule string) string {
	if short, ok := strings.CutPrefix(rule, "dependency/"); ok && !slices.Contains([]string{"unchecked", "vulnerable", "malicious"}, short) {
		if strings.HasPrefix(short, "MAL-") {
			return "dependency/malicious"
		}
		return "dependency/vulnerable"
	}
	if !pageName.MatchString(rule) {
		return ""
	}
	return rule
}

// aboutRule is the address of the page about a rule, or "".
func aboutRule(rule string) string {
	page := pageOf(rule)
	if page == "" {
		return ""
	}
	return rulesHelp + page + ".md"
}

// found is what some rules find, where the scanner alone does not tell.
func found(id string) string {
	switch id {
	case "dependency/vulnerable":
		return "A package at a version that a published advisory speaks of, in a manifest or lockfile that the pull request changes: one that it adds, and one that it " +
			"moves to such a version. Packages that others bring in count as well."
	case "dependency/malicious":
		return "A package at a version that was reported as malicious, in a manifest or lockfile that the pull request changes. Packages that others bring in count as well."
	case "dependency/unchecked":
		return "A package in a manifest or lockfile that comes from somewhere else than the index of its ecosystem: from a repository, an address or a directory."
	case "iac/remote-module":
		return "A Terraform module with a source outside of the repository, in a file that the pull request brings in or changes. It is named so that nobody takes it for checked."
	case "text/bidirectional":
		return "An added line with characters that turn the direction of writing. Marks of direction in prose that runs from right to left are passed over."
	case "text/invisible":
		return "An added line with characters that have no shape. The joiners of emoji and of scripts that are written with them are passed over."
	}
	return ""
}

// rulePage is what the template of a page gets.
type rulePage struct {
	finding.Rule
	Scanner, Short, File      string
	Gives, Where              string
	Fix, Example              string
	Links                     []pageLink
	Pattern                   string // of an exception
	PolicyPath, ExceptionHelp string
}

// A pageLink is a reference with whose it is.
type pageLink struct{ Host, URL string }

// linksOf are the references of a rule that can stand in a link.
func linksOf(r finding.Rule) []pageLink {
	var out []pageLink
	for _, address := range r.References {
		if u, err := url.Parse(address); err == nil && u.Host != "" && webLink(address) {
			out = append(out, pageLink{u.Host, address})
		}
	}
	return out
}

func newRulePage(r finding.Rule) (rulePage, error) {
	if !pageName.MatchString(r.ID) {
		return rulePage{}, fmt.Errorf("a rule with the id %q can have no page of its name", r.ID)
	}
	p := rulePage{Rule: r, File: r.ID + ".md", Gives: found(r.ID), Pattern: r.ID, PolicyPath: policy.Path, ExceptionHelp: exceptionHelp}
	p.Scanner, p.Short, _ = strings.Cut(r.ID, "/")
	p.Fix, p.Example = example(r.How)
	p.Links = linksOf(r)
	if p.Scanner == "iac" { // the words of a check's authors are for comments, and no part of these pages
		if p.Why == "" {
			p.Why = "The comment on a finding says what can happen, in the words of the check."
		}
		if p.Fix == "" {
			p.Fix = "The comment on a finding says what to set, with an example where the check has one, and suggests the new line where there is just one."
		}
	}
	switch r.ID {
	case "dependency/vulnerable":
		p.Pattern = "dependency/CVE-2026-0001"
	case "dependency/malicious":
		p.Pattern = "dependency/MAL-2026-0001"
	}
	switch prefix, _, _ := strings.Cut(p.Short, "-"); prefix {
	case "DS":
		p.Where = "A Dockerfile"
	case "KSV", "KCV":
		p.Where = "A Kubernetes manifest"
	default:
		p.Where = "Terraform code"
	}
	return p, nil
}

// RulePages are the pages about rules and the index of them, by file name
// below docs/rules.
func RulePages(rules []finding.Rule) (map[string]string, error) {
	t, err := parse(templates.FS, "rule.tmpl", nil)
	if err != nil {
		return nil, err
	}
	type section struct {
		Scanner string
		Rules   []rulePage
	}
	var index []section
	out := map[string]string{}
	write := func(file, name string, data any) error {
		var b bytes.Buffer
		err := t.ExecuteTemplate(&b, name, data)
		out[file] = strings.TrimSpace(b.String()) + "\n"
		return err
	}
	rules = slices.Clone(rules)
	slices.SortFunc(rules, func(a, b finding.Rule) int { return cmp.Compare(a.ID, b.ID) })
	for _, r := range rules {
		p, err := newRulePage(r)
		if err != nil {
			return nil, err
		}
		if _, twice := out[p.File]; twice {
			return nil, fmt.Errorf("two rules have the id %s", r.ID)
		}
		if err := write(p.File, "rule.tmpl", p); err != nil {
			return nil, fmt.Errorf("page of %s: %w", r.ID, err)
		}
		if len(index) == 0 || index[len(index)-1].Scanner != p.Scanner {
			index = append(index, section{Scanner: p.Scanner})
		}
		last := &index[len(index)-1]
		last.Rules = append(last.Rules, p)
	}
	return out, write("README.md", "index", index)
}
