package git

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What follows writes packs that git would not.

type packed struct {
	kind   byte // 1 commit, 2 tree, 3 blob, 7 delta on base
	size   uint64
	base   []byte // id, of a delta
	deflat []byte
}

func whole(kind byte, content []byte) packed {
	return packed{kind: kind, size: uint64(len(content)), deflat: deflate(content)}
}

func deflate(b []byte) []byte {
	var w bytes.Buffer
	z := zlib.NewWriter(&w)
	_, _ = z.Write(b)
	_ = z.Close()
	return w.Bytes()
}

func pack(objects ...packed) []byte {
	b := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(objects)))
	for _, o := range objects {
		c, n := o.kind<<4|byte(o.size&15), o.size>>4
		for n > 0 {
			b = append(b, c|0x80)
			c, n = byte(n&0x7f), n>>7
		}
		b = append(append(append(b, c), o.base...), o.deflat...)
	}
	return sealed(b)
}

func sealed(b []byte) []byte {
	sum := sha1.Sum(b)
	return append(b, sum[:]...)
}

func blobID(b []byte) []byte {
	h := plumbing.ComputeHash(plumbing.BlobObject, b)
	return h[:]
}

// deltaBomb is a delta of a few KiB that claims, and copies, result bytes.
func deltaBomb(base []byte, result uint64) packed {
	d := binary.AppendUvarint(nil, uint64(len(base)))
	d = binary.AppendUvarint(d, result)
	for left := result; left > 0; {
		n := min(left, 0xffff)
		d = append(d, 0x80|0x10|0x20, byte(n), byte(n>>8))
		left -= n
	}
	o := whole(7, d)
	o.base = blobID(base)
	return o
}

// lowered makes the tests faster; the limit on one object is the usual one.
var lowered = Limits{Inflated: 16 * mib}

func scan(b []byte) ([]byte, *LimitError, error) {
	lim := lowered.orDefaults()
	return scanPack(bytes.NewReader(b), lim, lim.Inflated)
}

func TestPackBomb(t *testing.T) {
	base := make([]byte, 1<<20)
	claimsMany := pack()
	binary.BigEndian.PutUint32(claimsMany[8:], 0xffffffff)
	for name, c := range map[string]struct {
		pack []byte
		want string
	}{
		"blob of 4 GiB by its header": {pack(packed{kind: 3, size: 4 << 30, deflat: deflate(nil)}), "an object is larger than 4 MiB"},
		"delta that expands":          {pack(whole(3, base), deltaBomb(base, 512<<20)), "an object is larger than 4 MiB"},
		"4 billion objects":           {claimsMany, "the response is larger than 200000 objects"},
		"many that add up":            {pack(many(5)...), "the change is larger than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Less(t, len(c.pack), 1<<20)
			_, cut, err := scan(c.pack)
			require.NoError(t, err)
			require.NotNil(t, cut)
			assert.Equal(t, c.want, cut.Error())
			assert.True(t, Permanent(cut))

			r := Remote{URL: fakeServer(t, c.pack)}
			_, err = (&Fetcher{Limits: lowered}).Tree(context.Background(), r, someID)
			require.ErrorAs(t, err, &cut)
		})
	}
	t.Run("more than it declares", func(t *testing.T) {
		o := whole(3, make([]byte, 100_000))
		o.size = 10
		_, _, err := scan(pack(o))
		require.Error(t, err)
	})
}

// many are n blobs of 4 MiB each.
func many(n int) (out []packed) {
	o := whole(3, make([]byte, 4<<20))
	for range n {
		out = append(out, o)
	}
	return out
}

func TestPackCut(t *testing.T) {
	small, other := whole(3, []byte("small")), whole(3, []byte("other"))
	b, cut, err := scan(pack(small, other, packed{kind: 3, size: 5 << 20, deflat: deflate(nil)}, small))
	require.NoError(t, err)
	require.NotNil(t, cut)
	o := newObjects(Limits{}.orDefaults())
	require.NoError(t, parsePack(context.Background(), b, &sink{ctx: context.Background(), into: o, got: map[plumbing.Hash]encoded{}}))
	for _, text := range []string{"small", "other"} {
		got, why := o.blob(plumbing.ComputeHash(plumbing.BlobObject, []byte(text)))
		assert.Equal(t, text, string(got), why)
	}
}

func TestTruncatedPack(t *testing.T) {
	b := pack(whole(3, []byte("some content")), whole(3, []byte("other content")))
	for n := range len(b) {
		_, cut, err := scan(b[:n])
		require.Error(t, err, "cut to %d of %d bytes", n, len(b))
		require.Nil(t, cut)
		require.False(t, Permanent(err), "the connection may be better next time")
	}
	_, _, err := scan(b)
	require.NoError(t, err)
	_, _, err = scan(append(b, "more"...))
	require.Error(t, err)
}

func TestWrongChecksum(t *testing.T) {
	b := pack(whole(3, []byte("some content")))
	b[len(b)-1] ^= 1
	_, _, err := scan(b)
	require.ErrorContains(t, err, "checksum")
}

func TestDeltaCycle(t *testing.T) {
	// A delta names its base by id, and nobody knows an id that is its own
	// fixed point; a delta without a base in the pack is the nearest thing.
	o := deltaBomb([]byte("base that is not here"), 10)
	b, cut, err := scan(pack(o, o))
	require.NoError(t, err)
	require.Nil(t, cut)
	err = parsePack(context.Background(), b, &sink{ctx: context.Background(), into: newObjects(Limits{}.orDefaults()), got: map[plumbing.Hash]encoded{}})
	var hostile *HostileError
	require.ErrorAs(t, err, &hostile)
}

func TestParseStopsOnContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := parsePack(ctx, pack(whole(3, []byte("x"))), &sink{ctx: ctx, into: newObjects(Limits{}.orDefaults()), got: map[plumbing.Hash]encoded{}})
	require.ErrorIs(t, err, context.Canceled)
}

func TestPackets(t *testing.T) {
	p := &packets{r: bytes.NewBufferString("0009hello000000010002" + "0004")}
	for _, want := range []packetKind{dataPacket, flushPacket, delimPacket, endPacket, dataPacket} {
		kind, _, err := p.next()
		require.NoError(t, err)
		assert.Equal(t, want, kind)
	}
	_, _, err := p.next()
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	for _, bad := range []string{"0003", "zzzz", "fff1", "000", "0009hell", "-001", "+00a"} {
		_, _, err := (&packets{r: bytes.NewBufferString(bad)}).next()
		require.Error(t, err, bad)
	}
}

func TestSideband(t *testing.T) {
	frame := func(s string) string { return fmt.Sprintf("%04x%s", len(s)+4, s) }
	read := func(s string) (string, error) {
		b, err := io.ReadAll(&demux{packets: &packets{r: bytes.NewBufferString(s)}})
		return string(b), err
	}
	got, err := read(frame("\x01ab") + frame("\x02working") + frame("") + frame("\x01c") + "0000")
	require.NoError(t, err)
	assert.Equal(t, "abc", got)
	_, err = read(frame("\x01ab") + frame("\x03upload-pack: not our ref 123"))
	require.ErrorIs(t, err, ErrGone)
	_, err = read(frame("\x03\x1b[31mout of memory"))
	require.ErrorContains(t, err, `\x1b[31mout of memory`)
	assert.False(t, errors.Is(err, ErrGone))
	_, err = read(frame("\x04?"))
	require.Error(t, err)
	_, err = read(frame("\x01ab"))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func FuzzPackets(f *testing.F) {
	for _, s := range []string{"0009hello0000", "0001", "0002", "0003", "fff0", "ffff", "0008\x01abc0008\x02abc0008\x03abc", "000dpackfile\n0000"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		within(t, time.Second, int64(mib+20*len(b)), func(context.Context) { fuzzPackets(t, b) })
	})
}

func fuzzPackets(t *testing.T, b []byte) {
	p := &packets{r: bytes.NewReader(b)}
	for read := 0; ; {
		_, data, err := p.next()
		if err != nil {
			break
		}
		if read += 4 + len(data); read > len(b) {
			t.Fatal("more came out than went in")
		}
	}
	_ = skipToPack(&packets{r: bytes.NewReader(b)})
	if out, _ := io.ReadAll(&demux{packets: &packets{r: bytes.NewReader(b)}}); len(out) > len(b) {
		t.Fatal("more came out than went in")
	}
}

func FuzzPack(f *testing.F) {
	base := bytes.Repeat([]byte("base "), 100)
	f.Add(pack())
	f.Add(pack(whole(3, []byte("blob")), whole(1, []byte("tree x")), whole(2, []byte("100644 a\x00"))))
	f.Add(pack(whole(3, base), deltaBomb(base, 400)))
	f.Add(pack(whole(3, base), deltaBomb(base, 1<<26)))
	f.Add(pack(packed{kind: 6, size: 4, base: []byte{0}, deflat: deflate([]byte{1, 1, 1, 1})}))
	f.Add(pack(packed{kind: 6, size: 4, base: []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}, deflat: deflate([]byte{1, 1, 1, 1})}))
	f.Add(pack(packed{kind: 3, size: 1 << 62, deflat: deflate(nil)}))
	lim := Limits{Object: 64 * kib, Inflated: 256 * kib, Objects: 100}.orDefaults()
	f.Fuzz(func(t *testing.T, b []byte) {
		within(t, time.Second, int64(32*mib+20*len(b)), func(ctx context.Context) {
			whole, _, err := scanPack(bytes.NewReader(sealed(b)), lim, lim.Inflated)
			if err != nil || whole == nil {
				return
			}
			o := newObjects(lim)
			_ = parsePack(ctx, whole, &sink{ctx: ctx, into: o, got: map[plumbing.Hash]encoded{}})
			if o.left < 0 {
				t.Fatalf("a pack within the limits holds %d bytes too many", -o.left)
			}
		})
	})
}

func FuzzTree(f *testing.F) {
	f.Add("100644 a\x0012345678901234567890")
	f.Add("40000 ..\x0012345678901234567890")
	f.Add("100644 a\x0012345678901234567890100644 a\x0012345678901234567890")
	f.Fuzz(func(t *testing.T, b string) {
		entries, err := decodeTree(b)
		if err != nil {
			return
		}
		for _, e := range entries {
			if e.name == ".." || e.name == "" || !e.exists() || lookup(entries, e.name) != e.side {
				t.Fatalf("%q", e.name)
			}
		}
	})
}
