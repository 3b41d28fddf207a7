package iac

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
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

// surrogate matches half of a character that JSON writes in two escapes and
// YAML in one.
var surrogate = regexp.MustCompile(`\\u[dD][89a-fA-F][0-9a-fA-F]{2}`)

// objects splits a file of JSON into its values, made such that they are YAML
// as well, with the lines that they have. What follows a broken one is left out.
func objects(text []byte) []part {
	var out []part
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	offset := len(text) - len(bytes.TrimPrefix(text, []byte("\ufeff")))
	for {
		start := offset + int(d.InputOffset())
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			if !errors.Is(err, io.EOF) {
				out = append(out, part{text: text[start:], skip: bytes.Count(text[:start], []byte("\n"))})
			}
			return out
		}
		end := offset + int(d.InputOffset())
		raw := bytes.ReplaceAll(text[start:end], []byte("\t"), []byte(" "))
		out = append(out, part{
			text: surrogate.ReplaceAllLiteral(raw, []byte(`\u003f`)),
			skip: bytes.Count(text[:start], []byte("\n")),
		})
	}
}

// manifests looks at the Kubernetes manifests in one file of YAML or JSON.
func (in *inspection) manifests(path string, text []byte) error {
	split := parts
	if isJSON(path) {
		split = objects
	}
	var errs []error
	for _, p := range split(text) {
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
	// A template is not YAML yet.
	template := bytes.Contains(p.text, []byte("{{")) && in.repo.inChart(path)
	var errs []error
	for d := yaml.NewDecoder(bytes.NewReader(p.text)); ; {
		var root yaml.Node
		if err := d.Decode(&root); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			if !template && looksLikeManifest(p.text) {
				errs = append(errs, &SyntaxError{Path: path, Line: p.skip + max(1, lineIn(err)), Why: "cannot be read as YAML"})
			}
			break
		}
		doc, err := read(path, p.skip, &root)
		if errors.Is(err, errComplexKey) {
			if !template && looksLikeManifest(p.text) {
				errs = append(errs, &SyntaxError{Path: path, Line: p.skip + max(1, root.Line), Why: "YAML with keys that are no words, not inspected"})
			}
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

var (
	hasVersion = regexp.MustCompile(`(?m)^[ \t\-{"',]*apiVersion["']?[ \t]*:[ \t]*["']?[a-z]|"apiVersion"[ \t]*:[ \t]*"[a-z]`)
	hasKind    = regexp.MustCompile(`(?m)^[ \t\-{"',]*kind["']?[ \t]*:[ \t]*["']?[A-Z]|"kind"[ \t]*:[ \t]*"[A-Z]`)
)

// looksLikeManifest reports whether text that is broken was meant to be a manifest.
func looksLikeManifest(text []byte) bool { return hasVersion.Match(text) && hasKind.Match(text) }

// inChart reports whether the file at p is a template of a Helm chart.
func (r *repository) inChart(p string) bool {
	for dir := path.Dir(p); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if path.Base(dir) != "templates" {
			continue
		}
		if _, err := r.mode(path.Join(path.Dir(dir), "Chart.yaml")); err == nil {
			return true
		}
	}
	return false
}

// manifests returns the manifests of a document: itself, or the items of a
// list, which may be lists again.
func (d *document) manifests() []map[string]any {
	root, _ := d.value.(map[string]any)
	return manifestsIn(root)
}

func manifestsIn(m map[string]any) []map[string]any {
	if !isManifest(m) {
		return nil
	}
	list, _ := m["kind"].(string)
	of, isList := strings.CutSuffix(list, "List")
	items, ok := m["items"].([]any)
	if !ok {
		return []map[string]any{m}
	}
	var out []map[string]any
	if !isList {
		out = append(out, m) // with items it is a list all the same
	}
	for _, i := range items {
		item, ok := i.(map[string]any)
		if !ok {
			continue
		}
		if _, named := item["kind"]; !named && isList && of != "" { // a PodList is one of Pods
			item["kind"], item["apiVersion"] = of, m["apiVersion"]
		}
		out = append(out, manifestsIn(item)...)
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
	if err := in.ready(); err != nil {
		return err
	}
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
		h := hit{
			rule: in.engine.rule(res.Rule()), at: at, name: clean(name + " " + d.paths[n]),
			block: name, span: whole, grades: manifestGrades(res.Rule().ID, n),
		}
		h.at.End = at.Start
		if line := d.setting(n, res.Rule().ID, described(res)); line > 0 {
			h.at.Start, h.at.End = line, line
			h.line = lineOf(file, h.at)
		}
		if h.message = in.engine.message(res, ""); !strings.Contains(h.message, nameIn(m)) || nameIn(m) == "" {
			h.message = in.engine.message(res, name)
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
