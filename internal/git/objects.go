package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/pullwarden/pullwarden/internal/change"
)

// objects are the git objects at hand, in memory. They are the Contents of a
// change and what its trees read from; only Load brings more of them.
type objects struct {
	// read finds a commit or tree that is not in memory; nil if there is no
	// other place. It must be safe for concurrent use.
	read func(h plumbing.Hash) (plumbing.EncodedObject, error)
	// bring puts blobs, or the reasons why not. It is never called twice at a time.
	bring func(ctx context.Context, blobs []plumbing.Hash) error
	turn  chan struct{} // held by the one who brings
	// bringTrees puts trees; nil if all of them should be there. It is never
	// called together with bring.
	bringTrees func(ctx context.Context, trees []plumbing.Hash) error

	mu      sync.RWMutex
	blobs   map[plumbing.Hash][]byte
	raw     map[plumbing.Hash]encoded // commits and trees, not decoded yet
	commits map[plumbing.Hash]*commit
	trees   map[plumbing.Hash][]entry
	skipped map[plumbing.Hash]string
	left    int64                             // bytes that may still be put
	missed  map[plumbing.Hash]map[string]bool // trees that were not at hand, and the paths that were looked for in them
}

func newObjects(lim Limits) *objects {
	return &objects{
		turn:    make(chan struct{}, 1),
		blobs:   map[plumbing.Hash][]byte{},
		raw:     map[plumbing.Hash]encoded{},
		commits: map[plumbing.Hash]*commit{},
		trees:   map[plumbing.Hash][]entry{},
		skipped: map[plumbing.Hash]string{},
		missed:  map[plumbing.Hash]map[string]bool{},
		left:    lim.Inflated,
	}
}

// A commit is what we use of one.
type commit struct {
	hash, tree      plumbing.Hash
	parents         []plumbing.Hash
	author, subject string
	when, committed time.Time
}

// errNotAtHand is about a commit or tree that was not fetched.
var errNotAtHand = errors.New("not at hand")

// Blob implements change.Contents.
func (o *objects) Blob(id string) ([]byte, error) {
	b, why := o.blob(plumbing.NewHash(id))
	if why != "" {
		return nil, &change.MissingError{Blob: id, Why: why}
	}
	return b, nil
}

func (o *objects) blob(h plumbing.Hash) (b []byte, why string) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	b, ok := o.blobs[h]
	if ok {
		return b, ""
	}
	if why = o.skipped[h]; why == "" {
		why = "was not fetched"
	}
	return nil, why
}

// Load implements change.Contents.
func (o *objects) Load(ctx context.Context, ids ...string) error {
	hashes := make([]plumbing.Hash, 0, len(ids))
	for _, id := range ids {
		h, err := parseHash(id)
		if err != nil {
			return err
		}
		hashes = append(hashes, h)
	}
	return o.load(ctx, hashes)
}

func (o *objects) load(ctx context.Context, ids []plumbing.Hash) error {
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := o.reach(ctx); err != nil {
		return err
	}
	missing := make([]plumbing.Hash, 0, len(ids))
	seen := make(map[plumbing.Hash]bool, len(ids))
	for _, h := range ids {
		if !seen[h] && !o.settled(h) {
			missing = append(missing, h)
		}
		seen[h] = true
	}
	if len(missing) == 0 {
		return nil
	}
	return o.bring(ctx, missing)
}

// settled reports whether a blob is at hand or known not to come.
func (o *objects) settled(h plumbing.Hash) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	_, ok := o.blobs[h]
	return ok || o.skipped[h] != ""
}

func (o *objects) skip(h plumbing.Hash, why string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.skipped[h] = why
}

func (o *objects) remaining() int64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return max(o.left, 0)
}

// put keeps an object; content must not be modified any more.
func (o *objects) put(h plumbing.Hash, t plumbing.ObjectType, content []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if t == plumbing.BlobObject {
		if _, known := o.blobs[h]; !known {
			o.left -= int64(len(content))
		}
		o.blobs[h] = content
		return
	}
	if o.commits[h] != nil || o.trees[h] != nil {
		return
	}
	o.raw[h] = encoded{h, t, content}
	o.left -= int64(len(content))
}

// at returns a commit or tree as it was put, or from where else it can be read.
func (o *objects) at(h plumbing.Hash, t plumbing.ObjectType) (plumbing.EncodedObject, error) {
	o.mu.RLock()
	e, ok := o.raw[h]
	o.mu.RUnlock()
	if ok && e.t != t {
		return nil, &HostileError{What: "object " + h.String(), Why: fmt.Sprintf("is a %s where a %s belongs", e.t, t)}
	}
	if ok {
		return e, nil
	}
	if o.read == nil {
		return nil, errNotAtHand
	}
	found, err := o.read(h)
	if err == nil && found.Type() != t {
		err = &HostileError{What: "object " + h.String(), Why: fmt.Sprintf("is a %s where a %s belongs", found.Type(), t)}
	}
	return found, err
}

// commit returns a commit; errNotAtHand if it is not there.
func (o *objects) commit(h plumbing.Hash) (*commit, error) {
	o.mu.RLock()
	c := o.commits[h]
	o.mu.RUnlock()
	if c != nil {
		return c, nil
	}
	e, err := o.at(h, plumbing.CommitObject)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", h, err)
	}
	var full object.Commit
	if err := full.Decode(e); err != nil {
		return nil, &HostileError{What: "commit " + h.String(), Why: "cannot be read", Err: err}
	}
	subject, _, _ := strings.Cut(strings.TrimLeft(full.Message, "\n"), "\n")
	c = &commit{
		hash: h, tree: full.TreeHash, parents: full.ParentHashes,
		author:  strings.ToValidUTF8(full.Author.String(), "\uFFFD"),
		subject: strings.ToValidUTF8(strings.TrimSpace(subject), "\uFFFD"),
		when:    full.Author.When, committed: full.Committer.When,
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.commits[h] = c
	delete(o.raw, h)
	return c, nil
}

// tree returns the entries of a tree, sorted by name; errNotAtHand if it is
// not there. The zero hash is the tree without entries.
func (o *objects) tree(h plumbing.Hash) ([]entry, error) {
	if h.IsZero() {
		return nil, nil
	}
	o.mu.RLock()
	entries, ok := o.trees[h]
	o.mu.RUnlock()
	if ok {
		return entries, nil
	}
	e, err := o.at(h, plumbing.TreeObject)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", h, err)
	}
	b, err := contents(e)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", h, err)
	}
	if entries, err = decodeTree(string(b)); err != nil {
		return nil, &HostileError{What: "tree " + h.String(), Why: err.Error()}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.trees[h] = entries
	delete(o.raw, h)
	return entries, nil
}

// contents returns all of an object.
func contents(e plumbing.EncodedObject) ([]byte, error) {
	if raw, ok := e.(encoded); ok {
		return raw.content, nil
	}
	r, err := e.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b := make([]byte, e.Size())
	_, err = io.ReadFull(r, b)
	return b, err
}

// A sink is where go-git's parser puts what it unpacks.
type sink struct {
	ctx  context.Context
	into *objects
	got  map[plumbing.Hash]encoded
}

var _ storer.EncodedObjectStorer = (*sink)(nil)

func (s *sink) NewEncodedObject() plumbing.EncodedObject { return new(plumbing.MemoryObject) }

func (s *sink) SetEncodedObject(e plumbing.EncodedObject) (plumbing.Hash, error) {
	if err := s.ctx.Err(); err != nil {
		return plumbing.ZeroHash, err
	}
	b, err := contents(e)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	h := e.Hash()
	s.got[h] = encoded{h, e.Type(), b}
	s.into.put(h, e.Type(), b)
	return h, nil
}

func (s *sink) EncodedObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	e, ok := s.got[h]
	if !ok || t != plumbing.AnyObject && t != e.t {
		return nil, plumbing.ErrObjectNotFound
	}
	return e, nil
}

func (s *sink) HasEncodedObject(h plumbing.Hash) error {
	_, err := s.EncodedObject(plumbing.AnyObject, h)
	return err
}

func (s *sink) EncodedObjectSize(h plumbing.Hash) (int64, error) {
	e, err := s.EncodedObject(plumbing.AnyObject, h)
	if err != nil {
		return 0, err
	}
	return e.Size(), nil
}

func (s *sink) IterEncodedObjects(t plumbing.ObjectType) (storer.EncodedObjectIter, error) {
	var ids []plumbing.Hash
	for h, e := range s.got {
		if t == plumbing.AnyObject || t == e.t {
			ids = append(ids, h)
		}
	}
	return storer.NewEncodedObjectLookupIter(s, t, ids), nil
}

func (s *sink) AddAlternate(string) error { return errors.New("alternates are not supported") }

// encoded is an object in memory that is shared and not written to.
type encoded struct {
	h       plumbing.Hash
	t       plumbing.ObjectType
	content []byte
}

func (e encoded) Hash() plumbing.Hash         { return e.h }
func (e encoded) Type() plumbing.ObjectType   { return e.t }
func (e encoded) SetType(plumbing.ObjectType) {}
func (e encoded) Size() int64                 { return int64(len(e.content)) }
func (e encoded) SetSize(int64)               {}
func (e encoded) Reader() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(e.content)), nil
}
func (e encoded) Writer() (io.WriteCloser, error) { return nil, errors.New("the object is read-only") }
