package demo_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/demo"
)

// TestContract plays the scripts and the sample through the proxy in directory
// $CONTRACT_PROXY, which holds every request against GitHub's published
// description. Left out are scripts that begin with "fault-", which make GitHub
// misbehave, rename, because the proxy knows what a token is for by name alone,
// and two-apps, because it knows one App.
func TestContract(t *testing.T) {
	dir := os.Getenv("CONTRACT_PROXY")
	if dir == "" {
		t.Skip("CONTRACT_PROXY names no directory with proxy.mjs")
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("no node: apt-get install nodejs")
	}
	files, err := filepath.Glob(filepath.Join(scripts, "*.txtar"))
	require.NoError(t, err)
	var calm []string
	for _, f := range files {
		if name := filepath.Base(f); !strings.HasPrefix(name, "fault-") && name != "rename.txtar" && name != "two-apps.txtar" {
			calm = append(calm, f)
		}
	}
	book := &contractBook{proxy: filepath.Join(dir, "proxy.mjs")}
	// The group ends when all parallel scripts have.
	t.Run("scripts", func(t *testing.T) {
		p := params(func(e *testscript.Env, hub string) (string, error) {
			address, stop, err := book.start(hub)
			if err == nil {
				e.Defer(func() { assert.NoError(t, stop()) })
			}
			return address, err
		})
		p.Files = calm
		testscript.Run(t, p)
	})
	t.Run("sample", func(t *testing.T) {
		stage := watched(t, demo.StageOptions{Through: func(hub string) (string, error) {
			address, stop, err := book.start(hub)
			t.Cleanup(func() { assert.NoError(t, stop()) })
			return address, err
		}}, io.Discard, zerolog.InfoLevel)
		repo, number, err := stage.OpenSample(t.Context())
		require.NoError(t, err)
		require.NoError(t, stage.Deliver(t.Context(), repo.PushEvent("main", "", repo.Tip("main"), "dev")))
		opened, err := repo.PullEvent(number, "opened")
		require.NoError(t, err)
		require.NoError(t, stage.Deliver(t.Context(), opened))
		require.NoError(t, stage.Settle(t.Context()))
	})
	book.mu.Lock()
	defer book.mu.Unlock()
	for _, v := range book.violations {
		t.Error(v)
	}
	assert.Positive(t, book.calls)
	assert.Equal(t, len(calm)+1, book.reports)
	line := fmt.Sprintf("contract: %d calls and %d git requests in %d plays, %d violations, %d warnings",
		book.calls, book.git, book.reports, len(book.violations), book.warnings)
	t.Log(line)
	fmt.Println(line)
}

// A contractBook adds up what the proxies reported.
type contractBook struct {
	proxy string
	first sync.Once
	flags []string // that every proxy gets

	mu                            sync.Mutex
	calls, git, reports, warnings int
	violations                    []string
}

// start puts a proxy of its own in front of a hub.
func (b *contractBook) start(hub string) (address string, stop func() error, err error) {
	b.first.Do(func() { // it may have to install a package
		if address, stop, err = b.launch(hub); err != nil {
			fmt.Println("contract: GraphQL is not validated:", err)
			b.flags = []string{"--no-graphql"}
		}
	})
	if stop != nil {
		return address, stop, nil
	}
	return b.launch(hub)
}

func (b *contractBook) launch(hub string) (string, func() error, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "contract-")
	if err != nil {
		return "", nil, err
	}
	report := filepath.Join(dir, "report.json")
	cmd := exec.Command("node", append([]string{b.proxy, "--listen", address, "--upstream", hub, "--graphql-upstream", hub,
		"--git", hub, "--app-id", "1", "--report", report}, b.flags...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	lines := bufio.NewScanner(out)
	for up := false; !up; {
		if !lines.Scan() {
			return "", nil, fmt.Errorf("the proxy did not start: %w", errors.Join(lines.Err(), cmd.Wait()))
		}
		up = strings.HasPrefix(lines.Text(), "contract proxy on")
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines.Scan() { // or it would wait for us
		}
	}()
	return "http://" + address, func() error {
		err := cmd.Process.Signal(syscall.SIGTERM)
		<-drained
		_ = cmd.Wait() // its status is 1 after a violation
		return errors.Join(err, b.read(report), os.RemoveAll(dir))
	}, nil
}

func (b *contractBook) read(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var r struct {
		Warnings int
		Calls    map[string]struct{ Count int }
		Git      map[string]struct {
			Info   int `json:"info"`
			Upload int `json:"upload-pack"`
		}
		Violations []struct{ Level, Rule, Op, Where, Text string }
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reports++
	b.warnings += r.Warnings
	for _, c := range r.Calls {
		b.calls += c.Count
	}
	for _, g := range r.Git {
		b.git += g.Info + g.Upload
	}
	for _, v := range r.Violations {
		line := fmt.Sprintf("%s %s %s: %s: %s", v.Level, v.Rule, v.Op, v.Where, v.Text)
		if v.Level == "ERROR" {
			b.violations = append(b.violations, line)
		} else {
			fmt.Println("contract:", line)
		}
	}
	return nil
}
