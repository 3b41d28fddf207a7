//go:build !windows

package store

import (
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestUnlock: once it is closed the file is free, also if a process that was
// being started has it open still.
func TestUnlock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.lock")
	first, err := lock(file)
	require.NoError(t, err)
	child, err := syscall.Dup(int(first.(held).Fd()))
	require.NoError(t, err)
	defer func() { _ = syscall.Close(child) }()
	_, err = lock(file)
	require.ErrorIs(t, err, errLocked)
	require.NoError(t, first.Close())
	second, err := lock(file)
	require.NoError(t, err)
	require.ErrorIs(t, first.Close(), fs.ErrClosed)
	_, err = lock(file)
	require.ErrorIs(t, err, errLocked, "closing twice frees nothing of anybody else's")
	assert.NoError(t, second.Close())
}
