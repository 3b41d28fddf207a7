package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
)

// A registry is the one of our settings, else of the environment, else of the
// user's files, else none: never one of the repository, or the tool's default.
func TestWhereRegistriesComeFrom(t *testing.T) {
	home, repository := t.TempDir(), t.TempDir()
	write := func(path, text string) string {
		t.Helper()
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	goenv := write(filepath.Join(home, ".config", "go", "env"), "GOFLAGS=-mod=mod\n# GOPROXY=http://comment.example\nGOPROXY=http://goenv.example,direct\n")
	npmrc := write(filepath.Join(home, ".npmrc"), "; registry=http://comment.example\n//x.example/:_authToken=zq7\n@acme:registry=http://scope.example\nregistry = \"http://${WHERE}.example/npm\"\n")
	other := write(filepath.Join(home, "other"), "GOPROXY=http://other.example\nregistry=http://other.example\n")
	file := write(filepath.Join(home, "c.yml"), "registries: {go: http://file.example, npm: http://file.example}\n")
	write(filepath.Join(repository, ".npmrc"), "registry=http://repository.example\n")
	t.Chdir(repository)

	for _, c := range []struct {
		name            string
		env             map[string]string
		file            string
		goes, npm       string
		goFrom, npmFrom string
	}{
		{"nothing at all", nil, "", "", "", "", ""},
		{"the user's files", map[string]string{"HOME": home, "WHERE": "npmrc"}, "", "http://goenv.example,direct", "http://npmrc.example/npm", goenv, npmrc},
		{"the user's files, elsewhere", map[string]string{"HOME": home, "GOENV": other, "NPM_CONFIG_USERCONFIG": other}, "", "http://other.example", "http://other.example", other, other},
		{"no such files", map[string]string{"HOME": repository + "/none", "GOENV": "off"}, "", "", "", "", ""},
		{"a file of the repository", map[string]string{"HOME": ".", "GOENV": "env", "npm_config_userconfig": ".npmrc"}, "", "", "", "", ""},
		{"the environment", map[string]string{"HOME": home, "GOPROXY": "http://env.example", "NPM_CONFIG_REGISTRY": "http://upper.example"}, "", "http://env.example", "http://upper.example", "GOPROXY", "NPM_CONFIG_REGISTRY"},
		{"both spellings", map[string]string{"npm_config_registry": "http://lower.example", "NPM_CONFIG_REGISTRY": "http://upper.example"}, "", "", "http://lower.example", "", "npm_config_registry"},
		{"turned off in the environment", map[string]string{"HOME": home, "GOPROXY": "off", "npm_config_registry": "off"}, "", "off", "off", "GOPROXY", "npm_config_registry"},
		{"our file", map[string]string{"HOME": home, "GOPROXY": "http://env.example", "npm_config_registry": "http://env.example"}, file, "http://file.example", "http://file.example", "c.yml line 1", "c.yml line 1"},
		{"our variables", map[string]string{"HOME": home, "GOPROXY": "http://env.example", "PULLWARDEN_REGISTRY_GO": "http://ours.example", "PULLWARDEN_REGISTRY_NPM": "http://ours.example"}, file,
			"http://ours.example", "http://ours.example", "PULLWARDEN_REGISTRY_GO", "PULLWARDEN_REGISTRY_NPM"},
	} {
		cfg, err := config.Load(c.file, func(k string) string { return c.env[k] })
		require.NoError(t, err, c.name)
		assert.Equal(t, config.Registries{Go: c.goes, NPM: c.npm}, cfg.Registries, c.name)
		assert.Equal(t, c.goFrom, cfg.Source("registries.go"), c.name)
		assert.Equal(t, c.npmFrom, cfg.Source("registries.npm"), c.name)
	}
}

func TestRedirectsOfRegistries(t *testing.T) {
	env := map[string]string{"PULLWARDEN_REGISTRY_REDIRECTS": "files.example, Files.example:8443,[::1]:80,127.0.0.1"}
	c, err := config.Load("", func(k string) string { return env[k] })
	require.NoError(t, err)
	assert.Equal(t, []string{"files.example", "Files.example:8443", "[::1]:80", "127.0.0.1"}, c.Registries.Redirects)
	assert.NotContains(t, c.Check().Error(), "registries") // about the App
	for _, wrong := range []string{"https://dev:zq7@files.example", "dev:zq7@files.example", "files.example/zq7", "*.zq7", "", "files.example:", "files.example:https", "::1", "zq7 zq7"} {
		c.Registries.Redirects = []string{"files.example", wrong}
		err := c.Check()
		assert.ErrorContains(t, err, "PULLWARDEN_REGISTRY_REDIRECTS: registries.redirects: entry 2 is neither HOST nor HOST:PORT", wrong)
		assert.NotContains(t, err.Error(), "zq7")
	}
}

// No file that is delivered names a registry: what nobody chose is off.
func TestNoRegistryIsBuiltIn(t *testing.T) {
	assert.Equal(t, config.Registries{}, config.Default().Registries)
	for _, name := range []string{"Dockerfile", "deploy/compose.yml", "deploy/pullwarden.service"} {
		for _, variable := range []string{"REGISTRY", "GOPROXY", "npm_config"} {
			assert.NotContains(t, read(t, name), variable, name)
		}
	}
	var hosts []string
	for _, parts := range [][]string{{"proxy", "golang", "org"}, {"sum", "golang", "org"}, {"registry", "npmjs", "org"}, {"registry", "yarnpkg", "com"}, {"pypi", "org"}, {"pythonhosted", "org"}} {
		hosts = append(hosts, strings.Join(parts, "."))
	}
	require.NoError(t, filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".git") && d.Name() != ".github" {
			return skipOr(err)
		}
		if d.IsDir() || strings.HasPrefix(d.Name(), ".git") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, h := range hosts {
			assert.NotContains(t, string(text), h, path)
		}
		return err
	}))
}

func skipOr(err error) error {
	if err != nil {
		return err
	}
	return filepath.SkipDir
}
