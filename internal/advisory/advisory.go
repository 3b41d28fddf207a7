// Package advisory answers which known vulnerabilities a package version has.
// Its index is one file made from OSV records; a new one replaces it by rename.
package advisory

import (
	"context"
	"time"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/version"
)

// An Advisory is one published vulnerability, as it concerns one package.
type Advisory struct {
	ID       string   // the record's own: "GO-2024-2687"
	Aliases  []string // "CVE-…", "GHSA-…"; sorted
	Summary  string
	Severity finding.Severity // Unrated: no source states one
	Source   string           // where Severity comes from, for people: "CVSS 3.1 score 7.5 of GHSA-…"
	// Introduced is the first version with it of the range that holds the one
	// asked for; "0" is below all versions, "" is not known.
	Introduced string
	Fixed      string // lowest version without it that is above the one asked for, as manifests write it; "" if there is none
	// LastAffected is the highest version that is known to have it, where the
	// record states that instead of Fixed; "" if there is none.
	LastAffected string
	Imports      []string // the affected packages of a Go module; nil: all of it
	URLs         []string // most useful first
	Published    time.Time
}

// A DB is a set of advisories. It is safe for concurrent use.
type DB interface {
	// Affecting returns what is known of one version, worst first. compare is
	// the ecosystem's order of versions; ecosystem is OSV's name.
	Affecting(ctx context.Context, ecosystem, name, version string, compare func(a, b string) int) ([]Advisory, error)
	Info() Info
}

// Ranges is a DB that can judge a range of versions, too.
type Ranges interface {
	// Admitting says what a constraint admits of a package. published are its
	// versions as far as a registry tells; nil: what advisories name is known.
	Admitting(ctx context.Context, ecosystem, name, constraint string, published []string, s version.Scheme) (Admitted, error)
}

// Admitted is what is known of the versions that a constraint admits.
type Admitted struct {
	Intervals []version.Interval
	// Highest is the highest known release among them; "" if none is known.
	Highest string
	// Known are the advisories of Highest or, if Only and no version is known,
	// of the range, worst first.
	Known []Advisory
	// Only says that each version that is admitted, known or not, has an advisory.
	Only bool
}

// Info describes a DB.
type Info struct {
	Snapshot   string         // digest of what was imported; "" for an empty DB
	Imported   time.Time      // when
	Newest     time.Time      // latest modification of a record
	Records    int            // taken
	Withdrawn  int            // left out
	Ecosystems map[string]int // records by ecosystem
	// Unversioned are advisories of packages of which they name no version:
	// nothing can be matched with them. "GHSA-… of npm left-pad".
	Unversioned []string `json:",omitempty"`
	// Format is that of the index file. One of format 1 knows neither package
	// paths nor severities of CVSS 2: import again.
	Format string `json:"-"`
}

// Outdated reports whether the index was made by an older version, which kept
// less of the advisories.
func (i Info) Outdated() bool { return i.Format != "" && i.Format != format }
