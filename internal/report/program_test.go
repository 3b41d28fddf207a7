package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xeipuuv/gojsonschema"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/policy"
)

// odd is what names can be besides the samples: no text, no line, ignored,
// in history.
func odd() sample {
	noText := logging()
	noText.At, noText.Severity = change.Span{Path: "c:x/a\xff b#?%.tf"}, finding.Info
	ignored := privileged()
	ignored.At = at("deploy/shop.yaml", 9, 9)
	return sample{
		files: files(), findings: []finding.Finding{noText, ignored, bucket(), past(stripe()), medium(fontReader())},
		skipped:  []change.Skip{{Path: "b\xff", Why: "larger than 4 MiB"}},
		statuses: []finding.Status{{Scanner: "iac", Err: errors.New("gave up\nat once \x1b[0m")}},
		notices:  []string{PolicyBroken("main", errorOf("bad"))},
		policy: func(p *policy.Policy) {
			p.Ignore = []policy.Exception{{Rule: "iac/KSV-*", Reason: "known", Owner: "@acme/ops", Until: today}}
		},
	}
}

func everySample() map[string]sample {
	all := samples()
	all["odd"] = odd()
	return all
}

func validate(t *testing.T, schema *gojsonschema.Schema, document []byte) {
	t.Helper()
	require.True(t, json.Valid(document))
	result, err := schema.Validate(gojsonschema.NewBytesLoader(document))
	require.NoError(t, err)
	for _, e := range result.Errors() {
		t.Error(e)
	}
}

func written(t *testing.T, format string, s sample) []byte {
	var b bytes.Buffer
	require.NoError(t, Formats()[format](&b, s.report(t)))
	return b.Bytes()
}

func TestReportJSONSchema(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "config", "scan.schema.json"))
	require.NoError(t, err)
	schema, err := gojsonschema.NewSchema(gojsonschema.NewBytesLoader(text))
	require.NoError(t, err)
	for name, s := range everySample() {
		t.Run(name, func(t *testing.T) { validate(t, schema, written(t, "json", s)) })
	}
	result, err := schema.Validate(gojsonschema.NewStringLoader(`{"verdict":"fine","findings":[],"scanned":{},"scanners":[]}`))
	require.NoError(t, err)
	assert.False(t, result.Valid(), "the schema refuses what it should")

	var d Document
	require.NoError(t, json.Unmarshal([]byte(strings.NewReplacer(`"certain"`, "2").Replace(string(written(t, "json", odd())))), &d))
	require.Len(t, d.Findings, 5)
	assert.Equal(t, `"c:x/a\xff b#?%.tf"`, d.Findings[0].Path)
	assert.Zero(t, d.Findings[0].Start)
	assert.Equal(t, "ignored", d.Findings[1].Action)
	assert.Equal(t, `Set acl = "private".`, d.Findings[2].Fix, "its example is for Markdown")
	assert.True(t, d.Findings[3].Past)
	assert.Equal(t, []change.Skip{{Path: `"b\xff"`, Why: "larger than 4 MiB"}}, d.Scanned.Skipped)
	assert.Equal(t, "gave up at once \uFFFD[0m", d.Scanners[0].Error)
	assert.Equal(t, []string{"The policy on main is not valid: bad. The last valid one holds."}, d.Notices)
}

func TestOneIsNotPlural(t *testing.T) {
	r := samples()["clean"].report(t)
	r.Result.Scanned = finding.Scanned{Commits: 1, Blobs: 1, Of: 1}
	text := everything(t, r)
	assert.Equal(t, 2, strings.Count(text, "canned 1 of 1 blob in 1 commit."))
}

func TestFormatNames(t *testing.T) {
	assert.ElementsMatch(t, slices.Collect(maps.Keys(Formats())), FormatNames())
}

// What nobody set is not in the document, and the tool names its version.
func TestSARIFHasNoDefaults(t *testing.T) {
	for name, s := range everySample() {
		r := s.report(t)
		r.Version = "1.2.3"
		var b bytes.Buffer
		require.NoError(t, SARIF(&b, r))
		for _, no := range []string{": -1", ": []", `"kind": "fail"`, `"newlineSequences"`, `"language"`} {
			assert.NotContains(t, strings.ReplaceAll(b.String(), `"results": []`, ""), no, name)
		}
		var d struct {
			Runs []struct {
				Tool struct {
					Driver struct{ Name, Version, InformationURI string }
				}
				Results []any
			}
		}
		require.NoError(t, json.Unmarshal(b.Bytes(), &d))
		assert.Equal(t, "1.2.3", d.Runs[0].Tool.Driver.Version)
		assert.Len(t, d.Runs[0].Results, len(r.Verdict.Decisions))
		assert.NotNil(t, d.Runs[0].Results, "an empty list is there")
	}
}

// sarifSchema is the schema of SARIF 2.1.0, which the library has as a constant of its own.
func sarifSchema(t *testing.T) *gojsonschema.Schema {
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif").Output()
	require.NoError(t, err)
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "schema.go"), nil, 0)
	require.NoError(t, err)
	var text string
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && len(lit.Value) > 10_000 {
			text, err = strconv.Unquote(lit.Value)
		}
		return true
	})
	require.NoError(t, err)
	require.Contains(t, text, "Static Analysis Results Format (SARIF) Version 2.1.0")
	schema, err := gojsonschema.NewSchema(gojsonschema.NewStringLoader(text))
	require.NoError(t, err)
	return schema
}

func TestReportSARIF(t *testing.T) {
	schema := sarifSchema(t)
	for name, s := range everySample() {
		t.Run(name, func(t *testing.T) { validate(t, schema, written(t, "sarif", s)) })
	}
	result, err := schema.Validate(gojsonschema.NewStringLoader(`{"version":"2.1.0","runs":[{"results":[]}]}`))
	require.NoError(t, err)
	assert.False(t, result.Valid(), "the schema refuses what it should")

	var d struct {
		Runs []struct {
			Results []struct {
				RuleID, Level string
				Message       struct{ Text string }
				Suppressions  []struct{ Kind, Justification string }
				Locations     []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           *struct{ StartLine, EndLine int }
					}
				}
			}
			Invocations []struct {
				ExecutionSuccessful        bool
				ToolExecutionNotifications []struct{ Message struct{ Text string } }
			}
		}
	}
	require.NoError(t, json.Unmarshal(written(t, "sarif", odd()), &d))
	require.Len(t, d.Runs, 1)
	results := d.Runs[0].Results
	require.Len(t, results, 5)
	last, ignored := results[3], results[4]
	assert.Equal(t, "c%3Ax/a%FF%20b%23%3F%25.tf", last.Locations[0].PhysicalLocation.ArtifactLocation.URI)
	assert.Nil(t, last.Locations[0].PhysicalLocation.Region, "a whole file has no region")
	assert.Equal(t, "note", last.Level)
	require.Len(t, ignored.Suppressions, 1)
	assert.Equal(t, "external", ignored.Suppressions[0].Kind)
	assert.Equal(t, "an exception of @acme/ops until 2026-05-04: known", ignored.Suppressions[0].Justification)
	assert.Equal(t, "secret/stripe-access-token", results[0].RuleID)
	assert.Contains(t, results[0].Message.Text, "still in the history: commit 99aabbc.")
	places := map[string]int{}
	for _, r := range results {
		places[r.RuleID] = len(r.Locations)
	}
	assert.Equal(t, 2, places["iac/AWS-0092"], "all places of one finding")
	assert.False(t, d.Runs[0].Invocations[0].ExecutionSuccessful)
	assert.Len(t, d.Runs[0].Invocations[0].ToolExecutionNotifications, 2)
}
