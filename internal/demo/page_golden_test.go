package demo

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
)

var update = flag.Bool("update", false, "write testdata anew")

// TestPageAsItWas holds the page of the demo against its golden text, for a
// pull request that is always the same.
func TestPageAsItWas(t *testing.T) {
	show := &Show{
		Check: Check{
			Name: "pullwarden", Conclusion: "failure", Title: "1 blocking: <b> & key", Summary: "> A *word*\n\n| a | b |\n| --- | ---: |\n| 1 | 2 |\n\n### Findings\n- 🟥 **one** `a.go:2`\n",
			buttons:     []fakehub.Action{{Label: "Fix <it>", Description: "Push a commit", Identifier: "fix"}},
			annotations: []fakehub.Annotation{{Path: "a.go", StartLine: 2, EndLine: 2, Level: "failure", Title: "Title <i>", Message: "Message"}, {Path: "b.bin", Level: "notice", Title: "Of a file", Message: "M"}},
		},
		Comments: []Comment{{Path: "a.go", Line: 2, Body: "**🟥 Critical: key.**\n\n```suggestion\nx := 1\n```\n\n<details><summary>More</summary>\n\nhidden\n\n</details>\n"}},
		Upgrades: []Upgrade{{Title: "Upgrade x to 2", Branch: "pullwarden/x", Files: []string{"go.mod"}, number: 8, body: "Body **bold**", labels: []string{"dependencies"},
			diff: []fakehub.FileDiff{{Path: "go.mod", Status: "modified", Additions: 1, Deletions: 1, Hunks: []fakehub.Hunk{{Header: "@@ -1 +1 @@", Lines: []fakehub.DiffLine{{Kind: "-", Old: 1, Text: "x 1"}, {Kind: "+", New: 1, Text: "x 2"}}}}}}}},
		TookMS: 123,
		pull:   fakehub.Pull{Number: 7, Title: "Pay <by> card", Author: "dev", Base: "main", Head: "topic"},
		diff: []fakehub.FileDiff{
			{Path: "a.go", OldPath: "old.go", Status: "renamed", Additions: 1, Hunks: []fakehub.Hunk{{Header: "@@ -1,2 +1,3 @@ func <main>", Lines: []fakehub.DiffLine{
				{Kind: " ", Old: 1, New: 1, Text: "package a"}, {Kind: "+", New: 2, Text: "x := \"<script>\""}, {Kind: "-", Old: 2, Text: "\tgone"}}}}},
			{Path: "b.bin", Status: "added", Binary: true}, {Path: "c.sql", Status: "added", Hidden: true}, {Path: "run.sh", Status: "changed"},
		},
		reviews: []string{"found 1 problem"},
	}
	none := *show
	none.Check.Conclusion, none.Upgrades, none.Comments, none.reviews, none.Check.annotations, none.Check.buttons = "success", nil, nil, nil, nil, nil
	for file, s := range map[string]*Show{"testdata/page.html": show, "testdata/page-clean.html": &none} {
		var b bytes.Buffer
		require.NoError(t, s.Page(&b))
		if *update {
			require.NoError(t, os.MkdirAll("testdata", 0o755))
			require.NoError(t, os.WriteFile(file, b.Bytes(), 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, string(want), b.String())
	}
}
