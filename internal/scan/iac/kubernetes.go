package iac

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/aquasecurity/trivy/pkg/iac/types"
	"go.yaml.in/yaml/v3"

	"github.com/pullwarden/pullwarden/internal/change"
)

// A part is one document of a file.
type part struct {
	text []byte
	skip int // lines before it
}

var separator = regexp.MustCompile(`(?m)^---(?:[ \t].*)?\r?$`)

// parts splits a file into documents, so that a broken one does not hide the others.
func parts(text []byte) []part {
	var out []part
	at, line := 0, 0
	for _, m := range append(separator.FindAllIndex(text, -1), []int{len(text), len(text)}) {
		out = append(out, part{text: text[at:m[0]], skip: line})
		line += bytes.Count(text[at:m[0]], []byte("\n"))
		at = m[0] // the separator belongs to what follows
	}
	return out
}

// manifests looks at the Kubernetes manifests in one file of YAML.
func (in *inspection) manifests(path string, text []byte) error {
	var errs []error
	for _, p := range parts(text) {
		if err := in.ctx.Err(); err != nil {
			return errors.Join(append(errs, err)...)
		}
		if hasManifest(p.text) {
			errs = append(errs, in.part(path, text, p))
		}
	}
	return errors.Join(errs...)
}

// part looks at one document of the file at path, whose text is given as well.
func (in *inspection) part(path string, text []byte, p part) error {
	if aliasLike(p.text) > 10*maxAliases {
		return &SyntaxError{Path: path, Line: p.skip + 1, Why: fmt.Sprintf("YAML with more than %d aliases, not inspected", maxAliases)}
	}
	var errs []error
	for d := yaml.NewDecoder(bytes.NewReader(p.text)); ; {
		var root yaml.Node
		if err := d.Decode(&root); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			if !bytes.Contains(p.text, []byte("{{")) { // a template is not YAML yet
				errs = append(errs, &SyntaxError{Path: path, Line: p.skip + max(1, lineIn(err)), Why: "cannot be read as YAML"})
			}
			break
		}
		doc, err := read(path, p.skip, &root)
		if errors.Is(err, errTemplate) {
			continue
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, m := range doc.manifests() {
			errs = append(errs, in.manifest(path, text, doc, m))
		}
	}
	return errors.Join(errs...)
}

// manifests returns the manifests of a document: itself, or the items of a list.
func (d *document) manifests() []map[string]any {
	root, _ := d.value.(map[string]any)
	if !isManifest(root) {
		return nil
	}
	items, ok := root["items"].([]any)
	if kind, _ := root["kind"].(string); !ok || !strings.HasSuffix(kind, "List") {
		return []map[string]any{root}
	}
	var out []map[string]any
	for _, i := range items {
		if m, ok := i.(map[string]any); ok && isManifest(m) {
			out = append(out, m)
		}
	}
	return out
}

func isManifest(m map[string]any) bool {
	version, _ := m["apiVersion"].(string)
	kind, _ := m["kind"].(string)
	return version != "" && kind != ""
}

// manifest evaluates the checks for one manifest of a document.
func (in *inspection) manifest(path string, file []byte, d *document, m map[string]any) error {
	results, err := in.engine.judge(in.ctx, types.SourceKubernetes, path, m)
	if err != nil {
		return err
	}
	name := nameOf(m)
	whole := d.at(m)
	for _, res := range results {
		if !counts(res.Rule()) {
			continue
		}
		at := change.Span{Path: path, Start: res.Range().GetStartLine(), End: res.Range().GetEndLine()}
		if at.Start == 0 {
			at = whole
		}
		n := d.deepest(at)
		h := hit{rule: in.engine.rule(res.Rule()), at: at, name: clean(name + " " + d.paths[n])}
		text := message(res, "")
		if line := d.setting(n, res.Rule().ID, text); line > 0 {
			h.at.Start, h.at.End = line, line
			h.line = lineOf(file, h.at)
		}
		if h.message = text; !strings.Contains(text, nameIn(m)) || nameIn(m) == "" {
			h.message = message(res, name)
		}
		in.hits = append(in.hits, h)
	}
	return nil
}

func nameIn(m map[string]any) string {
	meta, _ := m["metadata"].(map[string]any)
	name, _ := meta["name"].(string)
	return name
}

// nameOf says which manifest m is: "Deployment/default/web".
func nameOf(m map[string]any) string {
	kind, _ := m["kind"].(string)
	meta, _ := m["metadata"].(map[string]any)
	space, _ := meta["namespace"].(string)
	if space == "" {
		space = "default"
	}
	return kind + "/" + space + "/" + nameIn(m)
}
