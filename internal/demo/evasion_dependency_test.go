package demo_test

import (
	"fmt"
	"strings"
)

const (
	weakGo     = "dependency/DEMO-2026-0001" // example.com/markdown below v1.2.1
	weakNPM    = "dependency/DEMO-2026-0002" // @example/font-reader from 0.8.0, below 0.9.4
	weakPython = "dependency/DEMO-2026-0003" // example-ledger below 4.1.3
)

// lockfile is a package-lock.json; packages are its entries after the project's own.
func lockfile(packages ...string) string {
	all := append([]string{`    "": {
      "name": "web",
      "dependencies": {
        "@example/table": "^3.1.0"
      }
    }`}, packages...)
	return "{\n  \"name\": \"web\",\n  \"lockfileVersion\": 3,\n  \"requires\": true,\n  \"packages\": {\n" + strings.Join(all, ",\n") + "\n  }\n}\n"
}

// locked is one entry of a lockfile.
func locked(path, version string, more ...string) string {
	fields := append([]string{fmt.Sprintf("      %q: %q", "version", version)}, more...)
	return fmt.Sprintf("    %q: {\n%s\n    }", path, strings.Join(fields, ",\n"))
}

// dependencyTricks bring in a package with a known vulnerability.
func dependencyTricks() []trick {
	gomod := func(lines ...string) string {
		return "module example.com/shop\n\ngo 1.24\n\n" + strings.Join(lines, "\n") + "\n"
	}
	const table, font = "node_modules/@example/table", "node_modules/@example/font-reader"
	manifest := `{"name": "web", "dependencies": {"@example/table": "^3.1.0"}}` + "\n"
	readme := tree{"README.md": "# shop\n"}
	found := func(rule, path, text string) []sighting { return []sighting{{rule: rule, path: path, text: text}} }
	npm := func(path string) []sighting { return found(weakNPM, path, `"version": "0.9.1"`) }
	python := func(path, content string) *story {
		return newStory().base(readme).commit("bad", tree{path: content})
	}
	req := func(name, path, content string) trick {
		return trick{name: "requirements: " + name, story: python(path, content), want: []sighting{{rule: weakPython, path: path, line: 1 + strings.Count(content, "charts")}}}
	}
	return []trick{
		{name: "transitive package, only in the lockfile",
			story: newStory().base(tree{"web/package.json": manifest, "web/package-lock.json": lockfile(locked(table, "3.1.0"), locked(font, "0.9.4"))}).
				commit("bad", tree{"web/package-lock.json": lockfile(locked(table, "3.1.0"), locked(font, "0.9.1"))}),
			want: npm("web/package-lock.json")},
		{name: "lockfile without a manifest",
			story: newStory().base(readme).commit("bad", tree{"package-lock.json": lockfile(locked(font, "0.9.1"))}), want: npm("package-lock.json")},
		{name: "npm-shrinkwrap.json",
			story: newStory().base(readme).commit("bad", tree{"tools/npm-shrinkwrap.json": lockfile(locked(font, "0.9.1"))}), want: npm("tools/npm-shrinkwrap.json")},
		{name: "npm alias",
			story: newStory().base(readme).commit("bad", tree{"package-lock.json": lockfile(locked("node_modules/harmless", "0.9.1", `      "name": "@example/font-reader"`))}), want: npm("package-lock.json")},
		{name: "copy nested in another package",
			story: newStory().base(tree{"package-lock.json": lockfile(locked(table, "3.1.0"), locked(font, "0.9.4"))}).
				commit("bad", tree{"package-lock.json": lockfile(locked(table, "3.1.0"), locked(table+"/"+font, "0.9.1"), locked(font, "0.9.4"))}),
			want: npm("package-lock.json")},
		{name: "of a workspace",
			story: newStory().base(readme).commit("bad", tree{"package-lock.json": lockfile(`    "packages/ui": {
      "name": "ui",
      "version": "1.0.0",
      "dependencies": {"@example/font-reader": "^0.9.0"}
    }`, locked("packages/ui/"+font, "0.9.1"))}), want: npm("package-lock.json")},
		{name: "for development only",
			story: newStory().base(readme).commit("bad", tree{"package-lock.json": lockfile(locked(font, "0.9.1", `      "dev": true`))}), want: npm("package-lock.json")},
		{name: "optional and bundled",
			story: newStory().base(readme).commit("bad", tree{"package-lock.json": lockfile(locked(font, "0.9.1", `      "optional": true`, `      "inBundle": true`))}), want: npm("package-lock.json")},
		{name: "lockfile on one line",
			story: newStory().base(readme).commit("bad", tree{"package-lock.json": strings.Join(strings.Fields(lockfile(locked(font, "0.9.1"))), "") + "\n"}), want: []sighting{{rule: weakNPM, path: "package-lock.json", line: 1}}},
		{name: "lockfile with a byte order mark",
			story: newStory().base(readme).commit("bad", tree{"package-lock.json": "\ufeff" + lockfile(locked(font, "0.9.1"))}), want: npm("package-lock.json")},
		{name: "name escaped in the lockfile",
			story: newStory().base(readme).commit("bad", tree{"package-lock.json": lockfile(strings.Replace(locked(font, "0.9.1"), "font-reader", `font\u002dreader`, 1))}), want: npm("package-lock.json")},
		{name: "lockfile in a nested directory",
			story: newStory().base(readme).commit("bad", tree{"sub/x/package-lock.json": lockfile(locked(font, "0.9.1"))}), want: npm("sub/x/package-lock.json")},
		{name: "lockfile renamed into place",
			story: newStory().base(tree{"lock.json": lockfile(locked(table, "3.1.0"), locked(font, "0.9.1"))}).commit("bad", tree{"package-lock.json": lockfile(locked(table, "3.1.0"), locked(font, "0.9.1"))}, gone{"lock.json"}),
			want:  []sighting{{rule: weakNPM, path: "package-lock.json", text: `"version": "0.9.1"`, comment: -1}}},
		{name: "older major that has the same hole in the lockfile's last line",
			story: newStory().base(tree{"package-lock.json": lockfile(locked(font, "0.9.4"))}).commit("bad", tree{"package-lock.json": lockfile(locked(font, "0.8.0"))}),
			want:  found(weakNPM, "package-lock.json", "0.8.0")},

		{name: "go.mod: downgrade",
			story: newStory().base(tree{"go.mod": gomod("require example.com/markdown v1.2.1")}).commit("bad", tree{"go.mod": gomod("require example.com/markdown v1.2.0")}),
			want:  found(weakGo, "go.mod", "markdown v1.2.0")},
		{name: "go.mod: indirect",
			story: newStory().base(readme).commit("bad", tree{"go.mod": gomod("require (", "\texample.com/table v1.0.0", "\texample.com/markdown v1.2.0 // indirect", ")")}),
			want:  found(weakGo, "go.mod", "markdown v1.2.0")},
		{name: "go.mod: replaced by a vulnerable version",
			story: newStory().base(tree{"go.mod": gomod("require example.com/markdown v1.2.1")}).
				commit("bad", tree{"go.mod": gomod("require example.com/markdown v1.2.1", "", "replace example.com/markdown => example.com/markdown v1.1.0")}),
			want: found(weakGo, "go.mod", "replace")},
		{name: "go.mod: another module replaced by the vulnerable one",
			story: newStory().base(tree{"go.mod": gomod("require example.com/table v1.0.0")}).
				commit("bad", tree{"go.mod": gomod("require example.com/table v1.0.0", "", "replace example.com/table v1.0.0 => example.com/markdown v1.2.0")}),
			want: found(weakGo, "go.mod", "replace")},
		{name: "go.mod: pseudo-version",
			story: newStory().base(readme).commit("bad", tree{"go.mod": gomod("require example.com/markdown v1.1.1-0.20260101000000-0123456789ab")}),
			want:  found(weakGo, "go.mod", "markdown v1.1.1")},
		{name: "go.mod: in a subdirectory",
			story: newStory().base(tree{"go.mod": gomod()}).commit("bad", tree{"internal/tests/nested/tool/go.mod": gomod("require example.com/markdown v1.0.0")}),
			want:  found(weakGo, "internal/tests/nested/tool/go.mod", "markdown v1.0.0")},
		{name: "go.mod: exclude of the fixed version does not hide it",
			story: newStory().base(readme).commit("bad", tree{"go.mod": gomod("require example.com/markdown v1.2.0", "exclude example.com/markdown v1.2.1")}),
			want:  found(weakGo, "go.mod", "markdown v1.2.0")},
		{name: "go.mod: name in quotes",
			story: newStory().base(readme).commit("bad", tree{"go.mod": gomod("require \"example.com/markdown\" v1.2.0")}),
			want:  found(weakGo, "go.mod", "v1.2.0")},
		{name: "go.mod: CRLF",
			story: newStory().base(readme).commit("bad", tree{"go.mod": strings.ReplaceAll(gomod("require example.com/markdown v1.2.0"), "\n", "\r\n")}),
			want:  found(weakGo, "go.mod", "markdown v1.2.0")},
		{name: "go.mod: tool and ignore directives around",
			story: newStory().base(readme).commit("bad", tree{"go.mod": gomod("tool example.com/markdown/cmd/md", "", "ignore ./x", "", "require example.com/markdown v1.2.0 // indirect")}),
			want:  found(weakGo, "go.mod", "markdown v1.2.0")},

		{name: "requirements: downgrade",
			story: newStory().base(tree{"requirements.txt": "example-charts==2.0.0\nexample-ledger==4.1.3\n"}).commit("bad", tree{"requirements.txt": "example-charts==2.0.0\nexample-ledger==4.1.2\n"}),
			want:  found(weakPython, "requirements.txt", "ledger")},
		req("extras", "requirements.txt", "example-charts==2.0.0\nexample-ledger[postgres,async]==4.1.2\n"),
		{name: "requirements: hashes",
			story: python("requirements.txt", "example-ledger==4.1.2 \\\n    --hash=sha256:"+strings.Repeat("ab", 32)+" \\\n    --hash=sha256:"+strings.Repeat("cd", 32)+"\n"),
			want:  []sighting{{rule: weakPython, path: "requirements.txt", line: 1, comment: 3}}},
		req("marker", "requirements.txt", "example-ledger==4.1.2 ; python_version < '4' and sys_platform != 'none'\n"),
		req("name spelled another way", "requirements.txt", "Example_Ledger == 4.1.2\n"),
		req("brackets", "requirements.txt", "Example.Ledger (==4.1.2)\n"),
		req("arbitrary equality", "requirements.txt", "example-ledger===4.1.2\n"),
		req("another name of the file", "deploy/requirements-dev.txt", "example-ledger==4.1.2\n"),
		req("in a directory of that name", "requirements/prod.txt", "example-ledger==4.1.2\n"),
		req("file in upper case", "Requirements.TXT", "example-ledger==4.1.2\n"),
		req("CRLF", "requirements.txt", "example-charts==2.0.0\r\nexample-ledger==4.1.2\r\n"),
		req("version with more zeros", "requirements.txt", "example-ledger==4.1.2.0\n"),
		req("post release", "requirements.txt", "example-ledger==4.1.2.post1\n"),
		req("local version", "requirements.txt", "example-ledger==4.1.2+local.1\n"),
		{name: "requirements: continued over lines",
			story: python("requirements.txt", "example-charts==2.0.0\nexample-\\\nledger\\\n==4.1.2\n"),
			want:  []sighting{{rule: weakPython, path: "requirements.txt", line: 2, comment: 4}}},
		{name: "requirements: UTF-16",
			story: python("requirements.txt", "\xff\xfe"+wide("example-ledger==4.1.2\r\n", false)),
			want:  []sighting{{rule: weakPython, path: "requirements.txt", line: 1, comment: -1}}},
		{name: "requirements: a form feed ends a line",
			story: python("requirements.txt", "example-charts==2.0.0\fexample-ledger==4.1.2\n"),
			want:  []sighting{{rule: weakPython, path: "requirements.txt", line: 1}}},
		{name: "vulnerable dependency through a merge",
			story: newStory().base(readme).commit("one", tree{"one": "1\n"}).from("base").commit("two", tree{"two": "2\n"}).
				merge("evil", []string{"one", "two"}, tree{"two": "2\n", "requirements.txt": "example-ledger==4.1.2\n"}),
			want: found(weakPython, "requirements.txt", "ledger")},
		{name: "vulnerable dependency from a fork", head: "fork",
			story: newStory().base(readme).commit("bad", tree{"requirements.txt": "example-ledger==4.1.2\n"}), want: found(weakPython, "requirements.txt", "ledger")},
	}
}
