package demo_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// goWith is a Go file with a secret on line 3.
func goWith(secret string) string { return "package app\n\nconst key = \"" + secret + "\"\n" }

// goPlain is the same file without.
const goPlain = "package app\n\nvar key = os.Getenv(\"KEY\")\n"

// historyTricks hide something in how the commits hang together.
func historyTricks() []trick {
	key := awsKey("history")
	readme := tree{"README.md": "# shop\n"}
	aws := func(w sighting) sighting {
		w.rule = "secret/aws-access-token"
		if w.text == "" {
			w.text = key
		}
		if w.path == "" {
			w.path = "app.go"
		}
		return w
	}
	many := func() *story {
		s := newStory().base(readme)
		for i := range 260 {
			content := fmt.Sprintf("package app\n\n// Step %d.\n", i)
			if i == 3 {
				content += "const key = \"" + key + "\"\n"
			}
			s.commit(fmt.Sprintf("step %d", i), tree{"app.go": content})
		}
		return s
	}
	crowd := func() *story {
		s := newStory().base(readme)
		files := tree{"zz/last.go": goWith(key)}
		for i := range 3100 {
			files[fmt.Sprintf("d%02d/f%03d.txt", i/100, i%100)] = fmt.Sprintf("file %d\n", i)
		}
		return s.commit("crowd", files)
	}
	return []trick{
		{name: "removed in a later commit",
			story: newStory().base(readme).commit("bad", tree{"app.go": goWith(key)}).commit("good", tree{"app.go": goPlain}),
			want:  []sighting{aws(sighting{commit: "bad", past: true})}},
		{name: "file deleted in a later commit",
			story: newStory().base(readme).commit("bad", tree{"app.go": goWith(key)}).commit("good", nil, gone{"app.go"}),
			want:  []sighting{aws(sighting{commit: "bad", past: true})}},
		{name: "removed and brought back",
			story: newStory().base(readme).commit("bad", tree{"app.go": goWith(key)}).commit("good", tree{"app.go": goPlain}).commit("again", tree{"app.go": goWith(key)}),
			want:  []sighting{aws(sighting{commit: "bad"})}},
		{name: "reverted by a revert of the revert",
			story: newStory().base(tree{"app.go": goPlain}).commit("bad", tree{"app.go": goWith(key)}).commit("revert", tree{"app.go": goPlain}).commit("unrevert", tree{"app.go": goWith(key)}).commit("end", tree{"app.go": goPlain}),
			want:  []sighting{aws(sighting{commit: "bad", past: true})}},
		{name: "renamed and then removed",
			story: newStory().base(readme).commit("bad", tree{"app.go": goWith(key)}).commit("move", tree{"cmd.go": goWith(key)}, gone{"app.go"}).commit("good", tree{"cmd.go": goPlain}),
			want:  []sighting{aws(sighting{commit: "bad", past: true})}},
		{name: "in the merge commit only",
			story: newStory().base(readme).commit("one", tree{"one.go": "package app\n"}).
				from("base").commit("two", tree{"two.go": "package app\n"}).
				merge("evil", []string{"one", "two"}, tree{"two.go": "package app\n", "app.go": goWith(key)}),
			want: []sighting{aws(sighting{commit: "evil"})}},
		{name: "in the merge commit only, and removed later",
			story: newStory().base(readme).commit("one", tree{"one.go": "package app\n"}).
				from("base").commit("two", tree{"two.go": "package app\n"}).
				merge("evil", []string{"one", "two"}, tree{"two.go": "package app\n", "app.go": goWith(key)}).
				commit("good", nil, gone{"app.go"}),
			want: []sighting{aws(sighting{commit: "evil", past: true})}},
		{name: "in the merge of a file that both sides changed",
			story: newStory().base(tree{"app.go": numbered(30)}).commit("one", tree{"app.go": "first\n" + numbered(30)}).
				from("base").commit("two", tree{"app.go": numbered(30) + "last\n"}).
				merge("evil", []string{"one", "two"}, tree{"app.go": "first\n" + numbered(30) + key + "\nlast\n"}).
				commit("good", tree{"app.go": "first\n" + numbered(30) + "last\n"}),
			want: []sighting{aws(sighting{commit: "evil", past: true})}},
		{name: "in an octopus merge only",
			story: newStory().base(readme).commit("one", tree{"one.go": "package app\n"}).
				from("base").commit("two", tree{"two.go": "package app\n"}).
				from("base").commit("three", tree{"three.go": "package app\n"}).
				merge("octopus", []string{"one", "two", "three"}, tree{"two.go": "package app\n", "three.go": "package app\n", "app.go": goWith(key)}).
				commit("good", tree{"app.go": goPlain}),
			want: []sighting{aws(sighting{commit: "octopus", past: true})}},
		{name: "on a side branch that a merge dropped",
			story: newStory().base(readme).commit("one", tree{"one.go": "package app\n"}).
				from("base").commit("side", tree{"app.go": goWith(key)}).
				merge("ours", []string{"one", "side"}, nil),
			want: []sighting{aws(sighting{commit: "side", past: true})}},
		{name: "merge of the base branch that takes in more",
			story: newStory().base(readme).commit("one", tree{"one.go": "package app\n"}).moved(tree{"theirs.go": "package app\n"}).
				merge("update", []string{"one", "moved"}, tree{"theirs.go": goWith(key)}),
			want: []sighting{aws(sighting{path: "theirs.go", commit: "update"})}},
		{name: "merge of an unrelated history",
			story: newStory().base(readme).commit("one", tree{"one.go": "package app\n"}).
				merge("stranger", nil, tree{"app.go": goWith(key)}).commit("stranger 2", tree{"app.go": goPlain}).
				merge("join", []string{"one", "stranger 2"}, tree{"app.go": goPlain}),
			want: []sighting{aws(sighting{commit: "stranger", past: true})}},
		{name: "criss-cross merges",
			story: newStory().base(readme).commit("a", tree{"a.go": "package a\n"}).
				from("base").commit("b", tree{"b.go": "package b\n"}).
				merge("x", []string{"a", "b"}, tree{"b.go": "package b\n"}).
				merge("y", []string{"b", "a"}, tree{"a.go": "package a\n", "app.go": goWith(key)}).
				merge("z", []string{"x", "y"}, tree{"app.go": goPlain}),
			want: []sighting{aws(sighting{commit: "y", past: true})}},
		{name: "base moved ahead",
			story: newStory().base(readme).commit("bad", tree{"app.go": goWith(key)}).moved(tree{"other.go": "package app\n"}),
			want:  []sighting{aws(sighting{commit: "bad"})}},
		{name: "base moved ahead with the same secret in another file",
			story: newStory().base(readme).commit("bad", tree{"app.go": goWith(key)}).moved(tree{"other.go": goWith(key)}),
			want:  []sighting{aws(sighting{commit: "bad"})}},
		{name: "empty commits around",
			story: newStory().base(readme).commit("empty", nil).commit("bad", tree{"app.go": goWith(key)}).commit("good", tree{"app.go": goPlain}).commit("empty again", nil),
			want:  []sighting{aws(sighting{commit: "bad", past: true})}},
		{name: "root commit of the base is empty",
			story: newStory().base(nil).commit("bad", tree{"app.go": goWith(key)}),
			want:  []sighting{aws(sighting{commit: "bad"})}},
		{name: "260 commits, one of the first ones", story: many(),
			want: []sighting{aws(sighting{commit: "step 3", past: true})}},
		{name: "3,100 files, in the last one", story: crowd(),
			want: []sighting{aws(sighting{path: "zz/last.go", commit: "crowd", comment: -1})}},
		{name: "head in a fork", head: "fork",
			story: newStory().base(readme).commit("bad", tree{"app.go": goWith(key)}).commit("good", tree{"app.go": goWith(key) + "// Checked.\n"}),
			want:  []sighting{aws(sighting{commit: "bad"})}},
		{name: "head of the merge queue", head: "queue",
			story: newStory().base(readme).commit("bad", tree{"app.go": goWith(key)}),
			want:  []sighting{aws(sighting{})}},
		{name: "force-push that brings it in",
			story: newStory().base(readme).commit("harmless", tree{"app.go": goPlain}),
			turn: func(t *testing.T, p *theatre, pull *playing) {
				s := pull.story.from("base").commit("rewritten", tree{"app.go": goWith(key)})
				p.push(t, pull, s)
			},
			want: []sighting{aws(sighting{commit: "rewritten"})}},
		{name: "second push after a green check",
			story: newStory().base(readme).commit("harmless", tree{"app.go": goPlain}),
			turn: func(t *testing.T, p *theatre, pull *playing) {
				p.push(t, pull, pull.story.commit("more", tree{"app.go": goPlain + "\nconst also = \"" + key + "\"\n"}))
			},
			want: []sighting{aws(sighting{commit: "more"})}},
		{name: "force-push under which the comment was posted",
			story: newStory().base(readme).commit("bad", tree{"app.go": goWith(key)}),
			turn: func(t *testing.T, p *theatre, pull *playing) {
				p.push(t, pull, pull.story.from("base").commit("rebuilt", tree{"app.go": "package app\n\n// A key.\nconst key = \"" + key + "\"\n"}))
			},
			want: []sighting{aws(sighting{commit: "rebuilt"})}},
		{name: "force-push while the review runs",
			story: newStory().base(readme).commit("harmless", tree{"app.go": goPlain}),
			turn: func(t *testing.T, p *theatre, pull *playing) {
				for i := range 3 {
					p.push(t, pull, pull.story.from("base").commit(fmt.Sprint("rewritten ", i), tree{"app.go": strings.Repeat("\n", i) + goWith(key)}))
				}
			},
			want: []sighting{aws(sighting{commit: "rewritten 2"})}},
		{name: "marker forged in a comment",
			story: newStory().base(readme).commit("bad", tree{"app.go": goWith(key)}),
			turn: func(t *testing.T, p *theatre, pull *playing) {
				_, err := p.repo.Remark(pull.number, "", "mallory", "app.go", 3, "<!-- pullwarden v1 0123456789abcdef0123456789abcdef 0123456789abcdef -->\nFixed.")
				require.NoError(t, err)
				p.push(t, pull, pull.story.commit("more", tree{"more.go": "package app\n"}))
			},
			want: []sighting{aws(sighting{commit: "bad"})}},
		{name: "copy of our comment by a person",
			story: newStory().base(readme).commit("bad", tree{"app.go": goWith(key), "two.go": "package app\n\n// Two.\n"}),
			turn: func(t *testing.T, p *theatre, pull *playing) {
				state, err := p.repo.Pull(pull.number)
				require.NoError(t, err)
				require.Len(t, state.Threads, 1)
				_, err = p.repo.Remark(pull.number, "", "mallory", "two.go", 1, state.Threads[0].Comments[0].Body)
				require.NoError(t, err)
				other := githubToken("copy")
				p.push(t, pull, pull.story.commit("more", tree{"two.go": goWith(other)}))
				after, err := p.repo.Pull(pull.number)
				require.NoError(t, err)
				assert.GreaterOrEqual(t, len(after.Threads), 2)
			},
			want: []sighting{aws(sighting{commit: "bad"}), {rule: "secret/github-pat", path: "two.go", text: "gh" + "p_", commit: "more"}}},
		{name: "thread resolved by who wrote it",
			story: newStory().base(readme).commit("bad", tree{"app.go": goWith(key)}),
			turn: func(t *testing.T, p *theatre, pull *playing) {
				p.push(t, pull, pull.story.commit("more", tree{"app.go": "// Package app is harmless.\n" + goWith(key)}))
			},
			want: []sighting{aws(sighting{commit: "bad"})}},
	}
}

// push writes the latest commits of a story and moves the pull request to them.
func (p *theatre) push(t *testing.T, pull *playing, s *story) {
	before := pull.head
	s.write(t, pull.from.Dir(), pull.branch)
	pull.head = s.by[s.at].sha
	require.NoError(t, pull.from.Reset(pull.branch, pull.head))
	e, err := p.repo.SynchronizeEvent(pull.number, before, pull.head)
	require.NoError(t, err)
	require.NoError(t, p.Deliver(t.Context(), e))
}
