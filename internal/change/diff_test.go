package change

import (
	"bytes"
	"fmt"
	"math/rand"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDiff(t *testing.T) {
	for name, x := range map[string]struct {
		before, after string
		want          []string // "-1/0 text"
	}{
		"same":           {"a\n", "a\n", nil},
		"both empty":     {"", "", nil},
		"all new":        {"", "a\nb", []string{"+0/1 a", "+0/2 b"}},
		"all gone":       {"a\n", "", []string{"-1/0 a"}},
		"insert":         {"a\nb\n", "a\nx\nb\n", []string{" 1/1 a", "+0/2 x", " 2/3 b"}},
		"last newline":   {"a\nb", "a\nb\n", []string{" 1/1 a", "-2/0 b", "+0/2 b"}},
		"line endings":   {"a\r\n", "a\n", []string{"-1/0 a\r", "+0/1 a"}},
		"only a newline": {"", "\n", []string{"+0/1 "}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, h := range Diff([]byte(x.before), []byte(x.after)) {
				for _, l := range h.Lines {
					got = append(got, fmt.Sprintf("%c%d/%d %s", " +-"[l.Op], l.Old, l.New, l.Text))
				}
			}
			assert.Equal(t, x.want, got)
		})
	}
	assert.Empty(t, Diff(nil, nil))
}

func TestHunkContext(t *testing.T) {
	var before, after strings.Builder
	for i := range 40 {
		fmt.Fprintln(&before, i)
		fmt.Fprintln(&after, i)
		if i == 4 || i == 30 {
			fmt.Fprintln(&after, "new")
		}
	}
	hunks := Diff([]byte(before.String()), []byte(after.String()))
	require.Len(t, hunks, 2)
	assert.Equal(t, [2]int{3, 3}, [2]int{hunks[0].OldStart, hunks[0].NewStart})
	assert.Len(t, hunks[0].Lines, 7, "three lines of context on either side")
	assert.Equal(t, [2]int{29, 30}, [2]int{hunks[1].OldStart, hunks[1].NewStart})
}

// check holds what is true of every diff: it leads from before to after, its
// lines are numbered one by one, and only other lines count as added.
func check(t *testing.T, before, after []byte) {
	x, y := splitLines(before), splitLines(after)
	text := func(l string) string { return strings.TrimSuffix(l, "\n") }
	var got []string
	old := 0
	for _, h := range Diff(before, after) {
		require.GreaterOrEqual(t, h.OldStart, old+1)
		got, old = append(got, x[old:h.OldStart-1]...), h.OldStart-1
		require.Equal(t, h.NewStart, len(got)+1)
		for _, l := range h.Lines {
			switch l.Op {
			case Keep:
				require.Equal(t, [2]int{old + 1, len(got) + 1}, [2]int{l.Old, l.New})
				require.Equal(t, text(x[old]), l.Text)
				got, old = append(got, x[old]), old+1
			case Delete:
				require.Equal(t, [2]int{old + 1, 0}, [2]int{l.Old, l.New})
				require.Equal(t, text(x[old]), l.Text)
				old++
			case Insert:
				require.Equal(t, [2]int{0, len(got) + 1}, [2]int{l.Old, l.New})
				require.Equal(t, text(y[l.New-1]), l.Text)
				got = append(got, y[l.New-1])
			}
		}
	}
	got = append(got, x[old:]...)
	require.True(t, slices.Equal(y, got))
}

func TestDiffLeadsFromOneToTheOther(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	content := func() []byte {
		var b bytes.Buffer
		for range r.Intn(30) {
			fmt.Fprintf(&b, "%d\n", r.Intn(6))
		}
		if r.Intn(2) == 0 {
			b.WriteString("end")
		}
		return b.Bytes()
	}
	for range 2000 {
		check(t, content(), content())
	}
}

// Past the bounds every new line is added, and it takes no time to say so.
func TestDiffBounds(t *testing.T) {
	long := strings.Repeat("x", maxBytes)
	hunks := Diff([]byte("a\n"+long), []byte("a\nb\n"+long))
	require.Len(t, hunks, 1)
	assert.Len(t, hunks[0].Lines, 2+3)
	many := strings.Repeat("a\n", maxLines+1)
	hunks = Diff([]byte(many), []byte(many+"b\n"))
	require.Len(t, hunks, 1)
	assert.Len(t, hunks[0].Lines, 2*maxLines+3)
}

// Contents made to be hard to compare.
func TestDiffHostile(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	content := func(distinct int) []byte {
		var b bytes.Buffer
		for range maxLines / 2 {
			fmt.Fprintln(&b, r.Intn(distinct))
		}
		return b.Bytes()
	}
	start := time.Now()
	for _, distinct := range []int{2, 200} {
		require.NotEmpty(t, Diff(content(distinct), content(distinct)))
	}
	assert.Less(t, time.Since(start), 30*time.Second)
}

func FuzzDiff(f *testing.F) {
	f.Add([]byte("a\nb\n"), []byte("b\na\n"))
	f.Add([]byte("\xff\x00\r\n"), []byte("\n\n\n"))
	f.Add([]byte(""), []byte("a"))
	f.Add(bytes.Repeat([]byte("a\nb\n"), 3000), bytes.Repeat([]byte("b\na\n"), 3000))
	f.Add(bytes.Repeat([]byte("\n"), maxLines+1), []byte("\n\n"))
	f.Add(bytes.Repeat([]byte("x"), maxBytes), bytes.Repeat([]byte("y"), maxBytes))
	f.Add([]byte("\xff\xfea\x00\n\x00"), []byte("\xfe\xff\x00a\x00\n\x00b"))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		start, held := time.Now(), allocated()
		_ = Diff(before, after)
		_, _, _ = DiffText(before, after)
		took, memory := time.Since(start), allocated()-held
		// The machine may be busy: what takes this long would not end.
		require.Less(t, took, 10*time.Second)
		require.Less(t, memory, uint64(mib+1000*(len(before)+len(after))))
		check(t, before, after)
	})
}

const mib = 1 << 20

// allocated is the memory that was taken so far, garbage included.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func TestApply(t *testing.T) {
	src := "1\n2\n3\n4"
	for name, x := range map[string]struct {
		edits []Edit
		want  string
	}{
		"none":         {nil, src},
		"replace":      {[]Edit{{Span{"f", 2, 3}, "x\n"}}, "1\nx\n4"},
		"insert":       {[]Edit{{Span{"f", 1, 0}, "0\n"}}, "0\n1\n2\n3\n4"},
		"insert in":    {[]Edit{{Span{"f", 3, 2}, "x\ny\n"}}, "1\n2\nx\ny\n3\n4"},
		"delete":       {[]Edit{{Span{"f", 1, 1}, ""}}, "2\n3\n4"},
		"append":       {[]Edit{{Span{"f", 5, 4}, "5\n"}}, "1\n2\n3\n4\n5\n"},
		"in any order": {[]Edit{{Span{"f", 4, 4}, "d\n"}, {Span{"f", 1, 1}, "a\n"}}, "a\n2\n3\nd\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Apply([]byte(src), x.edits...)
			require.NoError(t, err)
			assert.Equal(t, x.want, string(got))
		})
	}
	for name, edits := range map[string][]Edit{
		"overlap":      {{Span{"f", 1, 2}, ""}, {Span{"f", 2, 3}, ""}},
		"past the end": {{Span{"f", 4, 5}, ""}},
		"past by far":  {{Span{"f", 9, 9}, "x\n"}},
		"backwards":    {{Span{"f", 3, 1}, "x\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Apply([]byte(src), edits...)
			require.ErrorContains(t, err, "f:")
		})
	}
}

func TestFit(t *testing.T) {
	const bom = "\ufeff"
	for name, x := range map[string]struct {
		src  string
		edit Edit
		want string // of the whole
	}{
		"as it is":                 {"1\n2\n", Edit{Span{"f", 2, 2}, "x\n"}, "1\nx\n"},
		"CRLF":                     {"1\r\n2\r\n3\r\n", Edit{Span{"f", 2, 2}, "x\ny\n"}, "1\r\nx\r\ny\r\n3\r\n"},
		"CRLF already":             {"1\r\n2\r\n", Edit{Span{"f", 1, 1}, "x\r\n"}, "x\r\n2\r\n"},
		"CRLF elsewhere":           {"1\r\n2\n", Edit{Span{"f", 2, 2}, "x\n"}, "1\r\nx\n"},
		"no newline at the end":    {"1\n2", Edit{Span{"f", 2, 2}, "x\n"}, "1\nx"},
		"CRLF, none at the end":    {"1\r\n2", Edit{Span{"f", 2, 2}, "x\ny\n"}, "1\r\nx\r\ny"},
		"one line without newline": {"1", Edit{Span{"f", 1, 1}, "x\n"}, "x"},
		"byte order mark":          {bom + "1\n2\n", Edit{Span{"f", 1, 1}, "x\n"}, bom + "x\n2\n"},
		"byte order mark is there": {bom + "1\n2\n", Edit{Span{"f", 1, 1}, bom + "x\n"}, bom + "x\n2\n"},
		"below the mark":           {bom + "1\n2\n", Edit{Span{"f", 2, 2}, "x\n"}, bom + "1\nx\n"},
		"delete":                   {"1\r\n2\r\n", Edit{Span{"f", 2, 2}, ""}, "1\r\n"},
		"append":                   {"1\r\n", Edit{Span{"f", 2, 1}, "2\n"}, "1\r\n2\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Apply([]byte(x.src), Fit([]byte(x.src), x.edit))
			require.NoError(t, err)
			assert.Equal(t, x.want, string(got))
		})
	}
	Fit(nil, Edit{Span{"f", 1, 1}, "x\n"}) // what is not there is Apply's business
}
