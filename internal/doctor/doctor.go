// Package doctor looks at how pullwarden is set up, on this machine and on
// GitHub, for what an operator would forget.
//
// What it says is a list of lines: what was seen, and what to do about it. It
// changes nothing, but for a delivery that is made again if that is asked for.
// What could not be looked at is never said to be well, and no secret is in any
// line. Each check is bounded in time and fails alone.
package doctor

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/url"
	"time"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// A Status is what became of one look.
type Status string

const (
	OK      Status = "ok"
	Note    Status = "note"    // worth knowing, and nobody has to act
	Warning Status = "warning" // it works, and not as well or as safely as it should
	Problem Status = "problem"
	Unseen  Status = "not looked at" // never taken for ok
)

// A Line is one thing that was looked at.
type Line struct {
	Area   string `json:"area"`  // where it belongs: "Webhook"
	Check  string `json:"check"` // which check says so, for programs: "webhook.deliveries"
	Status Status `json:"status"`
	Seen   string `json:"seen"`
	Do     string `json:"do,omitempty"` // what to do, with the page or the command

	what, why string // of what was not looked at; a Printer joins those with one reason
}

// GitHub answers what only GitHub knows. What does not exist is
// forge.ErrNotFound, what is refused is forge.ErrDenied.
type GitHub interface {
	App(ctx context.Context) (forge.App, error)
	Installations(ctx context.Context, most int) (list []forge.Installation, more bool, err error)
	Allowance(ctx context.Context, installation int64) (forge.Allowance, error)
	// Repositories returns at most most of those that can have pull requests,
	// and how many there are.
	Repositories(ctx context.Context, installation int64, most int) (list []forge.Repo, total int, err error)
	Required(ctx context.Context, repo forge.Repo) ([]forge.RequiredCheck, error)
	Hook(ctx context.Context) (forge.Hook, error)
	Attempts(ctx context.Context) ([]forge.Attempt, error) // the latest, newest first
	Redeliver(ctx context.Context, attempt int64) error
	GraphQL(ctx context.Context, installation int64) error
	Git(ctx context.Context, repo forge.Repo) error
}

// Options say what is set up. Now, Proxy and the functions are required.
type Options struct {
	File     string   // the settings file, for advice; "" for the environment alone
	Settings []string // what is wrong with the settings: "key: reason"
	Secrets  []string // no line ever has one of these in it

	AppID                      int64
	APIURL, GraphQLURL, WebURL string
	// GitHub is nil if the settings do not allow to ask; Unasked says why.
	GitHub  GitHub
	Unasked error
	// Least is what the App cannot do without, and Want what it should ask for as
	// things are set up; Manifest names the file that says so.
	Least, Want forge.Grant
	Manifest    string
	Upgrades    bool    // are opened
	Writer      *Writer // nil: the App writes by itself

	Address, AdminAddress string // where the server listens
	Route                 string // path of the webhook
	TLS                   bool   // the server speaks it by itself
	Senders               bool   // only named ones may deliver
	WebhookSecret         string
	OldSecret             bool // another one is accepted beside it
	OldKey                bool // fingerprints of another key count beside those of the present one

	Database   func(ctx context.Context) (Database, error)
	Advisories func(ctx context.Context) (Advisories, error)
	Stale      time.Duration // advisories imported longer ago are old; 0: they never are
	Disks      []Disk
	Registries []Registry

	Free  func(dir string) (uint64, error) // bytes that may still be written; nil asks the system
	HTTP  http.RoundTripper                // nil means http.DefaultTransport
	Roots *x509.CertPool                   // nil means the machine's
	Proxy func(*http.Request) (*url.URL, error)
	Env   func(string) string // where Proxy was set

	Repositories int  // to look at, at the most, over all installations; 0 means 50
	Redeliver    bool // have the latest delivery made again
	Timeout      time.Duration
	Now          func() time.Time
}

// A Writer is the second App, which writes to repositories for the first.
type Writer struct {
	AppID    int64
	GitHub   WriterApp // nil if the settings do not allow to ask; Unasked says why
	Unasked  error
	Want     forge.Grant
	Manifest string
}

// A WriterApp answers what GitHub knows of the second App.
type WriterApp interface {
	App(ctx context.Context) (forge.App, error)
	Installations(ctx context.Context, most int) (list []forge.Installation, more bool, err error)
}

// A Database is the condition of the one that the settings name.
type Database struct {
	Kind    string // "SQLite" or "PostgreSQL"
	File    string // of SQLite; ":memory:" is gone with the process
	Exists  bool
	InUse   bool // SQLite: a server works on it
	Pending int  // migrations that the server has yet to apply
	Newer   bool // it is of a later version than this program
	Refuses error
}

// Advisories is what the index of known vulnerabilities holds.
type Advisories struct {
	Dir      string
	Records  int
	Imported time.Time
	Outdated bool // made by an older version, which kept less of them
}

// A Disk is a place that must not fill up.
type Disk struct {
	What string // what is there: "the database"
	Path string // need not exist yet
}

// A Registry is where versions of packages come from.
type Registry struct {
	Ecosystem string // "Go"
	Of        string // "Go modules"
	Setting   string // what sets it: "registries.go (PULLWARDEN_REGISTRY_GO)"
	Address   string // may hold a password; "" if there is none
	From      string // what names it: "GOPROXY", "pullwarden.yml line 3"
}

// facts are what checks have found out for later ones.
type facts struct {
	reached  bool // GitHub's API answers
	date     time.Time
	skewed   bool // our clock is so far from GitHub's that it refuses what we sign
	app      *forge.App
	listed   bool                 // the installations could be listed
	active   []forge.Installation // that are not suspended
	counted  bool                 // their repositories could be listed
	repos    []forge.Repo         // to look at
	hook     *forge.Hook
	attempts []forge.Attempt
}

// A check is one thing to look at. It gets what the ones before it found out.
type check struct {
	area, name string
	timeout    time.Duration // 0 means all that is left
	run        func(ctx context.Context, o *Options, f facts) (facts, []Line)
}

const (
	short = 10 * time.Second
	long  = time.Minute // asks about many things
	whole = 0           // about as many as --repositories says: what is left of the time for all
)

// checks lists all that is looked at, in the order of the lines.
func checks() []check {
	return []check{
		{"Settings", "settings.values", short, settings},
		{"Settings", "settings.admin_address", short, adminAddress},
		{"Settings", "settings.old_secret", short, oldSecret},
		{"Settings", "settings.old_key", short, oldKey},
		{"Settings", "settings.proxy", short, proxy},

		{"GitHub", "github.api", short, api},
		{"GitHub", "github.clock", short, clock},             // after api: by the time it told
		{"GitHub", "github.app", short, app},                 // after clock: a clock that is off looks like a wrong key
		{"GitHub", "github.permissions", short, permissions}, // after app, as all that follow here
		{"GitHub", "github.installations", short, installations},
		{"GitHub", "github.consent", short, consent}, // after installations, as all that follow here
		{"GitHub", "github.writer", short, writer},
		{"GitHub", "github.rate_limit", long, rateLimit},
		{"GitHub", "github.repositories", whole, repositories},
		{"GitHub", "github.required_check", whole, required}, // after repositories
		{"GitHub", "github.graphql", short, graphQL},
		{"GitHub", "github.git", short, git}, // after repositories

		{"Webhook", "webhook.config", short, hookConfig},
		{"Webhook", "webhook.certificate", short, certificate}, // after config
		{"Webhook", "webhook.deliveries", short, deliveries},
		{"Webhook", "webhook.redelivery", long, redelivery}, // after deliveries

		{"Server", "server.running", short, running},
		{"Server", "server.webhook", short, ping},
		{"Server", "server.database", short, database},
		{"Server", "server.disk", short, disk},
		{"Server", "server.advisories", short, advisories},
		{"Server", "server.registries", short, registries},
	}
}
