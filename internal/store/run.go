package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/history"
)

// run inserts the row of the run itself and returns its id.
func (w *writer) run(ctx context.Context, verdict string, delta history.Delta) (int64, error) {
	result, err := w.clean.json(resultForm(w.r.Result))
	if err != nil {
		return 0, err
	}
	inForce, err := w.clean.json(w.r.Policy)
	if err != nil {
		return 0, err
	}
	difference, err := json.Marshal(delta)
	if err != nil {
		return 0, err
	}
	var id int64
	err = w.tx.QueryRowContext(ctx, `
		INSERT INTO runs (repository, pull, sha, base_ref, base_sha, merge_base, policy_hash, policy, rules, advisories,
			key_id, result, verdict, digest, outcome, complete, previous_sha, delta, pushed, received, started, finished, lapses)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
		RETURNING id`,
		w.r.Repo.ID, w.r.Pull.Number, w.r.SHA, w.clean(w.r.BaseRef), w.r.Pull.BaseSHA, w.r.MergeBase,
		w.r.Policy.Hash, inForce, w.r.Rules, w.r.Advisories, w.r.KeyID, result, verdict, digest(verdict),
		w.r.Verdict.Outcome.String(), w.r.Result.Complete(), delta.Previous, string(difference),
		stamp(w.r.Pushed), stamp(w.r.Received), stamp(w.r.Started), w.at.UnixMicro(), stamp(w.r.Verdict.Lapses())).Scan(&id)
	return id, err
}

// sightings keeps what the run saw, and that it stands.
func (w *writer) sightings(ctx context.Context, run int64, seen []sighted) error {
	at := w.at.UnixMicro()
	for _, s := range seen {
		path := w.clean(s.At.Path)
		var id int64
		err := w.tx.QueryRowContext(ctx, `
			INSERT INTO findings (repository, key_id, fingerprint, rule, severity, path, first_seen, last_seen, grave)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)
			ON CONFLICT (repository, key_id, fingerprint) DO UPDATE SET
				rule = excluded.rule, severity = excluded.severity, path = excluded.path, last_seen = excluded.last_seen, grave = excluded.grave
			RETURNING id`,
			w.r.Repo.ID, w.r.KeyID, string(s.Print), s.Rule.ID, s.Severity.String(), path, at, s.Grave()).Scan(&id)
		if err != nil {
			return err
		}
		_, err = w.tx.ExecContext(ctx, `
			INSERT INTO sightings (run, finding, severity, confidence, path, start_line, end_line, introduced, past, action, why)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			run, id, s.Severity.String(), s.Confidence.String(), path, s.At.Start, s.At.End, s.Commit, s.Past, s.action, s.why)
		if err != nil {
			return err
		}
		if w.r.Pull.Number == 0 {
			continue // a merge group passes: nothing stands on it
		}
		if err := w.stands(ctx, id, s); err != nil {
			return err
		}
	}
	return nil
}

// stands keeps that a finding stands on the pull request, and since when an
// exception excuses it.
func (w *writer) stands(ctx context.Context, id int64, s sighted) error {
	var since any
	var owner, asked string
	if s.excused != nil {
		since, owner, asked = w.at.UnixMicro(), w.clean(s.excused.Owner), s.excused.Asked
	}
	_, err := w.tx.ExecContext(ctx, `
		INSERT INTO standings (finding, pull, first_seen, last_seen, action, excepted, excepted_by, exception)
		VALUES ($1, $2, $3, $3, $4, $5, $6, $7)
		ON CONFLICT (finding, pull) DO UPDATE SET
			last_seen = excluded.last_seen, fixed = NULL, fixed_sha = '', how = '', fixed_by = 0, action = excluded.action,
			excepted = CASE WHEN excluded.excepted IS NULL THEN NULL ELSE COALESCE(standings.excepted, excluded.excepted) END,
			excepted_by = excluded.excepted_by, exception = excluded.exception`,
		id, w.r.Pull.Number, w.at.UnixMicro(), s.action, since, owner, asked)
	return err
}

// inventory keeps the packages at the head, each manifest once for all heads
// on which it says the same.
func (w *writer) inventory(ctx context.Context) error {
	var paths []string
	byPath := map[string][]finding.Package{}
	for _, p := range w.r.Result.Packages {
		p.Path, p.Name, p.Version = w.clean(p.Path), w.clean(p.Name), w.clean(p.Version)
		if _, met := byPath[p.Path]; !met {
			paths = append(paths, p.Path)
		}
		byPath[p.Path] = append(byPath[p.Path], p)
	}
	for _, path := range paths {
		manifest, err := w.manifest(ctx, path, byPath[path])
		if err != nil {
			return err
		}
		_, err = w.tx.ExecContext(ctx,
			`INSERT INTO inventories (repository, sha, manifest) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			w.r.Repo.ID, w.r.SHA, manifest)
		if err != nil {
			return err
		}
	}
	return nil
}

// manifest returns the row of a manifest with just these packages.
func (w *writer) manifest(ctx context.Context, path string, packages []finding.Package) (int64, error) {
	raw, err := json.Marshal(packages)
	if err != nil {
		return 0, err
	}
	var id int64
	err = w.tx.QueryRowContext(ctx, `SELECT id FROM manifests WHERE repository = $1 AND path = $2 AND digest = $3`,
		w.r.Repo.ID, path, digest(string(raw))).Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	err = w.tx.QueryRowContext(ctx, `INSERT INTO manifests (repository, path, digest) VALUES ($1, $2, $3) RETURNING id`,
		w.r.Repo.ID, path, digest(string(raw))).Scan(&id)
	if err != nil {
		return 0, err
	}
	insert, err := w.tx.PrepareContext(ctx, `
		INSERT INTO packages (manifest, position, ecosystem, name, version, line, direct, dev)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`)
	if err != nil {
		return 0, err
	}
	defer func() { _ = insert.Close() }()
	for i, p := range packages {
		_, err := insert.ExecContext(ctx, id, i, p.Ecosystem, p.Name, p.Version, p.Line, p.Direct, p.Dev)
		if err != nil {
			return 0, err
		}
	}
	return id, nil
}
