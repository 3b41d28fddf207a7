package cli_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

// holds makes GitHub keep a kind of request waiting. It returns a channel that
// is closed when the first one has come, and what lets them go on.
func (c *crash) holds(pattern string) (reached chan struct{}, release func()) {
	reached = make(chan struct{})
	open := make(chan struct{})
	var once, opened sync.Once
	c.at(func(call string) {
		if matches(pattern, call) {
			once.Do(func() { close(reached) })
			<-open
		}
	}, nil)
	release = func() { opened.Do(func() { close(open) }) }
	c.t.Cleanup(release)
	return reached, release
}

func (c *crash) signal(s os.Signal) {
	c.t.Helper()
	require.NoError(c.t, c.cmd.Process.Signal(s))
}

// ends waits until the server has ended by itself; one that does not is killed.
func (c *crash) ends() error {
	cmd := c.cmd
	end := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	end.Stop()
	c.cmd = nil
	return err
}

// says waits until /readyz says so, and returns its status.
func (c *crash) says(text string) (status int) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		res, err := http.Get("http://" + c.env["PULLWARDEN_ADMIN_ADDRESS"] + "/readyz")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		status = res.StatusCode
		return err == nil && strings.Contains(string(b), text)
	}, time.Minute, 20*time.Millisecond)
	return status
}

func waitFor(t *testing.T, reached chan struct{}) {
	t.Helper()
	select {
	case <-reached:
	case <-time.After(time.Minute):
		t.Fatal("the moment did not come")
	}
}

// A server that is asked to stop finishes the review that is under way.
func TestStopFinishesWhatIsUnderWay(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(signal.String(), func(t *testing.T) {
			c := newCrash(t)
			c.start()
			number, sha := c.open(1)
			reached, release := c.holds("POST */check-runs")
			c.deliver(number)
			waitFor(t, reached)
			c.signal(signal)
			assert.Equal(t, http.StatusServiceUnavailable, c.says("not ready: the server is stopping"))
			release()
			require.NoError(t, c.ends(), "exit 0")
			c.reviewedOnce(number, sha)
			assert.Contains(t, c.log.String(), `"message":"stopped"`)
		})
	}
}

// What cannot be finished is handed back in time, and done by the next server.
func TestStopHandsBackWhatCannotBeFinished(t *testing.T) {
	for name, database := range map[string]func(t *testing.T, c *crash){
		"SQLite":     func(*testing.T, *crash) {},
		"PostgreSQL": func(t *testing.T, c *crash) { c.env["PULLWARDEN_DATABASE_URL"] = storetest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCrash(t)
			database(t, c)
			c.settings(t, "stop_within: 3s\n")
			c.start()
			number, sha := c.open(1)
			reached, release := c.holds("POST */git-upload-pack") // for as long as the server lives
			c.deliver(number)
			waitFor(t, reached)
			c.signal(syscall.SIGTERM)
			require.NoError(t, c.ends(), "exit 0")
			assert.Contains(t, c.log.String(), `"message":"stopped"`)
			assert.NotContains(t, c.log.String(), "review not completed", "it is not the review's fault")
			assert.False(t, c.completed(sha))
			c.at(nil, nil)
			release()
			c.start()
			c.reviewedOnce(number, sha)
			c.kill()
			assert.NotContains(t, c.log.String(), "taken over", "it did not die")
		})
	}
}

// Asked twice, it ends at once; what was under way is done by the next server.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	c := newCrash(t)
	c.settings(t, "stop_within: 1h\n")
	c.start()
	number, sha := c.open(1)
	reached, release := c.holds("POST */git-upload-pack")
	c.deliver(number)
	waitFor(t, reached)
	c.signal(syscall.SIGTERM)
	c.says("the server is stopping")
	c.signal(syscall.SIGTERM)
	var exit *exec.ExitError
	require.ErrorAs(t, c.ends(), &exit)
	assert.Equal(t, syscall.SIGTERM, exit.Sys().(syscall.WaitStatus).Signal())
	c.at(nil, nil)
	release()
	c.start()
	c.reviewedOnce(number, sha)
}

// settings has the server read a file besides the environment.
func (c *crash) settings(t *testing.T, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pullwarden.yml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	c.args = []string{"--config", file}
}
