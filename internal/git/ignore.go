package git

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/config"
	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// ignoreRules are patterns of files to ignore; the last that matches counts.
type ignoreRules []gitignore.Pattern

// with returns the rules and those of a file that is in dir, which go before.
func (r ignoreRules) with(text []byte, dir string) ignoreRules {
	var domain []string
	if dir != "." {
		domain = strings.Split(dir, "/")
	}
	r = slices.Clip(r)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) != "" && line[0] != '#' {
			r = append(r, gitignore.ParsePattern(line, domain))
		}
	}
	return r
}

func (r ignoreRules) match(path string, dir bool) bool {
	return gitignore.NewMatcher(r).Match(strings.Split(path, "/"), dir)
}

// ignored returns the rules that hold for all of the work tree: those of the
// user's own file, which env leads to, and those of the repository's info/exclude.
func (r *repository) ignored(env func(string) string) ignoreRules {
	var rules ignoreRules
	for _, file := range []string{r.excludesFile(env), filepath.Join(r.common, "info", "exclude")} {
		if text, err := os.ReadFile(file); err == nil {
			rules = rules.with(text, ".")
		}
	}
	return rules
}

// excludesFile returns what core.excludesFile names, in the configuration of
// the repository or of the user, or its default; "" if there is none.
func (r *repository) excludesFile(env func(string) string) string {
	files := []string{filepath.Join(r.common, "config")}
	home, user := env("HOME"), env("XDG_CONFIG_HOME")
	if filepath.IsAbs(home) {
		files = append(files, filepath.Join(home, ".gitconfig"))
		user = cmp.Or(user, filepath.Join(home, ".config"))
	}
	if user = filepath.Join(user, "git"); filepath.IsAbs(user) {
		files = append(files, filepath.Join(user, "config"))
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			continue
		}
		cfg := config.New()
		err = config.NewDecoder(f).Decode(cfg)
		f.Close()
		if named := cfg.Section("core").Option("excludesfile"); err == nil && named != "" {
			if rest, ok := strings.CutPrefix(named, "~/"); ok {
				named = filepath.Join(home, rest)
			}
			return join(r.work, named)
		}
	}
	if filepath.IsAbs(user) {
		return filepath.Join(user, "ignore")
	}
	return ""
}
