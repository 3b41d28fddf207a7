package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/stretchr/testify/require"
)

// within runs what is fuzzed and holds it to its deadline and to the memory
// that it may take in all, garbage included.
func within(t *testing.T, deadline time.Duration, memory int64, f func(ctx context.Context)) {
	t.Helper()
	allocated := func() int64 {
		s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
		metrics.Read(s)
		return int64(s[0].Value.Uint64())
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	before, start := allocated(), time.Now()
	f(ctx)
	// The machine may be busy; what does not stop takes longer than this.
	if took := time.Since(start); took > deadline+2*time.Second {
		t.Fatalf("took %v", took)
	}
	if took := allocated() - before; took > memory {
		t.Fatalf("took %d bytes of memory", took)
	}
}

var fuzzLimits = Limits{
	Response: 256 * kib, Object: 64 * kib, Inflated: 512 * kib, Objects: 500, Entries: 2000, Files: 2000, Requests: 8,
}

// responder answers every request with the same bytes.
type responder []byte

func (r responder) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Request: req, Body: io.NopCloser(bytes.NewReader(r)),
		Header: http.Header{"Content-Type": {"application/x-git-upload-pack-result"}},
	}, nil
}

// band frames a pack as a server sends it.
func band(pack []byte) []byte {
	b := []byte("000dpackfile\n0020\x02Counting objects: 3, done.\n")
	for len(pack) > 0 {
		n := min(len(pack), 60_000)
		b = fmt.Appendf(b, "%04x\x01%s", n+5, pack[:n])
		pack = pack[n:]
	}
	return append(b, "0000"...)
}

// little is a repository of two commits, as the objects of a pack.
func little() (objects []packed, base, head plumbing.Hash) {
	put := func(kind byte, content []byte) plumbing.Hash {
		objects = append(objects, whole(kind, content))
		return plumbing.ComputeHash(plumbing.ObjectType(kind), content)
	}
	tree := func(mode, name string, id plumbing.Hash) plumbing.Hash {
		return put(2, append([]byte(mode+" "+name+"\x00"), id[:]...))
	}
	commit := func(tree plumbing.Hash, more string) plumbing.Hash {
		return put(1, fmt.Appendf(nil, "tree %s\n%sauthor a <a@example.com> 1 +0000\ncommitter a <a@example.com> 1 +0000\n\nm\n", tree, more))
	}
	base = commit(tree("40000", "d", tree("100644", "f", put(3, []byte("one\n")))), "")
	head = commit(tree("40000", "d", tree("100644", "f", put(3, []byte("one\ntwo\n")))), fmt.Sprintf("parent %s\n", base))
	return objects, base, head
}

// FuzzResponse is the whole way from what a server answers to a change.
func FuzzResponse(f *testing.F) {
	objects, base, head := little()
	for _, pack := range [][]byte{
		pack(objects...), pack(objects[:4]...), pack(objects[4:]...), pack(), pack(many(1)...),
		pack(deltaBomb([]byte("one\n"), 1<<30), objects[0]), pack(packed{kind: 1, size: 4 << 30, deflat: deflate(nil)}),
	} {
		f.Add(band(pack), true)
		f.Add(band(pack), false)
	}
	f.Add([]byte("000fERR not our ref"), false)
	f.Add([]byte("000dpackfile\n002b\x02Enumerating objects: 4294967295, done.0000"), false)
	f.Fuzz(func(t *testing.T, b []byte, levels bool) {
		within(t, 2*time.Second, 64*mib, func(ctx context.Context) {
			fetcher := &Fetcher{Client: &http.Client{Transport: responder(b)}, Limits: fuzzLimits}
			if levels {
				fetcher.Limits.Trees = 1
			}
			c, err := fetcher.Change(ctx, Remote{URL: "http://forge.example/r.git"}, base.String(), head.String(), 1)
			if err != nil {
				return
			}
			// Whatever came: the ids that were asked for vouch for it.
			require.Len(t, c.Commits, 1)
			require.Equal(t, []string{"modified d/f"}, brief(c.Files))
			if len(c.Skipped) == 0 {
				require.Equal(t, []string{"two"}, added(&c.Files[0]))
			}
		})
	})
}

// FuzzWalk walks a history that is made of the input: each object is three
// bytes and names others that came before it, or none.
func FuzzWalk(f *testing.F) {
	f.Add([]byte("b00t0at00c00c10c20"), uint8(1), false)
	f.Add([]byte("b00t0at0bc00c0\x00c1\x01c2\x01m12m21c30"), uint8(2), true)
	f.Add([]byte("t00T00T11T22T33T44T55T66T77T88T99c\x0a\x00c00"), uint8(0), true) // each doubles what lies below
	f.Add([]byte("s00t01l00t20c00c10r00"), uint8(0), false)
	chain := []byte("b00t00")
	for i := range 80 {
		chain = append(chain, 'T', byte(i), 0) // deep
	}
	f.Add(append(chain, "c\xff\x00c\x50\x00"...), uint8(0), true)
	f.Fuzz(func(t *testing.T, program []byte, at uint8, levels bool) {
		if len(program) > 3000 {
			return
		}
		within(t, 2*time.Second, 128*mib, func(ctx context.Context) {
			lim := fuzzLimits.orDefaults()
			o := newObjects(lim)
			o.bring = func(_ context.Context, blobs []plumbing.Hash) error {
				for _, h := range blobs {
					o.skip(h, "was not fetched")
				}
				return nil
			}
			commits := build(o, program, levels)
			if len(commits) == 0 {
				return
			}
			head, base := commits[len(commits)-1], commits[int(at)%len(commits)]
			p, err := o.part(ctx, head, base)
			if err != nil {
				require.False(t, errors.Is(err, context.DeadlineExceeded))
				return
			}
			list := parentsFirst(p.only, head)
			require.LessOrEqual(t, len(list), len(p.only))
			seen := map[plumbing.Hash]bool{}
			for _, c := range list {
				for _, parent := range c.parents {
					require.True(t, seen[parent] || p.only[parent] == nil, "parents come first")
				}
				require.False(t, seen[c.hash])
				seen[c.hash] = true
			}
			s := span{base: base.String(), head: head.String(), commits: list}
			for side, h := range map[*plumbing.Hash]plumbing.Hash{&s.before: base, &s.after: head} {
				if c, err := o.commit(h); err == nil {
					*side = c.tree
				}
			}
			c, err := o.change(ctx, s, lim)
			require.False(t, errors.Is(err, context.DeadlineExceeded))
			if err != nil {
				return
			}
			files := len(c.Files)
			for _, step := range c.Commits {
				files += len(step.Files)
			}
			require.LessOrEqual(t, files, lim.Files)
		})
	})
}

// build puts the objects that a program describes, and returns its commits.
// With levels, trees come only when they are asked for.
func build(o *objects, program []byte, levels bool) []plumbing.Hash {
	var all, commits []plumbing.Hash
	later := map[plumbing.Hash][]byte{}
	ref := func(i byte) plumbing.Hash {
		if len(all) == 0 {
			return plumbing.ComputeHash(plumbing.BlobObject, []byte{i})
		}
		return all[int(i)%len(all)]
	}
	refCommit := func(i byte) string {
		if len(commits) == 0 {
			return fmt.Sprintf("parent %s\n", someID)
		}
		return fmt.Sprintf("parent %s\n", commits[int(i)%len(commits)])
	}
	put := func(kind plumbing.ObjectType, content []byte) {
		h := plumbing.ComputeHash(kind, content)
		all = append(all, h)
		if kind == plumbing.CommitObject {
			commits = append(commits, h)
		}
		if levels && kind == plumbing.TreeObject {
			later[h] = content
			return
		}
		o.put(h, kind, content)
	}
	entry := func(mode, name string, h plumbing.Hash) []byte { return append([]byte(mode+" "+name+"\x00"), h[:]...) }
	for n := 0; len(program) >= 3; n, program = n+1, program[3:] {
		kind, x, y := program[0], program[1], program[2]
		text := func(parents string) []byte {
			return fmt.Appendf(nil, "tree %s\n%sauthor a <a@example.com> %d +0000\ncommitter a <a@example.com> %d +0000\n\n%d\n", ref(x), parents, n, int(y), n)
		}
		switch kind {
		case 't':
			put(plumbing.TreeObject, entry("100644", string(rune('a'+y%26)), ref(x)))
		case 'l':
			put(plumbing.TreeObject, entry("120000", "link", ref(x)))
		case 's':
			put(plumbing.TreeObject, entry("160000", "sub", ref(x)))
		case 'T':
			put(plumbing.TreeObject, append(entry("40000", "a", ref(x)), entry("40000", "b", ref(y))...))
		case 'c':
			put(plumbing.CommitObject, text(refCommit(y)))
		case 'm':
			put(plumbing.CommitObject, text(refCommit(x)+refCommit(y)))
		case 'r':
			put(plumbing.CommitObject, text(""))
		case 'x':
			put(plumbing.ObjectType(1+x%3), program)
		default:
			put(plumbing.BlobObject, program[:3])
		}
	}
	if levels {
		o.bringTrees = func(_ context.Context, trees []plumbing.Hash) error {
			for _, h := range trees {
				content, ok := later[h]
				if !ok {
					return fmt.Errorf("tree %s: %w", h, errNotAtHand)
				}
				o.put(h, plumbing.TreeObject, content)
			}
			return nil
		}
	}
	return commits
}
