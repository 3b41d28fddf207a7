package gomod

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

const (
	maxList    = 4 << 20
	maxMod     = 1 << 20
	maxZip     = 512 << 20
	maxMods    = 20_000 // module files kept in memory
	maxSources = 200    // and what zips told
	wait       = 30 * time.Second
	waitLong   = 5 * time.Minute // for a zip
)

// A Registry is a server of the module proxy protocol, chosen by the operator.
// Nothing in a repository can name one. The zero Registry has no address: what
// needs one fails with ecosystem.ErrNoRegistry.
//
// What it serves is checked against go.sum where that has a line already. New
// versions are taken as the registry gives them: the public checksum database
// is not asked, so GOPRIVATE, GONOSUMDB and GOSUMDB have no effect here.
type Registry struct {
	// Base is an address, or a list of them as in GOPROXY of the operator's own
	// environment: the first http, https or file address counts; "direct" and
	// "off" are passed over, since nothing is ever fetched from a version control host.
	Base   string
	Client *http.Client // of ecosystem.Client; nil: one that follows no redirect to another host

	mods *modCache // nil: nothing is kept
}

// NewRegistry returns the registry at base that remembers module files, which
// never change. The client is as Registry.Client says.
func NewRegistry(base string, client *http.Client) Registry {
	if client == nil {
		client = ecosystem.Client(nil, nil)
	}
	return Registry{Base: base, Client: client, mods: newModCache()}
}

// Address is the one that counts of a list, or the list if that is not valid; ""
// if there is none. It may hold a password.
func (r Registry) Address() string {
	u, err := r.address()
	switch {
	case errors.Is(err, ecosystem.ErrNoRegistry):
		return ""
	case err != nil:
		return r.Base
	}
	return u.String()
}

// address picks the base out of a list.
func (r Registry) address() (*url.URL, error) {
	for _, s := range strings.FieldsFunc(r.Base, func(c rune) bool { return c == ',' || c == '|' }) {
		s = strings.TrimSpace(s)
		if s == "direct" || s == "off" || s == "" {
			continue
		}
		u, err := url.Parse(s)
		if err != nil || !slices.Contains([]string{"http", "https", "file"}, u.Scheme) {
			return nil, errors.New("the address of the Go registry is not an http, https or file URL")
		}
		return u, nil
	}
	return nil, ecosystem.ErrNoRegistry
}

// open returns file of the module at path, such as "v1.2.3.mod". What does not
// exist is fs.ErrNotExist. No error names the registry: its address may hold a password.
func (r Registry) open(ctx context.Context, modPath, file string) (io.ReadCloser, error) {
	base, err := r.address()
	if err != nil {
		return nil, err
	}
	escaped, err := module.EscapePath(modPath)
	if err != nil {
		return nil, err
	}
	if base.Scheme == "file" {
		f, err := os.Open(filepath.Join(filepath.FromSlash(base.Path), filepath.FromSlash(escaped), "@v", file))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fs.ErrNotExist
		}
		return f, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath(escaped, "@v", file).String(), nil)
	if err != nil {
		return nil, errors.New("the address of the Go registry cannot be used")
	}
	client := r.Client
	if client == nil {
		client = ecosystem.Client(nil, nil)
	}
	resp, err := client.Do(req)
	if err != nil {
		if inner := (*url.Error)(nil); errors.As(err, &inner) {
			err = inner.Err
		}
		return nil, fmt.Errorf("ask the Go registry: %w", err)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return resp.Body, nil
	case http.StatusNotFound, http.StatusGone:
		err = fs.ErrNotExist
	default:
		err = fmt.Errorf("the Go registry answered %d", resp.StatusCode)
	}
	resp.Body.Close()
	return nil, err
}

func (r Registry) read(ctx context.Context, modPath, file string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	body, err := r.open(ctx, modPath, file)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("larger than %d bytes", limit)
	}
	return b, err
}

// versions returns the published versions of a module, lowest first, without
// those that its highest release retracts.
func (r Registry) versions(ctx context.Context, modPath string) ([]string, error) {
	if modPath == Stdlib {
		return nil, refusal("the standard library comes with the Go toolchain: raise the go or toolchain line")
	}
	b, err := r.read(ctx, modPath, "list", maxList)
	if err != nil {
		return nil, fmt.Errorf("list versions of %s: %w", modPath, err)
	}
	var all []string
	for v := range strings.FieldsSeq(string(b)) {
		if module.Check(modPath, v) == nil {
			all = append(all, v)
		}
	}
	semver.Sort(all)
	latest := ""
	for _, v := range all {
		if semver.Prerelease(v) == "" || latest == "" {
			latest = v
		}
	}
	if latest == "" {
		return nil, nil
	}
	f, err := r.mod(ctx, module.Version{Path: modPath, Version: latest})
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(v string) bool {
		return slices.ContainsFunc(f.retract, func(i modfile.VersionInterval) bool {
			return semver.Compare(i.Low, v) <= 0 && semver.Compare(v, i.High) <= 0
		})
	}), nil
}

// A modFile is what a go.mod of a dependency says. It does not change.
type modFile struct {
	goVersion string // "" if not stated
	require   []module.Version
	retract   []modfile.VersionInterval
	hash      string // as in go.sum; "" for a directory
}

// mod returns the go.mod of m.
func (r Registry) mod(ctx context.Context, m module.Version) (*modFile, error) {
	if f := r.mods.get(m); f != nil {
		return f, nil
	}
	v, err := module.EscapeVersion(m.Version)
	if err != nil {
		return nil, err
	}
	b, err := r.read(ctx, m.Path, v+".mod", maxMod)
	if err != nil {
		return nil, fmt.Errorf("fetch go.mod of %v: %w", m, err)
	}
	f, err := parseMod(m.String(), b)
	if err != nil {
		return nil, err
	}
	f.hash, err = dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	})
	if err != nil {
		return nil, err
	}
	r.mods.put(m, f)
	return f, nil
}

func parseMod(name string, b []byte) (*modFile, error) {
	f, err := modfile.ParseLax(name, b, nil)
	if err != nil {
		return nil, fmt.Errorf("read go.mod of %s: %w", name, err)
	}
	out := &modFile{}
	if f.Go != nil {
		out.goVersion = f.Go.Version
	}
	for _, q := range f.Require {
		out.require = append(out.require, q.Mod)
	}
	for _, t := range f.Retract {
		out.retract = append(out.retract, t.VersionInterval)
	}
	return out, nil
}

// download puts the zip of m into a temporary file, which the caller removes.
func (r Registry) download(ctx context.Context, m module.Version) (name string, err error) {
	ctx, cancel := context.WithTimeout(ctx, waitLong)
	defer cancel()
	v, err := module.EscapeVersion(m.Version)
	if err != nil {
		return "", err
	}
	body, err := r.open(ctx, m.Path, v+".zip")
	if err != nil {
		return "", err
	}
	defer body.Close()
	f, err := os.CreateTemp("", "pullwarden-*.zip")
	if err != nil {
		return "", err
	}
	n, err := io.Copy(f, io.LimitReader(body, maxZip+1))
	if err == nil && n > maxZip {
		err = fmt.Errorf("larger than %d bytes", maxZip)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// modCache keeps what never changes, up to a bound. A nil one keeps nothing.
type modCache struct {
	mu      sync.Mutex
	files   map[module.Version]*modFile
	sources map[module.Version]*source
}

func newModCache() *modCache {
	return &modCache{files: map[module.Version]*modFile{}, sources: map[module.Version]*source{}}
}

func (c *modCache) get(m module.Version) *modFile {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.files[m]
}

func (c *modCache) put(m module.Version, f *modFile) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	keep(c.files, maxMods, m, f)
}

func (c *modCache) source(m module.Version) *source {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sources[m]
}

func (c *modCache) putSource(m module.Version, s *source) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	keep(c.sources, maxSources, m, s)
}

// keep adds to a map of at most limit entries; any one makes room.
func keep[V any](in map[module.Version]V, limit int, m module.Version, v V) {
	if len(in) >= limit {
		for old := range in {
			delete(in, old)
			break
		}
	}
	in[m] = v
}
