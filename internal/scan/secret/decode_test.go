package secret

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"math/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// in64 is text in base64, in lines of so many characters if that is not 0.
func in64(text string, columns int) string {
	return folded(base64.StdEncoding.EncodeToString([]byte(text)), columns)
}

func folded(text string, columns int) string {
	var b strings.Builder
	for columns > 0 && len(text) > columns {
		b.WriteString(text[:columns] + "\n")
		text = text[columns:]
	}
	return b.String() + text
}

// each writes every byte of text as format says.
func each(format, text string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, format, text[i])
	}
	return b.String()
}

func inJSON(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// want is one finding at lines that span is written as.
func want(lines, rest string) []string { return []string{"a:" + lines + " " + rest} }

const (
	isPAT    = "critical certain secret/github-pat"
	isAWS    = "critical certain secret/aws-access-token"
	isKey    = "critical certain secret/private-key"
	isStripe = "critical certain secret/stripe-access-token"
	isBeamer = "high likely secret/beamer-api-token"
)

// beamerValue counts only beside its name.
var beamerValue = "b_" + strings.Repeat("a1c3", 11)

// TestWrittenInOtherWays: every way that a value may be written in, and the
// lines that it is written on.
func TestWrittenInOtherWays(t *testing.T) {
	long := strings.Repeat("some words and more of them\n", 20)
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"hex":                          {"x\nk = " + hex.EncodeToString([]byte(githubToken)) + "\n", want("2", isPAT)},
		"hex in capitals":              {"k = " + strings.ToUpper(hex.EncodeToString([]byte(githubToken))) + "\n", want("1", isPAT)},
		"hex with 0x":                  {"k = 0x" + hex.EncodeToString([]byte(githubToken)) + ";\n", want("1", isPAT)},
		"hex in lines":                 {"x\n" + folded(hex.EncodeToString([]byte(long+githubToken+long)), 60) + "\n", want("20-21", isPAT)},
		"hex with its name before":     {"beamer = " + hex.EncodeToString([]byte(beamerValue)) + "\n", want("1", isBeamer)},
		`\x41`:                         {`s = "` + each(`\x%02x`, githubToken) + `"`, want("1", isPAT)},
		`\x41 of one character`:        {`s = "` + strings.Replace(githubToken, "_", `\x5f`, 1) + `"`, want("1", isPAT)},
		`\101`:                         {`s = "` + each(`\%03o`, githubToken) + `"`, want("1", isPAT)},
		`\u0041`:                       {`s = "` + each(`\u%04x`, githubToken) + `"`, want("1", isPAT)},
		`\u{41}`:                       {`s = "` + each(`\u{%x}`, githubToken) + `"`, want("1", isPAT)},
		`\x{41}`:                       {`s = "` + each(`\x{%x}`, githubToken) + `"`, want("1", isPAT)},
		`\U00000041`:                   {`s = "` + each(`\U%08X`, githubToken) + `"`, want("1", isPAT)},
		"U+0041":                       {each("U+%04X ", githubToken), want("1", isPAT)},
		"U+0041 without blanks":        {each("U+%04X", githubToken) + "; ", want("1", isPAT)},
		"&#65;":                        {"<p>" + each("&#%d;", githubToken) + "</p>", want("1", isPAT)},
		"&#x41;":                       {"<p>" + each("&#x%x;", githubToken) + "</p>", want("1", isPAT)},
		"a name with &quot;":           {"{&quot;beamer&quot;:&quot;" + beamerValue + "&quot;}", want("1", isBeamer)},
		"a string of JSON":             {"{\"source\": [\n \"import x\\n\",\n " + inJSON("beamer_token = \""+beamerValue+"\"\n") + "\n]}\n", want("3", isBeamer)},
		"behind a line end spelled":    {`{"env": "A=1\n` + awsKey + `\nB=2"}`, want("1", isAWS)},
		"a key in a string":            {`{"key": ` + inJSON(privateKey+"\n") + "}\n", want("1", isKey)},
		"a key with one byte escaped":  {"x\n" + strings.Replace(privateKey, "PRIVATE", `PRIV\u0041TE`, 1) + "\n", want("2-28", isKey)},
		"the same behind a usual one":  {"x\n" + strings.Replace(privateKey, "-----END RSA PRIVATE KEY", `\t-----END RSA PRIVATE K\u0045Y`, 1) + "\n", want("2-28", isKey)},
		"an escaped slash in base64":   {`{"a": "` + strings.ReplaceAll(in64("??>?"+githubToken+"??>?", 0), "/", `\/`) + `"}`, want("1", isPAT)},
		"base64 in lines of 76":        {"x\n" + in64(long+githubToken+long, 76) + "\n", want("11-12", isPAT)},
		"base64 in lines of 64":        {"a: |\n  " + strings.ReplaceAll(in64(long+githubToken+long, 64), "\n", "\n  ") + "\n", want("13-14", isPAT)},
		"base64 in lines with returns": {strings.ReplaceAll(in64(long+githubToken+long, 64), "\n", "\r\n") + "\r\n", want("12-13", isPAT)},
		"a key in lines of base64":     {in64(privateKey, 64) + "\n", want(fmt.Sprint("1-", 1+strings.Count(in64(privateKey, 64), "\n")), isKey)},
		"base64 between marks":         {"-----BEGIN MESSAGE-----\n" + in64(long+githubToken+long, 64)[:17*65-1] + "\n-----END MESSAGE-----\n", want("13-14", isPAT)},
		"base64 in lines, in JSON":     {"{\n\"a\": " + inJSON(in64(long+githubToken, 76)) + "}", want("2", isPAT)},

		"base64 of base64":           {"x\na: " + in64(in64(githubToken, 0), 0), want("2", isPAT)},
		"base64 of base64 in lines":  {in64(in64(githubToken+long, 76)+"\n", 76), want("1", isPAT)},
		"base64 of hex":              {in64(hex.EncodeToString([]byte(githubToken)), 0), want("1", isPAT)},
		"hex of base64":              {hex.EncodeToString([]byte(in64(githubToken, 0))), want("1", isPAT)},
		"percent of base64":          {"?a=" + each("%%%02X", in64(githubToken, 0)), want("1", isPAT)},
		"base64 of percent":          {in64(each("%%%02X", githubToken), 0), want("1", isPAT)},
		"base64 in JSON in base64":   {in64(`{"a":{"b":"`+in64("dev:"+githubToken, 0)+`"}}`, 0), want("1", isPAT)},
		"JSON in JSON":               {`{"a": ` + inJSON(`{"b": `+inJSON(`beamer="`+beamerValue+`"`)+"}") + "}", want("1", isBeamer)},
		"JSON in a string":           {`{"a": ` + inJSON(`{"beamer": "`+beamerValue+`"}`) + "}", want("1", isBeamer)},
		"of three, nothing":          {in64(in64(in64(githubToken, 0), 0), 0), nil},
		"of three kinds, nothing":    {each("%%%02X", in64(hex.EncodeToString([]byte(githubToken)), 0)), nil},
		"a word that allows it":      {in64("gitleaks:allow # nosec "+githubToken+" gitleaks:allow", 0), want("1", isPAT)},
		"behind what is no text":     {in64("\x00\x01\x02\x03 and some words", 0) + "\n" + in64(githubToken, 0), want("2", isPAT)},
		"a mark of each, none whole": {"100% & more \\ of it, %zz \\x &#; &x; \\u{} \\u{110000} \\777 %", nil},
	} {
		if c.want == nil {
			c.want = []string{}
		}
		assert.Equal(t, c.want, lines(inspect(t, nil, tree{"a": c.text})), name)
	}
}

// TestInPieces: a value that is put together, in the notation of many languages.
func TestInPieces(t *testing.T) {
	a, b := githubToken[:9], githubToken[9:]
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"Go, JavaScript, Java, Python": {"x\nk = \"" + a + "\" + \"" + b + "\"\n", want("2", isPAT)},
		"without blanks":               {`k="` + a + `"+"` + b + `"`, want("1", isPAT)},
		"other quotes":                 {"k = '" + a + "' + `" + b + "`", want("1", isPAT)},
		"many pieces":                  {`k = "` + strings.Join(strings.Split(githubToken, ""), `" + "`) + `"`, want("1", isPAT)},
		"over lines":                   {"k = \"" + a + "\" +\n\t\t\"" + b + "\"\n", want("1-2", isPAT)},
		"the operator first":           {"k = \"" + a + "\"\r\n  + \"" + b + "\"\r\n", want("1-2", isPAT)},
		"Python, C, Ruby":              {"k = ('" + a + "' '" + b + "')", want("1", isPAT)},
		"Python, C, in lines":          {"k = (\n  \"" + a + "\"\n  \"" + b + "\"\n)\n", want("2-3", isPAT)},
		"empty pieces":                 {`k = "` + a + `" + "" + '' + "` + b + `"`, want("1", isPAT)},
		"a prefix":                     {`k = f"` + a + `" rb"` + b + `"`, want("1", isPAT)},
		"a backslash":                  {"k = \"" + a + "\" \\\n  \"" + b + "\"\n", want("1-2", isPAT)},
		"PHP, Perl":                    {`$k = "` + a + `" . "` + b + `";`, want("1", isPAT)},
		"Lua":                          {`k = "` + a + `" .. "` + b + `"`, want("1", isPAT)},
		"VB":                           {"k = \"" + a + "\" & _\r\n  \"" + b + "\"", want("1-2", isPAT)},
		"SQL":                          {`'` + a + `' || '` + b + `'`, want("1", isPAT)},
		"shell":                        {`K="` + a + `"'` + b + `'`, want("1", isPAT)},
		"a line that goes on":          {"x\nK=" + a + "\\\n" + b + "\n", want("2-3", isPAT)},
		"the same, further in":         {"k=" + a + "\\\r\n    " + b + "\r\n", want("1-2", isPAT)},
		"a name apart from its value":  {`"beamer_token=" + "` + beamerValue + `"`, want("1", isBeamer)},
		"a YAML block":                 {"a:\n  beamer_token: >-\n      " + beamerValue + "\n", want("3", isBeamer)},
		"another YAML block":           {"beamer_token: |2-\n  " + beamerValue + "\n", want("2", isBeamer)},
		"base64 in pieces":             {`k = "` + in64(githubToken, 0)[:30] + `" + "` + in64(githubToken, 0)[30:] + `"`, want("1", isPAT)},
		"pieces in base64":             {in64(`k = "`+a+`" + "`+b+`"`, 0), want("1", isPAT)},
		"escapes in pieces":            {`k = "` + strings.Replace(a, "_", `\x5f`, 1) + `" + "` + b + `"`, want("1", isPAT)},
		"pieces in escapes":            {inJSON(`k = "` + a + `" + "` + b + `"`), want("1", isPAT)},
		"twice in base64, in pieces":   {in64(in64(`"`+a+`" + "`+b+`"`, 0), 0), want("1", isPAT)},

		"a list":                           {`k = ["` + a + `", "` + b + `"]`, nil},
		"a sum":                            {`k = "` + a + `" + x + "` + b + `"`, nil},
		"another line":                     {a + "\n" + b + "\n", nil},
		"far apart":                        {`k = "` + a + `" + ` + strings.Repeat(" ", longestJoint) + `"` + b + `"`, nil},
		"two whole ones stay two":          {`k = "` + stripeKey + `" "` + awsKey + `"`, []string{"a:1 " + isStripe, "a:1 " + isAWS}},
		"what goes on behind a whole one":  {`k = "` + stripeKey + `" + "more"`, want("1", isStripe)},
		"any value beside a word, no more": {`api_key = "` + anyValueKey[:9] + `" + "` + anyValueKey[9:] + `"`, nil},
	} {
		if c.want == nil {
			c.want = []string{}
		}
		assert.Equal(t, c.want, lines(inspect(t, nil, tree{"a": c.text})), name)
	}
}

// TestInPiecesInTests: what is cut in a test is made up, but for what its structure proves.
func TestInPiecesInTests(t *testing.T) {
	cut := func(value string) string { return `k = "` + value[:9] + `" + "` + value[9:] + "\"\n" }
	for path, want := range map[string][]string{
		"a.go":         {"a.go:1 " + isPAT, "a.go:2 " + isStripe},
		"a_test.go":    {"a_test.go:1 " + isPAT, "a_test.go:2 critical possible secret/stripe-access-token"},
		"docs/page.md": {"docs/page.md:1 " + isPAT, "docs/page.md:2 critical possible secret/stripe-access-token"},
	} {
		assert.Equal(t, want, lines(inspect(t, nil, tree{path: cut(githubToken) + cut(stripeKey)})), path)
	}
	whole := inspect(t, nil, tree{"a_test.go": stripeKey + "\n"})
	assert.Equal(t, []string{"a_test.go:1 " + isStripe}, lines(whole), "what is in one piece is what it is")
}

// TestOnlyWhatIsAdded: a piece or a line that the change adds brings the whole in.
func TestOnlyWhatIsAdded(t *testing.T) {
	a, b := `k = "`+githubToken[:9]+"\" +\n", `  "`+githubToken[9:]+"\"\n"
	assert.Equal(t, want("1-2", isPAT), lines(inspect(t, tree{"a": a}, tree{"a": a + b})))
	assert.Empty(t, inspect(t, tree{"a": a + b}, tree{"a": a + b + "more\n"}))
}

// TestOtherWaysNear: what looks written in another way and says nothing.
func TestOtherWaysNear(t *testing.T) {
	for name, text := range map[string]string{
		"a checksum":    "sha256: 8f1d3ec8d3b2fa8c1f2a40c7ce0bb1a5f32a4c2f8f5c9f7d6b4a39281706f5e4\n",
		"a name":        "123e4567-e89b-12d3-a456-426614174000 123e4567e89b12d3a456426614174000\n",
		"a commit":      "4f1c2d3e4b5a69788796a5b4c3d2e1f001122334\n",
		"JSON":          `{"a": "line\nline\n\"quoted\"\tC:\\new\\table https:\/\/registry.example\/x"}` + "\n",
		"code":          "fmt.Printf(\"%d%%\\n\", n)\nre := `\\bkey\\s*=\\s*(\\w+)`\nx := \"a\" + \"b\" + c\n",
		"a page":        "<a href=\"?token=1&amp;key=2\">&lt;secret&gt;</a>\n",
		"a public key":  in64(pem("PUBLIC", 6), 76) + "\n",
		"a certificate": "-----BEGIN CERTIFICATE-----\n" + in64("\x30\x82\x01\x02"+strings.Repeat("\x8f\xee\x01", 200), 64) + "\n-----END CERTIFICATE-----\n",
		"short words":   strings.Repeat("ab\\\ncd\n", 10),
		// What was cut off before it begins a word no sooner.
		"a part of a word":           strings.Repeat("a", 100) + awsKey + strings.Repeat(" ", escapeReach-len(awsKey)) + "%41",
		"a part of a word in a part": strings.Repeat("a", chunk-overlap) + awsKey + "%20" + strings.Repeat(" ", chunk),
		"a longer escape":            each(`\u%04x`, "ordinary words, nothing else"),
	} {
		assert.Empty(t, lines(inspect(t, nil, tree{"a": text})), name)
	}
}

// TestWhatIsNoJoint: what is put together and is no value costs nothing.
func TestWhatIsNoJoint(t *testing.T) {
	for _, text := range []string{
		`"a sentence, " + "and more of it"`, `"one" + " and another"`, `"a", "b"`, `"a" + b + "c"`, `x == ""`, `a + "+" + b`,
		"docker run \\\n  --rm \\\n  image", "#define a \\\n  b", "if a ||\n  b", "a: |\nb", "a |\n  b", "<p>\n  x",
	} {
		for v := range joinedViews(text) {
			t.Errorf("%q is put together as %q", text, v.text)
		}
	}
}

func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{
		`\n`: "\n", `\r`: "\r", `\t`: "\t", `\"`: `"`, `\/`: "/", `\\n`: `\`, `\101`: "A", `\x41`: "A", `\x{41}`: "A", `\u0041`: "A", `\u{0041}`: "A",
		`\U00000041`: "A", "%41": "A", "&#65;": "A", "&#x41;": "A", "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": `"`, "&apos;": "'", "U+0041": "A",
		`\u00e9`: "é", `\777`: "", `\18`: "", `\x4`: "", `\x4g`: "", `\u41`: "", `\u{41`: "", `\u{}`: "", `\U41`: "", `\d`: "", `\`: "", "%4": "", "%zz": "",
		"&#65": "", "&#;": "", "&x;": "", "&": "", "U+41": "", "U": "",
	} {
		got, n, _ := unescape(text)
		assert.Equal(t, want, got, text)
		assert.Equal(t, want == "", n == 0, text)
	}
}

// TestOtherWaysAreOneSecret: it has one fingerprint however it is written, and is
// not shown in any of the ways.
func TestOtherWaysAreOneSecret(t *testing.T) {
	key, cut := finding.Key{}, `"`+githubToken[:9]+`" + "`+githubToken[9:]+`"`
	written := []string{
		githubToken, in64(githubToken, 0), hex.EncodeToString([]byte(githubToken)), each(`\u%04x`, githubToken), each("%%%02x", githubToken),
		in64(in64(githubToken, 0), 0), hex.EncodeToString([]byte(in64(githubToken, 0))), strings.Trim(cut, `"`),
	}
	for i, w := range written {
		found := inspect(t, nil, tree{"a": "k = \"" + w + "\"\n", "b": githubToken + "\n"})
		require.Len(t, found, 2, i)
		assert.NotEmpty(t, found[0].At)
		one := key.Seal(found, func(path string) string { return path })
		require.Len(t, one, 1, i)
		clean := finding.NewRedactor(found...).Clean("x " + w + " y " + githubToken + " z")
		assert.Equal(t, "x [secret removed] y [secret removed] z", clean, i)
	}
	same := inspect(t, nil, tree{"a": privateKey + "\n", "b": inJSON(privateKey), "c": inJSON(strings.ReplaceAll(privateKey, "\n", "\r\n")), "d": in64(privateKey, 64)})
	require.Len(t, same, 4)
	assert.Len(t, key.Seal(same, func(path string) string { return path }), 1, "a private key with its line ends spelled out")
	messages := map[string]string{
		"a: " + in64(githubToken, 0) + "\n": "GitHub personal access token encoded on line 1",
		cut + "\n":                          "GitHub personal access token in pieces on line 1",
	}
	for text, message := range messages {
		found := inspect(t, nil, tree{"a": text})
		require.Len(t, found, 1)
		assert.Equal(t, message, found[0].Message)
	}
}

// TestAnywhereInALargeFile: also across the edges of what is looked at in one go.
func TestAnywhereInALargeFile(t *testing.T) {
	e, err := newEngine()
	require.NoError(t, err)
	words := strings.Repeat("äöü ßéèñ ", 30<<10)
	hidden := map[string]string{
		"base64": in64(githubToken, 0), "pieces": `"` + githubToken[:9] + `" + "` + githubToken[9:] + `"`, "escapes": each(`\u%04x`, githubToken),
	}
	for _, at := range []int{0, chunk - overlap - 30, chunk - overlap + lead - 20, chunk - 20, chunk, 2*chunk - 2*overlap + lead - 5} {
		for name, text := range hidden {
			found, err := e.find(context.Background(), "a", wholePiece(strings.Repeat(" ", at+1)+text+" "+words))
			require.NoError(t, err)
			require.Len(t, found, 1, "%s at %d", name, at)
			assert.Equal(t, githubToken, found[0].value, "%s at %d", name, at)
			assert.InDelta(t, at+1, found[0].from, 5, "%s at %d", name, at)
		}
		// In one run that is longer than that.
		run := "some more " + strings.ToValidUTF8(words[:at], "") + " " + githubToken + " " + words
		for name, text := range map[string]string{"base64": in64(run, 0), "hex": hex.EncodeToString([]byte(run)), "base64, lines": in64(run, 76)} {
			for from := range 4 {
				found, err := e.find(context.Background(), "a", wholePiece(text[from:]))
				require.NoError(t, err)
				require.Len(t, found, 1, "%s, %d bytes before, from %d", name, at, from)
				assert.Equal(t, githubToken, found[0].value)
			}
		}
	}
}

// TestMoreThanFits: an attacker's file of encodings in encodings is an error, not silence.
func TestMoreThanFits(t *testing.T) {
	e, err := newEngine()
	require.NoError(t, err)
	h := &hunt{engine: e, path: "a", room: 100}
	text := in64(strings.Repeat("some words ", 50), 0)
	_, err = h.rewritten(context.Background(), text, nil, deepest, false)
	require.ErrorIs(t, err, errNested)
}

// FuzzPlaces: whatever a view shows, the place that it gives for a part of it is
// in the source, in order, and is that part where nothing is rewritten.
func FuzzPlaces(f *testing.F) {
	r := rand.New(rand.NewSource(1))
	for _, s := range []string{in64(privateKey, 64), each(`\u%04x`, awsKey), `"a" + "b"`, "x: >-\n  y", "a\\\n b", html.EscapeString(`"<&>"`), in64(in64(githubToken, 0), 0)} {
		f.Add(s)
		f.Add(s[:r.Intn(len(s))] + s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 20_000 {
			return
		}
		checkViews(t, text, deepest, false)
		size := 0
		for v := range runViews(text) {
			size += len(v.text)
		}
		require.LessOrEqual(t, size, 2*len(text), "what is before a run is not looked at with each one behind")
	})
}

func checkViews(t *testing.T, text string, depth int, joined bool) {
	for v := range views(text, depth, joined) {
		last := 0
		for i := range len(v.text) {
			from, to := v.place(i, i+1)
			p := v.parts[v.part(i)]
			plain := p.unit == p.width && v.outer == nil
			if from < last || to <= from || to > len(text) || plain && text[from:to] != v.text[i:i+1] {
				t.Fatalf("byte %d of %q is given the place %d to %d in %q", i, v.text, from, to, text)
			}
			last = from
		}
		require.Positive(t, len(v.text))
		require.LessOrEqual(t, len(v.text), len(text))
		if v.decoded {
			checkViews(t, v.text, depth-1, false)
		} else {
			checkViews(t, v.text, depth, true)
		}
	}
}
