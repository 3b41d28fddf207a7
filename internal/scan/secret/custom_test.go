package secret

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// acme is a rule that an operator may write; more replaces lines of it.
func acme(more ...string) string {
	lines := map[string]string{
		"id": `"acme-token"`, "title": `"Acme token"`, "regex": `'\b(acme_[a-z0-9]{20})\b'`, "keywords": `["acme_"]`,
		"hit": `['t = "acme_§k3v8n4rtq0zl7xw2by9c"']`, "near": `['acme_k3v8n4rtq0']`,
	}
	order := []string{"id", "title", "regex", "keywords"}
	for i := 0; i < len(more); i += 2 {
		if _, known := lines[more[i]]; !known {
			order = append(order, more[i])
		}
		lines[more[i]] = more[i+1]
	}
	var b strings.Builder
	b.WriteString("[[rules]]\n")
	for _, key := range order {
		if lines[key] != "" {
			fmt.Fprintf(&b, "%s = %s\n", key, lines[key])
		}
	}
	b.WriteString("[rules.examples]\n")
	for _, key := range []string{"hit", "near"} {
		if lines[key] != "" {
			fmt.Fprintf(&b, "%s = %s\n", key, lines[key])
		}
	}
	return b.String()
}

// inspectWith looks for custom rules too.
func inspectWith(t *testing.T, rules Rules, text string) []string {
	t.Helper()
	snap := scan.Snapshot{Side: scan.Before, Contents: contents{"1": text}, Files: []change.File{{Path: "a", NewBlob: "1"}}}
	r, err := New(rules).Inspect(context.Background(), snap)
	require.NoError(t, err)
	return lines(r.Findings)
}

func TestCustomRule(t *testing.T) {
	rules, err := ParseRules("acme.toml", []byte(acme("severity", `"critical"`, "confidence", `"certain"`)))
	require.NoError(t, err)
	require.Equal(t, 1, rules.Len())
	text := "x\nurl = acme_" + "k3v8n4rtq0zl7xw2by9c\n" + githubToken + "\n"
	for range 2 { // a scanner takes nothing from another one
		assert.Equal(t, []string{"a:2 critical certain secret/custom/acme-token", "a:3 critical certain secret/github-pat"}, inspectWith(t, rules, text))
	}
	assert.Equal(t, []string{"a:3 critical certain secret/github-pat"}, inspectWith(t, Rules{}, text))
	assert.Empty(t, inspectWith(t, rules, "acme_example_00000000000\nacme_"+strings.Repeat("x", 20)+"\n"))
}

// TestTheRuleInTheReadmeHolds: who copies it has one.
func TestTheRuleInTheReadmeHolds(t *testing.T) {
	readme, err := os.ReadFile("rules/README.md")
	require.NoError(t, err)
	_, text, _ := strings.Cut(string(readme), "```toml\n")
	text, _, _ = strings.Cut(text, "```")
	rules, err := ParseRules("README.md", []byte(text))
	require.NoError(t, err)
	assert.Equal(t, 1, rules.Len())
}

// TestBadCustomRules: each is refused with a reason at the rule, and the good
// one beside it goes on.
func TestBadCustomRules(t *testing.T) {
	good := acme("id", `"acme-other"`)
	for want, bad := range map[string]string{
		"regex: missing": acme("regex", ""),
		"regex: not in the syntax of RE2: error parsing regexp: invalid or unsupported Perl syntax": acme("regex", `'\b(acme_(?=[a-z])[a-z0-9]{20})\b'`),
		"regex: not in the syntax of RE2: error parsing regexp: invalid repeat count":               acme("regex", `'acme_[a-z]{2000}'`),
		"regex: not in the syntax of RE2: error parsing regexp: expression nests too deeply":        acme("regex", "'"+strings.Repeat("(", 1500)+"acme_"+strings.Repeat(")", 1500)+"'"),
		"regex: longer than 4096 characters":                                                        acme("regex", "'acme_"+strings.Repeat("a", 4100)+"'"),
		"regex: give every repetition an upper bound":                                               acme("regex", `'acme_(?:[a-z]+)+!'`),
		"so that no match is longer than 8192":                                                      acme("regex", "'acme_"+strings.Repeat("[a-z]{1000}", 9)+"!'"),
		"regex: its repetitions make it too large":                                                  acme("regex", "'acme_"+strings.Repeat("[a-z]{999}", 30)+"'"),
		"keywords: it cannot be seen from the expression":                                           acme("regex", `'.*'`),
		"that one of them is in every match":                                                        acme("regex", `'(?:acme_|other_)[a-z0-9]{20}'`),
		"regex: it matches ordinary text with \"acme_\" in it":                                      acme("regex", `'[^\n]{0,100}acme_[^\n]{0,100}'`),
		"keywords: at least one":                                                                    acme("keywords", "[]"),
		"keywords: \"ac\" is shorter than 3":                                                        acme("keywords", `["ac"]`),
		"id: small letters":                                                                         acme("id", `"Acme token"`),
		"rule github-pat: id: there is a rule of this name":                                         acme("id", `"github-pat"`),
		"rule acme-other: id: there is a rule of this name":                                         acme("id", `"acme-other"`),
		"examples: at least one hit":                                                                acme("hit", ""),
		"and one near or placeholder":                                                               acme("near", ""),
		"examples: hit 1 is not found":                                                              acme("hit", `['acme_k3v8']`),
		"examples: number 1 of near and placeholder is found":                                       acme("near", `['acme_k3v8n4rtq0zl7xw2by9d']`),
		"no severity is called \"bad\"":                                                             acme("severity", `"bad"`),
		"confidence: \"sure\" is neither":                                                           acme("confidence", `"sure"`),
		"no check is called \"magic\"":                                                              acme("check", `"magic"`),
		"secretGroup: the expression has 1 groups":                                                  acme("secretGroup", "2"),
		"allowlists: only what speaks of the value":                                                 acme("allowlists", `[{paths = ['.*']}]`),
		"rule 2: id: small letters":                                                                 acme("id", ""),
	} {
		rules, err := ParseRules("acme.toml", []byte(good+bad))
		require.ErrorContains(t, err, want)
		assert.ErrorContains(t, err, "acme.toml: rule ")
		assert.Equal(t, 1, rules.Len(), want)
		assert.NotContains(t, err.Error(), "k3v8n4rtq0zl7xw2by9", "an example may be a real one")
	}
	for want, text := range map[string]string{
		"acme.toml:5: no rule has a key \"rules.keyword\"": strings.Replace(good, "keywords", "keyword", 1) + "",
		"acme.toml:1: ":                  "[[rules\n",
		"acme.toml: larger than":         strings.Repeat("#", 1<<20+1),
		"acme.toml: more than 500 rules": strings.Repeat("[[rules]]\nid = 'a'\n", 501),
	} {
		rules, err := ParseRules("acme.toml", []byte(text))
		require.ErrorContains(t, err, want)
		assert.Zero(t, rules.Len())
	}
}

// TestOrganisationsHaveLessRoom: many of them share a server. What is too much
// is left out, and so is what the operator has.
func TestOrganisationsHaveLessRoom(t *testing.T) {
	operators, err := ParseRules("acme.toml", []byte(acme()))
	require.NoError(t, err)
	rules, err := ParseOrganisationRules("org.toml", []byte(acme()+acme("id", `"org-token"`)), operators)
	require.ErrorContains(t, err, "org.toml: rule acme-token: id: there is a rule of this name")
	assert.Equal(t, 1, rules.Len())
	_, err = ParseOrganisationRules("org.toml", []byte(strings.Repeat("#", 64<<10+1)), Rules{})
	require.ErrorContains(t, err, "org.toml: larger than")

	var all strings.Builder
	for i := range 40 {
		all.WriteString(acme("id", fmt.Sprintf(`"acme-%d"`, i), "regex", "'acme_"+strings.Repeat("[a-z0-9]{0,999}", 7)+"[a-z0-9]{20}!'",
			"hit", "['acme_§k3v8n4rtq0zl7xw2by9c!']"))
	}
	_, err = ParseRules("acme.toml", []byte(all.String()))
	require.NoError(t, err)
	rules, err = ParseOrganisationRules("org.toml", []byte(all.String()), Rules{})
	require.ErrorContains(t, err, "regex: those of the file are too large together")
	assert.Positive(t, rules.Len())
	assert.Less(t, rules.Len(), 40)
}

// TestCustomRulesAreBounded: the most that an operator may bring still ends.
func TestCustomRulesAreBounded(t *testing.T) {
	var all strings.Builder
	for i := range mostRules {
		all.WriteString(acme("id", fmt.Sprintf(`"acme-%d"`, i), "regex", fmt.Sprintf(`'(?i)[\w.-]{0,100}acme_[\w.]{0,200}?%d[a-z0-9 ]{20,300}!'`, i), "hit", fmt.Sprintf(`['acme_§%dk3v8n4rtq0zl7xw2by9c!']`, i)))
	}
	start := time.Now()
	rules, err := ParseRules("acme.toml", []byte(all.String()))
	require.NoError(t, err)
	require.Equal(t, mostRules, rules.Len())
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	e, err := newEngine(rules)
	require.NoError(t, err)
	text := strings.Repeat("acme_1k3v8n4rtq0zl7xw2by9c acme_", 100)
	_, err = e.find(ctx, "a", wholePiece(text))
	require.NoError(t, err)
	t.Log(time.Since(start))
}

// FuzzParseRules: whatever an operator's file has, there is an answer.
func FuzzParseRules(f *testing.F) {
	f.Add(acme())
	f.Add(acme("regex", `'(?:a{1000}){9}'`))
	f.Add("rules = 3")
	f.Add("[[rules]]\n[[rules.allowlists]]\nregexes=['(']\n")
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := ParseRules("a", []byte(text))
		if err == nil && rules.Len() > 0 {
			_, err = newEngine(rules)
			require.NoError(t, err)
			few, _ := ParseOrganisationRules("a", []byte(text), Rules{})
			require.LessOrEqual(t, few.Len(), rules.Len())
		}
	})
}
