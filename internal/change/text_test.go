package change

import (
	"encoding/binary"
	"math/rand"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// encode writes text in an encoding, marked or not.
func encode(encoding, text string, marked bool) []byte {
	var b []byte
	for _, w := range encodings() {
		if w.name != encoding {
			continue
		}
		if marked {
			b = append(b, w.bom...)
		}
		for _, r := range text {
			if w.unit == 4 {
				b = w.order.(binary.AppendByteOrder).AppendUint32(b, uint32(r))
				continue
			}
			for _, u := range utf16.AppendRune(nil, r) {
				b = w.order.(binary.AppendByteOrder).AppendUint16(b, u)
			}
		}
	}
	return b
}

func TestText(t *testing.T) {
	const text = "token = \"x\"\r\nsecond line \U0001F600 ü\n"
	for _, encoding := range []string{UTF16LE, UTF16BE, UTF32LE, UTF32BE} {
		for _, marked := range []bool{true, false} {
			got, e, ok := Text(encode(encoding, text, marked))
			require.True(t, ok, "%s %v", encoding, marked)
			assert.Equal(t, encoding, e)
			assert.Equal(t, text, string(got))
		}
	}
	for name, plain := range map[string]string{
		"empty": "", "UTF-8": "ü\n", "Latin-1": "\xfc\n", "CR": "a\rb\r", "mark of UTF-8": "\xef\xbb\xbfa\n",
		// Marked as UTF-16, and what anybody can read nevertheless.
		"a false mark": "\xff\xfetoken = abc\n",
	} {
		got, e, ok := Text([]byte(plain))
		assert.True(t, ok, name)
		assert.Empty(t, e, name)
		assert.Equal(t, plain, string(got), name)
	}
	cyrillic := "ключ = значение\nещё одна строка\n"
	got, e, ok := Text(encode(UTF16LE, cyrillic, true))
	require.True(t, ok)
	assert.Equal(t, UTF16LE, e)
	assert.Equal(t, cyrillic, string(got))
}

func TestTextIsNone(t *testing.T) {
	random := make([]byte, 20_000)
	_, _ = rand.New(rand.NewSource(1)).Read(random)
	elf := append([]byte("\x7fELF\x02\x01\x01\x00"), make([]byte, 500)...)
	small := make([]byte, 1000) // numbers of 16 bits
	for i := range 500 {
		binary.LittleEndian.PutUint16(small[2*i:], uint16(i%30))
	}
	for name, b := range map[string][]byte{
		"random": random, "program": elf, "numbers": small, "a NUL": []byte("some text\x00some text\n"),
		"random, marked": append([]byte("\xff\xfe"), random...), "a lone NUL": {0}, "PNG": []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
	} {
		_, _, ok := Text(b)
		assert.False(t, ok, name)
	}
}

// What is not valid is kept byte by byte: no two contents look the same.
func TestTextHidesNothing(t *testing.T) {
	for _, encoding := range []string{UTF16LE, UTF32LE} {
		front, back := encode(encoding, strings.Repeat("line of text\n", 40), true), encode(encoding, "end\n", false)
		with := func(raw string) []byte { return append(append(append([]byte{}, front...), raw...), back...) }
		raw := map[string]string{UTF16LE: "\x41\xd8\x42\xd8", UTF32LE: "AKIAAKIB"}[encoding]
		other := map[string]string{UTF16LE: "\x41\xd8\x43\xd8", UTF32LE: "XXXXYYYY"}[encoding]
		got, e, ok := Text(with(raw))
		require.True(t, ok)
		assert.Equal(t, encoding, e)
		if encoding == UTF32LE {
			assert.Contains(t, string(got), "AKIAAKIB")
		}
		hunks, _, ok := DiffText(with(other), with(raw))
		require.True(t, ok)
		assert.NotEmpty(t, hunks)
	}
}

func TestDiffText(t *testing.T) {
	before, after := "one\ntwo\n", "one\ntwo\nthree\n"
	for _, old := range [][]byte{[]byte(before), encode(UTF16BE, before, true), encode(UTF16LE, before, false)} {
		hunks, e, ok := DiffText(old, encode(UTF16LE, after, true))
		require.True(t, ok)
		assert.Equal(t, UTF16LE, e)
		require.Len(t, hunks, 1)
		assert.Equal(t, Line{Op: Insert, New: 3, Text: "three"}, hunks[0].Lines[2])
	}
	hunks, e, ok := DiffText(encode(UTF16LE, before, true), nil)
	require.True(t, ok)
	assert.Equal(t, UTF16LE, e)
	assert.Len(t, hunks[0].Lines, 2)
	_, _, ok = DiffText([]byte("a\n"), []byte{0, 1, 2})
	assert.False(t, ok)
	hunks, _, ok = DiffText([]byte{0, 1, 2}, []byte("a\n"))
	require.True(t, ok)
	assert.NotEmpty(t, hunks)
	_, e, ok = DiffText([]byte{0, 1, 2}, []byte{})
	assert.False(t, ok, "what is gone was no text")
	assert.Empty(t, e)
}

func TestEncodedFileHasNoPlaceForComments(t *testing.T) {
	c := between(t, nil, map[string]string{"wide": string(encode(UTF16LE, "a\nb\n", true)), "plain": "a\nb\n"})
	wide, plain := c.File("wide"), c.File("plain")
	assert.Equal(t, UTF16LE, wide.Encoding)
	assert.False(t, wide.Binary)
	assert.Equal(t, plain.Hunks, wide.Hunks)
	assert.True(t, wide.Touches(Span{"wide", 2, 2}))
	_, ok := c.Place(Span{"wide", 1, 2})
	assert.False(t, ok)
	_, ok = c.Place(Span{"plain", 1, 2})
	assert.True(t, ok)
}

func TestPointer(t *testing.T) {
	oid := "sha256:" + strings.Repeat("4d", 32)
	for text, want := range map[string]string{
		"version https://git-lfs.github.com/spec/v1\noid " + oid + "\nsize 12345\n":                       oid,
		"version https://git-lfs.github.com/spec/v1\r\noid " + oid + "\r\nsize 12345\r\n":                 oid,
		"version http://git-media.io/v/2\noid " + oid + "\nsize 1\n":                                      oid,
		"version https://git-lfs.github.com/spec/v1\next-0-foo " + oid + "\noid " + oid + "\nsize 1\n":    oid,
		"version https://git-lfs.github.com/spec/v1\nsize 12345\n":                                        "",
		"# version https://git-lfs.github.com/spec/v1\noid " + oid + "\nsize 12345\n":                     "",
		"version 2\noid " + oid + "\n":                                                                    "",
		"version https://git-lfs.github.com/spec/v1\noid " + oid + "\n" + strings.Repeat("x", maxPointer): "",
		"": "",
	} {
		assert.Equal(t, want, Pointer([]byte(text)), text)
	}
	c := between(t, nil, map[string]string{"model.bin": "version https://git-lfs.github.com/spec/v1\noid " + oid + "\nsize 1\n"})
	assert.Equal(t, oid, c.File("model.bin").LFS)
	assert.Equal(t, []Skip{{Path: "model.bin", Why: WhyPointer}}, c.Skipped)
	assert.Len(t, c.File("model.bin").Hunks, 1, "the pointer itself is looked at")
}

func FuzzText(f *testing.F) {
	for _, encoding := range []string{UTF16LE, UTF16BE, UTF32LE, UTF32BE} {
		f.Add(encode(encoding, "a\nb \U0001F600\n", true))
		f.Add(encode(encoding, "a\nb \U0001F600\n", false)[:9])
	}
	f.Add([]byte("\xff\xfe\x00\x00\xff\xff\xff\xff"))
	f.Add([]byte("\xff\xfe\x00\xd8\x00\xd8\x41"))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, encoding, ok := Text(b)
		if !ok {
			require.Nil(t, text)
			return
		}
		if encoding != "" {
			require.True(t, utf8.Valid(text))
			require.LessOrEqual(t, len(text), 2*len(b))
		} else {
			require.Equal(t, b, text)
		}
		_, _, _ = DiffText(b, append([]byte("x\n"), b...))
	})
}
