package secret

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// An engine is the compiled rules. It is safe for concurrent use.
type engine struct {
	patterns  []*pattern // sorted by rule id
	keywords  *automaton
	byKeyword [][]int   // patterns to try where a keyword is, by the keyword's number
	always    []bool    // by pattern: tried whatever the text says
	scratches sync.Pool // of *scratch that no search uses
}

// A pattern is one rule and how to look for it.
type pattern struct {
	rule       finding.Rule
	noun       string // "GitHub personal access token"
	confidence finding.Confidence
	rank       int
	expr       *expression    // nil if the name of the file says it all
	keywords   []string       // in lower case, one of which is in the text of any match or beside it
	path       *expression    // the files that the rule speaks of; nil means all
	group      int            // of expr, that holds the secret; 0 means the first that matched
	whole      bool           // the secret is all that expr matches, not a group of it
	tail       *regexp.Regexp // what of the secret follows after expr; nil if nothing does
	opening    *regexp.Regexp // what a match can end with that begins another; nil if nothing does
	entropy    float64        // a value must have more
	excuses    []excuse
	digest     *regexp.Regexp // a checksum with its name: no secret; nil if it needs no telling apart
	plan       func() *plan   // how to look for it
	check      check          // what the structure of a match proves: what does not fit is no match; nil if nothing is known
	proof      check          // the same for a rule that is not ours: what does not fit is doubted
	ours       bool
	provider   string // who gives the secret out; of our rules, "" if nobody does
}

// Ranks order rules that match the same value: the higher says more about it.
// Of two that say as much, ours wins: it knows the provider's own steps.
const (
	anyValue    = iota // any random value beside a word such as "key"
	anyPassword        // a random value beside a word such as "password"
	inPlace            // a value where a secret is usual
	named              // a value known by the name of its provider beside it
	ourNamed           //
	ofShape            // a value of a known shape
	ourOfShape         //
)

// digestName is the longest name before a checksum, with its separators.
const digestName = len(`"sha512:`)

// digest matches the checksums that lockfiles are full of, each at its exact length.
const digest = `(?i)(?:^|[^a-z0-9])(?:` +
	`h1:[a-z0-9+/]{43}=|` +
	`md5[:-](?:[0-9a-f]{32}|[a-z0-9+/]{22}==)|` +
	`sha1[:-](?:[0-9a-f]{40}|[a-z0-9+/]{27}=)|` +
	`sha256[:-](?:[0-9a-f]{64}|[a-z0-9+/]{43}=)|` +
	`sha384[:-](?:[0-9a-f]{96}|[a-z0-9+/]{64})|` +
	`sha512[:-](?:[0-9a-f]{128}|[a-z0-9+/]{86}==))$`

// newEngine compiles gitleaks' rules, our own, and custom ones. Of these, one
// with an id that is there already is left out: ParseRules says so, but not of another file.
func newEngine(custom ...Rules) (*engine, error) {
	theirs, err := theirRules()
	if err != nil {
		return nil, err
	}
	ours, err := readOurRules()
	if err != nil {
		return nil, err
	}
	for i, r := range theirs.Rules {
		if r.ID != "generic-api-key" { // it says too little of a value to look in more places
			theirs.Rules[i].Regex = linked(r.Regex)
		}
		if r.ID == "vault-service-token" { // what excuses the old format, only letters, is none for "hvs."
			theirs.Rules[i].Allowlists = []allowText{{Regexes: []string{`^s\.[A-Za-z]{24}`}}}
		}
	}
	all := theirPatterns(theirs)
	known := checks()
	for _, r := range ours {
		r.Regex = linked(r.Regex)
		p, err := ourPattern(r, known)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", r.ID, err)
		}
		all = append(all, p)
	}
	seen := map[string]bool{}
	for _, p := range all {
		seen[p.rule.ID] = true
	}
	for _, rules := range custom {
		for _, p := range rules.patterns {
			if !seen[p.rule.ID] {
				seen[p.rule.ID] = true
				mine := *p // engines may share rules, not what they make of them
				all = append(all, &mine)
			}
		}
	}
	return compile(all)
}

// compile makes an engine of patterns.
func compile(patterns []*pattern) (*engine, error) {
	e := &engine{patterns: slices.Clone(patterns)}
	slices.SortFunc(e.patterns, func(a, b *pattern) int { return cmp.Compare(a.rule.ID, b.rule.ID) })
	number := map[string]int{}
	var words []string
	for i, p := range e.patterns {
		p.plan = sync.OnceValue(func() *plan { return newPlan(p.expr, p.keywords) })
		e.always = append(e.always, len(p.keywords) == 0)
		for _, k := range p.keywords {
			n, known := number[k]
			if !known {
				n = len(words)
				number[k] = n
				words = append(words, k)
				e.byKeyword = append(e.byKeyword, nil)
			}
			e.byKeyword[n] = append(e.byKeyword[n], i)
		}
	}
	var err error
	e.keywords, err = newAutomaton(words)
	return e, err
}

// theirPatterns are the rules of gitleaks, and what we know of each beyond its text.
func theirPatterns(f ruleFile) []*pattern {
	everywhere := global(f.Allowlists)
	known, proofs := checks(), checksOfGitleaks()
	var all []*pattern
	for _, r := range f.Rules {
		p := &pattern{
			rule: describe(r.ID), noun: noun(r.ID), rank: ofShape, confidence: finding.Certain,
			expr: express(r.Regex), path: express(r.Path), group: r.SecretGroup, entropy: r.Entropy, keywords: lowered(r.Keywords),
			excuses: append(slices.Clone(everywhere), excuses(r.Allowlists)...),
		}
		if name, ok := proofs[r.ID]; ok {
			p.proof = known[name]
		}
		switch r.ID {
		case "private-key":
			// A comment in a key excuses it no more than one beside it.
			p.excuses = excuses(r.Allowlists)
			p.opening = regexp.MustCompile(`(?i)-----BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?-----$`)
		case "generic-api-key":
			p.rank, p.confidence, p.digest = anyValue, finding.Possible, regexp.MustCompile(digest)
		case "kubernetes-secret-yaml", "curl-auth-header", "curl-auth-user", "hashicorp-tf-password", "nuget-config-password":
			p.rank, p.confidence = inPlace, finding.Likely
		case "jwt-base64", "microsoft-teams-webhook":
			p.whole = true // their groups are parts of the expression, the same in every token
		case "aws-amazon-bedrock-api-key-short-lived":
			p.tail = regexp.MustCompile(`^[A-Za-z0-9+/_-]{0,1000}={0,2}`) // the rule knows only how it begins
		case "pkcs12-file":
			p.confidence = finding.Likely
		default:
			if strings.Contains(r.Regex, `[\w.-]{0,50}?`) {
				p.rank, p.confidence = named, finding.Likely
			}
		}
		all = append(all, p)
	}
	return all
}

// ourPattern is a rule beyond those of gitleaks. Its check is one of known.
func ourPattern(r ruleText, known map[string]check) (*pattern, error) {
	severity, ok := finding.ParseSeverity(r.Severity)
	if !ok {
		return nil, fmt.Errorf("no severity is called %q", r.Severity)
	}
	p := &pattern{
		rule: describeOurs(r, severity), noun: r.Title, rank: ourOfShape, confidence: finding.Certain,
		expr: express(r.Regex), path: express(r.Path), group: r.SecretGroup, entropy: r.Entropy, keywords: r.Keywords,
		excuses: excuses(r.Allowlists), check: known[r.Check], ours: true, provider: r.Provider,
	}
	if p.check == nil {
		return nil, fmt.Errorf("no check is called %q", r.Check)
	}
	if r.Confidence != finding.Certain.String() {
		p.rank, p.confidence = ourNamed, finding.Likely
	}
	if r.ID == "azure-annotated-key" {
		p.rank = ourNamed // of any service: a rule that knows which says more
	}
	if r.ID == "assigned-password" {
		p.rank = anyPassword
	}
	return p, nil
}
