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
	const sharingViolation = syscall.Errno(32)
	name, err := syscall.UTF16PtrFromString(file)
	if err != nil {
		return nil, err
	}
	// Opened without sharing: nobody else can open it meanwhile.
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, sharingViolation) {
		return nil, errLocked
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), file), nil
}

// locked reports whether a process has taken file with lock.
func locked(file string) (bool, error) {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	held, err := lock(file)
	if errors.Is(err, errLocked) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, held.Close()
}
