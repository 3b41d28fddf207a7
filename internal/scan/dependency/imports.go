package dependency

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

// An importer is an ecosystem of which the code tells which parts of a package it uses.
type importer interface {
	// Sources returns the source files of the project of a manifest, at most most.
	Sources(tree fs.FS, manifest string, most int) ([]string, error)
	// Imports returns what a source file imports.
	Imports(source []byte) ([]string, error)
	// IsTest reports whether a source file serves tests only.
	IsTest(path string) bool
}

// maxSources bounds what is read of one project to find out what it imports.
const maxSources = 1500

// notImported is why an advisory of packages that no file imports is a note.
const notImported = "not imported by this repository's own code; its dependencies were not read"

// A use is what the code of a project does with a package.
type use uint8

const (
	unused use = iota
	inTests
	inCode
)

// decidable reports whether the repository's own code says something of the
// advisory: of a package that it requires under its own name, by itself.
func decidable(p ecosystem.Package, a advisory.Advisory) bool {
	return p.Direct && p.Replaces == "" && p.Source == "" && len(a.Imports) > 0
}

// An importCache keeps what files import by the ids of their blobs.
type importCache struct {
	mu   sync.Mutex
	byID map[change.BlobID][]string
}

// maxCached bounds an importCache; a full one starts again.
const maxCached = 20_000

func (c *importCache) get(id change.BlobID) ([]string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, ok := c.byID[id]
	return list, ok
}

func (c *importCache) put(id change.BlobID, list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil || len(c.byID) >= maxCached {
		c.byID = map[change.BlobID][]string{}
	}
	c.byID[id] = list
}

// uses returns what the project of a manifest imports. Known is false if not
// all of its sources could be read and parsed.
func (s *Scanner) uses(ctx context.Context, tree fs.FS, e ecosystem.Ecosystem, manifest string) (uses map[string]use, known bool) {
	of, ok := e.(importer)
	if !ok || tree == nil {
		return nil, false
	}
	files, err := of.Sources(tree, manifest, maxSources)
	if err != nil {
		return nil, false
	}
	uses = map[string]use{}
	for _, p := range files {
		list, err := s.importsOf(tree, of, p)
		if err != nil || ctx.Err() != nil {
			return nil, false
		}
		as := inCode
		if of.IsTest(p) {
			as = inTests
		}
		for _, imported := range list {
			uses[imported] = max(uses[imported], as)
		}
	}
	return uses, true
}

func (s *Scanner) importsOf(tree fs.FS, of importer, p string) ([]string, error) {
	id := blobID(tree, p)
	if list, ok := s.imports.get(id); ok && id != "" {
		return list, nil
	}
	source, err := fs.ReadFile(tree, p)
	if err != nil {
		return nil, err
	}
	list, err := of.Imports(source)
	if err == nil && id != "" {
		s.imports.put(id, list)
	}
	return list, err
}

// blobID is "" of files that need no loading.
func blobID(tree fs.FS, p string) change.BlobID {
	info, err := fs.Lstat(tree, p)
	if err != nil {
		return ""
	}
	id, _ := info.Sys().(change.BlobID)
	return id
}

// worstUse is the worst that uses say of the affected packages.
func worstUse(uses map[string]use, packages []string) use {
	worst := unused
	for _, p := range packages {
		worst = max(worst, uses[p])
	}
	return worst
}

// sourcesWanted names the source files that decide whether an advisory that c
// introduces concerns the project: those of the manifests that c touches, and
// only if there is such an advisory. With any doubt it names none, and the
// advisory keeps its severity.
func (s *Scanner) sourcesWanted(c *change.Change) []string {
	var out []string
	for _, f := range c.Files {
		e := s.ecosystemOf(f.Path)
		of, ok := e.(importer)
		if !ok || f.NewBlob == "" {
			continue
		}
		old := f.Path
		if f.OldPath != "" {
			old = f.OldPath
		}
		before := s.partial(c.Before, e, old)
		if !slices.ContainsFunc(s.partial(c.After, e, f.Path), func(key string) bool { return !slices.Contains(before, key) }) {
			continue
		}
		files, err := of.Sources(c.After, f.Path, maxSources)
		if err != nil {
			continue
		}
		for _, p := range files {
			if _, cached := s.imports.get(blobID(c.After, p)); !cached {
				out = append(out, p)
			}
		}
	}
	return out
}

// partial names the advisories of packages of a manifest that the code decides on.
func (s *Scanner) partial(tree fs.FS, e ecosystem.Ecosystem, manifest string) []string {
	packages, _ := e.Packages(context.Background(), view{FS: tree}, manifest) // none if it does not exist
	var out []string
	for _, p := range packages {
		if p.Version == "" || !p.Direct {
			continue
		}
		known, _ := s.db.Affecting(context.Background(), e.Name(), p.Name, p.Version, e.Compare) // Inspect has the error
		for _, a := range known {
			if decidable(p, a) {
				out = append(out, strings.Join([]string{p.Name, a.ID}, "\x00"))
			}
		}
	}
	return out
}
