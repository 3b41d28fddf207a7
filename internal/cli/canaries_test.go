package cli_test

import (
	"crypto/rand"
	mathrand "math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/canary"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

// leaks returns which secrets the processes of a printed: keys, tokens,
// passwords, and the ones that they were shown.
func (a *arena) leaks() []string {
	cage := cageOf(a.stage.Config)
	for _, t := range a.stage.Hub.Tokens() {
		cage.Add("a token", t)
	}
	return seenIn(cage, a.log.String())
}

// cageOf holds all that is secret in settings.
func cageOf(c config.Config) *canary.Cage {
	cage := &canary.Cage{}
	for name, v := range map[string]string{
		"the private key": c.GitHub.App.PrivateKey, "the webhook secret": c.GitHub.App.WebhookSecret,
		"the old webhook secret": c.OldWebhookSecret, "the fingerprint key": c.FingerprintKey, "the old fingerprint key": c.OldFingerprintKey,
	} {
		if v != "" {
			cage.Add(name, v)
		}
	}
	if _, after, ok := strings.Cut(c.DatabaseURL, "://"); ok {
		user, _, _ := strings.Cut(after, "@")
		if _, password, ok := strings.Cut(user, ":"); ok {
			cage.Add("the database's password", password)
		}
	}
	return cage
}

var (
	signature  = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.eyJ`)
	stripeKeys = regexp.MustCompile(`sk_live_[A-Za-z0-9]{20}`)
)

func seenIn(cage *canary.Cage, text string) []string {
	seen := cage.Find([]byte(text))
	if signature.MatchString(text) {
		seen = append(seen, "a JWT")
	}
	if stripeKeys.MatchString(text) {
		seen = append(seen, "a secret of a repository")
	}
	return seen
}

// TestCanaries has the real program die in the middle of a review, with every
// goroutine's stack: no secret is in what it prints.
func TestCanaries(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGABRT} {
		t.Run(signal.String(), func(t *testing.T) {
			a := newArena(t, "", 1, mathrand.New(mathrand.NewPCG(1, 1)))
			p := a.servers[0]
			p.cfg.OldWebhookSecret, p.cfg.FingerprintKey, p.cfg.OldFingerprintKey = rand.Text(), rand.Text(), rand.Text()
			shown := &a.stage.Config
			shown.OldWebhookSecret, shown.FingerprintKey, shown.OldFingerprintKey = p.cfg.OldWebhookSecret, p.cfg.FingerprintKey, p.cfg.OldFingerprintKey
			r := &round{arena: a}
			var err error
			r.repo, err = a.stage.Hub.AddRepo("acme", "shop")
			require.NoError(t, err)
			r.commit("main", map[string]string{"README": "The shop.\n"})
			r.revive()
			reviewed(r) // so that it has had tokens and secrets in its memory
			asked := a.hold()
			r.commit("topic", map[string]string{"c/requirements.txt": bad})
			require.True(t, a.deliver(p, &parcel{event: r.event("synchronize")}))
			select {
			case <-asked:
			case <-time.After(time.Minute):
				t.Fatal("GitHub was not asked")
			}
			p.mu.Lock()
			require.NoError(t, p.cmd.Process.Signal(signal))
			_ = p.cmd.Wait()
			p.cmd = nil
			p.mu.Unlock()
			assert.Contains(t, a.log.String(), "goroutine 1 ")
			assert.Contains(t, a.log.String(), "queue.(*Queue).call", "the stack of the review is in it")
			assert.Empty(t, a.leaks())
		})
	}
}

// TestCanariesInBadSettings: settings that the server cannot start with are
// named, and what is secret of them is not shown.
func TestCanariesInBadSettings(t *testing.T) {
	secret := rand.Text() + rand.Text()
	good := config.Default()
	good.GitHub.App.IntegrationID = 1
	good.GitHub.App.WebhookSecret, good.GitHub.App.PrivateKey = rand.Text(), privateKey(t)
	good.OldWebhookSecret, good.FingerprintKey, good.OldFingerprintKey = rand.Text(), rand.Text(), rand.Text()
	good.AdvisoriesDir = t.TempDir()
	const nobody = "http://127.0.0.1:1"
	good.GitHub.WebURL, good.GitHub.V3APIURL, good.GitHub.V4APIURL = nobody, nobody+"/api/v3/", nobody+"/api/graphql"
	good.Address, good.AdminAddress = "127.0.0.1:0", "127.0.0.1:0"
	good.DatabaseURL = "sqlite:" + filepath.Join(t.TempDir(), "p.db")
	database := func(to string) func(*config.Config) { return func(c *config.Config) { c.DatabaseURL = to } }
	for name, c := range map[string]struct {
		change func(*config.Config)
		edit   func(yaml string) string
		want   string
	}{
		"a database that does not answer": {change: database("postgres://warden:" + secret + "@127.0.0.1:1/p"), want: "database_url: "},
		"a database address with a typo":  {change: database("postgres://warden:" + secret + "@127.0.0.1:54x2/p"), want: "database_url: "},
		"a password that breaks its URL":  {change: database("postgres://warden:" + secret + "%zz@127.0.0.1:1/p"), want: "database_url: "},
		"a database of another kind":      {change: database("mysql://warden:" + secret + "@127.0.0.1/p"), want: "database_url: "},
		"a private key that was shortened": {change: func(c *config.Config) {
			c.GitHub.App.PrivateKey = c.GitHub.App.PrivateKey[:900] + "\n-----END RSA PRIVATE KEY-----\n"
		}, want: "private_key"},
		"a private key without its frame": {change: func(c *config.Config) { c.GitHub.App.PrivateKey = strings.Split(c.GitHub.App.PrivateKey, "-----")[2] }, want: "private_key"},
		"a list for a secret": {edit: func(y string) string {
			return regexp.MustCompile(`(?m)^( +)webhook_secret: .*`).ReplaceAllString(y, "${1}webhook_secret: ["+secret+"]")
		}, want: "webhook_secret must be a text"},
		"a secret under a key that does not exist": {edit: func(y string) string { return y + "\nwebhook_secrets: " + secret + "\n" }, want: "webhook_secrets"},
		"a secret where a number goes":             {edit: func(y string) string { return strings.Replace(y, "workers: 4", "workers: "+secret, 1) }, want: "workers must be a whole number"},
		"a file that is no YAML":                   {edit: func(y string) string { return y + "\n\told_webhook_secret: " + secret + "\n" }, want: "not valid YAML"},
		"a secret where a key goes":                {edit: func(y string) string { return y + "\n" + secret + ": x\n" }, want: "there is no such setting"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			if c.change != nil {
				c.change(&cfg)
			}
			text, err := yaml.Marshal(cfg)
			require.NoError(t, err)
			if c.edit != nil {
				edited := c.edit(string(text))
				require.NotEqual(t, string(text), edited)
				text = []byte(edited)
			}
			file := filepath.Join(t.TempDir(), "pullwarden.yml")
			require.NoError(t, os.WriteFile(file, text, 0o600))
			cage := cageOf(good)
			cage.Add("what was set", secret)
			for _, command := range []string{"serve", "doctor"} {
				code, out, errs := call(t, ".", nil, command, "--config", file)
				assert.NotZero(t, code, command)
				if command == "serve" { // the other one has words of its own
					assert.Contains(t, errs, c.want)
				}
				assert.Empty(t, seenIn(cage, out+errs), "%s prints: %s%s", command, out, errs)
			}
		})
	}
}

// TestCanariesWithAPassword: a server whose database asks for a password.
func TestCanariesWithAPassword(t *testing.T) {
	u, err := url.Parse(storetest.Postgres(t))
	require.NoError(t, err)
	if _, has := u.User.Password(); !has { // a server that trusts its own machine takes any
		u.User = url.UserPassword(u.User.Username(), rand.Text())
	}
	name := "canary-" + rand.Text()
	q := u.Query()
	q.Set("application_name", name)
	u.RawQuery = q.Encode()
	a := newArena(t, u.String(), 1, mathrand.New(mathrand.NewPCG(1, 1)))
	r := &round{arena: a}
	r.repo, err = a.stage.Hub.AddRepo("acme", "shop")
	require.NoError(t, err)
	r.commit("main", map[string]string{"README": "The shop.\n"})
	r.revive()
	reviewed(r)
	// Its sessions are ended under it, as when the database is started again.
	var ended int
	require.NoError(t, a.db.QueryRow(`SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE application_name = $1 AND pid <> pg_backend_pid()`, name).Scan(&ended))
	require.Positive(t, ended)
	r.commit("topic", map[string]string{"c/requirements.txt": bad})
	require.Eventually(t, func() bool { return a.deliver(a.servers[0], &parcel{event: r.event("synchronize")}) }, time.Minute, 100*time.Millisecond)
	require.Eventually(t, r.idle, time.Minute, 20*time.Millisecond)
	assert.Empty(t, a.leaks())
}
