package secret

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	ahocorasick "github.com/BobuSumisu/aho-corasick"
	"github.com/spf13/viper"
	"github.com/zricethezav/gitleaks/v8/config"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// An engine is the compiled rules. It is safe for concurrent use.
type engine struct {
	patterns  []*pattern // sorted by rule id
	keywords  *ahocorasick.Trie
	byKeyword [][]int // patterns to try if a keyword occurs, by the keyword's number
	always    []bool  // by pattern: tried whatever the text says
}

// A pattern is one rule and how to look for it.
type pattern struct {
	rule       finding.Rule
	noun       string // "GitHub personal access token"
	confidence finding.Confidence
	rank       int
	regex      *regexp.Regexp        // nil if the name of the file says it all
	next       func() *regexp.Regexp // regex behind any one character
	keywords   []string              // in lower case, one of which is in the text of any match or beside it
	path       *regexp.Regexp        // the files that the rule speaks of; nil means all
	group      int                   // of regex, that holds the secret; 0 means the first that matched
	whole      bool                  // the secret is all that regex matches, not a group of it
	tail       *regexp.Regexp        // what of the secret follows after regex; nil if nothing does
	opening    *regexp.Regexp        // what a match can end with that begins another; nil if nothing does
	entropy    float64               // a value must have more
	excuses    []excuse
	digest     *regexp.Regexp // a checksum with its name: no secret; nil if it needs no telling apart
}

// Ranks order rules that match the same value: the higher says more about it.
const (
	anyValue = iota // any random value beside a word such as "key"
	inPlace         // a value where a secret is usual
	ofShape         // a value of a known shape
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

// newEngine compiles gitleaks' rules. It reads them with a decoder of its own:
// the library's constructor goes through a configuration shared by the process.
func newEngine() (*engine, error) {
	v := viper.New()
	v.SetConfigType("toml")
	if err := v.ReadConfig(strings.NewReader(config.DefaultConfig)); err != nil {
		return nil, fmt.Errorf("read the secret rules: %w", err)
	}
	var raw config.ViperConfig
	if err := v.Unmarshal(&raw); err != nil {
		return nil, fmt.Errorf("decode the secret rules: %w", err)
	}
	rules, err := raw.Translate()
	if err != nil {
		return nil, fmt.Errorf("compile the secret rules: %w", err)
	}
	return compile(rules), nil
}

func compile(rules config.Config) *engine {
	e := &engine{}
	number := map[string]int{}
	var words []string
	everywhere := global(rules.Allowlists)
	ids := slices.Clone(rules.OrderedRules)
	slices.Sort(ids)
	for i, id := range ids {
		r := rules.Rules[id]
		p := &pattern{
			rule: describe(id), noun: noun(id), rank: ofShape, confidence: finding.Certain,
			regex: r.Regex, path: r.Path, group: r.SecretGroup, entropy: r.Entropy,
			excuses: append(slices.Clone(everywhere), excuses(r.Allowlists)...),
		}
		if r.Regex != nil {
			p.next = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?s:.)(?:` + r.Regex.String() + `)`) })
		}
		for _, k := range r.Keywords {
			p.keywords = append(p.keywords, strings.ToLower(k))
		}
		switch id {
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
			if r.Regex != nil && strings.Contains(r.Regex.String(), `[\w.-]{0,50}?`) {
				p.confidence = finding.Likely // known by the name before it, not by its shape
			}
		}
		e.patterns = append(e.patterns, p)
		e.always = append(e.always, len(r.Keywords) == 0)
		for _, k := range r.Keywords {
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
	e.keywords = ahocorasick.NewTrieBuilder().AddStrings(words).Build()
	return e
}

// excuses keeps of lists what speaks of values. What speaks of paths and
// commits is dropped: where a secret stands makes it no less of one.
func excuses(lists []*config.Allowlist) []excuse {
	var kept []excuse
	for _, a := range lists {
		all := a.MatchCondition == config.AllowlistMatchAnd
		elsewhere := len(a.Paths)+len(a.Commits) > 0
		if all && elsewhere || len(a.Regexes)+len(a.StopWords) == 0 {
			continue
		}
		kept = append(kept, excuse{Allowlist: a, all: all})
	}
	return kept
}

// alternatives matches an expression of several words whose anchors only bind
// the first and the last of them.
var alternatives = regexp.MustCompile(`^(\(\?[a-z]+\))?\^(.*)\$$`)

// global are the excuses of all rules. They are meant for values that are one
// word, and one is written so that it takes in any value with that word
// somewhere in it: "(?i)^true|false|null$".
func global(lists []*config.Allowlist) []excuse {
	kept := excuses(lists)
	for i := range kept {
		old := kept[i].Allowlist
		list := &config.Allowlist{
			Description: old.Description, MatchCondition: old.MatchCondition, RegexTarget: old.RegexTarget,
			Regexes: slices.Clone(old.Regexes), StopWords: old.StopWords,
		}
		for j, re := range list.Regexes {
			tree, err := syntax.Parse(re.String(), syntax.Perl)
			if m := alternatives.FindStringSubmatch(re.String()); err == nil && tree.Op == syntax.OpAlternate && m != nil {
				list.Regexes[j] = regexp.MustCompile(m[1] + "^(?:" + m[2] + ")$")
			}
		}
		kept[i].Allowlist, kept[i].everywhere = list, true
	}
	return kept
}

// confidenceIn is how sure the pattern is of one value: some take in shapes
// that are usual for other things too.
func (p *pattern) confidenceIn(value string) finding.Confidence {
	switch p.rule.ID {
	case "secret/sourcegraph-access-token": // any commit id
		if !strings.HasPrefix(strings.ToLower(value), "sgp_") {
			return finding.Possible
		}
	case "secret/vault-service-token": // any method of a variable s
		if strings.HasPrefix(value, "s.") && !strings.ContainsAny(value, "0123456789") {
			return finding.Possible
		}
	}
	return p.confidence
}
