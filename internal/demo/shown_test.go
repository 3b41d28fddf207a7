package demo_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
)

const offersFix = "`/pullwarden fix` in the conversation, or the button *Fix it*, commits what can be fixed automatically. "

// shown is all that GitHub shows of a repository, as text: pull requests with
// threads and reviews, branches, and the check runs on heads. It has nothing
// that differs between two repositories with the same history.
func shown(t *testing.T, repo *fakehub.Repo, heads ...string) string {
	t.Helper()
	var b strings.Builder
	for _, p := range repo.Pulls() {
		fmt.Fprintf(&b, "#%d %s %q: %s -> %s by %s %v\n", p.Number, p.State, p.Title, p.Head, p.Base, p.Author, p.Labels)
		fmt.Fprintf(&b, "%s\n", p.Body)
		var threads []string
		for _, th := range p.Threads {
			state := "open"
			if th.Resolved {
				state = "resolved"
			}
			line, _, _ := strings.Cut(th.Comments[0].Body, "\n")
			threads = append(threads, fmt.Sprintf("  thread %s %s:%d %s, %d comments\n", state, th.Path, th.Line, line, len(th.Comments)))
		}
		slices.Sort(threads)
		fmt.Fprintf(&b, "%s  %d reviews, %d remarks\n", strings.Join(threads, ""), len(p.Reviews), len(p.Comments))
		if p.Author != "dev" { // ours: what it changes is ours too
			for _, path := range []string{"go.mod", "go.sum"} {
				text, err := repo.File(p.Head, path)
				require.NoError(t, err)
				fmt.Fprintf(&b, "  %s: %q\n", path, text)
			}
		}
	}
	fmt.Fprintf(&b, "branches %v\n", repo.Branches())
	for _, sha := range heads {
		for _, r := range repo.CheckRuns(sha) {
			// Whether the App may push is asked for this alone: where that goes wrong, a review is not held up.
			words := strings.Replace(r.Summary, offersFix, "", 1)
			fmt.Fprintf(&b, "check on %.7s %s %s: %s\n%s\n", sha, r.Status, r.Conclusion, r.Title, words)
			for _, a := range r.Annotations {
				fmt.Fprintf(&b, "  annotation %s:%d %s\n", a.Path, a.StartLine, a.Title)
			}
		}
	}
	owner, _, _ := strings.Cut(repo.String(), "/")
	return strings.ReplaceAll(b.String(), owner+"/", "OWNER/")
}
