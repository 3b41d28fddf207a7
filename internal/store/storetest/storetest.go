// Package storetest is the conformance suite of internal/store: what must hold
// on every database.
package storetest

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// A DB is what the suite is about.
type DB interface {
	SQL() *sql.DB
	Ledger() history.Ledger
	Survey() history.Survey
	Conversations() history.Conversations
	Signals(ctx context.Context) ([]history.Signal, error)
	Secret(ctx context.Context, name string) ([]byte, error)
}

// Run runs the suite. open returns a fresh database each time, which it closes
// when the test ends.
func Run(t *testing.T, open func(t *testing.T) DB) {
	for name, test := range map[string]func(t *testing.T, db DB){
		"Secret":            secret,
		"RecordsAll":        recordsAll,
		"RecordAgain":       recordAgain,
		"RecordAtOnce":      recordAtOnce,
		"ToldIfPosted":      toldIfPosted,
		"Delta":             delta,
		"VerdictComesBack":  verdictComesBack,
		"NotScanned":        notScanned,
		"ScannerOff":        scannerOff,
		"AnotherKey":        anotherKey,
		"Rekeyed":           rekeyed,
		"RekeyedTooLate":    rekeyedTooLate,
		"Joined":            joined,
		"JoinedByOldKey":    joinedByOldKey,
		"MergeGroup":        mergeGroup,
		"NoFingerprint":     noFingerprint,
		"SecretsStayOut":    secretsStayOut,
		"OddTexts":          oddTexts,
		"Inventories":       inventories,
		"At":                at,
		"Past":              past,
		"Closed":            closed,
		"Posted":            posted,
		"Policies":          policies,
		"Organisations":     organisations,
		"Moved":             moved,
		"Installed":         installed,
		"Left":              left,
		"Purge":             purge,
		"Proposed":          proposed,
		"UnknownRepository": unknownRepository,
		"Alone":             alone,
		"Begun":             begun,
		"ComesAnew":         comesAnew,
		"Settled":           settled,
		"Believed":          believed,
		"Exceptions":        exceptions,
		"SightedNow":        sightedNow,
		"Lapsed":            lapsed,
		"Feedback":          feedback,
		"Summaries":         summaries,
		"ExceptionUses":     exceptionUses,
		"ReviewAsked":       reviewAsked,
		"FixedBy":           fixedBy,
		"Leaked":            leaked,
		"Excused":           excused,
		"NotUseful":         notUseful,
		"Merged":            merged,
		"Signals":           signals,
		"LastJudged":        lastJudged,
		"Weigh":             weigh,
		"WeighApart":        weighApart,
		"GraveRules":        graveRules,
		"NamesStay":         namesStay,
		"Figures":           figures,
		"Redeliveries":      redeliveries,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

var ctx = context.Background()

// day is the n-th moment of the tests.
func day(n int) time.Time { return time.Date(2026, 3, n, 12, 0, 0, 0, time.UTC) }

func repo() forge.Repo {
	return forge.Repo{ID: 7, Installation: 3, Owner: "acme", Name: "site", Default: "main"}
}

func pull(number int, head string) forge.Pull {
	return forge.Pull{
		PullRef: forge.PullRef{Repo: repo(), Number: number}, ID: int64(1000 + number), Title: "Add a page",
		Author: forge.User{ID: 5, Login: "dev"}, BaseRef: "main", BaseSHA: "base", HeadSHA: head, HeadRef: "page",
		Open: true, URL: "https://host.example/acme/site/pull/1", Updated: day(1),
	}
}

var key = finding.NewKey([]byte("key of the tests"))

// found is a sealed finding of rule, told apart by name.
func found(rule, path, name string) finding.Finding {
	r := finding.Rule{ID: rule, Title: "Something", Why: "It matters.", How: "Change it.", Severity: finding.High}
	f := finding.New(r, change.Span{Path: path, Start: 3, End: 4}, finding.InFile(name), "something is wrong")
	f.Commit = "c0ffee"
	return key.Seal([]finding.Finding{f}, func(p string) string { return p })[0]
}

// run is a complete run on pull request number at head, judged outcome, that found these.
func run(number int, head string, outcome policy.Outcome, when time.Time, findings ...finding.Finding) history.Run {
	r := history.Run{
		Repo: repo(), Pull: pull(number, head), SHA: head, BaseRef: "main", MergeBase: "merge-base",
		Policy: policy.Policy{Mode: policy.Enforce, Block: finding.High, Hash: "default"},
		Rules:  "rules-1", Advisories: "advisories-1", KeyID: key.ID,
		Pushed: when.Add(-4 * time.Minute), Received: when.Add(-3 * time.Minute),
		Started: when.Add(-2 * time.Minute), Finished: when,
	}
	r.Result = finding.Result{
		Findings: findings,
		Statuses: []finding.Status{{Scanner: "secret", Took: time.Second}, {Scanner: "iac", Took: time.Second}},
		Scanned:  finding.Scanned{Commits: 1, Blobs: 2, Of: 2},
	}
	r.Verdict.Outcome = outcome
	for _, f := range findings {
		r.Verdict.Decisions = append(r.Verdict.Decisions, policy.Decision{Finding: f, Action: policy.Block, Why: "high"})
	}
	return r
}

func record(t *testing.T, db DB, r history.Run) history.Delta {
	d, err := db.Ledger().Record(ctx, r)
	require.NoError(t, err)
	return d
}

// count returns what a query for one number says.
func count(t *testing.T, db DB, query string, args ...any) int64 {
	var n sql.NullInt64
	require.NoError(t, db.SQL().QueryRow(query, args...).Scan(&n), query)
	return n.Int64
}

// one returns what a query for one text says.
func one(t *testing.T, db DB, query string, args ...any) string {
	var s sql.NullString
	require.NoError(t, db.SQL().QueryRow(query, args...).Scan(&s), query)
	return s.String
}

var tables = []string{"accounts", "account_names", "installations", "repositories", "repository_names", "policies",
	"pulls", "runs", "findings", "standings", "sightings", "manifests", "packages", "inventories", "checks", "comments",
	"upgrades", "queue_items", "deliveries", "begun", "exceptions", "feedback", "exception_uses", "demotions", "former_fingerprints"}

// sizes counts the rows of every table.
func sizes(t *testing.T, db DB) map[string]int64 {
	out := map[string]int64{}
	for _, table := range tables {
		out[table] = count(t, db, `SELECT COUNT(*) FROM `+table)
	}
	return out
}

func secret(t *testing.T, db DB) {
	var all sync.Map
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			s, err := db.Secret(ctx, "fingerprints")
			assert.NoError(t, err)
			assert.Len(t, s, 32)
			all.Store(string(s), true)
		})
	}
	callers.Wait()
	other, err := db.Secret(ctx, "markers")
	require.NoError(t, err)
	_, same := all.Load(string(other))
	assert.False(t, same, "every name has a secret of its own")
	n := 0
	all.Range(func(any, any) bool { n++; return true })
	assert.Equal(t, 1, n, "everybody gets the same one")
}
