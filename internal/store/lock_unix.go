//go:build !windows

package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// lock takes file, made if it is missing, for this process. The system lets go
// of it when the process ends, however it ends. errLocked means that another
// one has it.
func lock(file string) (io.Closer, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errLocked
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return held{f}, nil
}

// held is a file that is locked. It is unlocked in so many words: a process that
// is just being started has, for a moment, what we have open, and with it the
// lock that closing alone would leave.
type held struct{ *os.File }

func (h held) Close() error {
	_ = syscall.Flock(int(h.Fd()), syscall.LOCK_UN) // it may be closed already
	return h.File.Close()
}

// locked reports whether a process has taken file with lock.
func locked(file string) (bool, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, f.Close()
	}
	return false, errors.Join(err, f.Close())
}
