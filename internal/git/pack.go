package git

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

const (
	packHeader  = 12 // "PACK", version, number of objects
	packTrailer = sha1.Size
)

// scanPack reads a pack off r and refuses it before anything is built from
// it: a pack of 1 KiB can describe gigabytes. It looks at the number of
// objects, at each declared length, at the result that each delta declares,
// and at the sum, which may not exceed left.
//
// When a limit is reached it stops reading and returns why as cut, and as pack
// the objects that had come before; nil if there were none.
func scanPack(r io.Reader, lim Limits, left int64) (pack []byte, cut *LimitError, err error) {
	src := &spool{r: r}
	s := packfile.NewScanner(src)
	done, end, err := walkPack(s, lim, left)
	if src.err != nil {
		err = src.err // the cause; the scanner may have wrapped or hidden it
	}
	if errors.As(err, &cut) {
		return shorten(src.buf.Bytes(), done, end), cut, nil
	}
	if err == nil {
		err = src.finish()
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the pack: %w", err)
	}
	if done == 0 {
		return nil, nil, nil
	}
	return src.buf.Bytes(), nil, nil
}

// walkPack returns how many objects of s are known to be complete, and where
// the last of them ends.
func walkPack(s *packfile.Scanner, lim Limits, left int64) (done uint32, end int64, err error) {
	_, count, err := s.Header()
	if err != nil {
		return 0, 0, err
	}
	if int64(count) > int64(lim.Objects) {
		return 0, 0, &LimitError{What: "the response", Limit: fmt.Sprintf("%d objects", lim.Objects)}
	}
	trees := weight{limit: lim.Trees, left: int64(count)}
	for i := range count {
		h, err := s.NextObjectHeader()
		if err != nil {
			// Without its successor, the end of the last object is not known.
			return max(i, 1) - 1, end, err
		}
		done, end = i, h.Offset
		if h.Length > lim.Object {
			return done, end, &LimitError{What: "an object", Limit: size(lim.Object)}
		}
		if left -= h.Length; left < 0 {
			return done, end, &LimitError{What: "the change", Limit: size(lim.Inflated)}
		}
		var head beginning
		n, _, err := s.NextObject(&head)
		if err != nil {
			return done, end, err
		}
		if n != h.Length {
			return done, end, &HostileError{What: "pack", Why: fmt.Sprintf("object %d declares %d bytes and has %d", i, h.Length, n)}
		}
		if !h.Type.IsDelta() {
			if trees.over(h.Type, h.Length) {
				return done, end, &LimitError{What: allTrees, Limit: size(lim.Trees)}
			}
			continue
		}
		result, err := head.deltaResult()
		if err != nil {
			return done, end, err
		}
		if result > uint64(lim.Object) {
			return done, end, &LimitError{What: "an object", Limit: size(lim.Object)}
		}
		if left -= int64(result); left < 0 {
			return done, end, &LimitError{What: "the change", Limit: size(lim.Inflated)}
		}
		if trees.over(h.Type, int64(result)) {
			return done, end, &LimitError{What: allTrees, Limit: size(lim.Trees)}
		}
	}
	_, err = s.Checksum()
	return count, 0, err
}

// allTrees is what a response without blobs is cut for when listing the whole
// repository is not worth it.
const allTrees = "all trees"

// enoughTrees is how many must have come to tell from them how large the rest is.
const enoughTrees = 64

// A weight estimates what all the trees of a pack come to, which states first
// how many objects it has. Where limit is 0, nothing is too heavy.
type weight struct {
	limit     int64
	left      int64 // objects that are trees or may be
	seen, sum int64 // trees, and their bytes
}

func (w *weight) over(t plumbing.ObjectType, bytes int64) bool {
	if t != plumbing.TreeObject && !t.IsDelta() || w.limit == 0 {
		w.left--
		return false
	}
	w.seen, w.sum = w.seen+1, w.sum+bytes
	return w.sum > w.limit || w.seen >= enoughTrees && w.sum/w.seen*w.left > w.limit
}

// shorten makes a whole pack of the first n objects of b, which end at end.
func shorten(b []byte, n uint32, end int64) []byte {
	if n == 0 || end < packHeader || end > int64(len(b)) {
		return nil
	}
	b = bytes.Clone(b[:end])
	binary.BigEndian.PutUint32(b[8:], n)
	sum := sha1.Sum(b)
	return append(b, sum[:]...)
}

// A spool keeps what is read through it, and the first error.
type spool struct {
	r   io.Reader
	buf bytes.Buffer
	err error
}

func (s *spool) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.buf.Write(b[:n])
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// finish reads what follows the pack: nothing.
func (s *spool) finish() error {
	if _, err := io.Copy(io.Discard, s); err != nil {
		return err
	}
	b := s.buf.Bytes()
	if sum := sha1.Sum(b[:len(b)-packTrailer]); !bytes.Equal(sum[:], b[len(b)-packTrailer:]) {
		return errors.New("something follows its checksum")
	}
	return nil
}

// beginning keeps the first bytes that are written to it: room for two varints.
type beginning struct {
	b [2 * binary.MaxVarintLen64]byte
	n int
}

func (g *beginning) Write(p []byte) (int, error) {
	g.n += copy(g.b[g.n:], p)
	return len(p), nil
}

// deltaResult reads the head of a delta: size of its base, size of its result.
func (g *beginning) deltaResult() (uint64, error) {
	_, k := binary.Uvarint(g.b[:g.n])
	if k > 0 {
		if result, n := binary.Uvarint(g.b[k:g.n]); n > 0 {
			return result, nil
		}
	}
	return 0, &HostileError{What: "pack", Why: "a delta states no sizes"}
}

// parsePack puts the objects of a scanned pack into s.
func parsePack(ctx context.Context, pack []byte, s *sink) (err error) {
	defer func() {
		// The bytes come from outside, the parser from others: its panic must
		// not end the process.
		if v := recover(); v != nil {
			err = &HostileError{What: "pack", Why: fmt.Sprintf("its parser panicked: %v", v)}
		}
	}()
	p, err := packfile.NewParserWithStorage(packfile.NewScanner(&seeker{ctx, bytes.NewReader(pack)}), s)
	if err != nil {
		return err
	}
	if _, err = p.Parse(); err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// The checksum was right: this is how the pack was made.
	return &HostileError{What: "pack", Why: "cannot be unpacked", Err: err}
}

// A seeker ends a parse whose context is done.
type seeker struct {
	ctx context.Context
	r   *bytes.Reader
}

func (s *seeker) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(b)
}

func (s *seeker) Seek(offset int64, whence int) (int64, error) { return s.r.Seek(offset, whence) }
