package iac

import (
	"log"
	"log/slog"
	"os"

	trivylog "github.com/aquasecurity/trivy/pkg/log"
)

// unhook undoes what importing the engine does to the process: it makes the
// default logger of log/slog, and with it that of package log, one that keeps
// all records in memory for a command line that never comes, without a lock.
//
// Nothing of pullwarden uses the default of log/slog, so it is made silent; a
// program that has set one of its own keeps it. Package log writes to standard
// error again, where net/http and others expect it.
func unhook() {
	if _, ours := slog.Default().Handler().(*trivylog.DeferredHandler); !ours {
		return
	}
	slog.SetDefault(slog.New(slog.DiscardHandler))
	log.SetOutput(os.Stderr)
	log.SetFlags(log.LstdFlags)
}
