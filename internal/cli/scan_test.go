package cli_test

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/cli"
)

func TestScanExitCodes(t *testing.T) {
	r := newRepository(t, map[string]string{"README": "The shop.\n"})
	r.write(map[string]string{"LICENSE": "Free.\n"})
	r.git("add", "LICENSE")
	r.write(map[string]string{"pay.go": withSecret()})
	code, out, errs := call(t, r.dir, nil, "scan")
	assert.Zero(t, code, errs)
	assert.Contains(t, out, "pass: Nothing found")
	assert.Contains(t, out, "note: 1 changed file is neither staged nor committed and was not scanned: pay.go.\n")
	r.git("add", "pay.go")
	r.write(map[string]string{"pay.go": "package pay\n"})
	code, out, _ = call(t, r.dir, nil, "scan")
	assert.Equal(t, 1, code, "what is staged is, whatever the work tree has")
	assert.Contains(t, out, "pay.go:3")
	assert.Contains(t, out, "fix: ")
	assert.NotContains(t, out, "4eC39HqLyj")

	r.git("checkout", "-q", "-f", "-b", "topic")
	r.git("reset", "-q", "--hard")
	r.commit("Pay", map[string]string{"pay.go": withSecret()})
	r.commit("Take it away", map[string]string{"pay.go": "package pay\n"})
	code, out, _ = call(t, r.dir, nil, "scan")
	assert.Equal(t, 1, code, "every commit counts")
	assert.Contains(t, out, "only in history")
	code, out, _ = call(t, r.dir, nil, "scan", "--all")
	assert.Zero(t, code, "the tree as it is")
	assert.Contains(t, out, "Scanned 2 of 2 blobs")
	code, _, _ = call(t, r.dir, nil, "scan", "--base", "HEAD~1", "--head", "HEAD")
	assert.Zero(t, code)
	code, _, _ = call(t, r.dir, nil, "scan", "--base", "main", "--head", "HEAD~1")
	assert.Equal(t, 1, code)
	code, _, _ = call(t, filepath.Join(r.dir, ".."), nil, "scan", "--repo", filepath.Base(r.dir))
	assert.Equal(t, 1, code)

	// Without advisories a manifest cannot be judged: that is no pass.
	r.git("checkout", "-q", "-b", "more", "main")
	r.commit("Need", map[string]string{"requirements.txt": "example-charts==2.0.0\n"})
	code, out, _ = call(t, r.dir, map[string]string{"PULLWARDEN_ADVISORIES_DIR": t.TempDir()}, "scan")
	assert.Equal(t, 2, code)
	assert.Contains(t, out, "not looked at: ")
	assert.NotContains(t, out, "pass:")

	// Neither while only observing.
	r.write(map[string]string{"observe.yml": "version: 1\nmode: observe\n"})
	code, out, _ = call(t, r.dir, nil, "scan", "--config", "observe.yml")
	assert.Equal(t, 2, code)
	assert.Contains(t, out, "incomplete: ")
	r.commit("Pay", map[string]string{"pay.go": withSecret()})
	code, out, _ = call(t, r.dir, nil, "scan", "--config", "observe.yml")
	assert.Equal(t, 2, code, "whatever else would block")
	assert.Contains(t, out, "would fail: 1 would block")
	code, out, _ = call(t, r.dir, nil, "scan", "--config", "observe.yml", "--only", "secrets")
	assert.Zero(t, code, "all was looked at, and nothing blocks")
	assert.Contains(t, out, "would fail: 1 would block")

	// Neither can what is broken.
	r.git("checkout", "-q", "-b", "broken", "main")
	r.commit("Break", map[string]string{"main.tf": "resource \"a\" {\n"})
	code, out, _ = call(t, r.dir, nil, "scan")
	assert.Equal(t, 2, code)
	assert.Contains(t, out, "main.tf")
}

// Of a whole tree too, a marker counts where the default branch has it.
func TestScanMarkers(t *testing.T) {
	marked := strings.TrimSuffix(withSecret(), "\n") + " // pullwarden:" + "allow secret/stripe-access-token a public test account\n"
	r := newRepository(t, map[string]string{"README": "The shop.\n"})
	r.git("checkout", "-q", "-b", "topic")
	r.commit("Pay", map[string]string{"pay.go": marked})
	for _, args := range [][]string{{"scan"}, {"scan", "--all"}} {
		code, out, _ := call(t, r.dir, nil, args...)
		assert.Equal(t, 1, code, args)
		assert.Contains(t, out, "counts for nothing: it does not stand beside this secret on the default branch")
	}
	r.git("checkout", "-q", "main")
	r.commit("Pay", map[string]string{"pay.go": marked})
	r.git("checkout", "-q", "topic")
	for _, args := range [][]string{{"scan", "--base", "main"}, {"scan", "--all"}} {
		code, _, _ := call(t, r.dir, nil, args...)
		assert.Zero(t, code, args)
	}
}

func TestScanPolicy(t *testing.T) {
	r := newRepository(t, map[string]string{".github/pullwarden.yml": "version: 1\nblock: never\n"})
	r.git("checkout", "-q", "-b", "topic")
	r.commit("Pay", map[string]string{"pay.go": withSecret(), ".github/pullwarden.yml": "version: 1\nblock: high\n"})
	code, out, _ := call(t, r.dir, nil, "scan", "--base", "main")
	assert.Zero(t, code, "the one on the default branch")
	assert.Contains(t, out, "takes effect once it is on the default branch")
	code, _, _ = call(t, r.dir, nil, "scan", "--base", "main", "--config", ".github/pullwarden.yml")
	assert.Equal(t, 1, code, "or the one that is named")

	require.NoError(t, os.WriteFile(filepath.Join(r.dir, "odd.yml"), []byte("version: 1\nblok: high\n"), 0o600))
	code, _, errs := call(t, r.dir, nil, "scan", "--config", "odd.yml")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "odd.yml")
	assert.Contains(t, errs, "blok")
}

func TestScanNamesWhatIsNotCovered(t *testing.T) {
	r := newRepository(t, map[string]string{"README": "The shop.\n", "old.bicep": "param a string\n"})
	r.write(map[string]string{"new.bicep": "param b string\n", "pom.xml": "<project/>\n", ".github/workflows/ci.yml": "on: push\n"})
	r.git("add", "-A")
	for args, want := range map[string]string{
		"": "pom.xml new.bicep .github/workflows/ci.yml", "--all": "pom.xml new.bicep old.bicep .github/workflows/ci.yml",
		"--only secrets": "", "--only iac": "new.bicep", "--only dependencies,iac": "pom.xml new.bicep .github/workflows/ci.yml",
	} {
		code, out, errs := call(t, r.dir, nil, append([]string{"scan", "--format", "json"}, strings.Fields(args)...)...)
		require.Equal(t, 0, code, errs)
		var doc struct {
			Scanned struct{ Uncovered []struct{ Paths []string } }
		}
		require.NoError(t, json.Unmarshal([]byte(out), &doc))
		var paths []string
		for _, u := range doc.Scanned.Uncovered {
			paths = append(paths, u.Paths...)
		}
		assert.Equal(t, want, strings.Join(paths, " "), args)
	}
	_, out, _ := call(t, r.dir, nil, "scan")
	assert.Contains(t, out, "not covered: 1 Bicep file (new.bicep)")
	assert.Contains(t, out, "pass: Nothing found; 3 files not covered.")

	require.NoError(t, os.WriteFile(filepath.Join(r.dir, "strict.yml"), []byte("version: 1\nuncovered: block\n"), 0o600))
	code, out, _ := call(t, r.dir, nil, "scan", "--config", "strict.yml")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "fail: 3 files not covered, and this repository blocks that.")
}

func TestScanFormats(t *testing.T) {
	r := newRepository(t, map[string]string{"README": "The shop.\n"})
	r.write(map[string]string{"pay.go": withSecret()})
	r.git("add", "-A")

	var doc struct {
		Verdict  string
		Findings []struct {
			Rule, Severity, Confidence, Path, Commit, Fingerprint, Action, Why, Message, Fix string

			Start, End int
			Past       bool
		}
		Scanned struct {
			Commits, Blobs, Of int
			Skipped            []struct{ Path, Why string }
			Uncovered          []struct {
				Kind            string
				Scanners, Paths []string
				Count           int
			}
		}
		Scanners []struct {
			Name   string
			TookMS *int64 `json:"took_ms"`
			Error  string
		}
		Notices []string
	}
	code, out, errs := call(t, r.dir, nil, "scan", "--format", "json")
	assert.Equal(t, 1, code, errs)
	d := json.NewDecoder(strings.NewReader(out))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&doc))
	assert.Equal(t, "fail", doc.Verdict)
	require.Len(t, doc.Findings, 1)
	assert.Equal(t, "critical", doc.Findings[0].Severity)
	assert.Equal(t, 3, doc.Findings[0].Start)
	assert.NotEmpty(t, doc.Findings[0].Fix)
	assert.Equal(t, 1, doc.Scanned.Of)
	require.Len(t, doc.Scanners, 4)
	assert.NotNil(t, doc.Scanners[0].TookMS)

	var sarif struct {
		Version string
		Runs    []struct {
			Results []struct{ RuleID string }
		}
	}
	code, out, _ = call(t, r.dir, nil, "scan", "--format", "sarif")
	assert.Equal(t, 1, code)
	require.NoError(t, json.Unmarshal([]byte(out), &sarif))
	assert.Equal(t, "2.1.0", sarif.Version)
	require.Len(t, sarif.Runs, 1)
	assert.Len(t, sarif.Runs[0].Results, 1)

	code, out, _ = call(t, r.dir, nil, "scan", "--format", "markdown")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "| Scanner | Blocking | Other | State |")

	code, _, errs = call(t, r.dir, nil, "scan", "--format", "xml")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, `invalid argument "xml" for "--format" flag: must be text, json, sarif or markdown`)
}

// A check has one name in the file and one before its rules' ids: both are taken.
func TestScanOnly(t *testing.T) {
	r := newRepository(t, map[string]string{"README": "The shop.\n"})
	r.write(map[string]string{"pay.go": withSecret()})
	r.git("add", "-A")
	_, help, _ := call(t, r.dir, nil, "scan", "--help")
	for _, names := range [][2]string{{"secrets", "secret"}, {"dependencies", "dependency"}, {"iac", "iac"}, {"text", "text"}} {
		assert.Contains(t, help, names[0])
		for _, name := range names {
			code, _, errs := call(t, r.dir, nil, "scan", "--only", name)
			assert.Equal(t, names[1] == "secret", code == 1, name)
			assert.Empty(t, errs)
		}
	}
	code, _, errs := call(t, r.dir, nil, "scan", "--only", "workflows")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "is none of secrets, dependencies, iac, text")
}

// Without a key nobody can use a fingerprint: it is another one in each run.
func TestScanTellsOfPassingFingerprints(t *testing.T) {
	r := newRepository(t, map[string]string{"README": "The shop.\n"})
	_, out, _ := call(t, r.dir, nil, "scan")
	assert.NotContains(t, out, "PULLWARDEN_FINGERPRINT_KEY", "there are none")
	r.write(map[string]string{"pay.go": withSecret()})
	r.git("add", "-A")
	_, out, _ = call(t, r.dir, nil, "scan")
	assert.Contains(t, out, "note: The fingerprints are of this run only; set PULLWARDEN_FINGERPRINT_KEY")
	_, out, _ = call(t, r.dir, map[string]string{"PULLWARDEN_FINGERPRINT_KEY": "of the server"}, "scan")
	assert.NotContains(t, out, "PULLWARDEN_FINGERPRINT_KEY")
}

func TestScanColour(t *testing.T) {
	r := newRepository(t, map[string]string{"README": "The shop.\n"})
	r.write(map[string]string{"pay.go": withSecret()})
	r.git("add", "-A")

	in, out, err := os.Pipe()
	require.NoError(t, err)
	code := cli.Main(t.Context(), []string{"scan"}, cli.IO{Out: out, Err: out, Env: func(string) string { return "" }, Dir: r.dir})
	require.NoError(t, out.Close())
	assert.Equal(t, 1, code)
	text := make([]byte, 1<<16)
	n, err := in.Read(text)
	require.NoError(t, err)
	assert.NotContains(t, string(text[:n]), "\x1b", "a pipe is no terminal")

	for _, noColor := range []string{"", "1"} {
		terminal, screen := openTerminal(t)
		env := func(k string) string { return map[string]string{"NO_COLOR": noColor}[k] }
		code := cli.Main(t.Context(), []string{"scan"}, cli.IO{Out: terminal, Err: io.Discard, Env: env, Dir: r.dir})
		assert.Equal(t, 1, code)
		n, err := screen.Read(text)
		require.NoError(t, err)
		assert.Equal(t, noColor == "", strings.Contains(string(text[:n]), "\x1b["), "NO_COLOR=%q", noColor)
	}
}

func TestScanOfWhatIsNotThere(t *testing.T) {
	r := newRepository(t, map[string]string{"README": "The shop.\n"})
	r.write(map[string]string{"LICENSE": "Free.\n"})
	r.git("add", "LICENSE")
	for name, c := range map[string]struct {
		dir  string
		args []string
		want string
	}{
		"a directory that does not exist": {r.dir, []string{"--repo", "nothing"}, "nothing"},
		"not a git repository":            {t.TempDir(), nil, "repository"},
		"a base that does not exist":      {r.dir, []string{"--base", "nobody"}, "nobody"},
		"a head that does not exist":      {r.dir, []string{"--head", "nobody"}, "nobody"},
		"a policy that does not exist":    {r.dir, []string{"--config", "nothing.yml"}, "nothing.yml"},
		"a policy that is a directory":    {r.dir, []string{"--config", "."}, "--config"},
		"a flag that does not exist":      {r.dir, []string{"--bass", "main"}, "--bass"},
	} {
		code, out, errs := call(t, c.dir, nil, append([]string{"scan"}, c.args...)...)
		assert.Equal(t, 2, code, name)
		assert.Empty(t, out, name)
		assert.Contains(t, errs, c.want, name)
		assert.True(t, strings.HasPrefix(errs, "pullwarden: "), errs)
	}
}
