package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
)

// Past returns what runs found, to be judged anew: without texts and fixes.
func (l *ledger) Past(ctx context.Context, repo forge.Repo, n int) ([]finding.Result, error) {
	all, err := l.past(ctx, repo, n)
	if err != nil {
		return nil, fmt.Errorf("read the last %d pull requests of %v: %w", n, repo, err)
	}
	return all, nil
}

func (l *ledger) past(ctx context.Context, repo forge.Repo, n int) ([]finding.Result, error) {
	present := map[finding.Fingerprint]finding.Fingerprint{} // by the former
	err := l.each(ctx, func(rows *sql.Rows) error {
		var was, is finding.Fingerprint
		err := rows.Scan(&was, &is)
		present[was] = is
		return err
	}, `SELECT x.fingerprint, f.fingerprint FROM former_fingerprints x JOIN findings f ON f.id = x.finding WHERE x.repository = $1`, repo.ID)
	if err != nil {
		return nil, err
	}
	var all []finding.Result
	err = l.each(ctx, func(rows *sql.Rows) error {
		var raw string
		if err := rows.Scan(&raw); err != nil {
			return err
		}
		r, err := pastResult(raw)
		for i, f := range r.Findings {
			if is, ok := present[f.Print]; ok {
				r.Findings[i].Print, r.Findings[i].Was = is, f.Print
			}
		}
		all = append(all, r)
		return err
	}, `SELECT result FROM runs WHERE id IN (
			SELECT MAX(id) FROM runs WHERE repository = $1 AND pull > 0 GROUP BY pull ORDER BY MAX(id) DESC LIMIT $2)
		ORDER BY id DESC`, repo.ID, n)
	return all, err
}

func pastResult(raw string) (finding.Result, error) {
	var form struct {
		Findings []struct {
			findingJSON
			Severity   string `json:"severity"`
			Confidence string `json:"confidence"`
		}
		Statuses []statusJSON
		Scanned  finding.Scanned
	}
	if err := json.Unmarshal([]byte(raw), &form); err != nil {
		return finding.Result{}, err
	}
	r := finding.Result{Scanned: form.Scanned}
	for _, f := range form.Findings {
		severity, ok := finding.ParseSeverity(f.Severity)
		if !ok {
			return r, fmt.Errorf("%q is no severity", f.Severity)
		}
		confidence := finding.Certain
		for c := range finding.Certain {
			if c.String() == f.Confidence {
				confidence = c
			}
		}
		r.Findings = append(r.Findings, finding.Finding{
			Rule: finding.Rule{ID: f.Rule, Title: f.Title}, Severity: severity, Recommended: f.Recommended, Confidence: confidence,
			At: f.At, Also: f.Also, Commit: f.Commit, Past: f.Past, Print: f.Print, Marker: f.Marker, Validity: f.Validity,
			Dependency: f.Dependency, Advisories: f.Advisories,
		})
	}
	for _, s := range form.Statuses {
		status := finding.Status{Scanner: s.Scanner, Incomplete: s.Incomplete}
		if s.Error != "" {
			status.Err = errors.New(s.Error)
		}
		r.Statuses = append(r.Statuses, status)
	}
	return r, nil
}
