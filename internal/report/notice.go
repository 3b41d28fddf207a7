package report

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// PolicyBroken says that the policy on the default branch cannot be used.
func PolicyBroken(branch string, err error) string {
	return fmt.Sprintf("**The policy on %s is not valid**: %s. The last valid one holds.", code(branch), policyError(err))
}

// OrganisationBroken says that the file of the organisation cannot be used.
func OrganisationBroken(owner string, err error) string {
	return fmt.Sprintf("**The organisation's file, %s, is not valid**: %s. The last valid one holds.", code(organisationFile(owner, policy.OrganisationPath)), policyError(err))
}

// OrganisationHidden says that a file of the organisation is not shown to us any more.
func OrganisationHidden(owner, path string) string {
	return fmt.Sprintf("**The organisation's file, %s, can no longer be read**: the App has to be installed on that repository. The last valid one holds.", code(organisationFile(owner, path)))
}

// OrganisationRulesWrong says which rules of an organisation cannot be used.
func OrganisationRulesWrong(owner string, err error) string {
	const shown = 3
	lines := strings.Split(err.Error(), "\n")
	more := ""
	if n := len(lines) - shown; n > 0 {
		lines, more = lines[:shown], fmt.Sprintf(", and %d more", n)
	}
	return fmt.Sprintf("**Rules for secrets of the organisation are left out**, in %s: %s%s. The others are in use; if there are none, those that last were.",
		code(organisationFile(owner, policy.OrganisationRules)), escape(clip(strings.Join(lines, "; "), 600)), more)
}

func organisationFile(owner, path string) string {
	return owner + "/" + policy.OrganisationRepo + "/" + path
}

// UnsupportedKeys says in one notice which keys of the policy in force have no
// effect; nothing if all have.
func UnsupportedKeys(keys []policy.Unsupported) []string {
	if len(keys) == 0 {
		return nil
	}
	var all []string
	for _, k := range keys {
		all = append(all, fmt.Sprintf("%s (%s)", code(k.Key), k.From()))
	}
	return []string{"**The policy has keys that are not supported yet and are ignored**: " + strings.Join(all, ", ") + ". All other keys hold. Remove these, or leave them until a version supports them."}
}

// BringsPolicy reports whether c changes the policy.
func BringsPolicy(c *change.Change) bool {
	for _, f := range c.Files {
		if f.Path == policy.Path || f.OldPath == policy.Path {
			return true
		}
	}
	return false
}

// differencesShown of a changed policy are named; the rest is counted.
const differencesShown = 12

// PolicyChange says what the policy that a change brings would come to: which
// values it changes, and how many of the last pull requests it would block
// where the present one would block so many.
func PolicyChange(differences []policy.Setting, of, now, then int) string {
	var b strings.Builder
	if len(differences) == 0 {
		b.WriteString("Its values are the ones that are in force already.")
	} else {
		b.WriteString("It would change ")
	}
	for i, d := range differences {
		if i == differencesShown {
			fmt.Fprintf(&b, " and %s", plural(len(differences)-i, "more value"))
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		switch {
		case d.From == "":
			fmt.Fprintf(&b, "%s to %s", code(d.Key), code(d.Value))
		case d.Value == "":
			fmt.Fprintf(&b, "%s, which goes (%s)", code(d.Key), code(d.From))
		default:
			fmt.Fprintf(&b, "%s from %s to %s", code(d.Key), code(d.From), code(d.Value))
		}
	}
	if len(differences) > 0 {
		b.WriteString(".")
	}
	if of > 0 {
		fmt.Fprintf(&b, " With it, **%d of the last %s would be blocked**; as things are, %d.", then, plural(of, "pull request"), now)
	}
	return b.String()
}

// PolicyNotices says what a change does to the policy: where the file it
// brings is wrong, and that it takes effect only on the default branch, where
// the file is current.
func PolicyNotices(c *change.Change, current []byte) []string {
	brought := BringsPolicy(c)
	for _, f := range c.Files {
		if dir := policy.Path + "/"; len(f.Path) > len(dir) && f.Path[:len(dir)] == dir && f.Kind != change.Deleted {
			return []string{fmt.Sprintf("**This pull request puts a directory at %s**, where the policy belongs. The policy on the default branch holds.", code(policy.Path))}
		}
	}
	if !brought {
		return nil
	}
	text, err := fs.ReadFile(c.After, policy.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return []string{fmt.Sprintf("This pull request removes %s. The policy on the default branch holds until it is merged.", code(policy.Path))}
	}
	if err != nil {
		return []string{fmt.Sprintf("**%s cannot be read**: %s.", code(policy.Path), escape(err.Error()))}
	}
	if _, err := policy.ParseChange(current, text); err != nil {
		return []string{fmt.Sprintf("**This pull request brings a policy that is not valid**: %s. The policy on the default branch holds.", policyError(err))}
	}
	return []string{fmt.Sprintf("This pull request changes %s. It takes effect once it is on the default branch; this check went by the policy that is there now.", code(policy.Path))}
}

// markersShown of those that a change adds are named; the rest is counted.
const markersShown = 10

// MarkerNotices says which markers a change adds, and that they count once
// they are on the default branch; nothing if it adds none.
func MarkerNotices(r finding.Result, owners policy.Owners) []string {
	brought := r.Markers
	if len(brought) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "This pull request adds %s to accept secrets. They count once on the default branch, for what stands beside them there: ", plural(len(brought), "marker"))
	for i, m := range brought {
		if i == markersShown {
			fmt.Fprintf(&b, " and %d more", len(brought)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		names := owners.Of(m.At.Path)
		m.At.Path = clipPath(showPath(r.Redactor.Clean(m.At.Path)), pathShown)
		b.WriteString(code(m.At.String()))
		switch {
		case m.Void != "":
			fmt.Fprintf(&b, " (counts for nothing: %s)", m.Void)
		case len(names) > 0:
			fmt.Fprintf(&b, " (%s; answers for it: %s)", code(m.Rule), code(strings.Join(names, ", ")))
		default:
			fmt.Fprintf(&b, " (%s)", code(m.Rule))
		}
	}
	return []string{b.String() + "."}
}

// FormerFingerprints says which exceptions of a file name findings by what the
// key before the present one made: it will not be known for ever.
func FormerFingerprints(v policy.Verdict) []string {
	var out []string
	for _, d := range v.Decisions {
		if d.By == nil || d.By.Layer == policy.Conversation || len(out) == differencesShown {
			continue
		}
		if is, renamed := d.Finding.Renamed()[d.By.Fingerprint]; renamed {
			out = append(out, fmt.Sprintf("The key of fingerprints was changed: in the exception of %s, put %s in place of %s.",
				code(d.By.Owner), code(string(is)), code(string(d.By.Fingerprint))))
		}
	}
	return out
}

// OwnersWrong says which lines of the owners' file name nobody; nothing if all do.
func OwnersWrong(path string, wrong []string) []string {
	if len(wrong) == 0 {
		return nil
	}
	more := ""
	if n := len(wrong) - 1; n > 0 {
		more = fmt.Sprintf(", and %s", plural(n, "further line"))
	}
	return []string{fmt.Sprintf("In %s, %s%s: findings there may name no owner.", code(path), escape(wrong[0]), more)}
}

// notices are those of r without secrets: in one that was escaped already, a
// secret may not be known as it stands.
func notices(r *Report) []string {
	var out []string
	for _, n := range r.Notices {
		if text := marks.Replace(n); r.clean(text) != text {
			n = escape(r.clean(text))
		}
		out = append(out, n)
	}
	return out
}

func policyError(err error) string {
	var syntax *policy.SyntaxError
	if errors.As(err, &syntax) {
		more := ""
		if n := len(syntax.More); n > 0 {
			more = fmt.Sprintf(" (and %s)", plural(n, "further problem"))
		}
		file := policy.Path
		if syntax.Layer == policy.Organisation {
			file = policy.OrganisationPath
		}
		return fmt.Sprintf("%s line %d, column %d: %s%s", code(file), syntax.Line, syntax.Column, escape(syntax.Text), more)
	}
	return escape(err.Error())
}

// PassingFingerprints says that no fingerprint of this run is met again.
func PassingFingerprints() string {
	return "The fingerprints are of this run only; set `PULLWARDEN_FINGERPRINT_KEY` to get those of the server."
}

// ComparedWith says what a CI system named for a scan to compare with.
func ComparedWith(system, name, commit string) string {
	if strings.HasPrefix(commit, name) {
		return fmt.Sprintf("Compared with %s, as %s says.", code(name), system)
	}
	return fmt.Sprintf("Compared with %s (%s), as %s says.", escape(name), code(short(commit)), system)
}

// PolicyOfBase says that the base of a change had to stand in for the default branch.
func PolicyOfBase(commit string) string {
	return fmt.Sprintf("The default branch is not in this clone: policy and markers are those of %s.", code(short(commit)))
}

// PolicyUnknown says that no revision is known whose policy could hold.
func PolicyUnknown() string {
	return "The default branch is not in this clone: the built-in policy holds, and no marker counts. Use `--config FILE` to name a policy."
}

// unstagedShown of the files that were not scanned are named; the rest is counted.
const unstagedShown = 10

// Unstaged names the files of a work tree that a scan of commits and the index
// passes over; nothing if there are none.
func Unstaged(paths []string) []string {
	if len(paths) == 0 {
		return nil
	}
	var names []string
	for _, p := range paths[:min(len(paths), unstagedShown)] {
		names = append(names, code(clipPath(showPath(p), pathShown)))
	}
	list := strings.Join(names, ", ")
	if more := len(paths) - unstagedShown; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	if len(paths) == 1 {
		return []string{"1 changed file is neither staged nor committed and was not scanned: " + list + "."}
	}
	return []string{fmt.Sprintf("%d changed files are neither staged nor committed and were not scanned: %s.", len(paths), list)}
}
