package config_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/pullwarden/pullwarden/config"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", name))
	require.NoError(t, err)
	return string(b)
}

// variables are those of the environment that settings are read from.
func variables(t *testing.T) map[string]bool {
	t.Helper()
	asked := map[string]bool{}
	_, err := config.Load("", func(name string) string { asked[name] = true; return "" })
	require.NoError(t, err)
	return asked
}

// paths are the keys of the example file, which has them all: "review.workers".
func paths(t *testing.T) map[string]bool {
	t.Helper()
	var example map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "config/pullwarden.example.yml")), &example))
	all := map[string]bool{}
	var walk func(prefix string, m map[string]any)
	walk = func(prefix string, m map[string]any) {
		for k, v := range m {
			all[prefix+k] = true
			if below, ok := v.(map[string]any); ok {
				walk(prefix+k+".", below)
			}
		}
	}
	walk("", example)
	return all
}

// starts requires that a server with these variables, and an App, could start.
func starts(t *testing.T, env map[string]string) config.Config {
	t.Helper()
	known := variables(t)
	for name := range env {
		assert.True(t, known[name], "%s is no variable of ours", name)
	}
	c, err := config.Load("", func(name string) string { return env[name] })
	require.NoError(t, err)
	c.GitHub.App.IntegrationID, c.GitHub.App.WebhookSecret, c.GitHub.App.PrivateKey = 1, "sixteen letters.", "-----BEGIN RSA PRIVATE KEY-----"
	require.NoError(t, c.Check())
	return c
}

func TestDocumentsNameSettingsThatExist(t *testing.T) {
	known, keys := variables(t), paths(t)
	variable := regexp.MustCompile(`\b(?:PULLWARDEN|GITHUB)_[A-Z0-9_]+\b`)
	span := regexp.MustCompile("`([a-z0-9_]+(?:\\.[a-z0-9_]+)+)[`:]")
	for _, name := range []string{"docs/operating.md", "README.md", "config/pullwarden.example.yml", "deploy/pullwarden.service", "deploy/compose.yml", "Dockerfile"} {
		text := read(t, name)
		for _, v := range variable.FindAllString(text, -1) {
			assert.True(t, known[v], "%s names %s, which nobody reads", name, v)
		}
		if name != "docs/operating.md" {
			continue
		}
		for _, m := range span.FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(m[1], "pullwarden.") { // files
				assert.True(t, keys[m[1]], "%s names %s, which is no setting", name, m[1])
			}
		}
	}
	for v := range known { // who reads the example misses none
		if strings.HasPrefix(v, "PULLWARDEN_") || strings.HasPrefix(v, "GITHUB_") {
			assert.Contains(t, read(t, "config/pullwarden.example.yml"), v)
		}
	}
}

// unit reads a unit of systemd: its values by section and key.
func unit(t *testing.T, text string) map[string][]string {
	t.Helper()
	all, section := map[string][]string{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		require.True(t, ok && section != "", line)
		all[section+"."+key] = append(all[section+"."+key], value)
	}
	return all
}

func TestUnit(t *testing.T) {
	text := read(t, "deploy/pullwarden.service")
	u := unit(t, text)
	assert.Equal(t, []string{"/usr/local/bin/pullwarden serve --config /etc/pullwarden/pullwarden.yml"}, u["Service.ExecStart"])
	env := map[string]string{}
	for _, v := range u["Service.Environment"] {
		name, value, ok := strings.Cut(v, "=")
		require.True(t, ok, v)
		env[name] = value
	}
	c := starts(t, env)
	patience, err := time.ParseDuration(u["Service.TimeoutStopSec"][0] + "s")
	require.NoError(t, err)
	assert.Greater(t, patience, c.StopWithin, "it is not killed while it stops")
	data := "/var/lib/" + u["Service.StateDirectory"][0]
	assert.True(t, strings.HasPrefix(c.DatabaseURL, "sqlite:"+data+"/"), "what it may write to")
	assert.True(t, strings.HasPrefix(c.AdvisoriesDir, data+"/"))

	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze: the unit was not verified by systemd itself")
	}
	// As it is but for what this machine lacks: the program and its user.
	file := filepath.Join(t.TempDir(), "pullwarden.service")
	text = regexp.MustCompile(`(?m)^ExecStart=\S+`).ReplaceAllString(text, "ExecStart=/bin/true")
	text = regexp.MustCompile(`(?m)^(User|Group)=.*`).ReplaceAllString(text, "$1=daemon")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	out, err := exec.Command(analyze, "verify", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.NotContains(t, string(out), file, "systemd has something to say")
}

func TestCompose(t *testing.T) {
	type service struct {
		Environment map[string]string `yaml:"environment"`
		Command     []string          `yaml:"command"`
		Ports       []string          `yaml:"ports"`
		Networks    []string          `yaml:"networks"`
		Volumes     []string          `yaml:"volumes"`
		Stop        string            `yaml:"stop_grace_period"`
		After       map[string]any    `yaml:"depends_on"`
		ReadOnly    bool              `yaml:"read_only"`
	}
	var file struct {
		Services map[string]service `yaml:"services"`
		Networks map[string]struct {
			Internal bool `yaml:"internal"`
			IPAM     struct {
				Config []map[string]string `yaml:"config"`
			} `yaml:"ipam"`
		} `yaml:"networks"`
		Volumes map[string]any `yaml:"volumes"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "deploy/compose.yml")), &file))
	server, database := file.Services["server"], file.Services["database"]
	assert.Equal(t, []string{"serve", "--config", "/etc/pullwarden/pullwarden.yml"}, server.Command)
	for name, v := range server.Environment {
		server.Environment[name] = regexp.MustCompile(`\$\{\w+:\?[^}]+\}`).ReplaceAllString(v, "pass-word")
	}
	c := starts(t, server.Environment)
	assert.Equal(t, "postgres://pullwarden:pass-word@database:5432/pullwarden?sslmode=disable", c.DatabaseURL)
	assert.Contains(t, server.After, "database")
	patience, err := time.ParseDuration(server.Stop)
	require.NoError(t, err)
	assert.Greater(t, patience, c.StopWithin)
	for _, p := range server.Ports {
		assert.True(t, strings.HasPrefix(p, "127.0.0.1:"), "%s is for this machine alone", p)
	}
	gateway := file.Networks[server.Networks[0]].IPAM.Config[0]["gateway"]
	assert.Equal(t, []string{gateway}, c.Webhook.Proxies)

	assert.Empty(t, database.Ports)
	for _, n := range database.Networks {
		assert.True(t, file.Networks[n].Internal, "the database is not for the outside")
	}
	for name, s := range file.Services {
		for _, n := range s.Networks {
			assert.Contains(t, file.Networks, n, name)
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			assert.True(t, strings.HasPrefix(from, "./") || slices.Contains(keysOf(file.Volumes), from), "%s: %s", name, v)
		}
	}
	// What holds secrets beside it gets neither into the repository nor into the image.
	for _, ignored := range []string{"/deploy/.env\n", "/deploy/pullwarden.yml\n"} {
		assert.Contains(t, read(t, ".gitignore"), ignored)
	}
	assert.Regexp(t, `(?m)^deploy$`, read(t, ".dockerignore"))
}

func keysOf(m map[string]any) (keys []string) {
	for k := range m {
		keys = append(keys, fmt.Sprint(k))
	}
	return keys
}
