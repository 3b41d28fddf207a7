package advisory

import (
	"archive/zip"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Bounds on what an archive may hold, far above what OSV publishes.
const (
	maxRecordBytes = 16 << 20
	maxTotalBytes  = 8 << 30
	maxRecords     = 4_000_000
)

// Import makes the index in the directory into from the archives
// dir/ECOSYSTEM/all.zip, as OSV publishes them: one JSON record a file. All
// records are taken but the withdrawn ones, whatever their ecosystem. It
// returns what the new index holds.
//
// One record that cannot be read fails the import with its name: an index that
// silently lacks some would pass what it should not. On any error the old index stays.
func Import(ctx context.Context, dir, into string, now time.Time) (Info, error) {
	return ImportTelling(ctx, dir, into, now, func(string, int, int) {})
}

// ImportTelling is Import that tells how far it is: how many of the records in
// an ecosystem's archive are read, and once, with no ecosystem, that the index
// is being written.
func ImportTelling(ctx context.Context, dir, into string, now time.Time, tell func(ecosystem string, done, of int)) (Info, error) {
	in, err := collect(ctx, dir, limits{maxRecordBytes, maxTotalBytes, maxRecords}, tell)
	if err != nil {
		return Info{}, fmt.Errorf("import advisories: %w", err)
	}
	in.info.Imported, in.info.Format = now.UTC(), format
	tell("", len(in.records), len(in.records))
	join(in.records)
	if err := write(ctx, into, in.info, merge(in.records)); err != nil {
		return Info{}, fmt.Errorf("import advisories: write the index: %w", err)
	}
	return in.info, nil
}

type limits struct {
	record, total int64
	records       int
}

// An intake is what the archives hold.
type intake struct {
	limits  limits
	tell    func(ecosystem string, done, of int)
	info    Info
	records map[string]*record
	sums    map[string]string // digest of each record
	bytes   int64
}

func collect(ctx context.Context, dir string, l limits, tell func(ecosystem string, done, of int)) (*intake, error) {
	archives, err := filepath.Glob(filepath.Join(globQuoted(dir), "*", "all.zip"))
	if err != nil {
		return nil, err
	}
	if len(archives) == 0 {
		if _, err := os.Stat(dir); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s has no ECOSYSTEM/all.zip", dir)
	}
	in := &intake{limits: l, tell: tell, records: map[string]*record{}, sums: map[string]string{}}
	in.info.Ecosystems = map[string]int{}
	for _, path := range archives { // Glob sorts
		if err := in.archive(ctx, path); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	digest := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(in.sums)) {
		fmt.Fprintf(digest, "%s %s\n", id, in.sums[id])
	}
	for _, id := range slices.Sorted(maps.Keys(in.records)) {
		for _, p := range in.records[id].unversioned {
			in.info.Unversioned = append(in.info.Unversioned, id+" of "+p)
		}
	}
	in.info.Snapshot = hex.EncodeToString(digest.Sum(nil)[:16])
	in.info.Records = len(in.records)
	return in, nil
}

// globQuoted takes the meaning from what Glob would read as a pattern.
func globQuoted(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

func (in *intake) archive(ctx context.Context, path string) error {
	z, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer z.Close()
	ecosystem := filepath.Base(filepath.Dir(path))
	for i, f := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		in.tell(ecosystem, i, len(z.File))
		if f.FileInfo().IsDir() || !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		data, err := in.open(f)
		if err != nil {
			return fmt.Errorf("%.200q: %w", f.Name, err)
		}
		r, err := read(data)
		if errors.Is(err, errWithdrawn) {
			in.info.Withdrawn++
			continue
		}
		if err != nil {
			return fmt.Errorf("%.200q: %w", f.Name, err)
		}
		in.info.Ecosystems[ecosystem]++
		if r.modified.After(in.info.Newest) {
			in.info.Newest = r.modified
		}
		// A record that concerns two ecosystems is in the archives of both.
		if old := in.records[r.id]; old != nil && !r.modified.After(old.modified) {
			continue
		}
		sum := sha256.Sum256(data)
		in.records[r.id], in.sums[r.id] = r, hex.EncodeToString(sum[:])
		if len(in.records) > in.limits.records {
			return fmt.Errorf("more than %d records", in.limits.records)
		}
	}
	return nil
}

// open inflates one file and never more than the limits allow, whatever the
// archive says of its size.
func (in *intake) open(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, in.limits.record+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > in.limits.record {
		return nil, fmt.Errorf("larger than %d bytes", in.limits.record)
	}
	if in.bytes += int64(len(data)); in.bytes > in.limits.total {
		return nil, fmt.Errorf("the archives hold more than %d bytes", in.limits.total)
	}
	return data, nil
}

// An entry is what the index keeps of one vulnerability of one package: one
// record, or several that are aliases of each other.
type entry struct {
	ID        string         `json:"id"`
	Aliases   []string       `json:"a,omitempty"`
	Summary   string         `json:"s,omitempty"`
	Rating    rating         `json:"r"`
	URLs      []string       `json:"u,omitempty"`
	Published time.Time      `json:"p"`
	Ranges    []versionRange `json:"g,omitempty"`
	Versions  []string       `json:"v,omitempty"` // format 1 has them without zeros at the end
	Imports   []string       `json:"i,omitempty"` // the affected packages of a Go module; none: all

	spellings map[string]bool // of Versions, as they are compared; made when asked for
}

// A pkg is the key of the index.
type pkg struct{ ecosystem, name string }

func (p pkg) key() []byte { return []byte(p.ecosystem + "\x00" + p.name) }

// A part is what one record says of one package.
type part struct {
	*record
	affected
}

// affectedPackages returns the packages of a module that a group of records
// is about. Only the Go database names packages; one record of it that names
// none means the whole module.
func affectedPackages(ecosystem string, list []part, group []int) []string {
	var out []string
	for _, i := range group {
		own := strings.HasPrefix(list[i].id, native[ecosystem])
		switch {
		case ecosystem != "Go", own && len(list[i].imports) == 0:
			return nil
		case own:
			out = append(out, list[i].imports...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// merge sorts the records by package and makes one entry of those that are
// aliases of each other. Together they affect what any of them does.
func merge(records map[string]*record) map[pkg][]entry {
	parts := map[pkg][]part{}
	for _, id := range slices.Sorted(maps.Keys(records)) {
		for _, a := range records[id].affected {
			p := pkg{a.ecosystem, a.name}
			parts[p] = append(parts[p], part{records[id], a})
		}
	}
	out := make(map[pkg][]entry, len(parts))
	for p, list := range parts {
		slices.SortStableFunc(list, func(a, b part) int { return preferred(p.ecosystem, a.id, b.id) })
		for _, group := range groups(list, func(x part) []string { return x.names() }) {
			first := list[group[0]]
			e := entry{ID: first.id, Summary: first.summary, Published: first.published}
			for _, i := range group {
				x := list[i]
				e.Summary = cmp.Or(e.Summary, x.summary)
				r := x.affected.rating
				if r.basis == unrated {
					r = x.record.rating
				}
				if e.Rating.basis == unrated || x.record == first.record && r.better(e.Rating) {
					e.Rating = r
				}
				e.Aliases = append(e.Aliases, x.names()...)
				for _, u := range x.urls {
					if len(e.URLs) < urlsKept && !slices.Contains(e.URLs, u) {
						e.URLs = append(e.URLs, u)
					}
				}
				e.Ranges = append(e.Ranges, x.ranges...)
				e.Versions = append(e.Versions, x.versions...)
			}
			slices.Sort(e.Aliases)
			e.Aliases = slices.DeleteFunc(slices.Compact(e.Aliases), func(a string) bool { return a == e.ID })
			slices.Sort(e.Versions)
			e.Versions = slices.Compact(e.Versions)
			e.Imports = affectedPackages(p.ecosystem, list, group)
			out[p] = append(out[p], e)
		}
	}
	return out
}

// native are the databases that an ecosystem keeps itself.
var native = map[string]string{"Go": "GO-", "PyPI": "PYSEC-", "crates.io": "RUSTSEC-", "npm": "GHSA-"}

// preferred orders ids by which of them should name an advisory.
func preferred(ecosystem, a, b string) int {
	rank := func(id string) int {
		own := native[ecosystem]
		switch {
		case own != "" && strings.HasPrefix(id, own):
			return 0
		case strings.HasPrefix(id, "GHSA-"):
			return 1
		}
		return 2
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
}

// groups returns the indexes of those that share a name, directly or through
// others, each group and all of them in the order of list.
func groups[T any](list []T, names func(T) []string) [][]int {
	parent := make([]int, len(list))
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	owner := map[string]int{}
	for i := range list {
		parent[i] = i
		for _, name := range names(list[i]) {
			if first, ok := owner[name]; ok {
				a, b := root(first), root(i)
				parent[max(a, b)] = min(a, b)
			} else {
				owner[name] = i
			}
		}
	}
	at := map[int]int{}
	var out [][]int
	for i := range list {
		r := root(i)
		if _, ok := at[r]; !ok {
			at[r] = len(out)
			out = append(out, nil)
		}
		out[at[r]] = append(out[at[r]], i)
	}
	return out
}
