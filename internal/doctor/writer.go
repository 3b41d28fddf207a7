package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// writer sees whether the second App may write where the first one reads.
func writer(ctx context.Context, o *Options, f facts) (facts, []Line) {
	w := o.Writer
	switch {
	case w == nil:
		return f, nil
	case w.GitHub == nil:
		return f, one(Problem, "nothing can be asked as the App that writes: "+reason(w.Unasked),
			"set PULLWARDEN_WRITER_PRIVATE_KEY (writer.private_key) to the whole .pem file that GitHub gave you")
	case !f.reached:
		return f, blind("the App that writes", unreached)
	}
	a, lines := o.identify(ctx, f, w.GitHub, w.AppID, "PULLWARDEN_WRITER_INTEGRATION_ID", "PULLWARDEN_WRITER_PRIVATE_KEY")
	if lines != nil {
		return f, lines
	}
	add := func(seen, do string) { lines = append(lines, Line{Status: Warning, Seen: seen, Do: do}) }
	if lack := lacks(a.Grant, w.Want); lack != nil {
		add("the App that writes does not ask for what it needs: "+strings.Join(lack, ", "), "on "+a.PermissionsPage+", add that; then each account has to accept it")
	}
	if more := lacks(w.Want, a.Grant); more != nil {
		add("the App that writes asks for more than it uses: "+strings.Join(more, ", "), "on "+a.PermissionsPage+", reduce it to what "+w.Manifest+" has")
	}
	list, _, err := w.GitHub.Installations(ctx, mostInstallations)
	if err != nil {
		return f, append(lines, unseen("where the App that writes is installed: "+reason(err), "")...)
	}
	if !f.listed {
		return f, append(lines, blind("whether the App that writes is wherever the first one is", "the installations could not be listed")...)
	}
	var absent []string
	for _, in := range f.active {
		i := slices.IndexFunc(list, func(other forge.Installation) bool { return strings.EqualFold(other.Account, in.Account) })
		if i < 0 || !list[i].Suspended.IsZero() {
			absent = append(absent, in.Account)
			continue
		}
		if lack := lacks(list[i].Grant, both(a.Grant, w.Want)); lack != nil {
			add(fmt.Sprintf("%s does not grant what the App that writes asks for by now: %s", in.Account, strings.Join(lack, ", ")),
				"have an owner of "+in.Account+" review the request on "+list[i].Page)
		}
	}
	if absent != nil {
		add("the App that writes is not installed, or is suspended, where the first one is: "+names(absent, mostNamed), "install it from "+a.SettingsPage+"/installations")
	}
	if lines == nil {
		lines = one(OK, fmt.Sprintf("GitHub takes the key of App %d, %q, which writes wherever the first one reads", a.ID, a.Slug), "")
	}
	return f, some(lines, "account")
}
