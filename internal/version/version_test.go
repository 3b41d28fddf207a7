package version_test

import (
	"testing"

	"deps.dev/util/semver"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/version"
)

func TestIntervals(t *testing.T) {
	type list = []version.Interval
	for _, c := range []struct {
		system     semver.System
		constraint string
		want       list
		in, out    []string
	}{
		{semver.PyPI, "==2.0.*", list{{Low: "2.0.0", High: "2.0.999999999"}}, []string{"2.0", "2.0.13", "2.0.13.post1"}, []string{"1.11", "2.1"}},
		{semver.PyPI, "~=2.0.0", list{{Low: "2.0.0", High: "2.0.999999999"}}, []string{"2.0.13"}, []string{"2.1"}},
		{semver.PyPI, "<2.1", list{{High: "2.1.0", HighOpen: true}}, []string{"0.1", "2.0.13"}, []string{"2.1"}},
		{semver.PyPI, ">=2.0,<=2.0", list{{Low: "2.0.0", High: "2.0.0"}}, []string{"2.0", "2.0.0"}, []string{"2.0.post1", "2.0.1"}},
		{semver.PyPI, ">=2", list{{Low: "2.0.0"}}, []string{"2", "99", "1!0.1"}, []string{"1.9"}},
		{semver.PyPI, "==1!2.0.*", list{{Low: "1!2.0.0", High: "1!2.0.999999999"}}, []string{"1!2.0.5"}, []string{"2.0.5"}},
		{semver.PyPI, "!=2.0.5,<2.1", list{{Low: "0.0.0", High: "2.0.5", HighOpen: true}, {Low: "2.0.5", LowOpen: true, High: "2.1.0", HighOpen: true}}, []string{"2.0.4", "2.0.6"}, []string{"2.0.5"}},
		{semver.PyPI, ">=2,<1", nil, nil, nil},
		{semver.NPM, "^1.2.3", list{{Low: "1.2.3", High: "1.999999999.999999999"}}, []string{"1.9.0"}, []string{"2.0.0"}},
		{semver.NPM, "*", list{{}}, []string{"0.0.1", "9.0.0"}, nil},
		{semver.RubyGems, "~> 1.2", list{{Low: "1.2.0", High: "1.999999999.999999999"}}, []string{"1.3"}, []string{"2.0"}},
	} {
		got, err := version.Of(c.system, false).Intervals(c.constraint)
		require.NoError(t, err, c.constraint)
		assert.Equal(t, c.want, got, c.constraint)
		within := func(v string) (in bool) {
			for _, i := range got {
				in = in || i.Contains(v, c.system.Compare)
			}
			return in
		}
		for _, v := range c.in {
			assert.True(t, within(v), "%s in %s", v, c.constraint)
		}
		for _, v := range c.out {
			assert.False(t, within(v), "%s in %s", v, c.constraint)
		}
	}
	for _, c := range []string{"~=2", ">=2.0-legacy", "latest", "==="} {
		_, err := version.Of(semver.PyPI, false).Intervals(c)
		assert.Error(t, err, c)
	}
	assert.True(t, version.Bounded(list{{High: "2"}}))
	assert.False(t, version.Bounded(list{{High: "2"}, {Low: "3"}}))
}

func TestScheme(t *testing.T) {
	s := version.Of(semver.NPM, true)
	assert.True(t, s.Valid("1.2.3"))
	assert.False(t, s.Valid("one"))
	assert.True(t, s.Prerelease("1.2.3-rc1"))
	assert.True(t, s.Breaking("0.1.0", "0.2.0"))
	assert.False(t, version.Of(semver.NPM, false).Breaking("0.1.0", "0.2.0"))
	assert.True(t, s.Breaking("1.0.0", "2.0.0"))
	assert.True(t, s.Breaking("one", "2.0.0"))
	raised, err := s.Raise("^1.2.0", "1.3.0")
	require.NoError(t, err)
	assert.Equal(t, "^1.2.0", raised)
	_, err = s.Raise("^1.2.0", "2.0.0")
	require.ErrorIs(t, err, version.ErrNotRaised)
}
