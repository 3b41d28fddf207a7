package cli_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

// examined is what doctor --format json says.
type examined struct {
	Verdict string
	Counts  map[string]int
	Lines   []struct{ Area, Check, Status, Seen, Do string }
}

func (e examined) at(check string) string {
	var b strings.Builder
	for _, l := range e.Lines {
		if l.Check == check {
			b.WriteString(l.Status + ": " + l.Seen + " → " + l.Do + "\n")
		}
	}
	return b.String()
}

func examine(t *testing.T, env map[string]string, args ...string) (code int, e examined) {
	t.Helper()
	code, out, errs := call(t, t.TempDir(), env, append([]string{"doctor", "--format", "json"}, args...)...)
	require.Empty(t, errs)
	d := json.NewDecoder(strings.NewReader(out))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&e), out)
	assert.NotContains(t, out, env["GITHUB_APP_WEBHOOK_SECRET"])
	for line := range strings.Lines(env["GITHUB_APP_PRIVATE_KEY"]) {
		if line = strings.TrimSpace(line); line != "" {
			assert.NotContains(t, out, line)
		}
	}
	return code, e
}

// wellSet is a server that runs, with all that an operator has to think of.
func wellSet(t *testing.T) *crash {
	t.Helper()
	c := newCrash(t)
	dir := publish(t, "PyPI", map[string]string{"a.json": record("DEMO-1", "PyPI", "example-ledger", "4.1.3")})
	code, _, errs := call(t, "/", c.env, "advisories", "import", dir)
	require.Zero(t, code, errs)
	c.repo.Require(fakehub.Requirement{Branch: "main", Check: "pullwarden", App: 1})
	c.hub.SetHook(fakehub.Hook{URL: "http://" + c.env["PULLWARDEN_ADDRESS"] + "/api/github/hook", ContentType: "json"})
	return c
}

func TestDoctor(t *testing.T) {
	c := wellSet(t)
	code, e := examine(t, c.env)
	assert.Equal(t, 2, code, "nothing is wrong, but no server runs")
	assert.Equal(t, "incomplete", e.Verdict)
	assert.Contains(t, e.at("server.running"), "not looked at: ")
	assert.Contains(t, e.at("server.database"), "note: SQLite file "+strings.TrimPrefix(c.env["PULLWARDEN_DATABASE_URL"], "sqlite:"))

	c.start()
	_, err := c.hub.Deliver(t.Context(), "http://"+c.env["PULLWARDEN_ADDRESS"]+"/api/github/hook", c.hub.PingEvent())
	require.NoError(t, err)
	code, e = examine(t, c.env, "--redeliver")
	assert.Zero(t, code, "%+v", e.Lines)
	assert.Equal(t, "ok", e.Verdict)
	assert.Equal(t, 2, e.Counts["note"], "no registries are set")
	assert.Zero(t, e.Counts["warning"]+e.Counts["problem"]+e.Counts["not looked at"], "%+v", e.Lines)
	assert.Contains(t, e.at("server.database"), "is current and can be written to; a server works on it")
	assert.Contains(t, e.at("server.advisories"), "ok: 1 advisory, imported just now")
	assert.Contains(t, e.at("webhook.redelivery"), "the server answered 200")

	number, sha := c.open(1)
	c.deliver(number)
	c.reviewedOnce(number, sha) // the server was not disturbed

	_, text, _ := call(t, t.TempDir(), c.env, "doctor")
	assert.Contains(t, text, "Webhook\n  ok             GitHub delivers to http://")
	assert.Contains(t, text, "Nothing is in the way.\n")
}

// TestDoctorOfOneWhoChoosesItsSenders: a ping of ours is not GitHub's.
func TestDoctorOfOneWhoChoosesItsSenders(t *testing.T) {
	c := wellSet(t)
	c.env["PULLWARDEN_WEBHOOK_SENDERS"] = "203.0.113.0/24"
	c.start()
	_, e := examine(t, c.env)
	assert.Contains(t, e.at("server.webhook"), "not looked at: the server's webhook: it takes deliveries from the senders that the operator named alone")
}

// TestDoctorOverTLS: the server may speak it by itself, with a certificate for another name than the loopback address.
func TestDoctorOverTLS(t *testing.T) {
	c := wellSet(t)
	key, text := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"bot.example"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	dir := t.TempDir()
	c.env["PULLWARDEN_TLS_CERTIFICATE"], c.env["PULLWARDEN_TLS_KEY"] = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(c.env["PULLWARDEN_TLS_CERTIFICATE"], pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(c.env["PULLWARDEN_TLS_KEY"], []byte(text), 0o600))
	c.hub.SetHook(fakehub.Hook{URL: "https://" + c.env["PULLWARDEN_ADDRESS"] + "/api/github/hook", ContentType: "json"})
	c.start()
	_, e := examine(t, c.env)
	assert.Contains(t, e.at("server.webhook"), "ok: a signed ping of ours is taken at https://")
	assert.Contains(t, e.at("webhook.certificate"), "problem: the certificate of 127.0.0.1 ", "its name is another, and nobody vouches for it")
}

func TestDoctorOnPostgres(t *testing.T) {
	c := wellSet(t)
	c.env["PULLWARDEN_DATABASE_URL"] = storetest.Postgres(t)
	_, e := examine(t, c.env)
	assert.Contains(t, e.at("server.database"), "note: PostgreSQL has nothing of ours yet")
	c.start()
	_, e = examine(t, c.env)
	assert.Contains(t, e.at("server.database"), "ok: PostgreSQL is current and can be written to")
	word := "pass" + "word"
	c.env["PULLWARDEN_DATABASE_URL"] = "postgres://dev:" + word + "@" + freeAddress(t) + "/x"
	code, e := examine(t, c.env)
	assert.Equal(t, 1, code)
	assert.Contains(t, e.at("server.database"), "problem: the database cannot be used: connect: ")
	for _, l := range e.Lines {
		assert.NotContains(t, l.Seen+l.Do, word)
	}
}

// TestDoctorOfWhatIsWrong: settings that the server would not start with are
// lines, and the rest is looked at all the same.
func TestDoctorOfWhatIsWrong(t *testing.T) {
	c := wellSet(t)
	_, other := newKey(t)
	c.env["GITHUB_APP_PRIVATE_KEY"] = other
	c.env["PULLWARDEN_MODE"] = "lax"
	c.env["PULLWARDEN_LOG_LEVEL"] = "loud"
	c.env["PULLWARDEN_TEMPLATES_DIR"], c.env["PULLWARDEN_SECRET_RULES"] = t.TempDir(), filepath.Join(t.TempDir(), "rules.toml")
	require.NoError(t, os.WriteFile(filepath.Join(c.env["PULLWARDEN_TEMPLATES_DIR"], "check.md.tmpl"), []byte("{{"), 0o600))
	require.NoError(t, os.WriteFile(c.env["PULLWARDEN_SECRET_RULES"], []byte("[[rules]]\nid = \"a\"\nregex = '.*'\n"), 0o600))
	code, e := examine(t, c.env)
	assert.Equal(t, 1, code)
	assert.Equal(t, "problem", e.Verdict)
	assert.Contains(t, e.at("settings.values"), `problem: PULLWARDEN_MODE: review.mode: "lax"`)
	assert.Contains(t, e.at("settings.values"), `problem: PULLWARDEN_LOG_LEVEL: log.level: "loud"`)
	assert.Contains(t, e.at("settings.values"), "problem: PULLWARDEN_TEMPLATES_DIR: templates_dir: ")
	assert.Regexp(t, `problem: PULLWARDEN_SECRET_RULES: secret_rules: \S*rules.toml: rule a: `, e.at("settings.values"))
	assert.Contains(t, e.at("github.app"), "problem: the private key is not one of App 1: ")
	assert.Contains(t, e.at("server.advisories"), "ok: ")

	_, key := newKey(t)
	right := wellSet(t)
	right.env["PULLWARDEN_WRITER_INTEGRATION_ID"], right.env["PULLWARDEN_WRITER_PRIVATE_KEY"] = "2", key
	_, e = examine(t, right.env)
	assert.Contains(t, e.at("github.writer"), "problem: the private key is not one of App 2: ")
	assert.Contains(t, e.at("github.permissions"), "the App asks for more than it uses: contents: write", "the other one writes")
	right.env["PULLWARDEN_WRITER_PRIVATE_KEY"] = "-----BEGIN RSA " + "PRIVATE KEY-----\nnonsense"
	_, e = examine(t, right.env)
	assert.Contains(t, e.at("github.writer"), "problem: nothing can be asked as the App that writes: the second App's private key (writer.private_key)")

	c.env["GITHUB_APP_PRIVATE_KEY"] = "-----BEGIN RSA " + "PRIVATE KEY-----\nnonsense"
	delete(c.env, "PULLWARDEN_MODE")
	delete(c.env, "PULLWARDEN_LOG_LEVEL")
	delete(c.env, "PULLWARDEN_TEMPLATES_DIR")
	delete(c.env, "PULLWARDEN_SECRET_RULES")
	_, e = examine(t, c.env)
	assert.Contains(t, e.at("github.app"), "no RSA key in PEM")

	delete(c.env, "GITHUB_APP_PRIVATE_KEY")
	_, e = examine(t, c.env)
	assert.Contains(t, e.at("settings.values"), "github.app.private_key")
	assert.Contains(t, e.at("github.app"), "not looked at: ")
	assert.Contains(t, e.at("github.api"), "ok: ")
}

func TestDoctorRefuses(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "c.yml"), []byte("reviw: {}\n"), 0o600))
	for want, args := range map[string][]string{
		"nothing.yml": {"--config", "nothing.yml"},
		"line 1: reviw: there is no such setting": {"--config", "c.yml"},
		"--format":       {"--format", "xml"},
		"--repositories": {"--repositories", "0"},
		"--timeout":      {"--timeout", "0s"},
	} {
		code, out, errs := call(t, dir, nil, append([]string{"doctor"}, args...)...)
		assert.Equal(t, 2, code, want)
		assert.Empty(t, out, want)
		assert.Contains(t, errs, want)
	}
	code, out, _ := call(t, dir, map[string]string{"GITHUB_V3_API_URL": "http://" + freeAddress(t)}, "doctor", "--timeout", "1ns")
	assert.Equal(t, 2, code)
	assert.Contains(t, out, "no time was left")
}
