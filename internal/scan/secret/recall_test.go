package secret

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// leastRecall is the share of all labelled positives that must be found,
// leastOfClass of those of each class.
const leastRecall, leastOfClass = 0.98, 0.95

// A labelled is a file with one secret in it, or with none.
type labelled struct {
	class        string // of those that recall is told of one by one
	format, kind string
	path, text   string
	line         int // where the secret begins, 0 if on any
	rules        *regexp.Regexp
}

// corpusSeed makes the corpus: the same one each time, another with PULLWARDEN_CORPUS_SEED.
func corpusSeed(t testing.TB) *rand.Rand {
	t.Helper()
	seed := int64(1)
	if text := os.Getenv("PULLWARDEN_CORPUS_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseInt(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("PULLWARDEN_CORPUS_SEED=%d", seed)
	return rand.New(rand.NewSource(seed))
}

// besides are the rules that say enough of a value by where it stands.
const besides = `curl-auth|kubernetes-secret|url-password|netrc|npmrc|pypirc|jwt|bearer|basic`

// positives is a file for every token, password and key in every format.
func positives(t testing.TB, r *rand.Rand) []labelled {
	t.Helper()
	var all []labelled
	add := func(class, format, kind, path, text string, line int, rules string) {
		all = append(all, labelled{class, format, kind, path, text, line, regexp.MustCompile(rules)})
	}
	for _, p := range placements() {
		for _, i := range issues() {
			if p.nameless && !i.shaped {
				continue
			}
			class, line := "tokens that only their name tells", lineOf(p.text, "VALUE", "BASE64")
			if i.shaped {
				class = "tokens of a format"
			}
			add(class, p.format, i.name, p.path, spelledOut(i.name, i.make(r)).Replace(p.text), line, i.rules.String()+"|"+besides)
		}
	}
	for _, s := range settledFiles() {
		for n := range 10 {
			text, line := settle(r, s, n)
			add("passwords", s.format, "password", s.path, text, line, s.rules+"|assigned-password")
		}
	}
	keys := madeKeys(t)
	for _, p := range keyPlacements() {
		for _, k := range keys {
			add("keys", "key: "+p.format, k.kind, p.path, keySpelled(k.text).Replace(p.text), lineOf(p.text, "INDENTED", "ESCAPED", "CRLF", "GO", "ARRAY", "BASE64", "KEY"), k.rules+"|kubeconfig")
		}
	}
	for _, k := range onlyFiles(t) {
		add("keys", "key: "+k.kind, k.kind, "key", k.text, 0, k.rules)
	}
	return all
}

// lineOf is the line of text that the first of marks is on.
func lineOf(text string, marks ...string) int {
	for _, m := range marks {
		if i := strings.Index(text, m); i >= 0 {
			return strings.Count(text[:i], "\n") + 1
		}
	}
	return 0
}

// settle puts a password of the n-th kind into a file.
func settle(r *rand.Rand, s settled, n int) (string, int) {
	password := filled(r, []string{"{a:16}", "{a:20}", "{l:24}", "{h:32}", "{a:12}"}[n%5])
	encoded := base64.StdEncoding.EncodeToString
	userpass := encoded([]byte("deploy:" + password))
	line, text := lineOf(s.text, "TOKEN", "JWT", "USERPASS", "PASSBASE64", "BYTES64", "UUID", "DOCKERBASE64"), s.text
	for _, x := range [][2]string{
		{"DOCKERBASE64", encoded([]byte(`{"auths":{"registry.example":{"username":"deploy","password":"` + password + `","auth":"` + userpass + `"}}}`))},
		{"PASSBASE64", encoded([]byte(password))}, {"USERPASS", userpass}, {"BYTES64", encoded([]byte(filled(r, "{a:64}")))}, {"UUID", filled(r, "{uuid}")},
		{"JWT", filled(r, "{claims}")}, {"TOKEN", filled(r, "{a:40}")},
	} {
		text = strings.Replace(text, x[0], x[1], 1)
	}
	// The last one is the value: names are written in capitals too.
	if i := strings.LastIndex(text, "PASSWORD"); i >= 0 {
		line = strings.Count(text[:i], "\n") + 1
		text = text[:i] + password + text[i+len("PASSWORD"):]
	}
	return text, line
}

// look shows the scanner all files at once, each in a directory of its own, and
// returns what is likely or certain by file.
func look(t testing.TB, all []labelled) map[string][]finding.Finding {
	t.Helper()
	snap := scan.Snapshot{Side: scan.After, Contents: contents{}}
	for i, l := range all {
		id := fmt.Sprint(i)
		snap.Contents.(contents)[id] = l.text
		snap.Files = append(snap.Files, change.File{Path: id + "/" + l.path, Kind: change.Added, NewBlob: id})
	}
	r, err := shared().Inspect(context.Background(), snap)
	require.NoError(t, err)
	found := map[string][]finding.Finding{}
	for _, f := range r.Findings {
		if f.Confidence >= finding.Likely {
			i, _, _ := strings.Cut(f.At.Path, "/")
			found[i] = append(found[i], f)
		}
	}
	return found
}

func TestRecall(t *testing.T) {
	all := positives(t, corpusSeed(t))
	found := look(t, all)
	of, missed := map[string]int{}, map[string]int{}
	for i, l := range all {
		of[l.class]++
		if slices.ContainsFunc(found[fmt.Sprint(i)], func(f finding.Finding) bool {
			return l.rules.MatchString(f.Rule.ID) && (l.line == 0 || f.At.Start == l.line)
		}) {
			continue
		}
		missed[l.class]++
		t.Logf("missed: %s, %s, line %d; found: %v", l.format, l.kind, l.line, lines(found[fmt.Sprint(i)]))
	}
	misses := 0
	for class, n := range of {
		misses += missed[class]
		t.Logf("recall of %s: %.1f %%, %d of %d", class, 100-100*float64(missed[class])/float64(n), n-missed[class], n)
		assert.Less(t, float64(missed[class])/float64(n), 1-leastOfClass, class)
	}
	recall := 1 - float64(misses)/float64(len(all))
	t.Logf("recall: %.2f %%, %d of %d", 100*recall, len(all)-misses, len(all))
	assert.GreaterOrEqual(t, recall, leastRecall)
}
