package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/cli"
)

// onTerminal runs a command whose errors go to a terminal, and returns what that showed.
func onTerminal(t *testing.T, dir string, env map[string]string, args ...string) string {
	t.Helper()
	terminal, screen := openTerminal(t)
	shown := make(chan string, 1)
	go func() {
		var all []byte
		buffer := make([]byte, 1<<10)
		for !bytes.HasSuffix(all, []byte("the end\r\n")) {
			n, err := screen.Read(buffer)
			if err != nil {
				break
			}
			all = append(all, buffer[:n]...)
		}
		shown <- string(all)
	}()
	code := cli.Main(t.Context(), args, cli.IO{Out: &bytes.Buffer{}, Err: terminal, Env: func(k string) string { return env[k] }, Dir: dir})
	assert.Zero(t, code)
	_, err := terminal.WriteString("the end\n")
	require.NoError(t, err)
	return <-shown
}

// Long work shows on a terminal how far it is, and clears its line; elsewhere it is silent.
func TestProgress(t *testing.T) {
	env := map[string]string{"PULLWARDEN_ADVISORIES_DIR": filepath.Join(t.TempDir(), "index")}
	records := map[string]string{}
	for i := range 30_000 {
		records[fmt.Sprintf("%d.json", i)] = record(fmt.Sprintf("DEMO-%d", i), "Go", fmt.Sprintf("example.com/m%d", i), "1.0.1")
	}
	published := publish(t, "Go", records)
	files := map[string]string{"Dockerfile": "FROM registry.example/base:1\nHEALTHCHECK NONE\nUSER 65532\n"}
	for i := range 20 {
		files[fmt.Sprintf("a%d.txt", i)] = strings.Repeat("the key of the password is no token, and no secret\n", 5_000)
	}
	r := newRepository(t, files)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"advisories", "import", published}, `Reading Go: \d+ of 30000 records \(\d+s\)`},
		{[]string{"scan", "--all"}, `Scanning 21 files for (secrets|dependencies|iac|text)`},
	} {
		shown := onTerminal(t, r.dir, env, c.args...)
		assert.Regexp(t, "\r\x1b\\[K"+c.want, shown)
		assert.True(t, strings.HasSuffix(shown, "\r\x1b[Kthe end\r\n"), "the line is cleared: %q", shown)

		code, _, errs := call(t, r.dir, env, c.args...)
		assert.Zero(t, code)
		assert.Empty(t, errs)
		file, err := os.Create(filepath.Join(t.TempDir(), "log"))
		require.NoError(t, err)
		defer file.Close()
		assert.Zero(t, cli.Main(t.Context(), c.args, cli.IO{Out: &bytes.Buffer{}, Err: file, Env: func(k string) string { return env[k] }, Dir: r.dir}))
		text, err := os.ReadFile(file.Name())
		require.NoError(t, err)
		assert.Empty(t, text)
	}
}
