package demo_test

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// nameTricks hide something behind what a file is or is called.
func nameTricks() []trick {
	key := awsKey("names")
	aws := func(path string, more ...func(*sighting)) []sighting {
		w := sighting{rule: "secret/aws-access-token", path: path, text: key}
		for _, m := range more {
			m(&w)
		}
		return []sighting{w}
	}
	on := func(commit string) func(*sighting) { return func(w *sighting) { w.commit = commit } }
	odd := func(w *sighting) { w.odd = true }
	past := func(w *sighting) { w.past = true }
	tricks := []trick{
		{name: "renamed and edited",
			story: newStory().base(tree{"old.txt": numbered(40)}).commit("move", tree{"new.txt": numbered(20) + key + "\n" + numbered(40)[len(numbered(20)):]}, gone{"old.txt"}),
			want:  aws("new.txt", on("move"))},
		{name: "renamed, edited and edited back",
			story: newStory().base(tree{"old.txt": numbered(40)}).commit("move", tree{"new.txt": numbered(40) + key + "\n"}, gone{"old.txt"}).commit("good", tree{"new.txt": numbered(40)}),
			want:  aws("new.txt", on("move"), past)},
		{name: "copied and edited",
			story: newStory().base(tree{"old.txt": numbered(40)}).commit("copy", tree{"new.txt": numbered(40) + key + "\n"}),
			want:  aws("new.txt", on("copy"))},
		{name: "copy of a secret that base has in another file",
			story: newStory().base(tree{"old.go": goWith(key)}).commit("copy", tree{"new.go": goWith(key)}),
			want:  aws("new.go", on("copy"))},
		{name: "two files swap their names",
			story: newStory().base(tree{"a.txt": numbered(40), "b.txt": "b\n" + numbered(30)}).commit("swap", tree{"a.txt": "b\n" + numbered(30) + key + "\n", "b.txt": numbered(40)}),
			want:  aws("a.txt", on("swap"))},
		{name: "mode change with an edit",
			story: newStory().base(tree{"run.sh": "#!/bin/sh\n"}).commit("mode", tree{"run.sh": "#!/bin/sh\n: " + key + "\n"}, modes{"run.sh": runnable}),
			want:  aws("run.sh", on("mode"))},
		{name: "mode change in one commit, edit in the next and back",
			story: newStory().base(tree{"run.sh": "#!/bin/sh\n"}).commit("mode", tree{"run.sh": "#!/bin/sh\n"}, modes{"run.sh": runnable}).
				commit("bad", tree{"run.sh": "#!/bin/sh\n: " + key + "\n"}, modes{"run.sh": runnable}).commit("good", tree{"run.sh": "#!/bin/sh\n"}),
			want: aws("run.sh", on("bad"), past)},
		{name: "target of a symbolic link",
			story: newStory().base(tree{"a": "a\n"}).commit("link", tree{"link": "/run/" + key}, modes{"link": symlink}),
			want:  aws("link", on("link"))},
		{name: "file becomes a symbolic link",
			story: newStory().base(tree{"conf": "a = 1\n"}).commit("link", tree{"conf": key}, modes{"conf": symlink}),
			want:  aws("conf", on("link"))},
		{name: "symbolic link becomes a file",
			story: newStory().base(tree{"a": "a\n"}).commit("link", tree{"conf": "a"}, modes{"conf": symlink}).commit("file", tree{"conf": "key = " + key + "\n"}),
			want:  aws("conf", on("file"))},
		{name: "directory becomes a file",
			story: newStory().base(tree{"conf/a": "a\n", "conf/b": "b\n"}).commit("file", tree{"conf": "key = " + key + "\n"}, gone{"conf"}),
			want:  aws("conf", on("file"))},
		{name: "file becomes a directory",
			story: newStory().base(tree{"conf": "a\n"}).commit("dir", tree{"conf/a": "key = " + key + "\n"}, gone{"conf"}),
			want:  aws("conf/a", on("dir"))},
		{name: "names that differ in case only",
			story: newStory().base(tree{"Makefile": "all:\n"}).commit("case", tree{"makefile": "all:\n\t: " + key + "\n"}),
			want:  aws("makefile", on("case"))},
		{name: "name that is not UTF-8",
			story: newStory().base(tree{"a": "a\n"}).commit("name", tree{"caf\xe9.env": "KEY=" + key + "\n"}),
			want:  aws("caf\xe9.env", on("name"), odd)},
		{name: "name with control characters",
			story: newStory().base(tree{"a": "a\n"}).commit("name", tree{"a\x1b[2Kb\n.env": "KEY=" + key + "\n"}),
			want:  aws("a\x1b[2Kb\n.env", on("name"), odd)},
		{name: "name that reads as an option",
			story: newStory().base(tree{"a": "a\n"}).commit("name", tree{"--skip-files=*": "KEY=" + key + "\n"}),
			want:  aws("--skip-files=*", on("name"))},
		{name: "name of 200 letters in 12 directories",
			story: newStory().base(tree{"a": "a\n"}).commit("name", tree{strings.Repeat("deep/", 12) + strings.Repeat("n", 200): "KEY=" + key + "\n"}),
			want:  aws(strings.Repeat("deep/", 12)+strings.Repeat("n", 200), on("name"))},
		{name: "name with a backslash, a glob and a space",
			story: newStory().base(tree{"a": "a\n"}).commit("name", tree{`dir\*/[a] b?.txt`: "KEY=" + key + "\n"}),
			want:  aws(`dir\*/[a] b?.txt`, on("name"), odd)},
	}
	// Paths that engines leave out on their own.
	for _, skipped := range []struct {
		what  string
		paths []string
	}{
		{"directories", []string{
			"vendor/github.com/acme/lib/lib.go", "web/node_modules/lib/index.js", "testdata/fixture.txt", "venv/lib/python3.12/site-packages/lib.py",
			".terraform/modules/x.txt", "src/__pycache__/a.txt", "Pods/lib.m", ".git-credentials",
		}},
		{"endings", []string{
			"docs/logo.svg", "docs/manual.pdf", "static/app.min.js", "archive.zip", "image.png", "font.woff2", "database.refactorlog", "gradlew.bat",
		}},
		{"names", []string{
			"go.sum", "yarn.lock", "Pipfile.lock", "verification-metadata.xml", ".gitleaks.toml", ".gitleaksignore", "static/jquery-3.7.1.js", "pnpm-lock.yaml",
		}},
	} {
		files, want := tree{}, []sighting{}
		for _, p := range skipped.paths {
			files[p] = "first\nkey = \"" + awsKey(p) + "\"\n"
			want = append(want, sighting{rule: "secret/aws-access-token", path: p, line: 2, commit: "bad"})
		}
		tricks = append(tricks, trick{name: "skipped by engines: " + skipped.what, story: newStory().base(tree{"a": "a\n"}).commit("bad", files), want: want})
	}
	return tricks
}

// contentTricks hide something in what a file's bytes are.
func contentTricks() []trick {
	key, token := awsKey("contents"), githubToken("contents")
	pem := privateKey("contents")
	aws := func(path string) sighting {
		return sighting{rule: "secret/aws-access-token", path: path, text: key}
	}
	whole := func(path string) sighting {
		return sighting{rule: "secret/aws-access-token", path: path, line: -1}
	}
	unseen := func(path string) sighting { // where GitHub shows no lines
		w := aws(path)
		w.comment = -1
		return w
	}
	one := func(w sighting) []sighting { return []sighting{w} }
	added := func(path, content string) *story {
		return newStory().base(tree{"README.md": "# shop\n"}).commit("bad", tree{path: content})
	}
	broken := slices.Clone(pem)
	broken[len(broken)-1] = "-----END RSA PRIV-----"
	rotated := slices.Clone(pem)
	rotated[5] = privateKey("rotated")[5]
	var tricks []trick
	// Text in other encodings: where it has lines, they are known.
	text := "first line\nkey = " + key + "\nlast line\n"
	for name, content := range map[string]string{
		"UTF-16LE with a mark": "\xff\xfe" + wide(text, false), "UTF-16LE": wide(text, false),
		"UTF-16BE with a mark": "\xfe\xff" + wide(text, true), "UTF-16BE": wide(text, true),
		"UTF-32LE with a mark": "\xff\xfe\x00\x00" + wider(text, false), "UTF-32BE with a mark": "\x00\x00\xfe\xff" + wider(text, true),
		"UTF-32LE": wider(text, false), "UTF-32BE": wider(text, true),
	} {
		tricks = append(tricks, trick{name: name, story: added("conf.txt", content), want: one(sighting{rule: "secret/aws-access-token", path: "conf.txt", line: 2, comment: -1})})
	}
	for name, content := range map[string]string{
		"binary with a NUL at its start": "\x00\x01\x02" + key + "\x00",
		"binary with a NUL at its end":   text + "\x00",
	} {
		tricks = append(tricks, trick{name: name, story: added("conf.bin", content), want: one(whole("conf.bin"))})
	}
	tricks = append(tricks,
		trick{name: "binary that was text", story: newStory().base(tree{"conf.bin": "first\n"}).commit("bad", tree{"conf.bin": "first\n\x00" + key + "\n"}), want: one(whole("conf.bin"))},
		trick{name: "text that was binary", story: newStory().base(tree{"conf.bin": "first\n\x00"}).commit("bad", tree{"conf.bin": "first\nkey = " + key + "\n"}), want: one(unseen("conf.bin"))},
		trick{name: "binary, removed in a later commit", story: added("conf.bin", "\x00\x01 "+key).commit("good", nil, gone{"conf.bin"}),
			want: one(sighting{rule: "secret/aws-access-token", path: "conf.bin", line: -1, commit: "bad", past: true})},
		trick{name: "NUL after 9,000 bytes", story: added("conf.txt", numbered(400)+key+"\n\x00"), want: one(sighting{rule: "secret/aws-access-token", path: "conf.txt", line: 401})},
		trick{name: "byte order mark before it", story: added("conf.txt", "\ufeff"+key+"\n"), want: one(aws("conf.txt"))},
		trick{name: "CRLF", story: added("conf.txt", "a\r\nkey = "+key+"\r\nb\r\n"), want: one(aws("conf.txt"))},
		trick{name: "lone carriage returns", story: added("conf.txt", "a\rkey = "+key+"\rb\r"), want: one(aws("conf.txt"))},
		trick{name: "no newline at the end", story: added("conf.txt", "a\nkey = "+key), want: one(aws("conf.txt"))},
		trick{name: "no newline, added to the last line", story: newStory().base(tree{"conf.txt": "a\nkey = "}).commit("bad", tree{"conf.txt": "a\nkey = " + key}), want: one(aws("conf.txt"))},
		trick{name: "line of 1 MB", story: added("conf.txt", "first\n"+strings.Repeat("word ", 100_000)+key+strings.Repeat(" word", 100_000)+"\n"), want: one(aws("conf.txt"))},
		trick{name: "3 MB of lines", story: added("conf.txt", strings.Repeat("nothing to see on this line\n", 110_000)+"key = "+key+"\n"), want: one(unseen("conf.txt"))},
		trick{name: "50,000 changed lines", story: newStory().base(tree{"conf.txt": strings.Repeat("a\n", 25_000)}).commit("bad", tree{"conf.txt": strings.Repeat("b\n", 20_000) + "key = " + key + "\n" + strings.Repeat("c\n", 5000)}), want: one(unseen("conf.txt"))},
		trick{name: "far to the right of a line", story: added("app.go", "package app\n\nvar x = 1 //"+strings.Repeat(" ", 5000)+key+"\n"), want: one(aws("app.go"))},
		trick{name: "behind a carriage return and spaces", story: added("app.go", "package app\n\nvar k = \""+key+"\"\r"+strings.Repeat(" ", 200)+"\n"), want: one(aws("app.go"))},
		trick{name: "in a comment of a language", story: added("index.html", "<html>\n<!-- "+key+" -->\n</html>\n"), want: one(aws("index.html"))},
		trick{name: "in a URL", story: added("conf.txt", "remote = https://dev:"+token+"@registry.example/x.git\n"), want: one(sighting{rule: "secret/github-pat", path: "conf.txt", text: token})},
		trick{name: "private key over the edge of a hunk", story: newStory().base(tree{"key.pem": strings.Join(pem[:6], "\n") + "\n"}).
			commit("bad", tree{"key.pem": strings.Join(pem, "\n") + "\n"}), want: one(sighting{rule: "secret/private-key", path: "key.pem", line: 1, comment: len(pem)})},
		trick{name: "private key completed by its last line", story: newStory().base(tree{"key.pem": strings.Join(broken, "\n") + "\n"}).
			commit("bad", tree{"key.pem": strings.Join(pem, "\n") + "\n"}), want: one(sighting{rule: "secret/private-key", path: "key.pem", line: 1, comment: len(pem)})},
		trick{name: "private key with one line changed", story: newStory().base(tree{"key.pem": strings.Join(pem, "\n") + "\n"}).
			commit("bad", tree{"key.pem": strings.Join(rotated, "\n") + "\n"}), want: one(sighting{rule: "secret/private-key", path: "key.pem", line: 1, comment: 6})},
		trick{name: "private key in one commit after the other", story: added("key.pem", strings.Join(pem[:4], "\n")+"\n").
			commit("more", tree{"key.pem": strings.Join(pem[:8], "\n") + "\n"}).commit("all", tree{"key.pem": strings.Join(pem, "\n") + "\n"}),
			want: one(sighting{rule: "secret/private-key", path: "key.pem", line: 1, comment: len(pem), commit: "all"})},
		trick{name: "private key on one line", story: added("app.json", `{"key": "`+strings.Join(pem, `\n`)+`"}`+"\n"), want: one(sighting{rule: "secret/private-key", path: "app.json", line: 1})},
		trick{name: "changed by one character", story: newStory().base(tree{"conf.txt": "a\nkey = " + key[:19] + "\nb\n"}).commit("bad", tree{"conf.txt": "a\nkey = " + key + "\nb\n"}), want: one(aws("conf.txt"))},
		trick{name: "beside one that base has", story: newStory().base(tree{"app.go": goWith(awsKey("old"))}).commit("bad", tree{"app.go": goWith(awsKey("old")) + "const new = \"" + key + "\"\n"}), want: one(aws("app.go"))},
		trick{name: "two on one line", story: added("conf.txt", key+" "+token+"\n"), want: []sighting{aws("conf.txt"), {rule: "secret/github-pat", path: "conf.txt", text: token}}},
		trick{name: "the same line thirty times", story: added("conf.txt", strings.Repeat("key = "+key+"\n", 30)), want: one(aws("conf.txt"))},
	)
	for name, attributes := range map[string]string{
		"-diff": "* -diff\n", "binary": "* binary\n", "generated": "* linguist-generated=true linguist-vendored=true\n", "filter": "* filter=lfs diff=lfs merge=lfs -text\n",
		"export-ignore": "* export-ignore\n", "encoding": "* working-tree-encoding=UTF-16\n",
	} {
		tricks = append(tricks, trick{name: "attributes: " + name,
			story: newStory().base(tree{"README.md": "# shop\n"}).commit("bad", tree{".gitattributes": attributes, "app.go": goWith(key)}), want: one(aws("app.go"))})
	}
	tricks = append(tricks, trick{name: "gitignore names the file", story: newStory().base(tree{".gitignore": "*\n"}).commit("bad", tree{".env": "KEY=" + key + "\n"}), want: one(aws(".env"))})
	for i := range tricks {
		for j := range tricks[i].want {
			if w := &tricks[i].want[j]; w.commit == "" {
				w.commit = "bad"
			}
		}
	}
	return tricks
}

// wide is text in UTF-16.
func wide(text string, big bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(text)) {
		if big {
			b.WriteString(string([]byte{byte(u >> 8), byte(u)}))
			continue
		}
		b.WriteString(string([]byte{byte(u), byte(u >> 8)}))
	}
	return b.String()
}

// wider is text in UTF-32.
func wider(text string, big bool) string {
	var b strings.Builder
	for _, r := range text {
		if big {
			fmt.Fprintf(&b, "%c%c%c%c", 0, 0, 0, r)
			continue
		}
		fmt.Fprintf(&b, "%c%c%c%c", r, 0, 0, 0)
	}
	return b.String()
}
