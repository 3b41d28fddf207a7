package load_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A process receives deliveries.
type process struct {
	tb   testing.TB
	name string
	hook string // where deliveries go
	cmd  *exec.Cmd
	log  string // file
}

// start starts cmd and waits until probe, an address, answers 200. It is
// killed when the test ends.
func start(tb testing.TB, name string, cmd *exec.Cmd, hook, probe string) *process {
	tb.Helper()
	p := &process{tb: tb, name: name, hook: hook, cmd: cmd, log: filepath.Join(tb.TempDir(), name+".log")}
	out, err := os.Create(p.log)
	require.NoError(tb, err)
	defer func() { _ = out.Close() }() // the process has its own
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(tb, cmd.Start())
	tb.Cleanup(func() {
		p.kill()
		if tb.Failed() {
			tb.Logf("the end of what %s said:\n%s", name, p.said(8000))
		}
	})
	require.Eventually(tb, func() bool {
		res, err := http.Get(probe)
		return err == nil && res.Body.Close() == nil && res.StatusCode == http.StatusOK
	}, time.Minute, 20*time.Millisecond, "%s does not answer", name)
	return p
}

func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// said is the end of the process' log.
func (p *process) said(most int) string {
	b, _ := os.ReadFile(p.log)
	return string(b[max(0, len(b)-most):])
}

// stop ends the process as an operator would.
func (p *process) stop() {
	p.tb.Helper()
	if p.cmd == nil {
		return
	}
	require.NoError(p.tb, p.cmd.Process.Signal(os.Interrupt))
	err := p.cmd.Wait()
	p.cmd = nil
	require.NoError(p.tb, err)
}

// kill ends the process as a power cut does.
func (p *process) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.cmd = nil
	}
}

// peak is the most memory that the process had resident, in MiB: VmHWM.
func (p *process) peak() float64 {
	p.tb.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if os.IsNotExist(err) {
		p.tb.Skip("only Linux tells the peak of another process' memory")
	}
	require.NoError(p.tb, err)
	_, rest, ok := bytes.Cut(b, []byte("VmHWM:"))
	require.True(p.tb, ok)
	kib, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
	require.NoError(p.tb, err)
	return float64(kib) / 1024
}

// forgetPeak has peak count from now on.
func (p *process) forgetPeak() {
	p.tb.Helper()
	require.NoError(p.tb, os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0))
}

// cpu is the time that the process has spent on processors so far.
func (p *process) cpu() time.Duration {
	p.tb.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if os.IsNotExist(err) {
		p.tb.Skip("only Linux tells what another process has used")
	}
	require.NoError(p.tb, err)
	const utime, stime = 11, 12 // counted from after the name, which may have anything in it
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	var ticks int
	for _, i := range []int{utime, stime} {
		n, err := strconv.Atoi(string(fields[i]))
		require.NoError(p.tb, err)
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100) // USER_HZ, wherever Go runs
}
