package secret

import (
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"
	"github.com/zricethezav/gitleaks/v8/config"
)

// ourRules are the rules beyond those of gitleaks; rules/README.md says how they are written.
//
//go:embed rules/*.toml
var ourRules embed.FS

// A ruleFile is a file of rules in the format of gitleaks.
type ruleFile struct {
	Allowlist  *allowText  `toml:"allowlist"` // the older form of the next
	Allowlists []allowText `toml:"allowlists"`
	Rules      []ruleText  `toml:"rules"`
}

// A ruleText is a rule as a file has it: what gitleaks knows first, then what only ours have.
type ruleText struct {
	ID          string      `toml:"id"`
	Description string      `toml:"description"`
	Path        string      `toml:"path"`
	Regex       string      `toml:"regex"`
	SecretGroup int         `toml:"secretGroup"`
	Entropy     float64     `toml:"entropy"`
	Keywords    []string    `toml:"keywords"`
	Allowlists  []allowText `toml:"allowlists"`

	Title       string `toml:"title"`
	Provider    string `toml:"provider"`
	Check       string `toml:"check"`
	Severity    string `toml:"severity"`
	Confidence  string `toml:"confidence"`
	Docs        string `toml:"docs"`
	Rotate      string `toml:"rotate"`
	RotateSteps string `toml:"rotate_steps"`
}

// An allowText is what excuses a match.
type allowText struct {
	Condition   string   `toml:"condition"`
	Commits     []string `toml:"commits"`
	Paths       []string `toml:"paths"`
	RegexTarget string   `toml:"regexTarget"`
	Regexes     []string `toml:"regexes"`
	StopWords   []string `toml:"stopwords"`
}

// theirRules reads the rules that gitleaks ships. Its own reader compiles every
// expression at once, of which no text needs more than a few.
func theirRules() (ruleFile, error) {
	var f ruleFile
	if err := toml.Unmarshal([]byte(config.DefaultConfig), &f); err != nil {
		return f, fmt.Errorf("read the rules of gitleaks: %w", err)
	}
	if f.Allowlist != nil {
		f.Allowlists = append(f.Allowlists, *f.Allowlist)
	}
	return f, nil
}

// readOurRules reads the rules beyond those of gitleaks.
func readOurRules() ([]ruleText, error) {
	files, err := fs.Glob(ourRules, "rules/*.toml")
	if err != nil {
		return nil, err
	}
	var all []ruleText
	for _, name := range files {
		content, err := ourRules.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var f ruleFile
		if err := toml.Unmarshal(content, &f); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		all = append(all, f.Rules...)
	}
	return all, nil
}

// An expression is a regular expression that is compiled when it is first
// needed. The text must be one: files are tested, and what people bring is
// checked when it is read.
type expression struct {
	text  string
	regex func() *regexp.Regexp
	next  func() *regexp.Regexp // the same behind any one character
}

// express returns the expression of text, nil if there is none.
func express(text string) *expression {
	if text == "" {
		return nil
	}
	return &expression{
		text:  text,
		regex: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) }),
		next:  sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?s:.)(?:` + text + `)`) }),
	}
}

// tree is the expression as it is parsed.
func (e *expression) tree() *syntax.Regexp {
	tree, err := syntax.Parse(e.text, syntax.Perl)
	if err != nil {
		panic(err) // as regex does
	}
	return tree
}

// matches reports whether e matches anywhere in s; a nil expression matches all.
func (e *expression) matches(s string) bool { return e == nil || e.regex().MatchString(s) }

func lowered(words []string) []string {
	var all []string
	for _, w := range words {
		all = append(all, strings.ToLower(w))
	}
	return all
}
