package secret

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// Rules are rules that an operator or an organisation brings, checked and ready to look for.
type Rules struct{ patterns []*pattern }

// Len is how many rules there are.
func (r Rules) Len() int { return len(r.patterns) }

// What a rule that is not ours may cost.
const (
	mostRuleBytes  = 1 << 20  // of an operator's file
	mostOrgBytes   = 64 << 10 // of an organisation's: many of them share a server
	mostOrgProgram = 20_000   // instructions of all its compiled expressions: each is a step at each character
	mostRules      = 500
	mostExpression = 4 << 10 // characters
	mostProgram    = 20_000  // instructions of the compiled expression
	mostReach      = 8 << 10 // characters on each side of a keyword
	leastKeyword   = 3
)

// A customRule is a rule that is not ours: as ours, with its examples.
type customRule struct {
	ruleText
	Format   string `toml:"format"`
	Examples struct {
		Hit         []string `toml:"hit"`
		Near        []string `toml:"near"`
		Placeholder []string `toml:"placeholder"`
	} `toml:"examples"`
}

// ParseRules reads rules in the format of rules/README.md. A rule that would
// find nothing, everything, or take too long is left out and its error names
// it and says why; the others are returned all the same.
func ParseRules(file string, text []byte) (Rules, error) {
	return parseRules(file, text, mostRuleBytes, math.MaxInt, Rules{})
}

// ParseOrganisationRules is ParseRules for a file that an organisation brings
// beside the rules of the operator. It has less room.
func ParseOrganisationRules(file string, text []byte, operators Rules) (Rules, error) {
	return parseRules(file, text, mostOrgBytes, mostOrgProgram, operators)
}

// parseRules takes of text what is within bounds: of its size in bytes, and of
// its expressions in instructions.
func parseRules(file string, text []byte, most, program int, beside Rules) (Rules, error) {
	if len(text) > most {
		return Rules{}, fmt.Errorf("%s: larger than %d bytes", file, most)
	}
	var read struct {
		Rules []customRule `toml:"rules"`
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&read); err != nil {
		var at *toml.DecodeError
		var unknown *toml.StrictMissingError
		switch {
		case errors.As(err, &unknown) && len(unknown.Errors) > 0:
			line, _ := unknown.Errors[0].Position()
			return Rules{}, fmt.Errorf("%s:%d: no rule has a key %q", file, line, strings.Join(unknown.Errors[0].Key(), "."))
		case errors.As(err, &at):
			line, _ := at.Position()
			return Rules{}, fmt.Errorf("%s:%d: %w", file, line, err)
		}
		return Rules{}, fmt.Errorf("%s: %w", file, err)
	}
	if len(read.Rules) > mostRules {
		return Rules{}, fmt.Errorf("%s: more than %d rules", file, mostRules)
	}
	taken, err := takenIDs()
	if err != nil {
		return Rules{}, err
	}
	for _, p := range beside.patterns {
		taken[strings.TrimPrefix(p.rule.ID, customPrefix)] = true
	}
	var rules Rules
	var wrong []error
	known := checks()
	for n, r := range read.Rules {
		p, err := r.pattern(known, taken, &program)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: rule %s: %w", file, cmp.Or(r.ID, fmt.Sprint(n+1)), err))
			continue
		}
		taken[r.ID] = true
		rules.patterns = append(rules.patterns, p)
	}
	return rules, errors.Join(wrong...)
}

// takenIDs are the ids of the rules that are always there.
func takenIDs() (map[string]bool, error) {
	theirs, err := theirRules()
	if err != nil {
		return nil, err
	}
	ours, err := readOurRules()
	if err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	for _, r := range append(theirs.Rules, ours...) {
		taken[r.ID] = true
	}
	return taken, nil
}

var ruleID = regexp.MustCompile(`^[a-z0-9]+(?:-[a-z0-9]+)*$`)

const customPrefix = "secret/custom/"

// pattern checks a rule and makes a pattern of it.
func (r customRule) pattern(known map[string]check, taken map[string]bool, room *int) (*pattern, error) {
	switch {
	case !ruleID.MatchString(r.ID):
		return nil, errors.New("id: small letters, digits and hyphens")
	case taken[r.ID]:
		return nil, errors.New("id: there is a rule of this name")
	}
	if err := r.expressible(room); err != nil {
		return nil, err
	}
	r.Title = cmp.Or(r.Title, noun(r.ID))
	r.Severity, r.Confidence = cmp.Or(r.Severity, finding.High.String()), cmp.Or(r.Confidence, finding.Likely.String())
	r.RotateSteps = cmp.Or(r.RotateSteps, "Revoke it where it was issued and issue a new one.")
	r.Keywords = lowered(r.Keywords)
	if r.Confidence != finding.Likely.String() && r.Confidence != finding.Certain.String() {
		return nil, fmt.Errorf("confidence: %q is neither certain nor likely", r.Confidence)
	}
	p, err := ourPattern(r.ruleText, known)
	if err != nil {
		return nil, err
	}
	p.rule.ID = customPrefix + r.ID // told apart from ours, of which each has a page
	if err := r.selective(p.expr.regex()); err != nil {
		return nil, err
	}
	return p, r.proved(p)
}

// expressible checks that the expressions are some, and that what they match is
// bounded and can be found by the keywords. Its instructions are taken from room.
func (r customRule) expressible(room *int) error {
	if r.Regex == "" {
		return errors.New("regex: missing")
	}
	all := []string{r.Regex}
	if r.Path != "" {
		all = append(all, r.Path)
	}
	for _, a := range r.Allowlists {
		if a.RegexTarget != "" && !slices.Contains([]string{"secret", "match", "line"}, a.RegexTarget) {
			return fmt.Errorf("allowlists: regexTarget: %q is none of secret, match, line", a.RegexTarget)
		}
		if len(a.Regexes)+len(a.StopWords) == 0 || len(a.Paths)+len(a.Commits) > 0 {
			return errors.New("allowlists: only what speaks of the value excuses it: regexes and stopwords")
		}
		all = append(all, a.Regexes...)
	}
	for _, text := range all {
		if len(text) > mostExpression {
			return fmt.Errorf("regex: longer than %d characters", mostExpression)
		}
		tree, err := syntax.Parse(text, syntax.Perl)
		if err != nil {
			return fmt.Errorf("regex: not in the syntax of RE2: %w", err)
		}
		prog, err := syntax.Compile(tree.Simplify())
		if err != nil {
			return fmt.Errorf("regex: %w", err)
		}
		if len(prog.Inst) > mostProgram {
			return errors.New("regex: its repetitions make it too large")
		}
		if len(prog.Inst) > *room {
			return errors.New("regex: those of the file are too large together")
		}
		*room -= len(prog.Inst)
	}
	if len(r.Keywords) == 0 {
		return errors.New("keywords: at least one, which is in every match: without it every text would be searched")
	}
	for _, k := range r.Keywords {
		if len(k) < leastKeyword {
			return fmt.Errorf("keywords: %q is shorter than %d characters", k, leastKeyword)
		}
	}
	tree, err := syntax.Parse(r.Regex, syntax.Perl)
	if err != nil {
		return fmt.Errorf("regex: %w", err)
	}
	if r.SecretGroup < 0 || r.SecretGroup > tree.MaxCap() {
		return fmt.Errorf("secretGroup: the expression has %d groups", tree.MaxCap())
	}
	k, ok := locate(tree, lowered(r.Keywords))
	if !ok {
		return errors.New("keywords: it cannot be seen from the expression that one of them is in every match")
	}
	if reach := k.left.plus(k.right); reach.all || reach.open > 0 || reach.runes > mostReach {
		return fmt.Errorf("regex: give every repetition an upper bound, so that no match is longer than %d characters", mostReach)
	}
	return nil
}

// selective checks that the expression does not match what every text has.
func (r customRule) selective(regex *regexp.Regexp) error {
	if regex.MatchString("") {
		return errors.New("regex: it matches the empty text")
	}
	for _, k := range r.Keywords {
		for _, text := range []string{
			"the %s of it, and some more words in a row\n", "%sing and %ss\n", "return get%s(ctx, name)\n", "%s: see the manual\n", "%s = \"\"\n",
		} {
			if regex.MatchString(strings.ReplaceAll(text, "%s", k)) {
				return fmt.Errorf("regex: it matches ordinary text with %q in it", k)
			}
		}
	}
	return nil
}

// proved checks the examples: what must be found is, and what must not is not.
func (r customRule) proved(p *pattern) error {
	if len(r.Examples.Hit) == 0 || len(r.Examples.Near)+len(r.Examples.Placeholder) == 0 {
		return errors.New("examples: at least one hit, and one near or placeholder")
	}
	finds := func(example string) bool {
		text := " " + strings.ReplaceAll(example, "§", "") + "\n"
		if !p.mentioned(text) {
			return false
		}
		return slices.ContainsFunc(p.expr.regex().FindAllStringIndex(text, -1), func(at []int) bool {
			_, ok := p.match(text, at[0], at[1])
			return ok
		})
	}
	for n, e := range r.Examples.Hit {
		if !finds(e) {
			return fmt.Errorf("examples: hit %d is not found", n+1) // not shown: it may be a real one
		}
	}
	for n, e := range slices.Concat(r.Examples.Near, r.Examples.Placeholder) {
		if finds(e) {
			return fmt.Errorf("examples: number %d of near and placeholder is found", n+1)
		}
	}
	return nil
}
