package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/history"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// How a finding stopped to stand.
const (
	howChanged   = "changed"   // another head, and it is not found there
	howRejudged  = "rejudged"  // the same head: rules, advisories or the base are others
	howUnwatched = "unwatched" // its scanner is no longer part of the run
	// It goes on, or may go on, under another name: it became one finding with
	// others, or fingerprints are made with another key and nobody knows the one before.
	howRekeyed = "rekeyed"
)

// Record compares r with what stands on its pull request, not only with the
// run before: what an incomplete run could not see stays standing and is
// neither new nor gone. A run is a repetition if it is like the latest one of
// its pull request (of a merge group: on its head) and for the same base, so a verdict that comes
// back after another one is a run of its own.
func (l *ledger) Record(ctx context.Context, r history.Run) (history.Delta, error) {
	var delta history.Delta
	err := l.tx(ctx, func(tx *sql.Tx) error {
		w := writer{l: l, tx: tx, r: r, clean: newCleaner(r), at: r.Finished}
		if w.at.IsZero() {
			w.at = l.now()
		}
		var err error
		delta, err = w.record(ctx)
		return err
	})
	if err != nil {
		return history.Delta{}, fmt.Errorf("record the run on %s of %v#%d: %w", r.SHA, r.Repo, r.Pull.Number, err)
	}
	return delta, nil
}

// A writer records one run in one transaction.
type writer struct {
	l     *ledger
	tx    *sql.Tx
	r     history.Run
	clean cleaner
	at    time.Time
}

// A before is the latest run of the same pull request.
type before struct {
	sha, base, digest, delta string
	shown                    bool
}

// A sighted is a finding of the run, with the decision about it.
type sighted struct {
	finding.Finding
	action, why string
	excused     *policy.Exception // nil if none does
}

func (w *writer) record(ctx context.Context) (history.Delta, error) {
	if err := w.l.sawRepo(ctx, w.tx, w.r.Repo, w.at); err != nil {
		return history.Delta{}, err
	}
	if err := w.sawPull(ctx); err != nil {
		return history.Delta{}, err
	}
	verdict, err := w.clean.json(verdictForm(w.r.Verdict))
	if err != nil {
		return history.Delta{}, err
	}
	last, err := w.before(ctx)
	if err != nil {
		return history.Delta{}, err
	}
	var delta history.Delta
	if last.sha == w.r.SHA && last.base == w.clean(w.r.BaseRef) && last.digest == digest(verdict) {
		err := json.Unmarshal([]byte(last.delta), &delta)
		delta.Shown = last.shown
		return delta, err
	}
	seen, err := w.sighted()
	if err != nil {
		return history.Delta{}, err
	}
	if err := w.rekey(ctx, seen); err != nil {
		return history.Delta{}, err
	}
	delta, gone, err := w.compare(ctx, seen, last.sha)
	if err != nil {
		return history.Delta{}, err
	}
	run, err := w.run(ctx, verdict, delta)
	if err != nil {
		return history.Delta{}, err
	}
	if err := w.settle(ctx, gone); err != nil {
		return history.Delta{}, err
	}
	if err := w.sightings(ctx, run, seen); err != nil {
		return history.Delta{}, err
	}
	if err := w.join(ctx, seen); err != nil {
		return history.Delta{}, err
	}
	if err := w.exceptions(ctx); err != nil {
		return history.Delta{}, err
	}
	return delta, w.inventory(ctx)
}

func (w *writer) sawPull(ctx context.Context) error {
	p := w.r.Pull
	if p.Number == 0 {
		return nil
	}
	p.Repo = w.r.Repo
	p.Title, p.BaseRef, p.HeadRef, p.URL = w.clean(p.Title), w.clean(p.BaseRef), w.clean(p.HeadRef), w.clean(p.URL)
	if err := w.l.sawPull(ctx, w.tx, p, w.at); err != nil || !p.Open {
		return err
	}
	return w.l.reopened(ctx, w.tx, p.PullRef)
}

func (w *writer) before(ctx context.Context) (before, error) {
	var b before
	err := w.tx.QueryRowContext(ctx, `
		SELECT sha, base_ref, digest, delta, shown IS NOT NULL FROM runs
		WHERE repository = $1 AND pull = $2 AND (pull <> 0 OR sha = $3) ORDER BY id DESC LIMIT 1`,
		w.r.Repo.ID, w.r.Pull.Number, w.r.SHA).Scan(&b.sha, &b.base, &b.digest, &b.delta, &b.shown)
	if errors.Is(err, sql.ErrNoRows) {
		return before{}, nil
	}
	return b, err
}

// sighted joins the findings of the result with the decisions about them.
func (w *writer) sighted() ([]sighted, error) {
	decided := map[finding.Fingerprint]policy.Decision{}
	all := append([]finding.Finding(nil), w.r.Result.Findings...)
	for _, d := range w.r.Verdict.Decisions {
		decided[d.Finding.Print] = d
		all = append(all, d.Finding)
	}
	var out []sighted
	met := map[finding.Fingerprint]bool{}
	for _, f := range all {
		if f.Print == "" {
			return nil, fmt.Errorf("a finding of %s at %s has no fingerprint", f.Rule.ID, w.clean(f.At.String()))
		}
		if met[f.Print] {
			continue
		}
		met[f.Print] = true
		s := sighted{Finding: f, action: "undecided"}
		if d, ok := decided[f.Print]; ok {
			s.action, s.why, s.excused = d.Action.String(), w.clean(d.Why), d.By
		}
		out = append(out, s)
	}
	return out, nil
}

// A settled is a standing finding that ends with the run.
type settled struct {
	id  int64
	how string
}

func (w *writer) compare(ctx context.Context, seen []sighted, previous string) (history.Delta, []settled, error) {
	delta := history.Delta{Previous: previous}
	standing, err := w.standing(ctx)
	if err != nil {
		return history.Delta{}, nil, err
	}
	known := map[finding.Fingerprint]bool{}
	for _, s := range standing {
		if s.keyID == w.r.KeyID {
			known[s.print] = true
		}
	}
	met, was := map[finding.Fingerprint]bool{}, map[finding.Fingerprint]bool{}
	for _, s := range seen {
		met[s.Print] = true
		for _, before := range append(slices.Clone(s.Joined), s.Was) {
			was[before] = before != "" && before != s.Print
		}
		if known[s.Print] || slices.ContainsFunc(s.Joined, func(p finding.Fingerprint) bool { return known[p] }) {
			delta.Same = append(delta.Same, s.Print)
		} else {
			delta.New = append(delta.New, s.Print)
		}
	}
	var ends []settled
	for _, s := range standing {
		switch how := w.how(s.rule, s.seenAt); {
		case s.keyID != w.r.KeyID && s.keyID != w.r.OldKeyID, was[s.print]:
			ends = append(ends, settled{s.id, howRekeyed})
		case met[s.print] || how == "":
			// It stands, or nobody can say that it does not.
		default:
			delta.Gone = append(delta.Gone, s.print)
			ends = append(ends, settled{s.id, how})
		}
	}
	return delta, ends, nil
}

type standing struct {
	id          int64
	print       finding.Fingerprint
	keyID, rule string
	seenAt      string // SHA of the latest run that saw it
}

// standing returns what stands on the pull request, before the run.
func (w *writer) standing(ctx context.Context) ([]standing, error) {
	if w.r.Pull.Number == 0 {
		return nil, nil
	}
	rows, err := w.tx.QueryContext(ctx, `
		SELECT f.id, f.fingerprint, f.key_id, f.rule, COALESCE((SELECT r.sha FROM sightings g JOIN runs r ON r.id = g.run
			WHERE g.finding = f.id AND r.pull = s.pull ORDER BY r.id DESC LIMIT 1), '')
		FROM standings s JOIN findings f ON f.id = s.finding
		WHERE f.repository = $1 AND s.pull = $2 AND s.fixed IS NULL ORDER BY f.path, f.rule, f.id`,
		w.r.Repo.ID, w.r.Pull.Number)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []standing
	for rows.Next() {
		var s standing
		if err := rows.Scan(&s.id, &s.print, &s.keyID, &s.rule, &s.seenAt); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// how says why a finding of rule is no longer found; "" means that the run did
// not look everywhere it may be. What was not scanned is never called fixed.
func (w *writer) how(rule, seenAt string) string {
	scanned := w.r.Result.Scanned
	if len(scanned.Skipped) > 0 || scanned.Blobs < scanned.Of {
		return ""
	}
	family, _, _ := strings.Cut(rule, "/")
	for _, s := range w.r.Result.Statuses {
		switch {
		case s.Scanner != family:
		case s.Err != nil || len(s.Incomplete) > 0:
			return ""
		case w.r.SHA == seenAt:
			return howRejudged
		default:
			return howChanged
		}
	}
	return howUnwatched
}

func (w *writer) settle(ctx context.Context, ends []settled) error {
	for _, e := range ends {
		var by int64
		if e.how == howChanged {
			by = w.r.Pull.Author.ID
		}
		_, err := w.tx.ExecContext(ctx,
			`UPDATE standings SET fixed = $3, fixed_sha = $4, how = $5, fixed_by = $6 WHERE finding = $1 AND pull = $2`,
			e.id, w.r.Pull.Number, w.at.UnixMicro(), w.r.SHA, e.how, by)
		if err != nil {
			return err
		}
	}
	return nil
}
