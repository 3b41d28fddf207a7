// Package advisory answers which known vulnerabilities a package version has.
// Its index is one file made from OSV records; a new one replaces it by rename.
package advisory

import (
	"context"
	"time"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// An Advisory is one published vulnerability, as it concerns one package.
type Advisory struct {
	ID       string   // the record's own: "GO-2024-2687"
	Aliases  []string // "CVE-…", "GHSA-…"; sorted
	Summary  string
	Severity finding.Severity
	Scored   bool   // false: no source states a severity, and Severity is our default
	Source   string // where Severity comes from, for people: "CVSS 3.1 score 7.5 of GHSA-…"
	// Introduced is the first version with it of the range that holds the one
	// asked for; "0" is below all versions, "" is not known.
	Introduced string
	Fixed      string   // lowest version without it that is above the one asked for, as manifests write it; "" if there is none
	URLs       []string // most useful first
	Published  time.Time
}

// A DB is a set of advisories. It is safe for concurrent use.
type DB interface {
	// Affecting returns what is known of one version, worst first. compare is
	// the ecosystem's order of versions; ecosystem is OSV's name.
	Affecting(ctx context.Context, ecosystem, name, version string, compare func(a, b string) int) ([]Advisory, error)
	Info() Info
}

// Info describes a DB.
type Info struct {
	Snapshot   string         // digest of what was imported; "" for an empty DB
	Imported   time.Time      // when
	Newest     time.Time      // latest modification of a record
	Records    int            // taken
	Withdrawn  int            // left out
	Ecosystems map[string]int // records by ecosystem
}
