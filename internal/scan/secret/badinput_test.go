package secret

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestBadInput: bytes that are no text hide nothing and take no time. The other
// lines: TestOneLongLine, TestAMillionKeywords, TestEncodedTakesNoTime,
// TestBadCustomRules.
func TestBadInput(t *testing.T) {
	const is = " critical certain secret/github-pat"
	for name, c := range map[string]struct{ content, want string }{
		"invalid UTF-8 before and behind": {"# \xff\xfe\xc3\x28\nTOKEN=\xc0" + githubToken + "\xe2\x28\n", "a:2" + is},
		"a megabyte of invalid UTF-8":     {strings.Repeat("\xf0\x28\x8c\x28", 1<<18) + "\n" + githubToken + "\n", "a:2" + is},
		"NUL bytes around it":             {"\x00\x00" + githubToken + "\x00\x00", "a" + is},
		"NUL bytes in a text":             {"one\n" + strings.Repeat("\x00", 1<<20) + "\n" + githubToken + "\n", "a" + is},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, []string{c.want}, lines(inspect(t, nil, tree{"a": c.content})))
		})
	}
}
