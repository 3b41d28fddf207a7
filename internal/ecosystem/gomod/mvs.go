package gomod

import (
	"context"
	"fmt"
	"go/version"
	"sync"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// A graph is the outcome of minimal version selection over a main module's requirements.
type graph struct {
	selected map[string]string       // module path to version
	loaded   map[module.Version]bool // whose go.mod has a say, as go.sum names them: after replacement
	goLine   string                  // highest go line that binds the main module; "" if none does
}

// A loader returns the go.mod of a module as the main module sees it.
type loader interface {
	load(ctx context.Context, m module.Version) (*modFile, error)
	// replaced returns what stands in for m: m itself, another module, or a
	// path without a version for a directory.
	replaced(m module.Version) module.Version
	excluded(m module.Version) bool
}

// selectVersions builds the module graph of roots as the go command does from
// go 1.17 on: behind a module that lists all it needs (go 1.17 or later), deeper
// requirements are pruned. With pruned false nothing is, as go 1.16 would see it.
func selectVersions(ctx context.Context, l loader, roots map[string]string, pruned bool) (*graph, error) {
	g := &graph{selected: map[string]string{}, loaded: map[module.Version]bool{}}
	type step struct {
		m      module.Version
		pruned bool
	}
	mention := func(m module.Version) {
		if v := g.selected[m.Path]; v == "" || semver.Compare(m.Version, v) > 0 {
			g.selected[m.Path] = m.Version
		}
	}
	var level []step
	for p, v := range roots {
		m := module.Version{Path: p, Version: v}
		mention(m)
		level = append(level, step{m, pruned})
	}
	seen := map[step]bool{}
	for len(level) > 0 {
		var now []step
		for _, s := range level {
			// One that was walked in full needs no second, pruned visit.
			if !seen[s] && !seen[step{s.m, false}] {
				seen[s] = true
				now = append(now, s)
			}
		}
		files := make([]*modFile, len(now))
		err := each(len(now), func(i int) (err error) {
			files[i], err = l.load(ctx, now[i].m)
			return err
		})
		if err != nil {
			return nil, err
		}
		level = nil
		for i, s := range now {
			f := files[i]
			if r := l.replaced(s.m); r.Version != "" {
				g.loaded[r] = true
			}
			if atLeast(f.goVersion, "1.21") && (g.goLine == "" || atLeast(f.goVersion, g.goLine)) {
				g.goLine = f.goVersion
			}
			lists := atLeast(f.goVersion, "1.17")
			for _, q := range f.require {
				if l.excluded(q) {
					continue
				}
				mention(q)
				if !s.pruned || !lists {
					level = append(level, step{q, s.pruned && lists})
				}
			}
		}
	}
	return g, nil
}

// atLeast compares go lines: "1.9" < "1.17" < "1.21rc1" < "1.21.0".
func atLeast(v, min string) bool {
	return v != "" && version.Compare("go"+v, "go"+min) >= 0
}

// each calls f for 0..n-1, a few at a time, and returns the first error by index.
func each(n int, f func(int) error) error {
	errs := make([]error, n)
	slots := make(chan struct{}, 8)
	var wg sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			defer func() {
				if p := recover(); p != nil {
					errs[i] = fmt.Errorf("panic: %v", p)
				}
			}()
			errs[i] = f(i)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
