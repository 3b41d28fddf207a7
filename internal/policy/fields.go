package policy

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"go.yaml.in/yaml/v3"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// Bounds of lists, so that judging stays quick whatever a file says.
const (
	mostGlobs      = 200
	mostExceptions = 500
	mostReviewers  = 15 // GitHub takes no more of them on a pull request
	longestGlob    = 256
)

func (r *reader) policy(n *yaml.Node, p *Policy, floors *Floors) {
	words, levels := thresholds()
	var parts *yaml.Node
	fields := []field{
		{"version", true, func(n *yaml.Node) {
			if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || n.Value != "1" {
				r.fail(n, "`version` must be 1")
			}
		}},
		{"mode", false, func(n *yaml.Node) {
			choice(r, n, "`mode`", &p.Mode, []string{string(Enforce), string(Observe)}, []Mode{Enforce, Observe})
		}},
		{"block", false, func(n *yaml.Node) { choice(r, n, "`block`", &p.Block, words, levels) }},
		{"comment", false, func(n *yaml.Node) { choice(r, n, "`comment`", &p.Comment, words, levels) }},
		{"unknown_severity", false, func(n *yaml.Node) {
			choice(r, n, "`unknown_severity`", &p.UnknownSeverity, words[:len(words)-1], levels[:len(levels)-1])
		}},
		{"uncovered", false, func(n *yaml.Node) {
			choice(r, n, "`uncovered`", &p.Uncovered, []string{"note", "block"}, []Action{Note, Block})
		}},
		{"on_scanner_error", false, func(n *yaml.Node) {
			choice(r, n, "`on_scanner_error`", &p.OnScannerError, []string{"note", "block"}, []Action{Note, Block})
		}},
		{"paths", false, func(n *yaml.Node) {
			r.mapping(n, "`paths`", field{"ignore", false, func(n *yaml.Node) {
				r.list(n, "`paths.ignore`", mostGlobs, func(n *yaml.Node) {
					if g, ok := r.pathGlob(n, "an entry of `paths.ignore`"); ok {
						p.IgnorePaths = append(p.IgnorePaths, g)
					}
				})
			}}, field{"tests", false, func(n *yaml.Node) {
				p.TestPaths = nil
				r.list(n, "`paths.tests`", mostGlobs, func(n *yaml.Node) {
					if g, ok := r.pathGlob(n, "an entry of `paths.tests`"); ok {
						p.TestPaths = append(p.TestPaths, g)
					}
				})
			}})
		}},
		{"checks", false, func(n *yaml.Node) {
			choice(r, n, "`checks`", &p.Checks, []string{string(OneCheck), string(CheckPerScanner)}, []Checks{OneCheck, CheckPerScanner})
		}},
		{"inline", false, func(n *yaml.Node) { r.number(n, "`inline`", 0, 50, &p.Inline) }},
		{"scanners", false, func(n *yaml.Node) { r.scanners(n, p) }},
		{"ignore", false, func(n *yaml.Node) {
			r.list(n, "`ignore`", mostExceptions, func(n *yaml.Node) { p.Ignore = append(p.Ignore, r.exception(n)) })
		}},
		{"upgrades", false, func(n *yaml.Node) { r.upgrades(n, &p.Upgrades) }},
		{"security", false, func(n *yaml.Node) { r.security(n, &p.Security) }},
		{"sections", false, func(n *yaml.Node) { parts = n }},
	}
	if floors != nil {
		fields = append(fields, field{"floors", false, func(n *yaml.Node) { r.floors(n, floors) }})
	}
	r.mapping(n, "the policy", fields...)
	if parts != nil { // last of all: what a section does not say is what the policy says
		r.list(parts, "`sections`", mostGlobs, func(n *yaml.Node) { r.section(n, p) })
	}
}

func (r *reader) scanners(n *yaml.Node, p *Policy) {
	var fields []field
	for _, s := range sections() {
		fields = append(fields, field{s.key, false, func(n *yaml.Node) {
			said := p.Scanners[s.key]
			r.scanner(n, s, &said)
			p.Scanners[s.key] = said
		}})
	}
	r.mapping(n, "`scanners`", append(fields, unsupported(workflows))...)
}

func (r *reader) scanner(n *yaml.Node, s section, into *Scanner) {
	what := "`scanners." + s.key + "`"
	fields := []field{
		{"enabled", false, func(n *yaml.Node) { r.boolean(n, "`enabled`", &into.Enabled) }},
		{"skip", false, func(n *yaml.Node) {
			r.list(n, "`skip`", mostExceptions, func(n *yaml.Node) {
				id, ok := r.text(n, "an entry of `skip`")
				if !ok {
					return
				}
				if prefix, _, found := strings.Cut(id, "/"); found && prefix != s.scanner {
					r.fail(n, "a rule of %s begins with `%s/`, or stands without it", what, s.scanner)
					return
				}
				into.Skip = append(into.Skip, id)
			})
		}},
	}
	if s.key == infrastructure {
		fields = append(fields, field{"profile", false, func(n *yaml.Node) {
			choice(r, n, "`profile`", &into.Profile, []string{string(Recommended), string(All)}, []Profile{Recommended, All})
		}})
	}
	if s.key == "dependencies" {
		fields = append(fields, unsupported("licenses"), unsupported("min_release_age"))
	}
	r.mapping(n, what, fields...)
}

// IsFingerprint reports whether s can name a finding.
func IsFingerprint(s string) bool { return fingerprint.MatchString(s) }

var fingerprint = regexp.MustCompile(`^[0-9a-f]{32}$`)

func (r *reader) exception(n *yaml.Node) Exception {
	e := Exception{Line: max(1, n.Line)}
	const what = "an entry of `ignore`"
	before := len(r.problems)
	r.mapping(n, what,
		field{"rule", false, func(n *yaml.Node) {
			g, ok := r.glob(n, "`rule`")
			if ok && !strings.Contains(g, "/") && g != "**" {
				r.fail(n, "`rule` is written with its scanner, such as iac/AWS-0086")
			}
			e.Rule = g
		}},
		field{"path", false, func(n *yaml.Node) { e.Path, _ = r.pathGlob(n, "`path`") }},
		field{"fingerprint", false, func(n *yaml.Node) {
			text, ok := r.text(n, "`fingerprint`")
			if ok && !fingerprint.MatchString(text) {
				r.fail(n, "`fingerprint` must be 32 hexadecimal digits, in quotes")
			}
			e.Fingerprint = finding.Fingerprint(text)
		}},
		field{"package", false, func(n *yaml.Node) { e.Package, _ = r.glob(n, "`package`") }},
		field{"advisories", false, func(n *yaml.Node) {
			r.list(n, "`advisories`", mostGlobs, func(n *yaml.Node) {
				if id, ok := r.text(n, "an entry of `advisories`"); ok {
					e.Advisories = append(e.Advisories, id)
				}
			})
		}},
		field{"reason", true, func(n *yaml.Node) { e.Reason, _ = r.text(n, "`reason`") }},
		field{"owner", true, func(n *yaml.Node) { e.Owner, _ = r.text(n, "`owner`") }},
		field{"until", true, func(n *yaml.Node) {
			until, err := time.Parse(time.DateOnly, n.Value)
			if n.Kind != yaml.ScalarNode || err != nil {
				r.fail(n, "`until` must be a date such as 2027-03-31")
			}
			e.Until = until
		}},
	)
	if len(r.problems) == before && e.Rule == "" && e.Path == "" && e.Fingerprint == "" && e.Package == "" {
		r.fail(n, "%s needs a `rule`, a `path`, a `package` or a `fingerprint`: it must not cover everything", what)
	}
	return e
}

var reviewer = regexp.MustCompile(`^@[A-Za-z0-9][A-Za-z0-9_-]{0,99}(/[A-Za-z0-9_.-]{1,100})?$`)

func (r *reader) security(n *yaml.Node, into *Security) {
	r.mapping(n, "`security`",
		field{"reviewers", false, func(n *yaml.Node) {
			into.Reviewers = nil
			r.list(n, "`security.reviewers`", mostReviewers, func(n *yaml.Node) {
				name, ok := r.text(n, "an entry of `security.reviewers`")
				if ok && !reviewer.MatchString(name) {
					r.fail(n, "an entry of `security.reviewers` must be an account or a team, such as \"@acme/security\"")
				} else if ok {
					into.Reviewers = append(into.Reviewers, name)
				}
			})
		}},
		field{"request", false, func(n *yaml.Node) { r.boolean(n, "`security.request`", &into.Request) }},
	)
}

func (r *reader) upgrades(n *yaml.Node, into *Upgrades) {
	r.mapping(n, "`upgrades`",
		field{"enabled", false, func(n *yaml.Node) { r.boolean(n, "`enabled`", &into.Enabled) }},
		unsupported("schedule"),
		field{"open", false, func(n *yaml.Node) { r.number(n, "`open`", 0, 50, &into.Open) }},
		field{"major", false, func(n *yaml.Node) { r.boolean(n, "`major`", &into.Major) }},
		unsupported("group"),
		field{"labels", false, func(n *yaml.Node) {
			into.Labels = nil
			r.list(n, "`labels`", 20, func(n *yaml.Node) {
				label, ok := r.text(n, "an entry of `labels`")
				if ok && len(label) > 50 {
					r.fail(n, "a label has at most 50 characters")
				} else if ok {
					into.Labels = append(into.Labels, label)
				}
			})
		}},
		unsupported("min_release_age"),
	)
}

var age = regexp.MustCompile(`^(\d{1,4})([hdw])$`)

// duration reads a number of hours, days or weeks: "36h", "3d", "2w".
func (r *reader) duration(n *yaml.Node, what string, into *time.Duration) {
	m := age.FindStringSubmatch(n.Value)
	if n.Kind != yaml.ScalarNode || m == nil {
		r.fail(n, "%s must be a number of hours, days or weeks, such as 36h, 3d or 2w", what)
		return
	}
	count, _ := strconv.Atoi(m[1]) // four digits at most
	unit := map[string]time.Duration{"h": time.Hour, "d": day, "w": 7 * day}[m[2]]
	*into = time.Duration(count) * unit
}

func (r *reader) glob(n *yaml.Node, what string) (string, bool) {
	g, ok := r.text(n, what)
	switch {
	case !ok:
		return "", false
	case len(g) > longestGlob:
		r.fail(n, "%s is longer than %d characters", what, longestGlob)
	case strings.ContainsAny(g, "{}"):
		r.fail(n, "%s has braces, which are not supported: write an entry for each alternative", what)
	case !doublestar.ValidatePattern(g):
		r.fail(n, "%s is not a valid pattern", what)
	default:
		return g, true
	}
	return "", false
}

func (r *reader) pathGlob(n *yaml.Node, what string) (string, bool) {
	g, ok := r.glob(n, what)
	if ok && (strings.HasPrefix(g, "/") || strings.HasPrefix(g, "./") || strings.HasSuffix(g, "/") || strings.Contains("/"+g+"/", "/../")) {
		r.fail(n, "%s must be a path from the repository's root such as vendor/**, without ./ or / at its ends", what)
		return "", false
	}
	return g, ok
}
