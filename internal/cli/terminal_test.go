package cli_test

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// openTerminal returns a terminal and what shows its screen.
func openTerminal(t *testing.T) (terminal, screen *os.File) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("terminals are made in Linux' way")
	}
	const unlock, number = 0x40045431, 0x80045430 // TIOCSPTLCK, TIOCGPTN
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminal can be made:", err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	var n int32
	for _, request := range []uintptr{unlock, number} {
		_, _, code := syscall.Syscall(syscall.SYS_IOCTL, screen.Fd(), request, uintptr(unsafe.Pointer(&n)))
		require.Zero(t, code)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = terminal.Close() })
	return terminal, screen
}
