package advisory

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func rangeOf(t testing.TB, events string) versionRange {
	t.Helper()
	var list []map[string]string
	require.NoError(t, json.Unmarshal([]byte("["+events+"]"), &list))
	r, err := readRange(list, func(v string) string { return v })
	require.NoError(t, err)
	return r
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		name, events string
		in, out      []string
	}{
		{"introduced and fixed", `{"introduced": "1.0.0"}, {"fixed": "1.2.0"}`, []string{"1.0.0", "1.1.9", "1.2.0-rc1"}, []string{"0.9.0", "1.0.0-rc1", "1.2.0", "2.0.0"}},
		{"from the first version", `{"introduced": "0"}, {"fixed": "1.2.0"}`, []string{"0.0.0-0", "0.0.0", "1.1.0"}, []string{"1.2.0"}},
		{"never fixed", `{"introduced": "1.0.0"}`, []string{"1.0.0", "99.0.0"}, []string{"0.9.0"}},
		{"last affected", `{"introduced": "0"}, {"last_affected": "1.2.0"}`, []string{"1.2.0"}, []string{"1.2.1", "2.0.0"}},
		{"one version only", `{"introduced": "1.2.0"}, {"last_affected": "1.2.0"}`, []string{"1.2.0"}, []string{"1.1.9", "1.2.1"}},
		{"one version only, the other way round", `{"last_affected": "1.2.0"}, {"introduced": "1.2.0"}`, []string{"1.2.0"}, []string{"1.1.9", "1.2.1"}},
		{"empty", `{"introduced": "1.2.0"}, {"fixed": "1.2.0"}`, nil, []string{"1.1.9", "1.2.0", "1.2.1"}},
		{"two branches", `{"introduced": "0"}, {"fixed": "1.2.0"}, {"introduced": "2.0.0"}, {"fixed": "2.1.0"}`, []string{"1.0.0", "2.0.5"}, []string{"1.9.0", "2.1.0"}},
		{"unsorted", `{"fixed": "2.1.0"}, {"introduced": "2.0.0"}, {"fixed": "1.2.0"}, {"introduced": "0"}`, []string{"1.0.0", "2.0.5"}, []string{"1.9.0", "2.1.0"}},
		{"back at once", `{"introduced": "0"}, {"fixed": "1.2.0"}, {"introduced": "1.2.0"}, {"fixed": "1.3.0"}`, []string{"1.2.0"}, []string{"1.3.0"}},
		{"limit", `{"introduced": "0"}, {"limit": "1.2.0"}`, []string{"1.1.0"}, []string{"1.2.0", "1.3.0"}},
		{"two limits", `{"introduced": "0"}, {"limit": "1.2.0"}, {"limit": "1.4.0"}`, []string{"1.3.0"}, []string{"1.4.0"}},
		{"no limit", `{"introduced": "0"}, {"limit": "*"}`, []string{"9.0.0"}, nil},
		{"nothing", ``, nil, []string{"1.0.0"}},
		{"fixed without a beginning", `{"fixed": "1.0.0"}`, nil, []string{"0.9.0", "1.0.0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rangeOf(t, c.events)
			for _, v := range c.in {
				assert.True(t, r.covers(v, compare), v)
			}
			for _, v := range c.out {
				assert.False(t, r.covers(v, compare), v)
			}
		})
	}
}

// TestOrderOfEventsIsNoMatter shuffles events that no two of are at one version.
func TestOrderOfEventsIsNoMatter(t *testing.T) {
	r := rangeOf(t, `{"introduced": "0"}, {"fixed": "1.2.0"}, {"introduced": "2.0.0"}, {"last_affected": "2.3.0"}, {"introduced": "3.0.0"}, {"fixed": "3.1.0"}`)
	versions := []string{"0.1.0", "1.1.0", "1.2.0", "2.0.0", "2.3.0", "2.3.1", "3.0.5", "3.1.0"}
	want := []bool{true, true, false, true, true, false, true, false}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		random.Shuffle(len(r.Events), func(i, j int) { r.Events[i], r.Events[j] = r.Events[j], r.Events[i] })
		for i, v := range versions {
			require.Equal(t, want[i], r.covers(v, compare), "%s in %v", v, r.Events)
		}
	}
}

func TestFixedAbove(t *testing.T) {
	branches := rangeOf(t, `{"introduced": "0"}, {"fixed": "1.2.0"}, {"introduced": "2.0.0"}, {"fixed": "2.1.0"}`)
	whole := rangeOf(t, `{"introduced": "1.0.0"}, {"fixed": "2.5.0"}`)
	open := rangeOf(t, `{"introduced": "2.0.0"}`)
	for _, c := range []struct {
		name    string
		e       entry
		version string
		want    string
	}{
		{"the branch's own", entry{Ranges: []versionRange{branches}}, "1.0.0", "1.2.0"},
		{"the second branch's", entry{Ranges: []versionRange{branches}}, "2.0.0", "2.1.0"},
		{"one that another range covers is none", entry{Ranges: []versionRange{branches, whole}}, "1.1.0", "2.5.0"},
		{"one that is listed is none", entry{Ranges: []versionRange{branches}, Versions: []string{"1.2"}}, "1.0.0", "2.1.0"},
		{"none above", entry{Ranges: []versionRange{open}}, "2.0.0", ""},
		{"below does not count", entry{Ranges: []versionRange{branches, open}}, "2.0.0", ""},
	} {
		assert.Equal(t, c.want, c.e.fixedAbove(c.version, compare), c.name)
	}
}

func TestLastAbove(t *testing.T) {
	ends := rangeOf(t, `{"introduced": "0"}, {"last_affected": "1.2.0"}`)
	once := rangeOf(t, `{"last_affected": "1.2.0"}, {"introduced": "1.2.0"}`)
	later := rangeOf(t, `{"introduced": "1.1.0"}, {"last_affected": "1.4.0"}`)
	open := rangeOf(t, `{"introduced": "1.2.0"}`)
	far := rangeOf(t, `{"introduced": "3.0.0"}, {"fixed": "3.1.0"}`)
	for _, c := range []struct {
		name    string
		e       entry
		version string
		want    string
	}{
		{"the end of the range", entry{Ranges: []versionRange{ends, far}}, "1.0.0", "1.2.0"},
		{"the end itself", entry{Ranges: []versionRange{ends}}, "1.2.0", "1.2.0"},
		{"a range of one version", entry{Ranges: []versionRange{once}}, "1.2.0", "1.2.0"},
		{"the end of the next range over it", entry{Ranges: []versionRange{ends, later}}, "1.0.0", "1.4.0"},
		{"a range without end over it", entry{Ranges: []versionRange{ends, open}}, "1.0.0", ""},
		{"the highest of a list", entry{Versions: []string{"1.0.0", "1.10.0", "1.9.0"}}, "1.0.0", "1.10.0"},
		{"a list that goes on above the range", entry{Ranges: []versionRange{ends}, Versions: []string{"1.3.0"}}, "1.0.0", "1.3.0"},
		{"no end", entry{Ranges: []versionRange{open}, Versions: []string{"1.3.0"}}, "1.2.0", ""},
	} {
		assert.Equal(t, c.want, c.e.lastAbove(c.version, compare), c.name)
	}
}
