package advisory

import (
	"testing"

	"deps.dev/util/semver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/version"
)

func TestAdmitting(t *testing.T) {
	db := indexOf(t, []string{
		"PyPI",
		rec("PYSEC-1", "PyPI", "web", `{"introduced": "0"}, {"fixed": "1.11.5"}, {"introduced": "2.0"}, {"fixed": "2.0.10"}`),
		rec("PYSEC-2", "PyPI", "web", `{"introduced": "1.11"}, {"fixed": "2.2.4"}`),
		rec("PYSEC-3", "PyPI", "web", `{"introduced": "3.0rc1"}, {"last_affected": "3.1"}`),
		rec("PYSEC-4", "PyPI", "web", `{"introduced": "1!0"}, {"fixed": "1!2.1"}`),
		`{"id": "PYSEC-5", "affected": [{"package": {"ecosystem": "PyPI", "name": "listed"}, "versions": ["1.0", "1.1", "1.2"]}]}`,
	})
	for _, c := range []struct {
		name, constraint string
		published        []string
		only             bool
		highest          string
		known            []string
	}{
		{"web", "==2.0.*", nil, true, "2.0.10", []string{"PYSEC-2"}},
		{"web", "~=2.0.0", nil, true, "2.0.10", []string{"PYSEC-2"}},
		{"web", "<2.1", nil, true, "2.0.10", []string{"PYSEC-2"}},
		{"web", "<2.1,!=2.0.10", nil, true, "2.0", []string{"PYSEC-1", "PYSEC-2"}},
		{"web", "<2.2.4", nil, true, "2.0.10", []string{"PYSEC-2"}},
		{"web", "<=2.2.4", nil, false, "2.2.4", nil},
		{"web", ">=2.2.4,<3", nil, false, "2.2.4", nil},
		{"web", ">=2.0,<=2.0", nil, true, "2.0", []string{"PYSEC-1", "PYSEC-2"}},
		{"web", ">=2.0.11,<2.0.12", nil, true, "", []string{"PYSEC-2"}},
		{"web", ">2.0.11,<2.0.12", nil, true, "", []string{"PYSEC-2"}},
		{"web", ">2.0.11,<=2.2.4", nil, false, "2.2.4", nil},
		{"web", "~=3.0", nil, false, "3.1", []string{"PYSEC-3"}},
		{"web", ">=3.0,<=3.1", nil, true, "3.1", []string{"PYSEC-3"}},
		{"web", ">=2", nil, false, "1!2.1", nil},
		{"web", "==1!2.0.*", nil, true, "", []string{"PYSEC-4"}},
		{"web", ">=1!2", nil, false, "1!2.1", nil},
		{"web", "<1,>2", nil, false, "", nil},
		{"web", "", nil, false, "1!2.1", nil},
		{"listed", "~=1.0", nil, false, "1.2", []string{"PYSEC-5"}},
		{"listed", "<=1.0,>=1.0", nil, true, "1.0", []string{"PYSEC-5"}},
		{"listed", "~=1.0", []string{"1.0", "1.1", "1.2", "2.0"}, true, "1.2", []string{"PYSEC-5"}},
		{"listed", "~=1.0", []string{"1.0", "1.1", "1.2", "1.3rc1", "1.3"}, false, "1.3", nil},
		{"web", "~=3.0", []string{"3.0", "3.1", "3.2rc1"}, true, "3.1", []string{"PYSEC-3"}},
		{"never heard of", "<2", nil, false, "", nil},
	} {
		t.Run(c.name+" "+c.constraint, func(t *testing.T) {
			got, err := db.Admitting(t.Context(), "PyPI", c.name, c.constraint, c.published, version.Of(semver.PyPI, false))
			require.NoError(t, err)
			var ids []string
			for _, a := range got.Known {
				ids = append(ids, a.ID)
			}
			assert.Equal(t, c.only, got.Only)
			assert.Equal(t, c.highest, got.Highest)
			assert.ElementsMatch(t, c.known, ids)
		})
	}
	_, err := db.Admitting(t.Context(), "PyPI", "web", ">=2-legacy", nil, version.Of(semver.PyPI, false))
	require.Error(t, err)
}
