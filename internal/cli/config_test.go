package cli_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConfigCheck(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("good.yml", "version: 1\nblock: high\n")
	code, out, _ := call(t, dir, nil, "config", "check", "good.yml")
	assert.Zero(t, code)
	assert.Equal(t, "good.yml is valid\n", out)

	write("bad.yml", "version: 1\nblock: hihg\nscanners:\n  iac: {skipp: [AWS-0089]}\n")
	code, out, errs := call(t, dir, nil, "config", "check", "bad.yml")
	assert.Equal(t, 1, code)
	assert.Empty(t, out)
	assert.Regexp(t, `(?m)^bad.yml:2:8: .block. must be`, errs)
	assert.Regexp(t, `(?m)^bad.yml:4:9: .*skipp`, errs)

	write("broken.yml", "version: [1\n")
	code, _, errs = call(t, dir, nil, "config", "check", "broken.yml")
	assert.Equal(t, 1, code)
	assert.Regexp(t, `^broken.yml:\d+:\d+: `, errs)

	code, _, errs = call(t, dir, nil, "config", "check", "nothing.yml")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "nothing.yml")
	code, _, errs = call(t, dir, nil, "config", "check", ".")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "directory")
}

func TestConfigOfAnOrganisation(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"org.yml": "version: 1\nfloors: {block: high}\n", "repo.yml": "version: 1\nblock: never\n", "bad.yml": "version: 1\nfloors:\n  blok: high\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	code, out, _ := call(t, dir, nil, "config", "check", "--organisation", "org.yml", "repo.yml")
	assert.Zero(t, code)
	assert.Equal(t, "block: never is below the organisation's floor, and counts as high\nrepo.yml is valid\norg.yml is valid\n", out)
	code, out, _ = call(t, dir, nil, "config", "explain", "--organisation", "org.yml", "repo.yml")
	assert.Zero(t, code)
	assert.Regexp(t, `(?m)^block +high +floor of the organisation, line 2$`, out)

	code, _, errs := call(t, dir, nil, "config", "check", "--organisation", "bad.yml")
	assert.Equal(t, 1, code)
	assert.Regexp(t, "^bad.yml:3:3: unknown key `blok`", errs)
	code, _, errs = call(t, dir, nil, "config", "check")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "there is no .github/pullwarden.yml here: name the file to check")
}

func TestConfigCheckTakesTheRepositorysFile(t *testing.T) {
	r := newRepository(t, map[string]string{"README": "x\n", "pkg/a.txt": "x\n"})
	r.write(map[string]string{".github/pullwarden.yml": "version: 1\nblok: low\n"})
	code, _, errs := call(t, r.dir, nil, "config", "check")
	assert.Equal(t, 1, code)
	assert.Regexp(t, "^.github/pullwarden.yml:2:1: unknown key `blok`", errs)
	code, _, errs = call(t, filepath.Join(r.dir, "pkg"), nil, "config", "check")
	assert.Equal(t, 1, code)
	assert.Regexp(t, "^../.github/pullwarden.yml:2:1: unknown key `blok`", errs)

	r.write(map[string]string{".github/pullwarden.yml": "version: 1\nblock: never\n", "org.yml": "version: 1\nfloors: {block: high}\n"})
	code, out, _ := call(t, r.dir, nil, "config", "check", "--organisation", "org.yml")
	assert.Zero(t, code)
	assert.Contains(t, out, ".github/pullwarden.yml is valid\norg.yml is valid\n")
}

func TestConfigWarnings(t *testing.T) {
	dir := t.TempDir()
	soon := time.Now().AddDate(0, 0, 10).Format(time.DateOnly)
	late := time.Now().AddDate(1, 0, 0).Format(time.DateOnly)
	for name, text := range map[string]string{
		"org.yml": "version: 1\nfloors: {exception: 30d}\nscanners: {text: {skip: [bidy]}}\nignore:\n  - {rule: iac/AWS-0089, reason: r, owner: o, until: 2020-01-01}\n",
		"repo.yml": "version: 1\nscanners:\n  iac:\n    skip:\n      - AWS-0089\n      - iac/AWS-9999\n  dependencies: {skip: [GO-2024-1]}\n  secrets: {skip: [secret/custom/ours]}\nignore:\n" +
			"  - {rule: iac/AWS-00*, reason: r, owner: o, until: " + soon + "}\n" +
			"  - {rule: iac/AVS-0089, reason: r, owner: o, until: " + soon + "}\n" +
			"  - {rule: dependency/CVE-2024-1, reason: r, owner: o, until: " + late + "}\n" +
			"  - {rule: \"**\", path: a/b, reason: r, owner: o, until: 2020-01-01}\n" +
			"  - {path: a/b, reason: r, owner: o, until: " + soon + "}\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	code, out, errs := call(t, dir, nil, "config", "check", "repo.yml", "--organisation", "org.yml")
	assert.Zero(t, code, errs)
	assert.Equal(t, "repo.yml is valid\norg.yml is valid\n", out)
	allowed := time.Now().Add(30 * 24 * time.Hour).UTC().Format(time.DateOnly)
	assert.Equal(t, "org.yml:3: warning: there is no rule `text/bidy`\n"+
		"org.yml:5: warning: the exception ended on 2020-01-01: remove it, or set a new date\n"+
		"repo.yml:6: warning: there is no rule `iac/AWS-9999`\n"+
		"repo.yml:11: warning: no rule matches `iac/AVS-0089`\n"+
		"repo.yml:12: warning: the exception ends on "+late+" and is ignored: the organisation allows none that ends after "+allowed+"\n"+
		"repo.yml:13: warning: the exception ended on 2020-01-01: remove it, or set a new date\n", errs)
	code, _, errs = call(t, dir, nil, "config", "check", "repo.yml")
	assert.Zero(t, code)
	assert.NotContains(t, errs, "the organisation allows")
}

func TestConfigNamesUnsupportedKeys(t *testing.T) {
	text := "version: 1\nupgrades:\n  schedule: daily\nscanners: {workflows: {enabled: true}}\n"
	r := newRepository(t, map[string]string{".github/pullwarden.yml": text})
	code, _, errs := call(t, r.dir, nil, "config", "check")
	assert.Equal(t, 1, code)
	assert.Equal(t, ".github/pullwarden.yml:3:3: `upgrades.schedule` is not supported yet: remove it\n"+
		".github/pullwarden.yml:4:12: `scanners.workflows` is not supported yet: remove it\n", errs)
	code, out, _ := call(t, r.dir, nil, "config", "explain")
	assert.Zero(t, code)
	assert.Regexp(t, `(?m)^upgrades.schedule +\(not supported yet\) +line 3$`, out)
	assert.Regexp(t, `(?m)^scanners.workflows +\(not supported yet\) +line 4$`, out)
	assert.NotContains(t, out, "daily")

	code, out, _ = call(t, r.dir, nil, "scan", "--all", "--only", "text")
	assert.Zero(t, code)
	assert.Contains(t, out, "not supported yet and are ignored: upgrades.schedule (line 3), scanners.workflows (line 4)")
	r.git("switch", "-q", "-c", "topic")
	r.commit("Change the policy", map[string]string{".github/pullwarden.yml": text + "block: low\n"})
	_, out, _ = call(t, r.dir, nil, "scan", "--only", "text")
	assert.Contains(t, out, "It takes effect once it is on the default branch")
	r.commit("Change the schedule", map[string]string{".github/pullwarden.yml": strings.Replace(text, "daily", "weekly", 1)})
	_, out, _ = call(t, r.dir, nil, "scan", "--only", "text")
	assert.Contains(t, out, "line 3, column 3: `upgrades.schedule` is not supported yet")
}

func TestConfigExplain(t *testing.T) {
	r := newRepository(t, map[string]string{".github/pullwarden.yml": "version: 1\nblock: critical\n"})
	code, out, errs := call(t, r.dir, nil, "config", "explain")
	assert.Zero(t, code, errs)
	assert.Regexp(t, `(?m)^block +critical +line 2`, out)
	assert.Regexp(t, `(?m)^comment +medium +default`, out)

	r = newRepository(t, map[string]string{"README": "x\n"})
	code, out, _ = call(t, r.dir, nil, "config", "explain")
	assert.Zero(t, code)
	assert.NotContains(t, out, " line ")
}

// TestBadInputConfigKey: a config key that does not exist stops the start.
func TestBadInputConfigKey(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "c.yml"), []byte("log: {level: info}\nreviw: {workers: 3}\n"), 0o600))
	code, out, errs := call(t, dir, nil, "serve", "--config", "c.yml")
	assert.Equal(t, 2, code)
	assert.Empty(t, out)
	assert.Contains(t, errs, "c.yml: line 2: reviw: there is no such setting; there are address, ")
}

func TestServeNamesEachBadSetting(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "c.yml"), []byte(text), 0o600))
	}
	write("address: nowhere\ndatabase_url: mysql:x\nreview: {workers: 0, deadline: 1ms, scanner_timeout: 0s, mode: lax}\nupgrades: {first_day: -1}\ngithub: {v3_api_url: ftp://x}\n")
	code, _, errs := call(t, dir, nil, "serve", "--config", "c.yml")
	assert.Equal(t, 2, code)
	for _, key := range []string{
		"address", "database_url", "review.workers", "review.deadline", "review.scanner_timeout", "review.mode", "upgrades.first_day",
		"github.v3_api_url", "github.app.integration_id", "github.app.webhook_secret", "github.app.private_key",
	} {
		assert.Regexp(t, `(?m)(^|: )`+strings.ReplaceAll(key, ".", `\.`)+`: `, errs)
	}

	write("log: {level: loud}\n")
	code, _, errs = call(t, dir, nil, "serve", "--config", "c.yml")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, `log.level: "loud"`)
	code, _, errs = call(t, dir, nil, "serve", "--config", "nothing.yml")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "nothing.yml")

	env := map[string]string{
		"GITHUB_APP_INTEGRATION_ID": "1", "GITHUB_APP_WEBHOOK_SECRET": "hush, hush, hush", "GITHUB_APP_PRIVATE_KEY": "-----BEGIN RSA PRIVATE KEY-----\nnonsense",
		"PULLWARDEN_DATABASE_URL": "sqlite:" + filepath.Join(dir, "p.db"), "PULLWARDEN_ADVISORIES_DIR": dir,
		"PULLWARDEN_ADDRESS": "127.0.0.1:0", "PULLWARDEN_ADMIN_ADDRESS": "127.0.0.1:0",
	}
	code, _, errs = call(t, dir, env, "serve")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "private_key")
	assert.NotContains(t, errs, "nonsense")

	env["GITHUB_APP_PRIVATE_KEY"] = privateKey(t)
	env["PULLWARDEN_DATABASE_URL"] = "sqlite:" + dir
	code, _, errs = call(t, dir, env, "serve")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "database_url")

	missing := filepath.Join(dir, "typo", "pullwarden")
	env["PULLWARDEN_DATABASE_URL"] = "sqlite:" + missing + "/p.db"
	code, _, errs = call(t, dir, env, "serve")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "PULLWARDEN_DATABASE_URL: database_url: the directory "+missing+" does not exist: correct the path, or have `pullwarden serve --create` make it")
	assert.NoDirExists(t, missing)

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	env["PULLWARDEN_DATABASE_URL"] = "sqlite:" + filepath.Join(dir, "p.db")
	env["PULLWARDEN_ADMIN_ADDRESS"] = taken.Addr().String()
	code, _, errs = call(t, dir, env, "serve")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "admin_address")

	env["PULLWARDEN_DATABASE_URL"] = "sqlite:" + missing + "/p.db"
	code, _, errs = call(t, dir, env, "serve", "--create")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "admin_address", "it gets as far as the next mistake")
	assert.FileExists(t, missing+"/p.db")

	env["GITHUB_APP_WEBHOOK_SECRET"] = "fifteen letters"
	code, _, errs = call(t, dir, env, "serve")
	assert.Equal(t, 2, code)
	assert.Contains(t, errs, "GITHUB_APP_WEBHOOK_SECRET: github.app.webhook_secret: is shorter than 16 characters")
	assert.NotContains(t, errs, "fifteen letters")
}

func TestVersion(t *testing.T) {
	code, out, _ := call(t, t.TempDir(), nil, "version")
	assert.Zero(t, code)
	assert.Regexp(t, `^pullwarden \S.*\nrules +[0-9a-f]{16}\nadvisories none imported\n$`, out)
}
