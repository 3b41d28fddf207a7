package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFind(t *testing.T) {
	const secret = `R7"k/w+Q9=zT&mV2 pX4\cL8`
	var c Cage
	c.Add("the key", secret)
	quoted, err := json.Marshal(map[string]string{"key": secret})
	require.NoError(t, err)
	for name, text := range map[string]string{
		"plain":            "key is " + secret + ".",
		"cut short":        "key is " + secret[:13],
		"its end":          "…" + secret[len(secret)-12:],
		"hexadecimal":      hex.EncodeToString([]byte("a" + secret)),
		"upper case":       strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"JSON":             string(quoted),
		"quoted":           fmt.Sprintf("%q", secret),
		"query":            url.Values{"key": {secret}}.Encode(),
		"path":             "/x/" + url.PathEscape(secret),
		"base64":           base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64 after 1":   base64.StdEncoding.EncodeToString([]byte("a" + secret + "b")),
		"base64 after 2":   base64.URLEncoding.EncodeToString([]byte("ab" + secret)),
		"a Basic header":   "Basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+secret)),
		"between zeros":    "\x00\x00" + secret + "\x00",
		"a slice of bytes": fmt.Sprintf("%x", []byte(secret)),
	} {
		assert.NotEmpty(t, c.Find([]byte(text)), name)
	}
	for name, text := range map[string]string{
		"nothing":   "",
		"too short": secret[:11],
		"another":   strings.ToLower(secret),
		"reversed":  "8Lc4Xp 2Vm&Tz=9Q+w/k",
	} {
		assert.Empty(t, c.Find([]byte(text)), name)
	}
	assert.Equal(t, []string{"the key"}, c.Find([]byte(secret+secret)), "once")
}

func TestPEM(t *testing.T) {
	var c Cage
	block := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: bytes.Repeat([]byte{1, 2, 3, 77, 200, 9, 44}, 40)}))
	c.Add("the private key", block)
	assert.Empty(t, c.Find([]byte("wants -----BEGIN RSA PRIVATE KEY-----")), "everybody knows that")
	lines := strings.Split(block, "\n")
	assert.NotEmpty(t, c.Find([]byte("line "+lines[2])))
	assert.NotEmpty(t, c.Find([]byte(strings.ReplaceAll(block, "\n", `\n`))))
}

func TestShort(t *testing.T) {
	var c Cage
	c.Add("the password", "hunter2")
	assert.Equal(t, []string{"the password"}, c.Find([]byte("user=x password=hunter2 host=y")))
	assert.Empty(t, c.Find([]byte("hunter")))
}

func TestBytes(t *testing.T) {
	var c Cage
	key := []byte("\n\x00\xff one\ntwo\x80 three four")
	c.AddBytes("the key", key)
	assert.NotEmpty(t, c.Find(append([]byte("row "), key...)))
	assert.NotEmpty(t, c.Find([]byte(hex.EncodeToString(key))))
	assert.Empty(t, c.Find([]byte("one\nor two\n")))
}

func BenchmarkFind(b *testing.B) {
	var c Cage
	for i := range 100 {
		c.Add("token", strings.Repeat(fmt.Sprintf("%x", i*7919), 20))
	}
	text := bytes.Repeat([]byte(`{"level":"info","message":"reviewed","took":12.5}`+"\n"), 10_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		c.Find(text)
	}
}
