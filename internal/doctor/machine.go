package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// database sees whether the server can work with its database. Nothing is
// migrated, and a server at work does not notice.
func database(ctx context.Context, o *Options, f facts) (facts, []Line) {
	db, err := o.Database(ctx)
	as := fmt.Sprintf("let the user that the server runs as read and write it (doctor runs as user %d: if that is another one, run doctor as the server's)", os.Getuid())
	switch {
	case errors.Is(err, fs.ErrPermission):
		return f, one(Problem, "the database cannot be looked at: "+reason(err), as)
	case err != nil:
		return f, one(Problem, "the database cannot be used: "+reason(err), "see that it runs, and that PULLWARDEN_DATABASE_URL (database_url) is right")
	case db.File == ":memory:":
		return f, one(Warning, "the database is in memory: whatever was accepted is lost when the server stops", "set PULLWARDEN_DATABASE_URL to sqlite:FILE or postgres://…")
	}
	name := db.Kind
	if db.File != "" {
		name += " file " + db.File
	}
	switch {
	case db.Newer:
		return f, one(Problem, name+" is of a later version of pullwarden than this program", "install that version again")
	case db.Refuses != nil && errors.Is(db.Refuses, fs.ErrPermission):
		return f, one(Problem, name+" cannot be written to: "+reason(db.Refuses), as)
	case errors.Is(db.Refuses, fs.ErrNotExist):
		return f, one(Problem, name+" cannot be made: "+reason(db.Refuses), "correct database_url (PULLWARDEN_DATABASE_URL), or start the server with --create once")
	case db.Refuses != nil:
		return f, one(Problem, name+" cannot be written to: "+reason(db.Refuses), "give it space, a directory that can be written to, or a server that takes writes")
	case !db.Exists:
		return f, one(Note, name+" has nothing of ours yet", "the server makes it when it starts; if one has run already, this is not the database it has")
	case db.Pending > 0 && db.InUse:
		return f, one(Warning, fmt.Sprintf("%s lacks %s, and a server works on it: an earlier version of the program", name, count(db.Pending, "migration")), "restart the server with this program")
	case db.Pending > 0:
		return f, one(Note, fmt.Sprintf("%s lacks %s", name, count(db.Pending, "migration")), "back it up; the server applies them when it starts")
	case db.InUse:
		return f, one(OK, name+" is current and can be written to; a server works on it", "")
	}
	return f, one(OK, name+" is current and can be written to", "")
}

const (
	fewBytes  = 1 << 30 // free; less is a warning
	tooFew    = 128 << 20
	mebibytes = 1 << 20
)

// disk sees whether there is room.
func disk(_ context.Context, o *Options, f facts) (facts, []Line) {
	var lines []Line
	for _, d := range o.Disks {
		dir := existing(d.Path)
		free, err := o.Free(dir)
		if err != nil {
			lines = append(lines, Line{Status: Unseen, Seen: fmt.Sprintf("free space for %s, in %s: %s", d.What, dir, reason(err))})
			continue
		}
		l := Line{Status: OK, Seen: fmt.Sprintf("%s free for %s, in %s", size(free), d.What, dir)}
		switch {
		case free < tooFew:
			l.Status, l.Seen, l.Do = Problem, "only "+l.Seen, "make room, or move it to a larger disk"
		case free < fewBytes:
			l.Status, l.Seen, l.Do = Warning, "only "+l.Seen, "make room, or move it to a larger disk"
		}
		lines = append(lines, l)
	}
	return f, lines
}

// existing is the nearest directory above path that there is.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || filepath.Dir(path) == path {
			return path
		}
		path = filepath.Dir(path)
	}
}

func size(n uint64) string {
	if n >= fewBytes {
		return fmt.Sprintf("%.1f GiB", float64(n)/fewBytes)
	}
	return fmt.Sprintf("%d MiB", n/mebibytes)
}

// advisories sees whether there are any, and of when.
func advisories(ctx context.Context, o *Options, f facts) (facts, []Line) {
	const fetch = "pullwarden advisories import DIR --config FILE, with DIR/<ecosystem>/all.zip as OSV publishes them; and again every day from a timer"
	a, err := o.Advisories(ctx)
	if err != nil {
		return f, one(Problem, "the advisories cannot be read: "+reason(err), "import them again: "+fetch)
	}
	if a.Records == 0 {
		return f, one(Problem, "there are no advisories in "+a.Dir+": no dependency is looked at", "import them: "+fetch)
	}
	seen := fmt.Sprintf("%s, imported %s", count(a.Records, "advisory"), ago(o.Now(), a.Imported))
	if o.Stale > 0 && o.Now().Sub(a.Imported) > o.Stale {
		return f, one(Warning, seen+": what was published since is not known", "import them again: "+fetch)
	}
	if a.Outdated {
		return f, one(Warning, seen+" by an older version, which kept less of them", "import them again: "+fetch)
	}
	return f, one(OK, seen, "")
}

// registries sees whether those that the operator named can be reached. Only
// upgrades need them.
func registries(ctx context.Context, o *Options, f facts) (facts, []Line) {
	lines := make([]Line, len(o.Registries))
	var wg sync.WaitGroup
	for i, r := range o.Registries {
		wg.Go(func() { lines[i] = o.registry(ctx, r) })
	}
	wg.Wait()
	return f, lines
}

func (o *Options) registry(ctx context.Context, r Registry) Line {
	if r.Address == "" {
		l := Line{Status: Note, Seen: "no registry is configured for " + r.Of + ", so that no upgrades of these are opened"}
		if o.Upgrades {
			l.Do = "set " + r.Setting + ", if they should be"
		}
		return l
	}
	if dir, local := strings.CutPrefix(r.Address, "file://"); local {
		if _, err := os.Stat(filepath.FromSlash(dir)); err != nil {
			return Line{Status: Warning, Seen: fmt.Sprintf("the registry of %s: %s", r.Of, reason(err)), Do: "set " + r.Setting + " to a directory that is there"}
		}
		return Line{Status: OK, Seen: fmt.Sprintf("the registry of %s, %s, is there", r.Of, dir)}
	}
	address := plainAddress(r.Address)
	if r.From != "" {
		address += " (" + r.From + ")"
	}
	let := fmt.Sprintf("let this machine reach it, or set %s to another one", r.Setting)
	got, err := o.ask(ctx, http.MethodGet, r.Address)
	switch {
	case err != nil:
		return Line{Status: Warning, Seen: fmt.Sprintf("the registry of %s, %s, cannot be reached: %s", r.Of, address, reason(err)), Do: let}
	case got.status == http.StatusUnauthorized || got.status == http.StatusForbidden || got.status == http.StatusProxyAuthRequired:
		return Line{Status: Warning, Seen: fmt.Sprintf("the registry of %s, %s, refuses us: %d", r.Of, address, got.status), Do: "look at the user and password in " + r.Setting}
	case got.status >= 500:
		return Line{Status: Warning, Seen: fmt.Sprintf("the registry of %s, %s, answers %d", r.Of, address, got.status), Do: let}
	}
	return Line{Status: OK, Seen: fmt.Sprintf("the registry of %s, %s, answers", r.Of, address)}
}
