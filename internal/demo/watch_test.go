package demo_test

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/canary"
	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// TestMain tells what became of all that the servers of all tests gave out.
func TestMain(m *testing.M) {
	code := m.Run()
	line, clean := everything.String(), len(everything.found) == 0
	if line != "" {
		fmt.Println(line)
	}
	if code == 0 && !clean {
		fmt.Println("FAIL: a secret was given out")
		code = 1
	}
	os.Exit(code)
}

// everything adds up what the watches of all tests saw.
var everything sightings

type sightings struct {
	mu      sync.Mutex
	stages  int
	secrets int
	bytes   map[string]int // by where it was given out
	found   []string
}

func (s *sightings) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stages == 0 {
		return ""
	}
	line := fmt.Sprintf("canaries: %d servers with %d secrets; %d kB of log, %d kB sent to GitHub, %d kB of pages and metrics, %d kB of database: ",
		s.stages, s.secrets, s.bytes["log"]>>10, s.bytes["GitHub"]>>10, s.bytes["pages"]>>10, s.bytes["database"]>>10)
	if len(s.found) == 0 {
		return line + "none was seen"
	}
	return line + strings.Join(s.found, "; ")
}

// A watch searches what one server gives out for what must never be seen: its
// keys, its tokens, its passwords, and the secrets that it was shown.
type watch struct {
	cage  canary.Cage
	kept  canary.Cage // what the database itself keeps
	mu    sync.Mutex
	count int
	out   map[string]*bytes.Buffer // by where it was given out
}

// shapes are secrets whose value nobody kept: those that tests make up for
// the scanner, and the signatures of the App.
var shapes = map[string]*regexp.Regexp{
	"an AWS key":     regexp.MustCompile(`AKIA[A-Z2-7]{16}`),
	"a Stripe key":   regexp.MustCompile(`sk_live_[A-Za-z0-9]{20,}`),
	"a GitHub token": regexp.MustCompile(`gh[a-z]_[A-Za-z0-9_]{30,}`),
	"a GitLab token": regexp.MustCompile(`glpat-[A-Za-z0-9_-]{20}`),
	"a JWT":          regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}`),
}

// watching prepares a stage so that all that its server gives out is seen: the
// whole log, of which lines of at least the given level go to log too, and all
// that it sends to GitHub.
func watching(o *demo.StageOptions, log io.Writer, least zerolog.Level) *watch {
	w := &watch{out: map[string]*bytes.Buffer{}}
	o.Log = zerolog.New(zerolog.MultiLevelWriter(w.to("log"), above{log, least}))
	hub, settings := o.Hub, o.Settings
	o.Hub = func(h *fakehub.Options) {
		if hub != nil {
			hub(h)
		}
		h.Heard = func(_, path string, body []byte) {
			if !strings.HasPrefix(path, "/app/") { // there the App says who it is
				_, _ = w.to("GitHub").Write(append(body, '\n'))
			}
		}
	}
	o.Settings = func(c *config.Config) {
		c.OldWebhookSecret = rand.Text()
		if settings != nil {
			settings(c)
		}
	}
	return w
}

// above lets lines of a level and higher pass.
type above struct {
	io.Writer
	least zerolog.Level
}

func (a above) WriteLevel(l zerolog.Level, b []byte) (int, error) {
	if l < a.least {
		return len(b), nil
	}
	return a.Write(b)
}

// to is where one kind of output goes.
func (w *watch) to(where string) io.Writer {
	return writer(func(b []byte) (int, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.out[where] == nil {
			w.out[where] = &bytes.Buffer{}
		}
		return w.out[where].Write(b)
	})
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

func (w *watch) secret(name, value string) {
	if value != "" {
		w.count++
		w.cage.Add(name, value)
	}
}

// end ends a watch before its stage is closed: what was seen fails the run.
func (w *watch) end(name string, s *demo.Stage) []string {
	found := w.search(s)
	for i := range found {
		found[i] = name + ": " + found[i]
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	everything.mu.Lock()
	defer everything.mu.Unlock()
	if everything.bytes == nil {
		everything.bytes = map[string]int{}
	}
	for where, b := range w.out {
		everything.bytes[where] += b.Len()
	}
	everything.stages++
	everything.secrets += w.count
	everything.found = append(everything.found, found...)
	return found
}

// search returns which secrets were seen, and where.
func (w *watch) search(s *demo.Stage) []string {
	app := s.Config.GitHub.App
	w.secret("the private key", app.PrivateKey)
	w.secret("the second App's private key", s.Config.Writer.PrivateKey)
	w.secret("the webhook secret", app.WebhookSecret)
	w.secret("the old webhook secret", s.Config.OldWebhookSecret)
	w.secret("the fingerprint key", s.Config.FingerprintKey)
	w.secret("the old fingerprint key", s.Config.OldFingerprintKey)
	if u, err := url.Parse(s.Config.DatabaseURL); err == nil && u.User != nil {
		password, _ := u.User.Password()
		w.secret("the database's password", password)
	}
	for _, t := range s.Hub.Tokens() {
		w.secret("a token", t)
	}
	for _, v := range s.Secrets() {
		w.secret("a secret of the sample", v)
	}
	if server := s.Server(); server != nil {
		for _, page := range []string{"/metrics", "/healthz", "/readyz", "/"} {
			if res, err := http.Get(server.AdminURL() + page); err == nil {
				_, _ = io.Copy(w.to("pages"), res.Body)
				_ = res.Body.Close()
			}
		}
	}
	var found []string
	if err := w.readDatabase(s.Config.DatabaseURL); err != nil {
		found = append(found, fmt.Sprintf("the database: %v", err))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for where, b := range w.out {
		for _, what := range w.cage.Find(b.Bytes()) {
			found = append(found, fmt.Sprintf("%s in the %s", what, where))
		}
		if where != "database" {
			for _, what := range w.kept.Find(b.Bytes()) {
				found = append(found, fmt.Sprintf("%s in the %s", what, where))
			}
		}
		for what, shape := range shapes {
			if at := shape.FindIndex(b.Bytes()); at != nil {
				found = append(found, fmt.Sprintf("%s in the %s, after %q", what, where, b.Bytes()[max(0, at[0]-40):at[0]+8]))
			}
		}
	}
	return found
}

// readDatabase reads all that the database holds.
func (w *watch) readDatabase(address string) error {
	driver, source := "pgx", address
	file, isFile := strings.CutPrefix(address, "sqlite:")
	if isFile {
		driver, source = "sqlite", "file:"+file
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return err
	}
	defer db.Close()
	var key []byte
	if err := db.QueryRow(`SELECT value FROM keys WHERE name = 'fingerprints'`).Scan(&key); err != nil {
		return fmt.Errorf("read the key that the database keeps: %w", err)
	}
	w.kept.AddBytes("the key that the database keeps", key)
	if isFile {
		for _, name := range []string{file, file + "-wal"} {
			b, err := os.ReadFile(name)
			if err != nil && !os.IsNotExist(err) {
				return err
			}
			_, _ = w.to("database").Write(b)
		}
		return nil
	}
	tables, err := column(db, `SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'`)
	if err != nil {
		return err
	}
	for _, table := range tables {
		rows, err := column(db, `SELECT r::text FROM `+table+` r`)
		if err != nil {
			return err
		}
		_, _ = io.WriteString(w.to("database"), strings.Join(rows, "\n"))
	}
	return nil
}

func column(db *sql.DB, query string) ([]string, error) {
	rows, err := db.Query(query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// watched is demo.NewStage under a watch, for a test that needs no more. The
// stage is closed when the test ends.
func watched(t *testing.T, o demo.StageOptions, log io.Writer, least zerolog.Level) *demo.Stage {
	t.Helper()
	w := watching(&o, log, least)
	stage, err := demo.NewStage(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, what := range w.end(t.Name(), stage) {
			t.Error(what)
		}
		if err := stage.Close(); err != nil {
			t.Error(err)
		}
	})
	return stage
}
