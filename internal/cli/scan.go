package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/app"
	"github.com/pullwarden/pullwarden/internal/git"
	"github.com/pullwarden/pullwarden/internal/policy"
	"github.com/pullwarden/pullwarden/internal/report"
	"github.com/pullwarden/pullwarden/internal/scan"
)

type scanFlags struct {
	repo, base, head, format, config string
	all, staged                      bool
	only                             []string
}

// scanTime bounds one scanner on the command line; a whole repository takes longer than a change.
const scanTime = 10 * time.Minute

func scanCommand(std IO) *cobra.Command {
	var f scanFlags
	formats := report.Formats()
	c := &cobra.Command{
		Use:   "scan",
		Short: "run the checks on a local repository",
		Long: "Runs the same checks as on a pull request: by default on what HEAD and the index add to the base that the CI\n" +
			"system names, or to the default branch.\n\n" +
			"Exits with\n" +
			"  0  if the change passes, or the repository only observes\n" +
			"  1  if it is blocked\n" +
			"  2  if something could not be scanned and nothing blocks, or if there is nothing to compare with",
		Example: "  pullwarden scan\n  pullwarden scan --base origin/main --format sarif\n  pullwarden scan --all --only secrets,iac",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := scanLocal(c.Context(), f, std)
			if err != nil {
				return err
			}
			r.Colour = isTerminal(std.Out) && std.Env("NO_COLOR") == ""
			r.Version = app.Version()
			if err := formats[f.format](std.Out, r); err != nil {
				return err
			}
			return exitFor(r)
		},
	}
	c.Flags().StringVar(&f.repo, "repo", ".", "the repository, or a directory in it")
	c.Flags().StringVar(&f.base, "base", "", "revision to compare with (default: what the CI system names, or the default branch)")
	c.Flags().StringVar(&f.head, "head", "", "revision to look at (default: HEAD and the index)")
	c.Flags().BoolVar(&f.all, "all", false, "look at the whole tree")
	c.Flags().BoolVar(&f.staged, "staged", false, "look only at what is staged on top of HEAD, as before a commit")
	c.Flags().StringSliceVar(&f.only, "only", nil, "run only these of the `SCANNERS` secrets, dependencies, iac, text; with commas between them")
	formatFlag(c, &f.format, report.FormatNames()...)
	c.Flags().StringVar(&f.config, "config", "", "policy file to go by (default: the one on the default branch)")
	return c
}

func scanLocal(ctx context.Context, f scanFlags, std IO) (*report.Report, error) {
	progress := startProgress(std.Err)
	defer progress.end()
	progress.say("Reading the repository")
	clone, err := openClone(std, f.repo)
	if err != nil {
		return nil, err
	}
	told, err := toldByCI(std.Env, std.Dir)
	if err != nil && f.base == "" && !f.all && !f.staged {
		return nil, err
	}
	var unstaged []string
	if f.head == "" {
		if unstaged, err = clone.Unstaged(ctx, std.Env); err != nil {
			return nil, err
		}
	}
	compared, err := clone.Compare(ctx, git.LocalOptions{Base: f.base, Head: f.head, All: f.all, Staged: f.staged, Told: told.Told})
	if err != nil {
		return nil, told.whatToType(err, len(unstaged))
	}
	diff := compared.Change
	judge, notices := judgeOf(clone, compared, told, f)
	rules, more, err := localPolicy(judge, f.config, std.Dir)
	if err != nil {
		return nil, err
	}
	notices = slices.Concat(notices, more, report.Unstaged(unstaged))
	db, err := advisory.Open(advisoriesDir(std.Env))
	if err != nil {
		return nil, fmt.Errorf("open the advisories: %w", err)
	}
	key, err := fingerprintKey(std.Env)
	if err != nil {
		return nil, err
	}
	// Of the environment, never of the repository at hand: a change brings no rules of its own.
	own, err := app.ReadSecretRules(std.Env("PULLWARDEN_SECRET_RULES"))
	if err != nil {
		return nil, fmt.Errorf("PULLWARDEN_SECRET_RULES: %w", err)
	}
	if own.Wrong != nil {
		fmt.Fprintf(std.Err, "rules for secrets are left out:\n%v\n", own.Wrong)
	}
	on, err := chosen(app.Scanners(db, app.Ecosystems(config.Registries{}, nil), own), f.only, rules.Enabled)
	if err != nil {
		return nil, err
	}
	asked := func(name string) bool {
		return rules.Enabled(name) && (len(f.only) == 0 || slices.ContainsFunc(on, func(s scan.Scanner) bool { return s.Name() == name }))
	}
	result := scan.Run(ctx, on, diff, scan.Options{Timeout: scanTime, Key: key, Ignored: rules.Ignores, On: asked, Done: progress.scanning(len(diff.Files), on), Default: func(_ context.Context, path string) ([]byte, error) {
		text, err := judge(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return text, err
	}})
	if std.Env("PULLWARDEN_FINGERPRINT_KEY") == "" && len(result.Findings) > 0 {
		notices = append(notices, report.PassingFingerprints())
	}
	if !f.all {
		current, _ := judge(policy.Path) // none: a change adds every key that it has
		notices = slices.Concat(notices, report.PolicyNotices(diff, current), report.MarkerNotices(result, rules.Owners))
	}
	verdict := rules.Judge(result, time.Now())
	return &report.Report{
		Change: diff, Result: result, Policy: rules, Verdict: verdict, Notices: append(notices, report.FormerFingerprints(verdict)...),
	}, nil
}

// chosen are the scanners that only names, all if it names none, and that are enabled.
func chosen(all []scan.Scanner, only []string, enabled func(string) bool) (on []scan.Scanner, err error) {
	var names []string
	only = slices.Clone(only)
	for i := range only {
		only[i] = policy.ScannerOf(only[i])
	}
	for _, s := range all {
		names = append(names, policy.SectionOf(s.Name()))
		if enabled(s.Name()) && (len(only) == 0 || slices.Contains(only, s.Name())) {
			on = append(on, s)
		}
	}
	for _, name := range only {
		// A check that does not exist must not look like one that passed.
		if !slices.Contains(names, policy.SectionOf(name)) {
			return nil, fmt.Errorf("--only: %q is none of %s", name, strings.Join(names, ", "))
		}
		if !enabled(name) {
			return nil, fmt.Errorf("--only: this repository's policy turns %s off", policy.SectionOf(name))
		}
	}
	return on, nil
}

// openClone opens the repository at repo. The variables that git sets in hooks
// belong to the repository that we were started in.
func openClone(std IO, repo string) (*git.Clone, error) {
	here, err := git.Open(std.Dir, std.Env)
	if repo == "." {
		return here, err
	}
	there, wrong := git.Open(inDir(std.Dir, repo), nil)
	if err == nil && wrong == nil && here.Is(there) {
		return here, nil
	}
	return there, wrong
}

// A reader returns a file of the revision whose policy holds. One that does
// not exist is fs.ErrNotExist.
type reader func(path string) ([]byte, error)

// judgeOf returns the reader of the default branch. Where the clone lacks it,
// the base stands in if no author of a change can choose it; else nothing does.
func judgeOf(clone *git.Clone, c git.Comparison, told ciChange, f scanFlags) (reader, []string) {
	var notices []string
	if c.Told {
		notices = append(notices, report.ComparedWith(told.By, c.Name, c.Base))
	}
	_, rev := clone.DefaultBranch(told.Default)
	if rev == "" && (f.base != "" || f.staged || c.Told && told.mayJudge()) {
		rev = c.Base
		if !f.staged {
			notices = append(notices, report.PolicyOfBase(rev))
		}
	}
	if rev == "" && f.config == "" && c.Change.Head != "" {
		notices = append(notices, report.PolicyUnknown())
	}
	return func(path string) ([]byte, error) {
		if rev == "" {
			return nil, fs.ErrNotExist
		}
		return clone.ReadFile(rev, path)
	}, notices
}

// localPolicy is the policy in file, or the one that read finds, with the
// owners that read finds.
func localPolicy(read reader, file, base string) (policy.Policy, []string, error) {
	p, notices, err := localRules(read, file, base)
	if err != nil {
		return p, notices, err
	}
	for _, path := range policy.OwnersPaths() {
		text, err := read(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return p, nil, fmt.Errorf("read %s on the default branch: %w", path, err)
		}
		var wrong []string
		p.Owners, wrong = policy.ParseOwners(text)
		return p, append(notices, report.OwnersWrong(path, wrong)...), nil
	}
	return p, notices, nil
}

func localRules(read reader, file, base string) (policy.Policy, []string, error) {
	if file != "" {
		text, err := os.ReadFile(inDir(base, file))
		if err != nil {
			return policy.Policy{}, nil, fmt.Errorf("--config: %w", err)
		}
		p, err := policy.Parse(text)
		if err != nil {
			return policy.Policy{}, nil, fmt.Errorf("--config %s: %w", file, err)
		}
		return p, report.UnsupportedKeys(p.Unsupported), nil
	}
	text, err := read(policy.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return policy.Default(), nil, nil
	}
	if err != nil {
		return policy.Policy{}, nil, fmt.Errorf("read the policy on the default branch: %w", err)
	}
	p, err := policy.Parse(text)
	if err != nil {
		return policy.Default(), []string{report.PolicyBroken("the default branch", err)}, nil
	}
	return p, report.UnsupportedKeys(p.Unsupported), nil
}

func exitFor(r *report.Report) error {
	switch {
	case r.Verdict.Outcome == policy.Fail && r.Policy.Mode != policy.Observe:
		return exitError(exitBlocked)
	case len(r.Verdict.Incomplete) > 0: // while observing as well: what was not looked at is never a pass
		return exitError(exitFailed)
	}
	return nil
}
