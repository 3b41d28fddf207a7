package change

import (
	"context"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func between(t *testing.T, before, after map[string]string) *Change {
	t.Helper()
	tree := func(files map[string]string) fs.FS {
		if files == nil {
			return Empty()
		}
		m := fstest.MapFS{}
		for path, content := range files {
			m[path] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
		}
		return m
	}
	c, err := Between(context.Background(), tree(before), tree(after))
	require.NoError(t, err)
	return c
}

func TestBetween(t *testing.T) {
	c := between(t,
		map[string]string{"kept": "k\n", "changed": "1\n2\n3\n", "dir/gone": "g\n", "pic": "\x00"},
		map[string]string{"kept": "k\n", "changed": "1\n2b\n3\n", "new": "n\n", "pic": "\x00\x01", "copy": "n\n"})
	var got []string
	for _, f := range c.Files {
		got = append(got, f.Kind.String()+" "+f.Path)
		assert.Equal(t, fs.FileMode(0o644), f.Mode)
	}
	assert.Equal(t, []string{"modified changed", "added copy", "deleted dir/gone", "added new", "modified pic"}, got)
	assert.Equal(t, 3, c.Blobs, "copy and new are one blob")
	assert.Nil(t, c.File("dir/gone"))
	assert.Nil(t, c.File("kept"))
	require.NotNil(t, c.File("pic"))
	assert.True(t, c.File("pic").Binary)
	b, err := c.Contents.Blob(c.File("new").NewBlob)
	require.NoError(t, err)
	assert.Equal(t, "n\n", string(b))
	_, err = c.Contents.Blob("0000")
	require.EqualError(t, err, "blob 0000: not part of the change")
	require.NoError(t, c.Contents.Load(context.Background(), "0000"))
}

func TestBetweenFromEmpty(t *testing.T) {
	c := between(t, nil, map[string]string{"a": "1\n2\n", "empty": ""})
	require.Len(t, c.Files, 2)
	assert.Equal(t, []Hunk{{OldStart: 1, NewStart: 1, Lines: []Line{
		{Op: Insert, New: 1, Text: "1"}, {Op: Insert, New: 2, Text: "2"},
	}}}, c.Files[0].Hunks)
	assert.Empty(t, c.Files[1].Hunks)
}

func TestBetweenStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Between(ctx, Empty(), fstest.MapFS{"a": {Data: []byte("a")}})
	require.ErrorIs(t, err, context.Canceled)
}

func TestEmpty(t *testing.T) {
	require.NoError(t, fstest.TestFS(Empty()))
	_, err := fs.Stat(Empty(), "a")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// The id is git's own: printf hello | git hash-object --stdin.
func TestHashBlob(t *testing.T) {
	assert.Equal(t, "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0", HashBlob([]byte("hello")))
}

func TestSpan(t *testing.T) {
	for want, s := range map[string]Span{
		"a":     {Path: "a"},
		"a:3":   {Path: "a", Start: 3, End: 3},
		"a:3-5": {Path: "a", Start: 3, End: 5},
	} {
		assert.Equal(t, want, s.String())
	}
	s := Span{Start: 3, End: 5}
	assert.False(t, s.Overlaps(2))
	assert.True(t, s.Overlaps(3))
	assert.True(t, s.Overlaps(5))
	assert.False(t, s.Overlaps(6))
	assert.True(t, Span{}.Overlaps(99))
}

func TestPlace(t *testing.T) {
	c := between(t, map[string]string{"f": "1\n2\n3\n4\n5\n6\n7\n"}, map[string]string{"f": "1\na\n2\nb\nc\n3\n4\n5\n6\n7\n"})
	for _, x := range []struct {
		at   Span
		want Span
		ok   bool
	}{
		{Span{"f", 2, 2}, Span{"f", 2, 2}, true},
		{Span{"f", 1, 6}, Span{"f", 2, 2}, true}, // the first run of added lines
		{Span{"f", 3, 6}, Span{"f", 4, 5}, true}, // all of it
		{Span{"f", 4, 4}, Span{"f", 4, 4}, true},
		{Span{"f", 6, 8}, Span{}, false}, // context only
		{Span{"f", 0, 0}, Span{}, false},
		{Span{"g", 1, 1}, Span{}, false},
	} {
		got, ok := c.Place(x.at)
		assert.Equal(t, x.ok, ok, x.at)
		assert.Equal(t, x.want, got, x.at)
	}
	f := c.File("f")
	assert.True(t, f.Touches(Span{"f", 3, 4}))
	assert.False(t, f.Touches(Span{"f", 6, 9}))
	assert.True(t, f.Touches(Span{Path: "f"}))
}

func TestTouches(t *testing.T) {
	assert.True(t, (&File{Kind: Modified, Binary: true}).Touches(Span{"f", 1, 1}))
	assert.False(t, (&File{Kind: Deleted, Binary: true}).Touches(Span{"f", 1, 1}))
	assert.False(t, (&File{Kind: Renamed}).Touches(Span{Path: "f"}), "a move adds no line")
}

func TestMissingError(t *testing.T) {
	assert.EqualError(t, &MissingError{Path: "a/b", Blob: "12", Why: "larger than 4 MiB"}, "a/b: larger than 4 MiB")
}
