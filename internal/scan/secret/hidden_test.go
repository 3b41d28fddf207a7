package secret

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/url"
	"runtime/debug"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zricethezav/gitleaks/v8/detect"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// commented is a private key with a comment in it, as PEM and PGP allow.
func commented(text string) string {
	head, rest, _ := strings.Cut(privateKey, "\n")
	return head + "\nComment: " + text + "\n\n" + rest
}

// TestReasonedDifferences lists what is found here and not by gitleaks'
// detector over the same rules, and why.
func TestReasonedDifferences(t *testing.T) {
	d := oracle(t)
	for _, c := range []struct{ why, text string }{
		{`the global excuse "^true|false|null$" binds the anchors to single words`, commented("no false positives")},
		{"the same, in a token of one line", "TOKEN=ghp" + "_false" + githubToken[9:] + "\n"},
		{"the same, at the beginning", strings.Join([]string{"secret_key: AK", "IATRUE", "FALSE", "QX7TLZ4\n"}, "")},
		{"the excuse of an old token is none for a new one", "used: hv" + "s." + strings.Repeat("kTqmLqvXwZ", 3) + strings.Repeat("7b9Rz2Nc4p", 7) + "\n"},
		{"an excuse for one word is none for a text of many lines", commented("abcdefghijklmnopqrstuvwxyz")},
	} {
		assert.Empty(t, d.Detect(detect.Fragment{Raw: c.text, FilePath: "a.txt"}), c.why)
		assert.Len(t, inspect(t, nil, tree{"a.txt": c.text}), 1, c.why)
	}
	for _, text := range []string{"password = false\n", "api_key: null\n", "TOKEN=TRUE\n"} {
		assert.Empty(t, inspect(t, nil, tree{"a.txt": text}), text)
	}
}

// TestDecoyAtTheEdgeOfAChunk: what looks like the beginning of a key takes in
// the beginning of a real one.
func TestDecoyAtTheEdgeOfAChunk(t *testing.T) {
	decoy := "-----BEGIN" + " PRIVATE KEY-----\n"
	for _, at := range []int{0, 10, 200, lead - 1, lead + 1} {
		text := strings.Repeat("a line of words here\n", chunk/20)[:chunk-overlap+at-1] + "\n" +
			decoy + strings.Repeat("some other words\n", overlap/17+150) + privateKey + "\n" + strings.Repeat("and more text\n", 20_000)
		found := inspect(t, nil, tree{"a": text})
		require.NotEmpty(t, found, "at %d", at)
		last := found[len(found)-1]
		assert.Equal(t, strings.Count(text[:strings.Index(text, "-----END")], "\n")+1, last.At.End, "at %d", at)
	}
}

// TestDecoyThatIsExcused: a value that does not count ends the search for no other.
func TestDecoyThatIsExcused(t *testing.T) {
	e, err := newEngine()
	require.NoError(t, err)
	for _, p := range e.patterns {
		if p.rule.ID != "secret/private-key" {
			continue
		}
		low := *p
		low.entropy = 2 // as of a rule that asks for random values
		decoy := "-----BEGIN" + " PRIVATE KEY-----\n" + strings.Repeat("a", 4000) + "\n"
		text := strings.Repeat(decoy, 3) + privateKey
		r := retry{pattern: &low, text: text, left: retryBytes * len(text)}
		bad, ok := low.match(text, 0, len(text))
		require.False(t, ok)
		found := r.within(bad)
		require.Len(t, found, 1)
		assert.Equal(t, privateKey, text[found[0].from:found[0].to])

		r.left = 10
		assert.Empty(t, r.within(bad))
		assert.Negative(t, r.left, "that not all was searched is known")
	}
}

// TestDecoysThatWereThere: two beginnings look like a key, and the rest of a
// real one is added behind the second.
func TestDecoysThatWereThere(t *testing.T) {
	begin := "-----BEGIN" + " RSA PRIVATE KEY-----\n"
	before := tree{"a": begin + strings.Repeat("some words\n", 20) + begin}
	after := tree{"a": before["a"] + strings.TrimPrefix(privateKey, begin) + "\n"}
	c, err := change.Between(context.Background(), before.fs(), after.fs())
	require.NoError(t, err)
	r := scan.Run(context.Background(), []scan.Scanner{shared()}, c, scan.Options{})
	assert.Equal(t, []string{"a:22-48 critical certain secret/private-key"}, lines(r.Findings))
}

func TestWhatIsNotSearchedIsAnError(t *testing.T) {
	e, err := newEngine()
	require.NoError(t, err)
	for i, p := range e.patterns {
		if p.rule.ID == "secret/private-key" {
			none := *p
			none.entropy = 9 // no text has so much
			none.expr = express("(?i)-----BEGIN" + `[\s\S]*?-----END`)
			none.plan = func() *plan { return newPlan(none.expr, none.keywords) }
			e.patterns[i] = &none
		}
	}
	start := time.Now()
	_, err = e.find(context.Background(), "a", wholePiece(strings.Repeat("-----BEGIN x\n", chunk/14)+"-----END"))
	require.ErrorIs(t, err, errLookAlikes)
	assert.Less(t, time.Since(start), 20*time.Second)
}

func TestSecretInAFileName(t *testing.T) {
	secret := "keys/" + githubToken + ".txt"
	want := []string{secret + " critical certain secret/github-pat"}
	run := func(before, after tree) finding.Result {
		c, err := change.Between(context.Background(), before.fs(), after.fs())
		require.NoError(t, err)
		r := scan.Run(context.Background(), []scan.Scanner{shared()}, c, scan.Options{})
		require.NoError(t, r.Statuses[0].Err)
		return r
	}
	r := run(nil, tree{secret: "nothing\n"})
	require.Equal(t, want, lines(r.Findings))
	f := r.Findings[0]
	assert.Equal(t, "GitHub personal access token in a file name", f.Message)
	assert.Equal(t, "keys/[secret removed].txt", r.Redactor.Clean(f.At.Path), "whoever shows the path takes it out")
	assert.NotContains(t, r.Redactor.Clean(fmt.Sprint(f)), githubToken)

	assert.Empty(t, lines(run(tree{secret: "old\n"}, tree{secret: "new\n"}).Findings), "it was there")
	assert.Empty(t, lines(run(tree{secret: "old\n"}, nil).Findings), "it is gone")
	assert.Empty(t, lines(run(nil, tree{"sha256/4f1c2d3e4b5a69788796a5b4c3d2e1f001122334.json": "{}\n", "token_key=" + anyValueKey: "\n"}).Findings))

	renamed := scan.Snapshot{Side: scan.After, Files: []change.File{{Path: secret, OldPath: "a", Kind: change.Renamed, OldBlob: "1", NewBlob: "1"}}}
	report, err := shared().Inspect(context.Background(), renamed)
	require.NoError(t, err)
	assert.Equal(t, want, lines(report.Findings))
}

// wideChars is text with characters of unit bytes.
func wideChars(text string, unit int, order binary.AppendByteOrder) string {
	var b []byte
	for _, r := range text {
		if unit == 4 {
			b = order.AppendUint32(b, uint32(r))
			continue
		}
		for _, u := range utf16.AppendRune(nil, r) {
			b = order.AppendUint16(b, u)
		}
	}
	return string(b)
}

func TestWideCharacters(t *testing.T) {
	text := "first\nkey=" + awsKey + "\nlast\n"
	const line, whole = "a:2", "a"
	le, be := binary.LittleEndian, binary.BigEndian
	code := "MZ\x00\x01\x02\x03" + strings.Repeat("\x90\x91\x92", 3000)
	for name, c := range map[string]struct{ content, want string }{
		"UTF-16LE with a mark":             {"\xff\xfe" + wideChars(text, 2, le), line},
		"UTF-16BE with a mark":             {"\xfe\xff" + wideChars(text, 2, be), line},
		"UTF-32LE with a mark":             {"\xff\xfe\x00\x00" + wideChars(text, 4, le), line},
		"UTF-32BE with a mark":             {"\x00\x00\xfe\xff" + wideChars(text, 4, be), line},
		"UTF-16LE":                         {wideChars(text, 2, le), line},
		"UTF-16BE":                         {wideChars(text, 2, be), line},
		"UTF-32LE":                         {wideChars(text, 4, le), line},
		"UTF-32BE":                         {wideChars(text, 4, be), line},
		"no zero in the first 8,000 bytes": {"\xff\xfe" + wideChars(strings.Repeat("漢", 4200)+"\n"+text[6:], 2, le), line},
		"in a program":                     {code + wideChars(awsKey, 2, le) + code, whole},
		"in a program, the zeros first":    {code + wideChars(awsKey, 2, be) + code, whole},
		"in a program, four bytes each":    {code + wideChars(awsKey, 4, le) + code, whole},
		"in a program, three zeros first":  {code + wideChars(awsKey, 4, be) + code, whole},
		"at an odd place":                  {"\x01" + code + wideChars(awsKey, 2, le), whole},
		"behind much text":                 {strings.Repeat("plain text\n", 1000) + wideChars(awsKey, 2, le), whole},
		"plain, behind much of the wide":   {wideChars(strings.Repeat("wide text\n", 1000), 2, le) + "\n" + awsKey + "\n", whole},
		"with a mark that is not kept":     {"\xff\xfe" + strings.Repeat("\x00\xd8", 3000) + wideChars(awsKey, 2, le), whole},
		"plain, in what is marked as wide": {"\xff\xfe" + wideChars(strings.Repeat("wide text\n", 100), 2, le) + awsKey, whole},
		"the other way, in what is marked": {"\xff\xfe" + wideChars(strings.Repeat("wide text\n", 100), 2, le) + wideChars(awsKey, 2, be), whole},
	} {
		assert.Equal(t, []string{c.want + " critical certain secret/aws-access-token"}, lines(inspect(t, nil, tree{"a": c.content})), name)
	}
	assert.Equal(t, []string{"a:2-28 critical certain secret/private-key"}, lines(inspect(t, nil, tree{"a": "\xff\xfe" + wideChars("x\n"+privateKey+"\n", 2, le)})))

	// Lines that were there before bring nothing in.
	before, after := tree{"a": "\xff\xfe" + wideChars(text, 2, le)}, tree{"a": "\xff\xfe" + wideChars(text+githubToken+"\n", 2, le)}
	c, err := change.Between(context.Background(), before.fs(), after.fs())
	require.NoError(t, err)
	r := scan.Run(context.Background(), []scan.Scanner{shared()}, c, scan.Options{})
	assert.Equal(t, []string{"a:4 critical certain secret/github-pat"}, lines(r.Findings))
}

// escaped writes every n-th character as a percent escape.
func escaped(text string, n int) string {
	var b strings.Builder
	for i := range len(text) {
		if i%n == 0 {
			fmt.Fprintf(&b, "%%%02x", text[i])
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func TestEncoded(t *testing.T) {
	std, raw := base64.StdEncoding.EncodeToString, base64.RawURLEncoding.EncodeToString
	const pat, key = "critical certain secret/github-pat", "critical certain secret/private-key"
	for name, c := range map[string]struct{ text, want string }{
		"base64":                          {"x\ncfg: " + std([]byte("GITHUB_TOKEN="+githubToken)) + "\n", "a:2 " + pat},
		"base64 of the token alone":       {std([]byte(githubToken)), "a:1 " + pat},
		"base64 for addresses":            {"?state=" + raw([]byte("é??>>"+githubToken+"\n")) + "&x", "a:1 " + pat},
		"base64 in a path":                {"https://registry.example/x/" + std([]byte(githubToken)) + "/y", "a:1 " + pat},
		"base64 behind a dash":            {"prefix-" + raw([]byte(githubToken)), "a:1 " + pat},
		"base64 of many lines":            {"key: " + std([]byte(privateKey)) + "\n", "a:1 " + key},
		"base64 of a value with its name": {"beamer_token: " + std([]byte("b_"+strings.Repeat("a1c3", 11))) + "\n", "a:1 high likely secret/beamer-api-token"},
		"a Kubernetes Secret":             {"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  token: " + std([]byte(githubToken)) + "\n", "a:5 " + pat},
		"a large text":                    {std([]byte(strings.Repeat("some words\n", 30_000) + githubToken + strings.Repeat("\nsome words", 1000))), "a:1 " + pat},
		"percent escapes":                 {"x\nurl=https://registry.example/?t=" + escaped(githubToken, 4) + "&y\n", "a:2 " + pat},
		"all of it in percent escapes":    {escaped(githubToken, 1), "a:1 " + pat},
		"a key in percent escapes":        {url.QueryEscape(strings.ReplaceAll(privateKey, " ", "%20")), "a:1 " + key},
		"a key in an address":             {strings.NewReplacer(" ", "%20", "\n", "%0A").Replace(privateKey), "a:1 " + key},
		"a word too short":                {std([]byte("short")), ""},
		"base64 of any value":             {"note: " + std([]byte("api_key: "+anyValueKey)) + "\n", ""},
		"base64 of a password":            {"note: " + std([]byte("password: "+anyValueKey)) + "\n", "a:1 high likely secret/assigned-password"},
		"a checksum":                      {"sha512-9tTo0q6lRZMFRhnS6sWb4vfmB3bYzMqYb3ZtV3mLO8pZ7k0y0m7U7v3v0x8m5q9L1w2e3r4t5y6u7i8o9p0A1B==\n", ""},
	} {
		want := []string{}
		if c.want != "" {
			want = append(want, c.want)
		}
		assert.Equal(t, want, lines(inspect(t, nil, tree{"a": c.text})), name)
	}
	// A plain secret in a word with escapes is the plain one, where it is.
	found := inspect(t, nil, tree{"a": "https://dev:" + githubToken + "@registry.example/a%20b\n"})
	require.Len(t, found, 1)
	assert.Equal(t, "GitHub personal access token on line 1", found[0].Message)
}

// TestEncodedLikeGitleaks: its detector decodes too, when it is told to.
func TestEncodedLikeGitleaks(t *testing.T) {
	d := oracle(t)
	d.MaxDecodeDepth = deepest
	ways := map[string]func(string) string{
		"base64":       func(s string) string { return in64(s, 0) },
		"hex":          func(s string) string { return hex.EncodeToString([]byte(s)) },
		"percent":      func(s string) string { return each("%%%02x", s) },
		"some percent": func(s string) string { return escaped(s, 3) },
		"escapes":      func(s string) string { return each(`\u%04x`, s) },
		"code points":  func(s string) string { return each("U+%04X ", s) },
	}
	for _, value := range []string{githubToken, stripeKey, slackToken, privateKey, awsKey + " "} {
		texts := map[string]string{}
		for name, way := range ways {
			texts[name] = way("x " + value + " y")
			for outer, again := range ways {
				texts[name+" in "+outer] = again(texts[name])
			}
		}
		for name, text := range texts {
			text = "cfg: " + text + "\n"
			theirs := map[string]bool{}
			for _, f := range d.Detect(detect.Fragment{Raw: text, FilePath: "a.txt"}) {
				theirs["secret/"+f.RuleID] = true
			}
			delete(theirs, "secret/generic-api-key")
			ours := map[string]bool{}
			for _, f := range inspect(t, nil, tree{"a.txt": text}) {
				ours[f.Rule.ID] = true
			}
			for id := range theirs {
				assert.True(t, ours[id], "%s in %s", id, name)
			}
		}
	}
}

// TestEncodedIsNotShown: neither the secret nor what it is encoded as.
func TestEncodedIsNotShown(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte(githubToken))
	found := inspect(t, nil, tree{"a": "token: " + encoded + "\n"})
	require.Len(t, found, 1)
	assert.Equal(t, "GitHub personal access token encoded on line 1", found[0].Message)
	assert.Equal(t, "x [secret removed] y [secret removed]", finding.NewRedactor(found...).Clean("x "+encoded+" y "+githubToken))
}

// TestEncodedTakesNoTime: no shape of a file takes more time or memory than its size allows.
func TestEncodedTakesNoTime(t *testing.T) {
	const size = 2 << 20
	defer debug.SetGCPercent(debug.SetGCPercent(10)) // what is not yet collected counts little
	for name, text := range map[string]string{
		"escapes":         strings.Repeat("%41", size/3),
		"one long word":   "%41" + strings.Repeat("a", size),
		"words":           strings.Repeat("a%41 ", size/5),
		"base64":          base64.StdEncoding.EncodeToString([]byte(strings.Repeat("some words, ", size/16))),
		"short base64":    strings.Repeat(base64.StdEncoding.EncodeToString([]byte("some words, some words"))+" ", size/33),
		"separators":      strings.Repeat("abcdefghijklmnopqrstuvwxyz/", size/27),
		"only separators": strings.Repeat("/", size),
		"joints":          strings.Repeat(`"a"+`, size/4),
		"joints of all":   strings.Repeat(`"key="+"\\x3d`, size/13),
		"JSON":            inJSON(inJSON(inJSON(strings.Repeat("some \"words\"\n", size/64)))),
		"lines of base64": in64(in64(strings.Repeat("some words = 'a' + 'b'\\n", size/40), 76), 76),
		"YAML":            strings.Repeat("a: |\n  b\n", size/9),
		"wide":            wideChars(strings.Repeat("wide text ", size/20), 2, binary.LittleEndian),
	} {
		snap := scan.Snapshot{Side: scan.Before, Contents: contents{"1": text}, Files: []change.File{{Path: "a", NewBlob: "1"}}}
		start := cpu()
		var err error
		more := peak(func() { _, err = shared().Inspect(context.Background(), snap) })
		took := cpu() - start
		require.NoError(t, err, name)
		t.Logf("%s: %d bytes in %v of processor time, %d MiB more", name, len(text), took, more>>20)
		assert.Less(t, took, 20*time.Second, name)
		assert.Less(t, more, uint64(4*len(text)+32<<20), name)
	}
}

func TestExcuseOfWordsIsNoneForManyLines(t *testing.T) {
	e, err := newEngine()
	require.NoError(t, err)
	for _, a := range e.patterns[0].excuses {
		if a.everywhere && len(a.words) > 0 {
			word := a.words[0]
			assert.True(t, a.covers(word, match{to: len(word)}))
			assert.False(t, a.covers(word+"\nmore", match{to: len(word) + 5}))
			return
		}
	}
	t.Fatal("the rules have no excuse for all of them")
}
