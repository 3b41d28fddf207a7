package finding_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
)

const secret = "a-value-nobody-may-see"

func same(path string) string { return path }

func secretAt(path string, line int) finding.Finding {
	at := change.Span{Path: path, Start: line, End: line}
	f := finding.New(finding.Rule{ID: "secret/x"}, at, finding.OfSecret(secret), "a secret")
	f.Evidence = finding.Hidden(secret)
	return f
}

func thingAt(path, name string, line int) finding.Finding {
	at := change.Span{Path: path, Start: line, End: line}
	return finding.New(finding.Rule{ID: "iac/x"}, at, finding.InFile(name), "a thing")
}

func TestNothingPrintsASecret(t *testing.T) {
	key := finding.NewKey([]byte("another")).After(finding.NewKey([]byte(secret)))
	f := secretAt("a", 1)
	r := finding.Result{Findings: []finding.Finding{f}, Redactor: finding.NewRedactor(f)}
	type holder struct {
		result finding.Result // unexported: fmt does not call methods here
		key    finding.Key
	}
	for _, v := range []any{f, &f, r, &r, key, &key, f.Evidence, holder{r, key}, &holder{r, key}, finding.OfSecret(secret), errors.New(fmt.Sprint(f))} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			text := fmt.Sprintf(verb, v)
			assert.NotContains(t, text, secret)
			assert.NotContains(t, text, fmt.Sprintf("%x", secret))
		}
		b, err := json.Marshal(v)
		if err == nil {
			assert.NotContains(t, string(b), secret)
		}
	}
}

func TestASecretIsOneFindingWhereverItStands(t *testing.T) {
	key := finding.NewKey([]byte("k"))
	sealed := key.Seal([]finding.Finding{secretAt("a", 1), secretAt("a", 9), secretAt("b", 2)}, same)
	require.Len(t, sealed, 1)
	assert.Equal(t, []change.Span{{Path: "a", Start: 9, End: 9}, {Path: "b", Start: 2, End: 2}}, sealed[0].Also)
	moved := key.Seal([]finding.Finding{secretAt("elsewhere", 7)}, same)
	assert.Equal(t, sealed[0].Print, moved[0].Print)
	other := finding.NewKey([]byte("another")).Seal([]finding.Finding{secretAt("a", 1)}, same)
	assert.NotEqual(t, sealed[0].Print, other[0].Print, "without the key nobody can tell which secret it is")
}

// TestPlacesOfOneSecret: the best place is that of the finding, and no place is named twice.
func TestPlacesOfOneSecret(t *testing.T) {
	at := func(path string, line int, c finding.Confidence, unlisted int) finding.Finding {
		f := secretAt(path, line)
		f.Confidence, f.Unlisted, f.Message = c, unlisted, fmt.Sprintf("in %s at %d", path, line)
		return f
	}
	span := func(path string, line int) change.Span { return change.Span{Path: path, Start: line, End: line} }
	sealed := finding.NewKey([]byte("k")).Seal([]finding.Finding{
		at("a.zip", 0, finding.Certain, 0), at("b_test.go", 3, finding.Possible, 2), at("b_test.go", 3, finding.Possible, 0), at("c.go", 5, finding.Likely, 40),
		at("c.go", 5, finding.Likely, 0), at("d.go", 7, finding.Likely, 0), at("d.go", 7, finding.Likely, 0),
	}, same)
	require.Len(t, sealed, 1)
	f := sealed[0]
	assert.Equal(t, span("c.go", 5), f.At, "one with a line, and the most certain of these")
	assert.Equal(t, "in c.go at 5", f.Message)
	assert.Equal(t, []change.Span{span("a.zip", 0), span("b_test.go", 3), span("d.go", 7)}, f.Also)
	assert.Equal(t, finding.Certain, f.Confidence, "as certain as where it is most")
	assert.Equal(t, 42, f.Unlisted)

	other := secretAt("e.go", 1)
	other.Severity, other.Unlisted = finding.Critical, 1
	merged := f.Merge(other, f)
	assert.Equal(t, append(slices.Clone(f.Also), span("e.go", 1)), merged.Also)
	assert.Equal(t, finding.Critical, merged.Severity)
	assert.Len(t, f.Also, 3, "the one that was is as it was")
	assert.Equal(t, f, f.Merge())
}

func TestThingsInAFileAreKnownByNameAndOrder(t *testing.T) {
	key := finding.NewKey([]byte("k"))
	before := key.Seal([]finding.Finding{thingAt("old", "bucket", 3)}, func(string) string { return "new" })
	after := key.Seal([]finding.Finding{thingAt("new", "bucket", 30), thingAt("new", "bucket", 50), thingAt("new", "queue", 60)}, same)
	require.Len(t, after, 3)
	assert.Equal(t, before[0].Print, after[0].Print, "the line and the file's name may change")
	assert.NotEqual(t, after[0].Print, after[1].Print, "a second one is another one")
	elsewhere := key.Seal([]finding.Finding{thingAt("other", "bucket", 3)}, same)
	assert.NotEqual(t, before[0].Print, elsewhere[0].Print)
}

func TestAKeyKnowsTheOneBefore(t *testing.T) {
	old, next := finding.NewKey([]byte("k")), finding.NewKey([]byte("next"))
	all := []finding.Finding{secretAt("a", 1), thingAt("a", "bucket", 3), thingAt("a", "bucket", 5)}
	before, after := old.Seal(all, same), next.After(old).Seal(all, same)
	for i, f := range next.Seal(all, same) {
		assert.Equal(t, []finding.Fingerprint{f.Print, before[i].Print}, []finding.Fingerprint{after[i].Print, after[i].Was})
		assert.Empty(t, f.Was)
		assert.True(t, after[i].Is(before[i].Print))
		assert.False(t, f.Is(before[i].Print))
		assert.False(t, f.Is(""), "an unnamed finding is none")
	}
	assert.Len(t, old.After(old).All(), 1, "a key is not before itself")
	assert.Equal(t, []string{next.ID, old.ID}, []string{next.After(old).All()[0].ID, next.After(old).Before().ID})
}

func TestRedactor(t *testing.T) {
	f := secretAt("a", 1)
	r := finding.NewRedactor(f, thingAt("b", "bucket", 1))
	assert.Equal(t, "x [secret removed] bucket", r.Clean("x "+secret+" bucket"))
	assert.Equal(t, "as it is", (*finding.Redactor)(nil).Clean("as it is"))
	short := finding.New(finding.Rule{}, change.Span{}, finding.OfSecret("abcdef"), "")
	long := finding.New(finding.Rule{}, change.Span{}, finding.OfSecret("abcdefghij"), "")
	assert.Equal(t, "[secret removed]", finding.NewRedactor(short, long).Clean("abcdefghij"), "nothing of the longer one is left")
	lines := finding.NewRedactor(finding.New(finding.Rule{}, change.Span{}, finding.OfSecret("first-line\nsecond-line"), ""))
	assert.Equal(t, "[secret removed]|[secret removed]", lines.Clean("first-line|second-line"), "a part of a secret is one too")
	encoded := finding.New(f.Rule, change.Span{}, finding.OfSecret(secret, "how it\nis written"), "")
	assert.Equal(t, "[secret removed] [secret removed]", finding.NewRedactor(encoded).Clean(secret+" is written"))
	assert.Len(t, finding.Key{}.Seal([]finding.Finding{f, encoded}, same), 1, "however it is written, it is the same secret")
}
