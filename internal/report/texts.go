package report

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/templates"
)

// Texts are the templates in use: an operator's where there is one, else ours.
// The nil Texts are ours.
type Texts struct {
	own    fs.FS
	failed func(name string, err error)
}

// NewTexts takes templates from own, by the names of ours. One that has
// another name or cannot be read is an error. One that fails when it is used is
// told to failed, and ours stands in: no review is lost to a word.
func NewTexts(own fs.FS, failed func(name string, err error)) (*Texts, error) {
	entries, err := fs.ReadDir(own, ".")
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".tmpl") {
			continue
		}
		if !slices.Contains(Names(), e.Name()) {
			errs = append(errs, fmt.Errorf("%s is none of %s", e.Name(), strings.Join(Names(), ", ")))
		} else if _, err := parse(own, e.Name(), nil); err != nil {
			errs = append(errs, err)
		}
	}
	return &Texts{own, failed}, errors.Join(errs...)
}

// Names are those of the templates that an operator may replace.
func Names() []string {
	var all []string
	entries, _ := fs.ReadDir(templates.FS, ".") // it is in the program
	for _, e := range entries {
		if filepath.Ext(strings.TrimSuffix(e.Name(), ".tmpl")) == ".md" {
			all = append(all, e.Name())
		}
	}
	return all
}

// render runs one template. The functions that put foreign text in take the
// secrets out before they escape, for an escaped secret is not known any more;
// what comes out is cleaned once again.
func (t *Texts) render(name string, secrets *finding.Redactor, data any) (string, error) {
	if t != nil && slices.Contains(Names(), name) {
		if _, err := fs.Stat(t.own, name); err == nil {
			text, err := execute(t.own, name, secrets, data)
			if err == nil {
				return text, nil
			}
			t.failed(name, err)
		}
	}
	return execute(templates.FS, name, secrets, data)
}

// partials are what several templates have in common; an operator's may use them too.
const partials = "partials.tmpl"

func parse(from fs.FS, name string, secrets *finding.Redactor) (*template.Template, error) {
	cleaned := func(f func(string) string) func(string) string {
		return func(s string) string { return f(secrets.Clean(s)) }
	}
	t := template.New(name).Funcs(template.FuncMap{
		"md": cleaned(escape), "own": cleaned(own), "fenced": cleaned(fenced), "code": cleaned(code), "plain": cleaned(plain), "line": cleaned(oneLine),
		"path":  cleaned(func(p string) string { return clipPath(showPath(p), pathShown) }),
		"count": plural, "link": firstLink, "short": short, "sentence": sentence,
	})
	if _, err := t.ParseFS(templates.FS, partials); err != nil {
		return nil, err
	}
	if _, err := t.ParseFS(from, name); err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	return t, nil
}

func execute(from fs.FS, name string, secrets *finding.Redactor, data any) (string, error) {
	t, err := parse(from, name, secrets)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return "", fmt.Errorf("template %s: %w", name, err)
	}
	return secrets.Clean(strings.TrimSpace(b.String()) + "\n"), nil
}
