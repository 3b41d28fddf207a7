package config

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// fromTools takes registries that no setting of ours names from where the
// package managers themselves do: the environment of this process, then the
// user's own file of the tool. Neither a repository's file nor the tool's
// built-in default is ever read: a registry that nobody chose is off.
func (c *Config) fromTools(getenv func(string) string) {
	find := func(key string, to *string, variables []string, file string, value func(text string) string) {
		for _, name := range variables {
			if v := strings.TrimSpace(getenv(name)); *to == "" && v != "" {
				*to, c.set[key] = v, name
			}
		}
		if *to != "" || file == "" {
			return
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return // most users have none
		}
		if v := value(string(text)); v != "" {
			*to, c.set[key] = v, file
		}
	}
	find("registries.go", &c.Registries.Go, []string{"GOPROXY"}, goEnvFile(getenv), func(text string) string {
		return setting(text, "GOPROXY", false)
	})
	find("registries.npm", &c.Registries.NPM, []string{"npm_config_registry", "NPM_CONFIG_REGISTRY"}, npmrcFile(getenv), func(text string) string {
		v := strings.Trim(setting(text, "registry", true), `"'`)
		return npmVariable.ReplaceAllStringFunc(v, func(s string) string { return getenv(s[2 : len(s)-1]) })
	})
}

var npmVariable = regexp.MustCompile(`\$\{\w+\}`)

// goEnvFile is the file that `go env -w` writes; "" if there is none.
func goEnvFile(getenv func(string) string) string {
	switch file := getenv("GOENV"); {
	case file == "off":
		return ""
	case file != "":
		return absolute(file)
	}
	if dir := absolute(getenv("XDG_CONFIG_HOME")); dir != "" && runtime.GOOS != "darwin" && runtime.GOOS != "windows" {
		return filepath.Join(dir, "go", "env")
	}
	switch runtime.GOOS {
	case "windows":
		return under(getenv("AppData"), "go", "env")
	case "darwin":
		return under(getenv("HOME"), "Library", "Application Support", "go", "env")
	}
	return under(getenv("HOME"), ".config", "go", "env")
}

// npmrcFile is the user's own; "" if there is none.
func npmrcFile(getenv func(string) string) string {
	for _, name := range []string{"npm_config_userconfig", "NPM_CONFIG_USERCONFIG"} {
		if file := getenv(name); file != "" {
			return absolute(file)
		}
	}
	home := "HOME"
	if runtime.GOOS == "windows" {
		home = "USERPROFILE"
	}
	return under(getenv(home), ".npmrc")
}

func under(dir string, names ...string) string {
	if absolute(dir) == "" {
		return ""
	}
	return filepath.Join(append([]string{dir}, names...)...)
}

// absolute is path if it does not depend on the working directory, which may
// be a repository; else "".
func absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return ""
}

// setting returns the last value of key in lines of the form key=value, which
// may have spaces around the sign. Comments begin with # and, where semicolons
// says so, with ;.
func setting(text, key string, semicolons bool) (value string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") || semicolons && strings.HasPrefix(line, ";") {
			continue
		}
		if strings.HasPrefix(line, "[") && semicolons {
			break // what follows is of a section
		}
		if name, v, ok := strings.Cut(line, "="); ok && strings.TrimSpace(name) == key {
			value = strings.TrimSpace(v)
		}
	}
	return value
}

var hostPort = regexp.MustCompile(`^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)(:[0-9]{1,5})?$`)

func (c *Config) checkRegistries(bad func(key, format string, args ...any)) {
	for i, h := range c.Registries.Redirects {
		if !hostPort.MatchString(h) { // may be an address with a password: not shown
			bad("registries.redirects", "entry %d is neither HOST nor HOST:PORT", i+1)
		}
	}
}
