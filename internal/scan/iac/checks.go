package iac

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	checks "github.com/aquasecurity/trivy-checks"
	"github.com/aquasecurity/trivy/pkg/iac/rego"
	"github.com/aquasecurity/trivy/pkg/iac/rules"
	trivy "github.com/aquasecurity/trivy/pkg/iac/scan"
	"github.com/aquasecurity/trivy/pkg/iac/severity"
	"github.com/aquasecurity/trivy/pkg/iac/types"
	"go.yaml.in/yaml/v3"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// An engine holds the loaded checks. It is safe for concurrent use.
type engine struct {
	rego  *rego.Scanner
	mu    sync.Mutex
	known map[string]finding.Rule
	words map[string]wording
}

// A wording is what we say of a check; what is empty is said in its own words.
type wording struct {
	Title, Message, Why, How string
	Example                  *string
}

//go:embed words.yaml
var ownWords []byte

// loadOnce returns a function that loads the embedded checks when it is first
// called. They cost most of a second, which a change without infrastructure
// code should not pay.
func loadOnce() func() (*engine, error) {
	return sync.OnceValues(func() (*engine, error) {
		rs := rego.NewScanner(rego.WithEmbeddedPolicies(true), rego.WithEmbeddedLibraries(true))
		if err := rs.LoadPolicies(nil); err != nil {
			return nil, fmt.Errorf("load the infrastructure checks: %w", err)
		}
		e := &engine{rego: rs, known: map[string]finding.Rule{}}
		if err := yaml.Unmarshal(ownWords, &e.words); err != nil {
			return nil, fmt.Errorf("read the words about the infrastructure checks: %w", err)
		}
		return e, nil
	})
}

// judge evaluates the checks for one parsed document.
func (e *engine) judge(ctx context.Context, kind types.Source, path string, contents any) (trivy.Results, error) {
	results, err := e.rego.ScanInput(ctx, kind, rego.Input{Path: path, Contents: contents})
	if err != nil {
		return nil, fmt.Errorf("%s: evaluate the checks: %w", path, err)
	}
	return results.GetFailed(), nil
}

// all returns every rule that may be reported as told by in, sorted by id.
func (e *engine) all(in func(trivy.Rule) finding.Rule) []finding.Rule {
	out := []finding.Rule{remoteModule()}
	for _, r := range rules.GetRegistered() {
		if counts(r.Rule) {
			out = append(out, in(r.Rule))
		}
	}
	slices.SortFunc(out, func(a, b finding.Rule) int { return strings.Compare(a.ID, b.ID) })
	return slices.CompactFunc(out, func(a, b finding.Rule) bool { return a.ID == b.ID })
}

// rule puts one of the engine's rules in our words.
func (e *engine) rule(r trivy.Rule) finding.Rule {
	e.mu.Lock()
	defer e.mu.Unlock()
	if known, ok := e.known[r.ID]; ok {
		return known
	}
	ours := e.words[r.ID]
	out := finding.Rule{
		ID:         "iac/" + r.ID,
		Title:      cmp.Or(ours.Title, strings.TrimRight(clean(r.Summary), ".")),
		Why:        cmp.Or(ours.Why, sentence(r.Explanation)),
		How:        cmp.Or(ours.How, sentence(r.Resolution)),
		Severity:   severityOf(r.Severity),
		References: slices.Compact(slices.Clone(r.Links)),
	}
	if out.Why == "" {
		out.Why = sentence(r.Summary)
	}
	if out.How == "" {
		out.How = "Change it so that this holds: " + sentence(r.Summary)
	}
	code, language := example(r.Examples)
	if ours.Example != nil {
		code = strings.TrimSpace(*ours.Example)
	}
	out.How += inExample(code, language)
	e.known[r.ID] = out
	return out
}

// ours is a rule with our words alone of why and how, "" where there are none:
// those of the checks' authors are for findings, and no part of our documents.
func (e *engine) ours(r trivy.Rule) finding.Rule {
	out, ours := e.rule(r), e.words[r.ID]
	out.Why, out.How = ours.Why, ours.How
	if ours.How != "" && ours.Example != nil {
		_, language := example(r.Examples)
		out.How += inExample(strings.TrimSpace(*ours.Example), language)
	}
	return out
}

func inExample(code, language string) string {
	if code == "" {
		return ""
	}
	return "\n\nFor example:\n\n```" + language + "\n" + code + "\n```"
}

func sentence(s string) string {
	if s = clean(s); s != "" && !strings.ContainsAny(s[len(s)-1:], ".!?:)`") {
		s += "."
	}
	return s
}

func severityOf(s severity.Severity) finding.Severity {
	if out, ok := finding.ParseSeverity(string(s)); ok && out < finding.Never {
		return out
	}
	return finding.Info
}

// longest is how many lines of an example still read as a hint.
const longest = 16

// example returns the shortest good example that stands beside a check, and
// its language. Kubernetes' ones are whole manifests of something else: they
// show too little for their length.
func example(path string) (code, language string) {
	text, err := checks.EmbeddedPolicyFileSystem.ReadFile(path)
	if err != nil {
		return "", ""
	}
	type engine struct{ Good []string }
	var all struct{ Terraform, Dockerfile engine }
	if yaml.Unmarshal(text, &all) != nil {
		return "", ""
	}
	language = "hcl"
	good := all.Terraform.Good
	if len(good) == 0 {
		language, good = "dockerfile", all.Dockerfile.Good
	}
	for _, g := range good {
		g = strings.TrimSpace(g)
		if strings.Count(g, "\n") < longest && !strings.Contains(g, "```") && (code == "" || len(g) < len(code)) {
			code = g
		}
	}
	return code, language
}

// counts reports whether a rule is about security and not a repetition.
func counts(r trivy.Rule) bool {
	return r.ID != "" && r.ID != "N/A" && !r.Deprecated && !isStyle(r.ID)
}

// isStyle names checks of taste, of build hygiene and of operations, and those
// that say again what a better one says.
func isStyle(id string) bool {
	switch id {
	case "AWS-0049", "AWS-0083", "AWS-0099", "AWS-0124", // descriptions
		"GCP-0051", "NIF-0002", "NIF-0003", "NIF-0012", "NIF-0015", "OPNSTK-0005",
		"AWS-0003", "AWS-0066", "AWS-0111", "AWS-0117", "AWS-0125", // tracing
		"AWS-0034", "AWS-0133", "AWS-0190", // performance
		"DS-0006", "DS-0007", "DS-0008", "DS-0009", "DS-0011", "DS-0012", "DS-0013", "DS-0014", // builds that fail or surprise
		"DS-0015", "DS-0016", "DS-0017", "DS-0019", "DS-0020", "DS-0021", "DS-0022", "DS-0023",
		"DS-0025", "DS-0026", "DS-0027", "DS-0029",
		"KSV-0015", "KSV-0016", "KSV-0039", "KSV-0040", "KSV-0107", "KSV-0110", // scheduling, housekeeping
		"KSV-0125",             // trusts registries that the engine chose
		"KSV-0004", "KSV-0106", // KSV-0003 and KSV-0022 say it
		"KSV-0118", // KSV-0001, KSV-0012 and their like say it
		"KSV-0030": // KSV-0104 says it
		return true
	}
	return false
}

// hidesMessage reports whether the engine's message about r may quote a value
// that is to be kept secret.
func hidesMessage(r trivy.Rule) bool {
	s := strings.ToLower(r.Summary)
	for _, word := range []string{"secret", "sensitive", "password", "plaintext", "plain text", "credential", "token"} {
		if strings.Contains(s, word) {
			return true
		}
	}
	return false
}
