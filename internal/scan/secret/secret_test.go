package secret

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	armor "encoding/pem"
	"fmt"
	"hash/crc32"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan"
)

// Secrets are put together here, so that this file holds none.
var (
	githubToken = token("x7Kq2Lw9Zt4Rb6Yn8Vc1Md3Pf5Hs0J")
	awsKey      = strings.Join([]string{"AKI", "AQX7TLZ4MWN5RPVKB"}, "")
	stripeKey   = "sk" + "_live_" + "4eC39HqLyjWDarjtT1zdp7dcQ8w2"
	slackToken  = "xox" + "b-" + "734829105647-829104756382-kQ7xLw9ZtRbYnVcMdPfHsJgT"
	anyValueKey = "q8Zk" + "2Lx9" + "Vw4T" + "n7Rb1Yc6Md3Pf5"
	privateKey  = strings.TrimSpace(string(armor.EncodeToMemory(&armor.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key2048())})))
)

// token is a token of GitHub with 30 characters and the checksum that belongs to them.
func token(random string) string {
	sum, digits := crc32.ChecksumIEEE([]byte(random)), [6]byte{}
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i], sum = digits62[sum%62], sum/62
	}
	return "ghp" + "_" + random + string(digits[:])
}

func pem(kind string, lines int) string {
	var b strings.Builder
	b.WriteString("-----BEGIN " + kind + " KEY-----\n")
	for i := range lines {
		b.WriteString(strings.Repeat(fmt.Sprintf("MIIEpA%02dIBAAKCAQEA", i), 4) + "\n")
	}
	b.WriteString("-----END " + kind + " KEY-----")
	return b.String()
}

// shared compiles the rules once for all tests. Its time is that of the
// examples, some of which end.
var shared = sync.OnceValue(func() *Scanner {
	s := New()
	s.now = func() time.Time { return time.Unix(1_760_000_000, 0) }
	return s
})

type tree map[string]string

func (t tree) fs() fs.FS {
	m := fstest.MapFS{}
	for path, text := range t {
		m[path] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// inspect shows the scanner the side after a change.
func inspect(t testing.TB, before, after tree) []finding.Finding {
	t.Helper()
	c, err := change.Between(context.Background(), before.fs(), after.fs())
	require.NoError(t, err)
	snap := scan.Snapshot{Side: scan.After, Contents: c.Contents}
	for _, f := range c.Files {
		if f.NewBlob != "" {
			snap.Files = append(snap.Files, f)
		}
	}
	r, err := shared().Inspect(context.Background(), snap)
	require.NoError(t, err)
	return r.Findings
}

// lines writes findings as a reader would: place, severity, confidence, rule.
func lines(findings []finding.Finding) []string {
	out := []string{}
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%s %s %s %s", f.At, f.Severity, f.Confidence, f.Rule.ID))
	}
	return out
}

func TestInspect(t *testing.T) {
	for _, tc := range []struct {
		name          string
		before, after tree
		want          []string
	}{
		{"a token", nil, tree{"a.env": "# x\nTOKEN=" + githubToken + "\n"}, []string{"a.env:2 critical certain secret/github-pat"}},
		{"too short to be one", nil, tree{"a.env": githubToken[:30] + "\n"}, nil},
		{"a documented placeholder", nil, tree{"a.env": "AWS=AKI" + "AIOSFODNN7EXAMPLE\n"}, nil},
		{"a placeholder of one letter", nil, tree{"a.env": "T=ghp" + "_" + strings.Repeat("x", 36) + "\n"}, nil},
		{"a reference to a variable", nil, tree{"a.yml": "password: ${{ secrets.DEPLOY_PASSWORD_2024 }}\n"}, nil},
		{"any random value", nil, tree{"a.py": `api_key = "` + anyValueKey + "\"\n"}, []string{"a.py:1 medium possible secret/generic-api-key"}},
		{"the name of its provider before it", nil, tree{"a.env": "beamer_token=b_" + strings.Repeat("a1c3", 11) + "\n"},
			[]string{"a.env:1 high likely secret/beamer-api-token"}},
		{"the special rule wins over the general one", nil, tree{"a.py": `api_key = "` + stripeKey + "\"\n"},
			[]string{"a.py:1 critical certain secret/stripe-access-token"}},
		{"a sandbox key", nil, tree{"a.py": `k = "` + strings.Replace(stripeKey, "live", "test", 1) + "\"\n"},
			[]string{"a.py:1 medium certain secret/stripe-access-token"}},
		{"a private key", nil, tree{"id": "\n" + privateKey + "\n"}, []string{"id:2-28 critical certain secret/private-key"}},
		{"a public key", nil, tree{"id": pem("PUBLIC", 6) + "\n"}, nil},
		{"only the added line counts", tree{"a": awsKey + "\n1\n2\n3\n"}, tree{"a": awsKey + "\n1\n2\n" + githubToken + "\n3\n"},
			[]string{"a:4 critical certain secret/github-pat"}},
		{"a removed line", tree{"a": awsKey + "\n1\n"}, tree{"a": "1\n"}, nil},
		{"the middle of a key was edited",
			tree{"k": strings.Replace(privateKey, strings.Split(privateKey, "\n")[12], strings.Repeat("x", 64), 1) + "\n"}, tree{"k": privateKey + "\n"},
			[]string{"k:1-27 critical certain secret/private-key"}},
		{"carriage returns", nil, tree{"a": "x\r\nTOKEN=" + githubToken + "\r\ny\r\n"}, []string{"a:2 critical certain secret/github-pat"}},
		{"not UTF-8", nil, tree{"a": "\xff\xfe\xe9\nTOKEN=" + githubToken + "\n\xc3\x28\n"}, []string{"a:2 critical certain secret/github-pat"}},
		{"no newline at the end", nil, tree{"a": "1\n2\n" + slackToken}, []string{"a:3 high certain secret/slack-bot-token"}},
		{"a binary file", nil, tree{"a.bin": "\x00\x01\x02 " + awsKey + " \x00"}, []string{"a.bin critical certain secret/aws-access-token"}},
		{"UTF-16", nil, tree{"a.reg": utf16Text("x\r\nkey=" + awsKey + "\r\n")}, []string{"a.reg:2 critical certain secret/aws-access-token"}},
		{"a key file by its name", nil, tree{"site.p12": "\x30\x82\x00\x01\x00"}, []string{"site.p12 medium likely secret/pkcs12-file"}},
		{"the name of a key file alone", nil, tree{"site.p12": "version https://example.com/spec\n"}, nil},
		{"checksums of a lockfile", nil, tree{
			"go.sum":  "example.com/acme/keyring v1.2.1 h1:tYLp1ULvO7i3fI5vE21ReQuj99QFSs7lGm0xWyJo87o=\n",
			"l.json":  `{"token-kit": "sha512-9tTo0q6lRZMFRhnS6sWb4vfmB3bYzMqYb3ZtV3mLO8pZ7k0y0m7U7v3v0x8m5q9L1w2e3r4t5y6u7i8o9p0A1B=="}` + "\n",
			"req.txt": "keyring==1.0 --hash=sha256:8f1d3ec8d3b2fa8c1f2a40c7ce0bb1a5f32a4c2f8f5c9f7d6b4a39281706f5e4\n",
		}, nil},
		{"two tokens on one line", nil, tree{"a": githubToken + " " + awsKey + "\n"},
			[]string{"a:1 critical certain secret/github-pat", "a:1 critical certain secret/aws-access-token"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.want == nil {
				tc.want = []string{}
			}
			assert.Equal(t, tc.want, lines(inspect(t, tc.before, tc.after)))
		})
	}
}

func utf16Text(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

func TestEvasion(t *testing.T) {
	line := "token = \"" + githubToken + "\""
	want := "critical certain secret/github-pat"
	for _, mark := range []string{
		"gitleaks:allow", "GITLEAKS:ALLOW", "Gitleaks:Allow", "#gitleaks:allow", "nosec", "pragma: allowlist secret",
		"trufflehog:ignore", "--mount=type=secret,", "import { a } from 'b'", "ggignore",
	} {
		assert.Equal(t, []string{"a.go:1 " + want}, lines(inspect(t, nil, tree{"a.go": line + " // " + mark + "\n"})), mark)
		assert.Equal(t, []string{"a.go:2 " + want}, lines(inspect(t, nil, tree{"a.go": "// " + mark + "\n" + line + "\n"})), mark)
	}
	for _, path := range []string{
		"go.sum", "go.mod", "vendor/github.com/x/y.go", "vendor/modules.txt", "node_modules/x/index.js", "logo.svg", "a.png", "package-lock.json",
		"yarn.lock", "poetry.lock", "gradlew", "jquery-3.js", "gitleaks.toml", ".gitleaks.toml", "venv/lib/x.py", "x.bin", "a.docx",
		"bower_components/x.js", "verification-metadata.xml", "x.gem", "@octokit/auth-token/README.md", "testdata/x", "docs/x.md", "foo-1.0.dist-info/x",
	} {
		assert.Equal(t, []string{path + ":1 " + want}, lines(inspect(t, nil, tree{path: line + "\n"})), path)
	}
	// What a recipe's rule excuses by path and line together is not excused by either.
	recipe := tree{"a.inc": `SRC_token = "` + anyValueKey + "\"\n"}
	assert.Equal(t, []string{"a.inc:1 medium possible secret/generic-api-key"}, lines(inspect(t, nil, recipe)))
	// A comment far from the value excuses it no more than one on another line.
	comment := tree{"Dockerfile": "ENV api_key=" + anyValueKey + " # --mount=type=secret,\n"}
	assert.Len(t, inspect(t, nil, comment), 1)
	// Ignore files are files like any other.
	found := inspect(t, nil, tree{
		".gitleaksignore": "a.env:github-pat:1\n", ".gitleaks.toml": "[allowlist]\nregexes=['''.*''']\n", "a.env": githubToken + "\n",
	})
	assert.Equal(t, []string{"a.env:1 " + want}, lines(found))
}

func TestBeforeSideIsReadWhole(t *testing.T) {
	old := "1\n" + awsKey + "\n"
	id := change.HashBlob([]byte(old))
	snap := scan.Snapshot{Side: scan.Before, Files: []change.File{{Path: "a", NewBlob: id}}, Contents: contents{id: old}}
	r, err := shared().Inspect(context.Background(), snap)
	require.NoError(t, err)
	assert.Equal(t, []string{"a:2 critical certain secret/aws-access-token"}, lines(r.Findings))
}

type contents map[string]string

func (c contents) Blob(id string) ([]byte, error) {
	if text, ok := c[id]; ok {
		return []byte(text), nil
	}
	return nil, &change.MissingError{Blob: id, Why: "larger than 4 MiB"}
}

func (contents) Load(context.Context, ...string) error { return nil }

func TestUnreadableFileIsAnError(t *testing.T) {
	snap := scan.Snapshot{Side: scan.After, Contents: contents{"2": githubToken + "\n"}, Files: []change.File{
		{Path: "big", Kind: change.Added, NewBlob: "1"}, {Path: "small", Kind: change.Added, NewBlob: "2"},
	}}
	r, err := shared().Inspect(context.Background(), snap)
	require.ErrorContains(t, err, "big: larger than 4 MiB")
	assert.Equal(t, []string{"small:1 critical certain secret/github-pat"}, lines(r.Findings), "the others are still searched")
}

func TestHunksServeWhereTheContentIsMissing(t *testing.T) {
	hunk := change.Hunk{OldStart: 40, NewStart: 40, Lines: []change.Line{
		{Op: change.Keep, Old: 40, New: 40, Text: awsKey}, {Op: change.Delete, Old: 41, Text: slackToken},
		{Op: change.Insert, New: 41, Text: githubToken},
	}}
	snap := scan.Snapshot{Side: scan.Step, Files: []change.File{{Path: "a", OldBlob: "1", NewBlob: "2", Hunks: []change.Hunk{hunk}}}}
	r, err := shared().Inspect(context.Background(), snap)
	require.NoError(t, err)
	assert.Equal(t, []string{"a:41 critical certain secret/github-pat"}, lines(r.Findings))
}

func TestSymlinkTarget(t *testing.T) {
	target := "/run/" + githubToken
	snap := scan.Snapshot{Side: scan.After, Contents: contents{"2": target}, Files: []change.File{
		{Path: "link", Kind: change.Added, Mode: fs.ModeSymlink, NewBlob: "2", Hunks: change.Diff(nil, []byte(target))},
	}}
	r, err := shared().Inspect(context.Background(), snap)
	require.NoError(t, err)
	assert.Equal(t, []string{"link:1 critical certain secret/github-pat"}, lines(r.Findings))
}

func TestMovedFileBringsNothing(t *testing.T) {
	snap := scan.Snapshot{Side: scan.After, Contents: contents{"1": githubToken}, Files: []change.File{
		{Path: "b", OldPath: "a", Kind: change.Renamed, OldBlob: "1", NewBlob: "1"},
	}}
	r, err := shared().Inspect(context.Background(), snap)
	require.NoError(t, err)
	assert.Empty(t, r.Findings)
}

func TestLongLines(t *testing.T) {
	e, err := newEngine()
	require.NoError(t, err)
	filler := strings.Repeat("lorem ipsum ", 100<<10/12)
	for _, at := range []int{0, 1000, chunk - overlap - 5, chunk - overlap + lead - 20, chunk - 20, chunk + 7, 2*chunk - 2*overlap} {
		text := strings.Repeat("lorem ipsum ", at/12+1)[:at] + " " + githubToken + " " + filler
		found, err := e.find(context.Background(), "a", wholePiece(text))
		require.NoError(t, err)
		require.Len(t, found, 1, "at %d", at)
		assert.Equal(t, githubToken, text[found[0].from:found[0].to], "at %d", at)
	}
	start := time.Now() // each match costs the same, however long its line is
	hostile := strings.Repeat("key="+anyValueKey+";", 100<<10/31)
	assert.NotEmpty(t, inspect(t, nil, tree{"min.js": hostile}))
	assert.Less(t, time.Since(start), 20*time.Second)
}

func TestKeyAcrossChunks(t *testing.T) {
	for _, before := range []int{chunk - overlap, chunk - 300, chunk - 10} {
		text := strings.Repeat("0123456789 some text\n", before/21) + privateKey + "\n" + strings.Repeat("more text\n", 20_000)
		found := inspect(t, nil, tree{"a": text})
		require.Len(t, found, 1, "at %d", before)
		assert.Equal(t, before/21+1, found[0].At.Start)
	}
}

func TestDeadline(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := shared().Inspect(ctx, scan.Snapshot{Files: []change.File{{Path: "a", NewBlob: "1"}}, Contents: contents{"1": githubToken}})
	require.ErrorIs(t, err, context.Canceled)

	e, err := newEngine()
	require.NoError(t, err)
	_, err = e.find(ctx, "a", wholePiece("token "+githubToken))
	require.ErrorIs(t, err, context.Canceled)
}

// manyTokens is a file of n different tokens.
func manyTokens(from, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(token(fmt.Sprintf("%.30x", sha256.Sum256(fmt.Append(nil, from+i)))[:30]) + "\n")
	}
	return b.String()
}

// TestManyFindingsHideNoOther: what is listed is bounded, what is looked at is not.
func TestManyFindingsHideNoOther(t *testing.T) {
	snap := scan.Snapshot{Side: scan.Before, Contents: contents{"0": privateKey + "\n"}}
	const files = 25
	for i := range files {
		id := fmt.Sprint("a", i)
		snap.Contents.(contents)[id] = manyTokens(i*mostOfRule, mostOfRule+10)
		snap.Files = append(snap.Files, change.File{Path: id, NewBlob: id})
	}
	snap.Files = append(snap.Files, change.File{Path: "z", NewBlob: "0"})
	r, err := shared().Inspect(context.Background(), snap)
	require.ErrorContains(t, err, `"a0": secrets beyond 1000 of a rule are not listed, at 10 places`)
	require.ErrorContains(t, err, "and 5 more files like these")
	require.Len(t, r.Findings, mostFindings+(files-mostFindings/mostOfRule)*fewOfRule+1)
	assert.Equal(t, []string{"z:1-27 critical certain secret/private-key"}, lines(r.Findings[len(r.Findings)-1:]))
}

// TestManyPlacesAreCounted: the further places of one secret in a file are
// counted, and those in other files are listed.
func TestManyPlacesAreCounted(t *testing.T) {
	twice := githubToken + " " + githubToken + "\n"
	snap := scan.Snapshot{Side: scan.Before, Contents: contents{"1": strings.Repeat(githubToken+"\n", mostOfRule+4) + twice + twice + awsKey, "2": githubToken},
		Files: []change.File{{Path: "a", NewBlob: "1"}, {Path: "b", NewBlob: "2"}}}
	r, err := shared().Inspect(context.Background(), snap)
	require.NoError(t, err)
	sealed := finding.NewKey(nil).Seal(r.Findings, func(p string) string { return p })
	require.Len(t, sealed, 2)
	f := sealed[0]
	require.Equal(t, "secret/github-pat", f.Rule.ID)
	assert.Len(t, f.Also, mostOfRule)
	assert.Equal(t, change.Span{Path: "b", Start: 1, End: 1}, f.Also[mostOfRule-1])
	assert.Equal(t, 6, f.Unlisted, "a line is a place, however often it is there")
}

// TestCanaries: no part of a secret is in anything that is shown.
func TestCanaries(t *testing.T) {
	for _, value := range []string{githubToken, awsKey, stripeKey, slackToken, privateKey, anyValueKey} {
		found := inspect(t, nil, tree{"a.env": "api_key = \"" + value + "\"\n"})
		require.Len(t, found, 1)
		f := found[0]
		assert.Contains(t, f.Evidence.String(), "not shown")
		shown, err := json.Marshal(f)
		require.NoError(t, err)
		shown = fmt.Append(shown, f.Message, f.Evidence, f.Details, f.Fix, f.Rule, f.At)
		for _, part := range parted(value) {
			assert.False(t, bytes.Contains(shown, []byte(part)), f.Rule.ID)
		}
		assert.NotContains(t, finding.NewRedactor(f).Clean("x "+value+" x"), value)
	}
	// Neither is it in an error.
	ctx := &expiring{Context: context.Background(), after: 2}
	snap := scan.Snapshot{Side: scan.Before, Contents: contents{"1": githubToken}, Files: []change.File{{Path: "a", NewBlob: "1"}}}
	_, err := shared().Inspect(ctx, snap)
	require.ErrorContains(t, err, `search "a" for secrets`)
	assert.NotContains(t, err.Error(), githubToken)
}

// expiring is a context that is over once it was asked a number of times.
type expiring struct {
	context.Context
	after int
}

func (c *expiring) Err() error {
	if c.after--; c.after < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

func parted(value string) []string {
	var out []string
	for i := 0; i+12 <= len(value); i += 6 {
		out = append(out, value[i:i+12])
	}
	return out
}

// TestSameSecretIsOneFinding: the whole path through the runner.
func TestSameSecretIsOneFinding(t *testing.T) {
	before := tree{"old": awsKey + "\n", "crlf": privateKey + "\n"}
	after := tree{
		"old": "2\n", "new": awsKey + "\n", // moved
		"crlf": strings.ReplaceAll(privateKey, "\n", "\r\n") + "\r\n",   // other line endings
		"a":    githubToken + "\n", "b": "x\ny = " + githubToken + "\n", // in two files
	}
	c, err := change.Between(context.Background(), before.fs(), after.fs())
	require.NoError(t, err)
	r := scan.Run(context.Background(), []scan.Scanner{shared()}, c, scan.Options{Timeout: time.Minute})
	require.NoError(t, r.Statuses[0].Err)
	assert.Equal(t, []string{"a:1 critical certain secret/github-pat"}, lines(r.Findings))
	assert.Equal(t, []change.Span{{Path: "b", Start: 2, End: 2}}, r.Findings[0].Also)
	assert.Equal(t, "GitHub personal access token on line 1", r.Findings[0].Message)
}

// TestSilent: ordinary text in which nothing may be found.
func TestSilent(t *testing.T) {
	for name, text := range map[string]string{
		"code":  "func token(key string) (secret string, err error) { return api.Get(ctx, key, \"access_token_endpoint\") }\n",
		"docs":  "Set `API_KEY=<your key>` and `password: changeme`, then run `curl -H \"Authorization: Bearer $TOKEN\" https://example.com`.\n",
		"env":   "DB_PASSWORD=${DB_PASSWORD}\nAPI_KEY=xxxxxxxxxxxxxxxxxxxx\nSECRET_KEY=\nTOKEN=null\n",
		"ids":   "commit: 4f1c2d3e4b5a69788796a5b4c3d2e1f001122334\nuuid: 123e4567-e89b-12d3-a456-426614174000\n",
		"image": "image: example/app@sha256:8f1d3ec8d3b2fa8c1f2a40c7ce0bb1a5f32a4c2f8f5c9f7d6b4a39281706f5e4\n",
		"yaml":  "env:\n  - name: API_TOKEN\n    valueFrom: {secretKeyRef: {name: app, key: token}}\n",
	} {
		assert.Empty(t, lines(inspect(t, nil, tree{name + ".txt": text})), name)
	}
}

func TestConcurrentUse(t *testing.T) {
	s := New()
	done := make(chan []string)
	for range 8 {
		go func() {
			snap := scan.Snapshot{Side: scan.Before, Contents: contents{"1": githubToken + "\n"}, Files: []change.File{{Path: "a", NewBlob: "1"}}}
			r, _ := s.Inspect(context.Background(), snap)
			done <- lines(r.Findings)
		}()
	}
	for range 8 {
		assert.Equal(t, []string{"a:1 critical certain secret/github-pat"}, <-done)
	}
}
