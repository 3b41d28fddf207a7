package cli_test

import (
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/report"
)

// Every command has help with an example, and each example names a command and
// flags that there are.
func TestEveryCommandHasAnExample(t *testing.T) {
	listed := regexp.MustCompile(`(?m)^  ([a-z]+) +\S`)
	flag := regexp.MustCompile(`--[a-z-]+`)
	var visit func(path ...string) int
	visit = func(path ...string) int {
		code, out, errs := call(t, t.TempDir(), nil, append(path, "--help")...)
		require.Zero(t, code, errs)
		_, rest, found := strings.Cut(out, "\nExamples:\n")
		require.True(t, found, "%v has no example", path)
		examples, rest, _ := strings.Cut(rest, "\n\n")
		for line := range strings.Lines(examples) {
			_, command, ours := strings.Cut(line, "pullwarden ")
			require.True(t, ours, line)
			words := strings.Fields(command)
			require.NotEmpty(t, words)
			if words[0] != "help" && len(path) > 0 {
				assert.Equal(t, path, words[:len(path)], line)
			}
			for _, f := range flag.FindAllString(line, -1) {
				_, of, _ := call(t, t.TempDir(), nil, append(leading(words), "--help")...)
				assert.Contains(t, of, f, line)
			}
		}
		n := 1
		if _, commands, ok := strings.Cut(rest, "Available Commands:\n"); ok {
			commands, _, _ = strings.Cut(commands, "\n\n")
			for _, m := range listed.FindAllStringSubmatch(commands, -1) {
				n += visit(append(path[:len(path):len(path)], m[1])...)
			}
		}
		return n
	}
	assert.Equal(t, 20, visit(), "commands")
}

// leading are the words before the first that is no name of a command.
func leading(words []string) []string {
	name := regexp.MustCompile(`^[a-z]+$`)
	for i, w := range words {
		if !name.MatchString(w) || w == "osv" {
			return words[:i]
		}
	}
	return words
}

// Formats are told in one order, in help and in errors.
func TestFormatsHaveOneOrder(t *testing.T) {
	for command, want := range map[string]string{
		"scan": "text, json, sarif or markdown", "upgrade": "text, json or diff", "doctor": "text or json", "rules": "text or json",
	} {
		_, out, _ := call(t, t.TempDir(), nil, command, "--help")
		assert.Regexp(t, `--format FORMAT +`+want+` \(default text\)`, out, command)
		code, out, errs := call(t, t.TempDir(), nil, command, "--format", "xml")
		assert.Equal(t, 2, code)
		assert.Empty(t, out)
		assert.Contains(t, errs, `invalid argument "xml" for "--format" flag: must be `+want, command)
	}
	assert.Equal(t, []string{"text", "json", "sarif", "markdown"}, report.FormatNames())
}

// A scanner is chosen by its name or by that of its section in the policy.
func TestOnlyTakesBothSpellings(t *testing.T) {
	r := newRepository(t, map[string]string{"pay.go": withSecret(), "a.txt": "a\n"})
	for _, names := range [][]string{{"secret", "secrets"}, {"dependency", "dependencies"}, {"iac"}, {"text"}} {
		for _, name := range names {
			code, out, errs := call(t, r.dir, nil, "scan", "--all", "--format", "json", "--only", name)
			assert.Empty(t, errs)
			scanner := `"name": "` + names[0] + `"`
			assert.Contains(t, out, scanner, name)
			assert.Equal(t, 1, strings.Count(out, `"name": "`), name)
			if names[0] == "secret" {
				assert.Equal(t, 1, code)
			}
		}
	}
	code, _, errs := call(t, r.dir, nil, "scan", "--all", "--only", "text,secret,sast")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, `--only: "sast" is none of secrets, dependencies, iac, text`)
	r.commit("Turn one off", map[string]string{".github/pullwarden.yml": "version: 1\nscanners: {secrets: {enabled: false}}\n"})
	_, _, errs = call(t, r.dir, nil, "scan", "--all", "--only", "secret")
	assert.Contains(t, errs, "--only: this repository's policy turns secrets off")
}

func TestVersionFlagAndCompletion(t *testing.T) {
	code, out, _ := call(t, t.TempDir(), nil, "--version")
	assert.Zero(t, code)
	assert.Regexp(t, `^pullwarden \S+`, out)
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		code, out, _ := call(t, t.TempDir(), nil, "completion", shell)
		assert.Zero(t, code)
		assert.Contains(t, out, "pullwarden", shell)
	}
	_, out, _ = call(t, t.TempDir(), nil, "__complete", "scan", "--format", "s")
	assert.Contains(t, out, "sarif\n")
}

// A port that is taken is told before anything is started.
func TestDemoChecksItsPortFirst(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for _, address := range []string{taken.Addr().String(), "nowhere"} {
		code, out, errs := call(t, t.TempDir(), nil, "demo", "--addr", address)
		assert.Equal(t, 2, code)
		assert.Empty(t, out)
		assert.Contains(t, errs, "pullwarden: --addr: the page cannot be served on "+address+": listen tcp")
		assert.NotContains(t, errs, "Playing")
	}
}
