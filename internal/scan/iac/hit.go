package iac

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// A hit is what a check says of one place, before it is a finding.
type hit struct {
	rule    finding.Rule
	at      change.Span
	also    []change.Span
	block   string             // name of the resource around it, without instance keys; "" if there is none
	span    change.Span        // of that resource
	grades  grades             // how bad the value is, where values have degrees
	doubt   finding.Confidence // how much less than certain it is
	cause   string             // name of what several hits have in common; set by settle
	name    string             // of what is wrong, within its file; the same when lines move
	text    string             // of the block around it, to tell namesakes apart
	module  string             // calls through which the place was reached; "" if it stands for itself
	message string
	line    string // the text of at, newline included, if that is one line
}

// settle makes findings of hits.
//
// A module is judged by itself and through its calls, and blocks have no names
// of their own: one cause can show up several times, under several names. In
// the state before the change each gets a finding under every name it could go by,
// for there findings only say what is old; in any other only one is kept.
func settle(side scan.Side, hits []hit) []finding.Finding {
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.at.Path, b.at.Path), cmp.Compare(a.at.Start, b.at.Start),
			cmp.Compare(a.rule.ID, b.rule.ID), cmp.Compare(a.module, b.module), cmp.Compare(a.message, b.message))
	})
	type key struct {
		rule, path, name string
	}
	at := func(h hit) key { return key{h.rule.ID, h.at.Path, h.name} }
	own := map[key]map[change.Span]bool{} // places where a module is wrong by itself
	for _, h := range hits {
		if h.module == "" {
			if own[at(h)] == nil {
				own[at(h)] = map[change.Span]bool{}
			}
			own[at(h)][h.at] = true
		}
	}
	var out []finding.Finding
	type seat struct {
		rule, name string
		at         change.Span
	}
	seen := map[seat]bool{}
	worst := map[key]grades{} // by resource
	for _, h := range hits {
		k := key{h.rule.ID, h.at.Path, h.block}
		worst[k] = worst[k].with(h.grades)
	}
	keep := func(h hit, name string) {
		if h.doubt > 0 || side == scan.Before { // what is certain then is no news as a guess
			guess := h.finding(name + "\x00guess")
			if s := (seat{h.rule.ID, name + "\x00guess", h.at}); !seen[s] {
				seen[s] = true
				out = append(out, guess)
			}
			if h.doubt > 0 {
				return
			}
		}
		if h.block != "" {
			h.cause = h.block + worst[key{h.rule.ID, h.at.Path, h.block}].String()
		}
		for _, name := range h.grades.names(name) {
			if s := (seat{h.rule.ID, name, h.at}); !seen[s] {
				seen[s] = true
				out = append(out, h.finding(name))
			}
		}
	}
	for _, h := range hits {
		if side == scan.Before {
			if h.module != "" {
				keep(h, h.module+" "+h.name)
				continue
			}
			keep(h, h.name)
			keep(h, h.name+" "+h.text)
			continue
		}
		switch {
		case repeats(h, hits):
		case h.module != "" && own[at(h)] != nil:
		case h.module != "":
			keep(h, h.module+" "+h.name)
		case len(own[at(h)]) > 1:
			keep(h, h.name+" "+h.text)
		default:
			keep(h, h.name)
		}
	}
	return out
}

// repeats reports whether h is one of the five ways to say that a bucket has
// no public access block, of which the first says it for all.
func repeats(h hit, hits []hit) bool {
	const first = "iac/AWS-0086"
	switch h.rule.ID {
	case "iac/AWS-0087", "iac/AWS-0091", "iac/AWS-0093", "iac/AWS-0094":
	default:
		return false
	}
	return slices.ContainsFunc(hits, func(o hit) bool {
		return o.rule.ID == first && o.at == h.at && o.name == h.name && o.module == h.module
	})
}

func (h hit) finding(name string) finding.Finding {
	f := finding.New(h.rule, h.at, finding.InFile(name), h.message)
	f.Confidence -= h.doubt
	f.Recommended = recommended(h.rule, h.message)
	f.Also, f.Block = h.also, h.span
	if h.cause != "" {
		f.Because(h.rule.ID, h.cause, strconv.Itoa(h.span.Start))
	}
	f.Fix.Edits = h.edits()
	return f
}

// A repair is a setting whose only other value is the right one.
type repair struct {
	setting, wrong, right string
}

// repairs are those that change nothing but what the rule is about.
func repairs(rule string) (repair, bool) {
	switch strings.TrimPrefix(rule, "iac/") {
	case "AWS-0092":
		return repair{"acl", `"(?:public-read|public-read-write|authenticated-read|website)"`, `"private"`}, true
	case "AWS-0086":
		return repair{"block_public_acls", "false", "true"}, true
	case "AWS-0087":
		return repair{"block_public_policy", "false", "true"}, true
	case "AWS-0091":
		return repair{"ignore_public_acls", "false", "true"}, true
	case "AWS-0093":
		return repair{"restrict_public_buckets", "false", "true"}, true
	case "AWS-0065":
		return repair{"enable_key_rotation", "false", "true"}, true
	case "AWS-0082", "AWS-0180":
		return repair{"publicly_accessible", "true", "false"}, true
	case "KSV-0001":
		return repair{"allowPrivilegeEscalation", "true", "false"}, true
	case "KSV-0017":
		return repair{"privileged", "true", "false"}, true
	}
	return repair{}, false
}

// edits returns the repair of a hit that is one line with one known setting.
func (h hit) edits() []change.Edit {
	r, ok := repairs(h.rule.ID)
	if !ok || h.line == "" {
		return nil
	}
	m := regexp.MustCompile(`^(\s*(?:- )?` + r.setting + `\s*[=:]\s*)` + r.wrong + `(\s*(?:#.*)?\n?)$`).FindStringSubmatch(h.line)
	if m == nil {
		return nil
	}
	return []change.Edit{{Span: h.at, Text: m[1] + r.right + m[2]}}
}

// linesOf returns lines start to end of text, newlines included.
func linesOf(text []byte, start, end int) string {
	lines := bytes.SplitAfter(text, []byte("\n"))
	if start < 1 || start > len(lines) {
		return ""
	}
	return string(bytes.Join(lines[start-1:min(end, len(lines))], nil))
}

// lineOf returns the text of a span of one line, "" if it has more.
func lineOf(text []byte, s change.Span) string {
	if s.Start == 0 || s.Start != s.End {
		return ""
	}
	return linesOf(text, s.Start, s.End)
}
