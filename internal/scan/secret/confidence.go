package secret

import (
	"regexp"
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// judged is how sure the pattern of m is of it, and how bad it would be: first by
// what the structure of the value proves, then by what is around it. Where a
// file stands never makes less of a value that is what it looks like whatever
// the file: of a token with a provider's own prefix, or a private key.
func (m match) judged(text, path string, now time.Time) (finding.Confidence, finding.Severity) {
	p, value := m.pattern, m.secret(text)
	confidence, severity := p.confidence, severityOf(p.rule, value)
	if m.verdict == valid {
		confidence = finding.Certain
	}
	forTests := inTests.MatchString(path)
	switch id := strings.TrimPrefix(p.rule.ID, "secret/"); {
	case p.doubts(value):
		return finding.Possible, severity
	case m.value == "" && partOfBase64(text, m.from, m.to):
		return finding.Possible, severity
	case isFixture(value):
		// The whole world has this key: it protects nothing, here or elsewhere.
		return finding.Possible, severity
	case id == "private-key" && privatePEM(candidate{value: value}) != valid: // cut off
		return finding.Likely, severity
	case id == "jwt", id == "jwt-base64":
		return judgedJWT(id, value, forTests, now, severity)
	case severity > finding.Low && strings.Contains(value, "eyJ") && expired(value, now):
		return finding.Possible, finding.Low
	case p.rank <= ourNamed && forTests && m.verdict != valid:
		// A name beside it is all that tells, and tests and pages have passwords of their own.
		return finding.Possible, severity
	case p.rank <= ourNamed && encodesStandIn(value):
		return finding.Possible, severity
	case p.rank == ourNamed && p.provider == "" && wordy(value):
		return finding.Possible, severity
	}
	return confidence, severity
}

// inTests matches the paths of tests, examples and documentation.
var inTests = regexp.MustCompile(`(?i)(?:^|[/_.-])(?:tests?|testing|testdata|testfiles|specs?|__tests__|fixtures?|mocks?|examples?|_examples|samples?|docs?|documentation|e2e|conformance)(?:[/_.-]|$)|\.(?:md|mdx|rst|adoc)$`)

// doubts tells whether a value cannot be, or is hardly, what its rule is for:
// made up for a page, without the checksum that the provider puts in, or of a
// shape that is usual for other things too. A rule of ours does not match such values at all.
func (p *pattern) doubts(value string) bool {
	if p.ours {
		return false
	}
	// Of a value with many lines, a comment may well be made up and the rest not.
	if !strings.Contains(value, "\n") && madeUp(value) {
		return true
	}
	if isName(value) { // of a function, say: ModifyInstanceBackupName
		return true
	}
	switch p.rule.ID {
	case "secret/sourcegraph-access-token": // any commit id
		return !strings.HasPrefix(strings.ToLower(value), "sgp_")
	case "secret/github-refresh-token", "secret/github-fine-grained-pat": // of both cases, and so many characters
		return strings.ToUpper(value[4:]) == value[4:] || strings.ToLower(value) == value
	case "secret/vault-service-token": // any method of a variable s
		return strings.HasPrefix(value, "s.") && inWords(value) > len(value)/2
	}
	return p.proof != nil && p.proof(candidate{match: value, value: value}) == invalid
}

// isName tells whether a value is words in letters of both cases, as programs are written.
func isName(value string) bool {
	letters := strings.IndexFunc(value, func(r rune) bool { return r < 'A' || r > 'z' || r > 'Z' && r < 'a' }) < 0
	return letters && strings.ToLower(value) != value && strings.ToUpper(value) != value && 3*inWords(value) > 2*len(value)
}

// inWords counts the small letters of a value that stand three and more in a
// row, as those of an identifier do: most of it, where chance makes a fifth so.
func inWords(value string) (n int) {
	run := 0
	for i := 0; i <= len(value); i++ {
		if i < len(value) && value[i] >= 'a' && value[i] <= 'z' {
			run++
			continue
		}
		if run >= 3 {
			n += run
		}
		run = 0
	}
	return n
}

// judgedJWT judges a JSON Web Token: what has expired opens nothing, what is
// unsigned opened nothing ever, and some are on every page on the subject.
func judgedJWT(id, value string, forTests bool, now time.Time, severity finding.Severity) (finding.Confidence, finding.Severity) {
	if id == "jwt-base64" {
		data, ok := decodeBase64(value)
		if !ok {
			return finding.Possible, severity
		}
		value = string(data)
	}
	header, payload, signature, ok := parseJWT(value)
	algorithm, _ := header["alg"].(string)
	subject, _ := payload["sub"].(string)
	name, _ := payload["name"].(string)
	until, ends := payload["exp"].(float64)
	switch {
	case !ok, algorithm == "", signature == "", strings.EqualFold(algorithm, "none"):
		return finding.Possible, severity
	case subject == "1234567890", subject == "0000000000", name == "John Doe", name == "Jane Doe", spelled(subject), madeUp(signature):
		return finding.Possible, severity
	case ends && until < float64(now.Unix()):
		return finding.Possible, finding.Low
	case forTests:
		return finding.Possible, severity
	case !ends:
		return finding.Likely, severity
	}
	return finding.Certain, severity
}

// expired reports whether a value has a JSON Web Token in it that ended before now.
func expired(value string, now time.Time) bool {
	_, payload, _, ok := parseJWT(value)
	until, ends := payload["exp"].(float64)
	return ok && ends && until < float64(now.Unix())
}

// longRun is how much base64 stands before a value that is only a part of it.
const longRun = 16

// partOfBase64 reports whether text[from:to] is cut out of a longer run of base64,
// such as a file that is embedded in another: chance makes any prefix there.
func partOfBase64(text string, from, to int) bool {
	isRun := func(c byte) bool { return isBase64(c) && c != '-' && c != '_' }
	for i := from; i < to; i++ {
		if !isRun(text[i]) && text[i] != '=' {
			return false
		}
	}
	start := from
	for start > 0 && from-start < 4*longRun && isRun(text[start-1]) {
		start--
	}
	// A path of an address may have slashes, no plus.
	return from-start >= longRun && strings.Contains(text[start:from], "+")
}

// encodesStandIn tells whether a value is base64 of what stands for a secret.
func encodesStandIn(value string) bool {
	text, ok := fromBase64(strings.TrimRight(value, "="))
	return ok && password(strings.TrimSpace(text)) == invalid
}

// wordy tells whether a password is only words in small letters, as people
// write for a test: "too-late-in-file".
func wordy(value string) bool {
	separators := 0
	for i := range len(value) {
		switch c := value[i]; {
		case c == '-' || c == '_' || c == '.' || c == ' ':
			separators++
		case c < 'a' || c > 'z':
			return false
		}
	}
	return separators > 1
}
