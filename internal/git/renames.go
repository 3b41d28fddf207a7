package git

import (
	"bytes"
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pullwarden/pullwarden/internal/change"
)

const (
	// alike is how much of the larger of two files must be in both, in
	// percent, for one to be the other renamed. Git uses the same.
	alike = 50

	// Past these bounds only files that are equal count as renamed.
	maxRenamePairs = 40_000
	maxRenameBytes = 64 * mib // of all candidates
	maxRenameBlob  = 1 * mib

	chunkBytes = 64 // a line is compared in parts of this length
)

// findRenames makes one difference out of a deleted and an added file that are
// the same or alike. blob returns nil for what is not at hand.
func findRenames(ctx context.Context, ds []delta, blob func(plumbing.Hash) []byte) []delta {
	var gone, come []int
	for i, d := range ds {
		switch {
		case d.new.blob() == "" && !d.new.exists() && d.old.blob() != "":
			gone = append(gone, i)
		case d.old.blob() == "" && !d.old.exists() && d.new.blob() != "":
			come = append(come, i)
		}
	}
	if len(gone) == 0 || len(come) == 0 {
		return ds
	}
	r := renamer{ds: ds, blob: blob, to: map[int]int{}, used: map[int]bool{}}
	r.equal(gone, come)
	r.similar(ctx, gone, come)
	out := make([]delta, 0, len(ds))
	for i, d := range ds {
		if r.used[i] {
			continue
		}
		if from, ok := r.to[i]; ok {
			d.old, d.oldPath = ds[from].old, ds[from].path
		}
		out = append(out, d)
	}
	return out
}

type renamer struct {
	ds   []delta
	blob func(plumbing.Hash) []byte
	to   map[int]int  // added file: the deleted one that it was
	used map[int]bool // deleted files that live on
}

func (r *renamer) pair(gone, come int) {
	r.to[come], r.used[gone] = gone, true
}

// equal pairs files of one content, of one name first. Empty files say nothing.
func (r *renamer) equal(gone, come []int) {
	byID := map[plumbing.Hash][]int{}
	for _, i := range gone {
		if id := r.ds[i].old.id; id.String() != change.HashBlob(nil) {
			byID[id] = append(byID[id], i)
		}
	}
	for _, sameName := range []bool{true, false} {
		for _, j := range come {
			if _, done := r.to[j]; done {
				continue
			}
			from := byID[r.ds[j].new.id]
			at := slices.IndexFunc(from, func(i int) bool {
				return r.sameType(i, j) && (!sameName || path.Base(r.ds[i].path) == path.Base(r.ds[j].path))
			})
			if at >= 0 {
				r.pair(from[at], j)
				byID[r.ds[j].new.id] = slices.Delete(from, at, at+1)
			}
		}
	}
}

func (r *renamer) sameType(gone, come int) bool {
	return r.ds[gone].old.mode&typeMask == r.ds[come].new.mode&typeMask
}

// similar pairs what is left, the most alike first.
func (r *renamer) similar(ctx context.Context, gone, come []int) {
	var total int
	left := func(all []int, done func(int) bool, id func(delta) side) (prints []print) {
		for _, i := range all {
			s := id(r.ds[i])
			b := r.blob(s.id)
			if done(i) || s.mode&typeMask != typeFile || len(b) == 0 || len(b) > maxRenameBlob {
				continue
			}
			total += len(b)
			prints = append(prints, print{at: i, content: b})
		}
		return prints
	}
	olds := left(gone, func(i int) bool { return r.used[i] }, func(d delta) side { return d.old })
	news := left(come, func(i int) bool { _, ok := r.to[i]; return ok }, func(d delta) side { return d.new })
	if len(olds)*len(news) > maxRenamePairs || total > maxRenameBytes {
		return
	}
	type match struct {
		gone, come, score int
		sameName          bool
	}
	var matches []match
	for o := range olds {
		for n := range news {
			if ctx.Err() != nil {
				return
			}
			if score := olds[o].alike(&news[n]); score >= alike {
				g, c := olds[o].at, news[n].at
				matches = append(matches, match{g, c, score, path.Base(r.ds[g].path) == path.Base(r.ds[c].path)})
			}
		}
	}
	slices.SortStableFunc(matches, func(a, b match) int {
		if a.sameName != b.sameName && a.score == b.score {
			if a.sameName {
				return -1
			}
			return 1
		}
		return cmp.Or(
			b.score-a.score,
			strings.Compare(r.ds[a.come].path, r.ds[b.come].path),
			strings.Compare(r.ds[a.gone].path, r.ds[b.gone].path),
		)
	})
	for _, m := range matches {
		if _, done := r.to[m.come]; !done && !r.used[m.gone] {
			r.pair(m.gone, m.come)
		}
	}
}

// A print is a content as a sorted bag of its lines.
type print struct {
	at      int
	content []byte
	chunks  []chunk // made when first needed
}

type chunk struct {
	hash  uint64
	bytes int
}

// alike returns how much of the larger one is in both, in percent.
func (p *print) alike(q *print) int {
	large, small := max(len(p.content), len(q.content)), min(len(p.content), len(q.content))
	if small*100 < large*alike {
		return 0
	}
	x, y := p.bag(), q.bag()
	common := 0
	for len(x) > 0 && len(y) > 0 {
		switch {
		case x[0].hash < y[0].hash:
			x = x[1:]
		case x[0].hash > y[0].hash:
			y = y[1:]
		default:
			common += min(x[0].bytes, y[0].bytes)
			x, y = x[1:], y[1:]
		}
	}
	return common * 100 / large
}

func (p *print) bag() []chunk {
	if p.chunks != nil {
		return p.chunks
	}
	var all []chunk
	for b := p.content; len(b) > 0; {
		n := min(len(b), chunkBytes)
		if i := bytes.IndexByte(b[:n], '\n'); i >= 0 {
			n = i + 1
		}
		all = append(all, chunk{fnv(b[:n]), n})
		b = b[n:]
	}
	slices.SortFunc(all, func(a, b chunk) int { return cmp.Compare(a.hash, b.hash) })
	for _, c := range all {
		if last := len(p.chunks) - 1; last >= 0 && p.chunks[last].hash == c.hash {
			p.chunks[last].bytes += c.bytes
			continue
		}
		p.chunks = append(p.chunks, c)
	}
	return p.chunks
}

// fnv is FNV-1a. Who makes it collide gains a wrong guess of a rename.
func fnv(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
