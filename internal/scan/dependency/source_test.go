package dependency

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/finding"
)

// lock is a lockfile of entries "NAME VERSION RESOLVED INTEGRITY"; "-" leaves one out.
func lock(entries ...string) string {
	text := `{"lockfileVersion": 3, "packages": {"": {}`
	for _, e := range entries {
		f := strings.Fields(e)
		text += fmt.Sprintf(",\n\"node_modules/%s\": {\"version\": %q", f[0], f[1])
		if f[2] != "-" {
			text += fmt.Sprintf(`, "resolved": %q`, f[2])
		}
		if f[3] != "-" {
			text += fmt.Sprintf(`, "integrity": %q`, f[3])
		}
		text += "}"
	}
	return text + "}}"
}

// sourceFindings are those of the rule, and of what cannot be read.
func sourceFindings(t testing.TB, before, after map[string]string) (out []string) {
	t.Helper()
	db := indexOf(t, "GO-1 Go "+of("Go", "x", `{"introduced": "0"}`), "GHSA-1 npm "+of("npm", "x", `{"introduced": "0"}`), "PYSEC-1 PyPI "+of("PyPI", "x", `{"introduced": "0"}`))
	r := introduced(t, New(advisory.DB(db), ecosystems()), before, after)
	for _, f := range r.Findings {
		if f.Rule.ID == "dependency/source-changed" {
			out = append(out, fmt.Sprintf("%v %v: %s", f.At, f.Severity, f.Message))
			assert.Equal(t, f.Severity == finding.Info, f.Note != "", f.Message)
		}
	}
	for _, s := range r.Statuses {
		if s.Err != nil {
			out = append(out, "error: "+s.Err.Error())
		}
	}
	return out
}

func TestSourceChanged(t *testing.T) {
	const (
		home  = "https://registry.example/a/-/a-1.0.0.tgz"
		b     = "https://registry.example/b/-/b-1.0.0.tgz"
		other = "https://evil.example/b/-/b-1.0.0.tgz"
		mod   = "module host.example/o/m\n\ngo 1.26\n\nrequire example.com/net v1.0.0\n"
		sum   = "example.com/net v1.0.0 h1:AAA=\nexample.com/net v1.0.0/go.mod h1:CCC=\n"
	)
	type files = map[string]string
	npm := func(text string) files { return files{"package-lock.json": text} }
	pip := func(text string) files { return files{"requirements.txt": text} }
	for _, c := range []struct {
		name          string
		before, after files
		want          []string
	}{
		{"npm: another host", npm(lock("a 1.0.0 " + home + " -")), npm(lock("a 1.0.0 "+home+" -", "b 1.0.0 "+other+" -")),
			[]string{"package-lock.json:3 medium: b@1.0.0 comes from https://evil.example, and nothing did before (https://registry.example)"}},
		{"npm: another scheme", npm(lock("a 1.0.0 " + home + " -")), npm(lock("a 1.0.0 "+strings.Replace(home, "https", "http", 1)+" -", "b 1.0.0 "+b+" -")),
			[]string{"package-lock.json:2 medium: a@1.0.0 comes from http://registry.example, and nothing did before (https://registry.example)"}},
		{"npm: git", npm(lock("a 1.0.0 " + home + " -")), npm(lock("a 1.0.0 "+home+" -", "b 1.0.0 git+ssh://git@host.example/b.git#abc -")),
			[]string{"package-lock.json:3 medium: b@1.0.0 comes from git+ssh://host.example, and nothing did before (https://registry.example)"}},
		{"npm: credentials and a port", npm(lock("a 1.0.0 " + home + " -")), npm(lock("a 1.0.0 "+home+" -", "b 1.0.0 https://me:secret@evil.example:8443/b/-/b-1.0.0.tgz -")),
			[]string{"package-lock.json:3 medium: b@1.0.0 comes from https://evil.example:8443, and nothing did before (https://registry.example)"}},
		{"npm: everything moves", npm(lock("a 1.0.0 "+home+" -", "b 1.0.0 "+b+" -")), npm(lock("a 1.0.0 "+strings.Replace(home, "registry", "evil", 1)+" -", "b 1.0.0 "+other+" -")),
			[]string{"package-lock.json:2 medium: a@1.0.0 and 1 more come from https://evil.example, and nothing did before (https://registry.example)"}},
		{"npm: the same host", npm(lock("a 1.0.0 " + home + " -")), npm(lock("a 1.0.0 "+home+" -", "b 1.0.0 "+b+" -")), nil},
		{"npm: no address", npm(lock("a 1.0.0 " + home + " -")), npm(lock("a 1.0.0 "+home+" -", "b 1.0.0 - -")), nil},
		{"npm: an outlier in a new lockfile", nil, npm(lock("a 1.0.0 "+home+" -", "c 1.0.0 https://registry.example/c/-/c-1.0.0.tgz -", "b 1.0.0 "+other+" -")),
			[]string{"package-lock.json:2 info: a@1.0.0 and 1 more come from https://registry.example: this lockfile is the first to say so",
				"package-lock.json:4 medium: b@1.0.0 comes from https://evil.example, and most others from https://registry.example"}},
		{"npm: another hash", npm(lock("a 1.0.0 " + home + " sha512-AAAA")), npm(lock("a 1.0.0 " + home + " sha512-BBBB")),
			[]string{"package-lock.json:2 high: The hash of a@1.0.0 is another one than before"}},
		{"npm: a hash of another kind", npm(lock("a 1.0.0 " + home + " sha1-AAAA")), npm(lock("a 1.0.0 " + home + " sha512-BBBB")), nil},
		{"npm: another version", npm(lock("a 1.0.0 " + home + " sha512-AAAA")), npm(lock("a 1.0.1 " + strings.Replace(home, "1.0.0", "1.0.1", 1) + " sha512-BBBB")), nil},
		{"npm: no hash any more", npm(lock("a 1.0.0 " + home + " sha512-AAAA")), npm(lock("a 1.0.0 " + home + " -")),
			[]string{"package-lock.json:2 medium: The hash of a@1.0.0 is gone: npm takes whatever its source serves"}},
		{"npmrc: new", nil, files{".npmrc": "# x\nregistry=https://u:p@evil.example/t0ken/\n//evil.example/:_authToken=secret\nignore-scripts=false\n"},
			[]string{".npmrc:2 medium: npm takes packages from https://evil.example"}},
		{"npmrc: a scope", files{"web/.npmrc": "@acme:registry=https://a.example/\n"}, files{"web/.npmrc": "@acme:registry = https://b.example/\n"},
			[]string{"web/.npmrc:1 medium: npm takes packages of @acme from https://b.example, not from https://a.example as before"}},
		{"npmrc: gone", files{".npmrc": "registry=https://a.example/\n"}, files{".npmrc": "save-exact=true\n"}, []string{".npmrc:1 medium: npm no longer takes packages from https://a.example"}},
		{"npmrc: only credentials", files{".npmrc": "registry=https://u:p@a.example\n"}, files{".npmrc": "registry=https://a.example/\n"}, nil},
		{"pip: index", nil, pip("--index-url https://evil.example/simple\n--trusted-host evil.example\nrequests==2.32.4\n"),
			[]string{"requirements.txt:1 medium: pip takes packages from https://evil.example", "requirements.txt:2 medium: pip does not check the certificate of evil.example"}},
		{"pip: one more index", pip("requests==2.32.4\n"), pip("--extra-index-url https://${PIP_USER}:${PIP_PASS}@pip.example/simple\nrequests==2.32.4\n"),
			[]string{"requirements.txt:1 medium: pip takes packages from https://pip.example, too: of any name, the highest version wins"}},
		{"pip: a variable for the host", nil, pip("-i https://${PIP_HOST}/simple\n-f ./wheels\n"),
			[]string{"requirements.txt:1 medium: pip takes packages from https://${pip_host}", "requirements.txt:2 medium: pip takes packages from ./wheels, too: of any name, the highest version wins"}},
		{"pip: the same index", pip("-i https://a.example/simple\nx==1\n"), pip("--index-url=https://a.example/simple/\nx==2\n"), nil},
		{"pip: no index any more", pip("-i https://a.example/simple\nx==1\n"), pip("x==1\n"), []string{"requirements.txt:1 medium: pip no longer takes packages from https://a.example"}},
		{"pip: in a file that is taken in", files{"requirements.txt": "-r base.in\n", "base.in": "x==1\n"}, files{"requirements.txt": "-r base.in\n", "base.in": "-i https://evil.example\nx==1\n"},
			[]string{"base.in:1 medium: pip takes packages from https://evil.example"}},
		{"pip: a text that nothing takes in", nil, files{"notes.txt": "-i https://evil.example\n"}, nil},
		{"pip: settings", nil, files{"pip.conf": "[global]\nindex_url = https://a.example/simple\nextra-index-url =\n    https://b.example/simple\n"},
			[]string{"pip.conf:2 medium: pip takes packages from https://a.example", "pip.conf:4 medium: pip takes packages from https://b.example, too: of any name, the highest version wins"}},
		{"pip: other hashes", pip("requests==1 --hash=sha256:aa\n"), pip("requests==1 \\\n    --hash=sha256:bb\n"), []string{"requirements.txt:1 high: The hashes of requests==1 are others than before"}},
		{"pip: one more hash", pip("requests==1 --hash=sha256:aa\n"), pip("requests==1 --hash=sha256:aa --hash=sha256:bb\n"), nil},
		{"go: a fork", nil, files{"go.mod": mod + "replace example.com/net => evil.example/net v0.1.0\n"}, []string{"go.mod:6 medium: example.com/net is replaced by evil.example/net"}},
		{"go: a directory", files{"go.mod": mod}, files{"go.mod": mod + "replace example.com/net => ./third/net\n"}, []string{"go.mod:6 medium: The module is replaced by a directory: no advisory tells anything of the code in it"}},
		{"go: an own module", nil, files{"go.mod": mod + "replace host.example/o/m/sub => ./sub\n"}, nil},
		{"go: another version of itself", nil, files{"go.mod": mod + "replace example.com/net => example.com/net v1.1.0\n"}, nil},
		{"go: the fork was there", files{"go.mod": mod + "replace example.com/net => evil.example/net v0.1.0\n"}, files{"go.mod": mod + "replace example.com/net => evil.example/net v0.2.0\n"}, nil},
		{"go: a workspace", nil, files{"go.work": "go 1.26\n\nreplace example.com/net => evil.example/net v0.1.0\n"}, []string{"go.work:3 medium: example.com/net is replaced by evil.example/net"}},
		{"go: another hash", files{"go.mod": mod, "go.sum": sum}, files{"go.mod": mod, "go.sum": strings.Replace(sum, "AAA", "BBB", 1)}, []string{"go.sum:1 high: The hash of example.com/net v1.0.0 is another one than before"}},
		{"go: one more hash", files{"go.mod": mod, "go.sum": sum}, files{"go.mod": mod, "go.sum": sum + "example.com/net v1.0.0/go.mod h1:DDD=\n"}, []string{"go.sum:3 high: The hash of the go.mod of example.com/net v1.0.0 is another one than before"}},
		{"go: hashes of another version", files{"go.mod": mod, "go.sum": sum}, files{"go.mod": mod, "go.sum": strings.ReplaceAll(strings.ReplaceAll(sum, "v1.0.0", "v1.0.1"), "A", "B")}, nil},
		{"vendor: edited alone", files{"vendor/modules.txt": "# x\n", "vendor/x/x.go": "package x\n"}, files{"vendor/modules.txt": "# x\n", "vendor/x/x.go": "package x\n// evil\n", "vendor/x/y.go": "package x\n"},
			[]string{"vendor/x/x.go:2 medium: vendor/x/x.go and 1 more files change in vendor, and no manifest does"}},
		{"vendor: with its list", files{"vendor/modules.txt": "# x\n", "vendor/x/x.go": "package x\n"}, files{"vendor/modules.txt": "# y\n", "vendor/x/x.go": "package x\n// v2\n"}, nil},
		{"vendor: of something else", nil, files{"vendor/x/x.go": "package x\n"}, nil},
		{"node_modules: edited alone", files{"w/package.json": "{}", "w/node_modules/a/i.js": "1\n"}, files{"w/package.json": "{}", "w/node_modules/a/i.js": "2\n"},
			[]string{"w/node_modules/a/i.js:1 medium: w/node_modules/a/i.js changes in w/node_modules, and no manifest does"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, sourceFindings(t, c.before, c.after))
		})
	}
}

// TestSourcesShowNoCredentials holds of findings and errors.
func TestSourcesShowNoCredentials(t *testing.T) {
	const password = "hunter2hunter2"
	for _, text := range []string{
		"--index-url https://me:" + password + "@a.example/simple\n", "-i https://me:" + password + "#x@a.example/\n",
		"--index-url https://me:" + password + "@a.example/simple \\\n  --unknown\n", "--unknown https://me:" + password + "@a.example/\n",
		"-i " + password + "\n", "-f https://a.example/" + password + "\n", "https://me:" + password + "@a.example/ x y\n",
	} {
		for _, got := range sourceFindings(t, nil, map[string]string{"requirements.txt": text}) {
			assert.NotContains(t, got, password, text)
		}
	}
	for _, text := range []string{"registry=https://me:" + password + "@a.example\n", "registry=" + password + "\n", "registry=https://a.example/" + password + "\n"} {
		got := sourceFindings(t, nil, map[string]string{".npmrc": text})
		assert.Len(t, got, 1, text)
		assert.NotContains(t, got[0], password, text)
	}
}

// TestCopiedManifests holds that a lockfile of a copied package is neither
// scanned as a project nor passed over in silence.
func TestCopiedManifests(t *testing.T) {
	s := New(fixture(t), ecosystems())
	r := introduced(t, s, nil, map[string]string{
		"web/node_modules/a/package-lock.json": weakLock, "web/node_modules/b/package-lock.json": weakLock,
		"vendor/x/requirements.txt": "tiny-templates==2.0\n", "vendor/x/go.mod": "module x\nreplace a.example/a => b.example/b v1.0.0\n",
	})
	assert.Equal(t, []string{
		"vendor/x/go.mod:1 info dependency/unchecked: vendor/x/go.mod and 1 more manifests belong to packages that are copied into vendor, so they are not scanned as projects of their own",
		"web/node_modules/a/package-lock.json:1 info dependency/unchecked: web/node_modules/a/package-lock.json and 1 more manifests belong to packages that are copied into web/node_modules, so they are not scanned as projects of their own",
	}, messages(r))
	assert.Empty(t, r.Packages)
	only(t, introduced(t, s, nil, map[string]string{"x/testdata/requirements.txt": "tiny-templates==2.0\n"}))
}
