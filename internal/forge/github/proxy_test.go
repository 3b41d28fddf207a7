package github

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// behindProxy puts the contract proxy in directory $CONTRACT_PROXY before a
// hub, if there is one, and fails the test for every violation it sees but one:
// comments outside of the diff are what some tests are about.
func behindProxy(t *testing.T, hub string) string {
	t.Helper()
	dir := os.Getenv("CONTRACT_PROXY")
	if dir == "" {
		return hub
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	cmd := exec.Command("node", filepath.Join(dir, "proxy.mjs"), "--listen", addr, "--upstream", hub,
		"--graphql-upstream", hub, "--git", hub, "--app-id", "7")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = cmd.Stdout
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "contract proxy on") {
	}
	seen := make(chan []string)
	go func() {
		var all []string
		for lines.Scan() {
			all = append(all, lines.Text())
		}
		seen <- all
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		for _, line := range <-seen {
			assert.False(t, strings.HasPrefix(line, "VIOLATION") && !strings.Contains(line, "[REVIEW-NOT-IN-DIFF]"), line)
			t.Log(line)
		}
		_ = cmd.Wait()
	})
	return "http://" + addr
}
