package report

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// PolicyBroken says that the policy on the default branch cannot be used.
func PolicyBroken(branch string, err error) string {
	return fmt.Sprintf("**The policy on %s is not valid**: %s. The last valid one holds.", code(branch), policyError(err))
}

// PolicyNotices says what a change does to the policy: where the file it
// brings is wrong, and that it takes effect only on the default branch.
func PolicyNotices(c *change.Change) []string {
	brought := false
	for _, f := range c.Files {
		if f.Path == policy.Path || f.OldPath == policy.Path {
			brought = true
		}
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
	if _, err := policy.Parse(text); err != nil {
		return []string{fmt.Sprintf("**This pull request brings a policy that is not valid**: %s. The policy on the default branch holds.", policyError(err))}
	}
	return []string{fmt.Sprintf("This pull request changes %s. It takes effect once it is on the default branch; this check went by the policy that is there now.", code(policy.Path))}
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
		return fmt.Sprintf("%s line %d, column %d: %s%s", code(policy.Path), syntax.Line, syntax.Column, escape(syntax.Text), more)
	}
	return escape(err.Error())
}
