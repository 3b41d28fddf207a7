package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
)

const (
	base = "0f1e2d3c4b5a69788796a5b4c3d2e1f001122334"
	head = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"
	old  = "99aabbccddeeff00112233445566778899aabbcc"
)

var today = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// A sample is a situation that a report is made of.
type sample struct {
	files    map[string]string // what the pull request adds
	findings []finding.Finding
	statuses []finding.Status
	skipped  []change.Skip
	kinds    []finding.Uncovered // that no scanner reads
	policy   func(*policy.Policy)
	notices  []string
	delta    history.Delta
	leaked   []history.Leak
	secrets  []finding.Finding // what the redactor knows besides
	comments int               // how many findings get their comment posted
}

func (s sample) report(t testing.TB) *Report {
	t.Helper()
	tree := fstest.MapFS{}
	for path, text := range s.files {
		tree[path] = &fstest.MapFile{Data: []byte(text)}
	}
	c, err := change.Between(t.Context(), change.Empty(), tree)
	require.NoError(t, err)
	c.Base, c.Head = base, head
	if s.statuses == nil {
		s.statuses = []finding.Status{{Scanner: "secret"}, {Scanner: "dependency"}, {Scanner: "iac"}}
	}
	of := len(tree)
	result := finding.Result{
		Findings: finding.NewKey([]byte("test")).Seal(slices.Clone(s.findings), func(p string) string { return p }),
		Statuses: s.statuses, Redactor: finding.NewRedactor(append(s.secrets, s.findings...)...),
		Scanned: finding.Scanned{Commits: 2, Blobs: of - len(s.skipped), Of: of, Skipped: s.skipped, Uncovered: s.kinds},
	}
	p := policy.Default()
	if s.policy != nil {
		s.policy(&p)
	}
	r := &Report{
		Change: c, Result: result, Policy: p, Verdict: p.Judge(result, today),
		Notices: s.notices, Delta: s.delta, Leaked: s.leaked, Placed: forge.Placed{},
	}
	review, err := Review(r)
	require.NoError(t, err)
	for i, c := range review.Comments[:min(s.comments, len(review.Comments))] {
		for _, key := range c.Keys {
			r.Placed[key] = int64(i + 1)
		}
	}
	return r
}

// body is what the n-th comment of a review says.
func body(t testing.TB, v forge.Review, n int) string {
	t.Helper()
	words, _, err := v.Words(v.Comments[n].Keys, v.Comments[n].At)
	require.NoError(t, err)
	return words
}

func at(path string, start, end int) change.Span {
	return change.Span{Path: path, Start: start, End: end}
}

// revokedOne is f after its provider said that it takes it no more.
func revokedOne(f finding.Finding) finding.Finding {
	f.Validity = finding.Revoked
	return f
}

// stripe is a secret that stands at head; past makes it one of the history.
func stripe() finding.Finding {
	f := finding.New(finding.Rule{
		ID: "secret/stripe-access-token", Title: "Stripe access token committed", Severity: finding.Critical,
		Why:        "Whoever can read this repository, a clone or a fork of it can use the Stripe access token.",
		How:        "**Rotate it first**: revoke the Stripe access token at its provider and issue a new one. Then load it from the environment.",
		References: []string{"https://docs.example.com/keys"},
	}, at("pay/pay.go", 3, 3), finding.OfSecret("sk_"+"live_0123456789abcdef"), "Stripe access token on line 3")
	f.Evidence = finding.Hidden("sk_" + "live_0123456789abcdef")
	f.Commit = head
	return f
}

// another is f of another value.
func another(f finding.Finding, n int) finding.Finding {
	f.Rule.ID += fmt.Sprint("-", n)
	return f
}

// inPlaces is f with that many further places, and some that are only counted.
func inPlaces(f finding.Finding, also, unlisted int) finding.Finding {
	for i := range also {
		f.Also = append(f.Also, at(fmt.Sprintf("svc%03d/.env", i+1), 2, 2))
	}
	f.Unlisted = unlisted
	return f
}

func past(f finding.Finding) finding.Finding {
	f.Past, f.Commit = true, old
	return f
}

func marked(f finding.Finding, void string) finding.Finding {
	f.Marker = &finding.Marker{At: f.At, Rule: f.Rule.ID, Reason: "a *public* test account", Void: void}
	return f
}

// fontReader is a transitive dependency with the path that brings it in.
func fontReader() finding.Finding {
	f := finding.New(finding.Rule{
		ID: "dependency/vulnerable", Title: "Vulnerable dependency: @example/font-reader", Severity: finding.Critical,
		Why: "A vulnerability of this version is public: anyone who wants to use it can read how.", How: "Upgrade it.",
		References: []string{"https://example.com/advisories/GHSA-xxxx-0002"},
	}, at("web/package-lock.json", 2, 4), finding.InFile("font-reader"), "@example/font-reader 0.9.1 has GHSA-xxxx-0002: A crafted font makes it run code")
	f.Fix.Text = "Upgrade `@example/font-reader` to 0.9.4 or newer: run `npm update @example/font-reader`."
	f.Evidence = finding.Plain("@example/font-reader 0.9.1")
	f.Details = []finding.Detail{
		{Name: "Package", Text: "@example/font-reader"}, {Name: "Version", Text: "0.9.1"},
		{Name: "Advisory", Text: "GHSA-xxxx-0002 (CVE-2026-0002), critical (CVSS 3.1 score 9.8), fixed in 0.9.4"}, {Name: "Dependency", Text: "transitive"},
		{Name: "Required by", Text: "@example/receipt-pdf@2.3.0 → @example/layout@1.0.0"},
	}
	f.Dependency = &finding.Dependency{
		Ecosystem: "npm", Name: "@example/font-reader", PURL: "pkg:npm/%40example/font-reader", Version: "0.9.1", Scope: "runtime",
		Chain: []string{"@example/receipt-pdf@2.3.0", "@example/layout@1.0.0"}, Upgrade: "0.9.4",
	}
	f.Advisories = []finding.Advisory{{
		ID: "GHSA-xxxx-0002", Aliases: []string{"CVE-2026-0002"}, Severity: finding.Critical, Introduced: "0", Fixed: "0.9.4",
		Prints: []finding.Fingerprint{"0123456789abcdef0123456789abcdef"},
	}}
	return f
}

// bucket is a Terraform finding with an example and a repair of one line.
func bucket() finding.Finding {
	f := finding.New(finding.Rule{
		ID: "iac/AWS-0092", Title: "S3 bucket is public through its ACL", Severity: finding.High,
		Why: "Anybody can read what is in the bucket, see <code>acl</code>.",
		How: "Set `acl = \"private\"`.\n\nFor example:\n\n```hcl\nresource \"aws_s3_bucket\" \"good\" {\n\tacl = \"private\"\n}\n```",
	}, at("infra/main.tf", 2, 2), finding.InFile("aws_s3_bucket.site"), `aws_s3_bucket.site: Bucket has a public ACL: "public-read"`)
	f.Fix.Edits = []change.Edit{{Span: f.At, Text: "  acl = \"private\"\n"}}
	f.Also = []change.Span{at("infra/modules/site/main.tf", 4, 9)}
	return f
}

// privileged is a Kubernetes finding.
func privileged() finding.Finding {
	return finding.New(finding.Rule{
		ID: "iac/KSV-0017", Title: "Container is privileged", Severity: finding.High,
		Why: "What runs in the container may do on the node what root may.",
		How: "Set `securityContext.privileged: false`, or remove it.",
	}, at("deploy/shop.yaml", 5, 5), finding.InFile("shop"), "Container 'shop' of Deployment 'shop' should set 'securityContext.privileged' to false")
}

// logging never blocks by default, and stands in the check alone.
func logging() finding.Finding {
	return finding.New(finding.Rule{
		ID: "iac/AWS-0089", Title: "S3 bucket keeps no log of who uses it", Severity: finding.Low,
		Why: "Without access logs nobody can tell afterwards who read or changed what is in the bucket.", How: "Add a logging block.\n\nFor example:\n\n```hcl\n" + strings.Repeat("x = 1\n", 9) + "```",
	}, at("infra/main.tf", 1, 3), finding.InFile("aws_s3_bucket.site"), "aws_s3_bucket.site: Bucket has logging disabled")
}

func medium(f finding.Finding) finding.Finding {
	f.Severity = finding.Medium
	return f
}

func many(n int) (out []finding.Finding) {
	for i := range n {
		f := privileged()
		f.At = at("deploy/shop.yaml", i+1, i+1)
		f.Message = fmt.Sprintf("Container 'c%d' should set 'securityContext.privileged' to false", i)
		out = append(out, f)
	}
	return out
}

func files() map[string]string {
	return map[string]string{
		"pay/pay.go":            "package pay\n\nvar client = connect(key)\n",
		"web/package-lock.json": "{\n  \"font-reader\": {\n    \"version\": \"0.9.1\"\n  }\n}\n",
		"infra/main.tf":         "resource \"aws_s3_bucket\" \"site\" {\n  acl = \"public-read\"\n}\n",
		"deploy/shop.yaml":      strings.Repeat("a: 1\n", 80),
	}
}

func uncoveredFew() []finding.Uncovered {
	return []finding.Uncovered{
		{Kind: "package.json without a lockfile", Scanners: []string{"dependency"}, Paths: []string{"web/`a`/package.json"}, Count: 1,
			Label: "1 package.json without a lockfile that is read", Help: "A package-lock.json beside it is checked."},
		{Kind: "Bicep", Scanners: []string{"iac"}, Paths: []string{"infra/a.bicep", "infra/b.bicep", "infra/c.bicep", "infra/d.bicep"}, Count: 1200, Label: "1200 Bicep files"},
	}
}

// samples are the situations that people meet.
func samples() map[string]sample {
	observe := func(p *policy.Policy) { p.Mode = policy.Observe }
	broken := func(text string) []string {
		c := &change.Change{Files: []change.File{{Path: policy.Path}}, After: fstest.MapFS{policy.Path: {Data: []byte(text)}}}
		return PolicyNotices(c, nil)
	}
	_, invalid := policy.Parse([]byte("version: 1\nblok: low\n"))
	return map[string]sample{
		"clean":       {files: files()},
		"secret":      {files: files(), findings: []finding.Finding{stripe()}, comments: 1},
		"history":     {files: files(), findings: []finding.Finding{past(stripe())}},
		"dependency":  {files: files(), findings: []finding.Finding{fontReader()}, comments: 1},
		"terraform":   {files: files(), findings: []finding.Finding{bucket(), logging()}, comments: 1},
		"kubernetes":  {files: files(), findings: []finding.Finding{privileged()}, comments: 1},
		"uncommented": {files: files(), findings: []finding.Finding{privileged(), bucket()}},
		"warn":        {files: files(), findings: []finding.Finding{medium(bucket()), logging()}, comments: 1},
		"uncovered":   {files: files(), kinds: uncoveredFew()},
		"uncovered-blocks": {files: files(), kinds: uncoveredFew(), findings: []finding.Finding{logging()}, policy: func(p *policy.Policy) { p.Uncovered = policy.Block },
			skipped: []change.Skip{{Path: "data/dump.sql", Why: "larger than 4 MiB"}}},
		"incomplete": {files: files(), skipped: []change.Skip{{Path: "data/dump_1.sql", Why: "larger than 4 MiB"}},
			statuses: []finding.Status{{Scanner: "secret"}, {Scanner: "dependency", Err: errors.New("no advisories were imported yet")}}},
		"incomplete-and-blocked": {files: files(), findings: []finding.Finding{stripe()}, comments: 1,
			skipped: []change.Skip{{Path: "data/dump.sql", Why: "larger than 4 MiB"}}},
		"observe": {files: files(), findings: []finding.Finding{stripe()}, policy: observe, comments: 1},
		"exceptions": {files: files(), findings: []finding.Finding{bucket(), privileged()}, policy: func(p *policy.Policy) {
			p.Ignore = []policy.Exception{
				{Rule: "iac/AWS-0092", Path: "infra/**", Reason: "public web site, SEC-142", Owner: "@acme/platform", Until: today.AddDate(0, 6, 0)},
				{Rule: "iac/KSV-*", Reason: "until the <new> cluster", Owner: "@acme/ops", Until: today.AddDate(0, 0, -1)},
			}
		}},
		"accepted": {files: files(), findings: []finding.Finding{logging()}, policy: func(p *policy.Policy) {
			p.Ignore = []policy.Exception{{Rule: "iac/AWS-0089", Reason: "no need", Owner: "@acme/ops", Until: today}}
		}},
		"markers": {files: files(), findings: []finding.Finding{marked(stripe(), ""), marked(medium(bucket()), "it gives no reason")}, comments: 1,
			notices: MarkerNotices(finding.Result{Markers: []finding.Marker{
				{At: at("pay/pay.go", 3, 3), Rule: "secret/stripe-access-token"}, {At: at("infra/`main`.tf", 5, 5), Void: "it gives no reason"},
			}}, policy.Owners{})},
		"policy-invalid": {files: files(), notices: append(broken("version: 1\nblok: low\n"), PolicyBroken("main", invalid))},
		"policy-unsupported": {files: files(), notices: slices.Concat(
			UnsupportedKeys([]policy.Unsupported{{Key: "floors.scanners: workflows", Line: 3, Layer: policy.Organisation}, {Key: "upgrades.schedule", Line: 7, Layer: policy.Repository}}),
			broken("version: 1\nscanners: {workflows: {}}\n"))},
		"policy-changed": {files: files(), notices: broken("version: 1\nblock: never\n")},
		"pushed-again": {files: files(), findings: []finding.Finding{stripe()}, comments: 1,
			delta: history.Delta{Previous: old, New: make([]finding.Fingerprint, 1), Gone: make([]finding.Fingerprint, 3)}},
		"rewritten": {files: files(), delta: history.Delta{Previous: old, Gone: make([]finding.Fingerprint, 2)},
			leaked: []history.Leak{{Rule: "secret/stripe-access-token", Path: "pay/pay.go"}, {Rule: "secret/custom/acme-token", Path: "a`b|@x.env"}}},
		"rotated": {files: files(), findings: []finding.Finding{revokedOne(stripe())}},
		"many":    {files: files(), findings: many(60), comments: 10},
		"places":  {files: files(), findings: []finding.Finding{inPlaces(stripe(), 29, 0), past(inPlaces(another(stripe(), 2), 12, 3)), inPlaces(another(stripe(), 3), 3, 7)}, comments: 1},
	}
}
