package app

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"runtime/debug"
	"sync"
)

// Version is the program's own: a release's, or the revision it was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel " + s.Value[:min(len(s.Value), 12)]
		}
	}
	return "devel"
}

// RulesDigest identifies the rules in use. What was clean under one digest is
// not looked at again under the same one, so any change of the program changes
// it: the program's own file is part of it, because a build outside of a
// checkout knows no revision. A program that cannot be read has a digest of its own.
func RulesDigest() string { return rulesDigest() }

var rulesDigest = sync.OnceValue(func() string {
	h := sha256.New()
	h.Write([]byte(Version()))
	if err := hashProgram(h); err != nil {
		h.Write([]byte(rand.Text()))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
})

func hashProgram(into io.Writer) error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(into, f)
	return err
}
