package iac

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	trivy "github.com/aquasecurity/trivy/pkg/iac/scan"
	"github.com/aquasecurity/trivy/pkg/iac/scanners/terraform/executor"
	"github.com/aquasecurity/trivy/pkg/iac/scanners/terraform/parser"
	"github.com/aquasecurity/trivy/pkg/iac/terraform"
	"github.com/aquasecurity/trivy/pkg/iac/types"
	"github.com/zclconf/go-cty/cty"

	"github.com/pullwarden/pullwarden/internal/scan"
)

// terraform evaluates the modules in dirs, those they call and those that call them.
func (in *inspection) terraform(dirs []string) {
	if len(dirs) == 0 || in.snap.Tree == nil {
		return
	}
	r := in.repo
	callers := r.callers(dirs)
	roots := append(slices.Clone(dirs), callers...)
	in.fail(r.tooNested(dirs))
	in.remote(dirs)
	in.guessed = r.uncalled(dirs, roots)
	for _, dir := range append(r.reach(dirs), callers...) {
		if err := in.ctx.Err(); err != nil {
			in.fail(err)
			return
		}
		in.fail(in.module(r, dir, "", slices.Contains(roots, dir)))
	}
	// Other files of variables count when they change: nothing says which one is used.
	for _, p := range in.snap.Touched {
		if r.here(p) && isVariables(p) && !setsItself(p) && in.ctx.Err() == nil {
			in.fail(in.module(r, r.home(p), p, true))
		}
	}
	for _, p := range in.snap.Touched {
		if s, ok := r.sources[p]; ok && s.problem != nil {
			in.fail(s.problem)
		}
	}
	for _, p := range in.judged(r) {
		for _, what := range r.sources[p].refused {
			in.fail(&SyntaxError{Path: p, Line: what.line, Why: what.why})
		}
	}
	for _, f := range in.snap.Files {
		if isTerraform(f.Path) && overrides(f.Path) && f.Mode.IsRegular() {
			in.fail(&SyntaxError{Path: f.Path, Why: "lays its settings over those of other files, what they make together was not inspected"})
		}
	}
	in.fail(errors.Join(append(r.missing, r.unsearched...)...))
}

// judged returns the Terraform files that the change answers for, sorted: the
// touched ones, and those of the modules that they call.
func (in *inspection) judged(r *repository) []string {
	var out, called []string
	for _, p := range in.snap.Touched {
		if s, ok := r.sources[p]; ok {
			out = append(out, p)
			for _, c := range s.calls {
				called = append(called, c.dir)
			}
		}
	}
	for _, dir := range r.reach(called) {
		for _, s := range r.module(dir) {
			out = append(out, s.path)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// cut notes where there are more instances of a block than are inspected.
func (in *inspection) cut(modules terraform.Modules, r *repository) {
	judged := in.judged(r)
	for _, m := range modules {
		for _, b := range m.GetBlocks() {
			meta := b.GetMetadata()
			if !strings.HasSuffix(meta.Reference(), fmt.Sprintf("[%d]", maxCount)) {
				continue
			}
			p := meta.Range().GetFilename()
			if line := r.sources[p].counts[meta.Range().GetStartLine()]; line > 0 && slices.Contains(judged, p) {
				in.fail(&SyntaxError{Path: p, Line: line, Why: fmt.Sprintf(whyCount, maxCount)})
			}
		}
	}
}

// module evaluates the module in dir with the variables of the file also, if
// any; with the modules it calls only if deep.
func (in *inspection) module(r *repository, dir, also string, deep bool) error {
	files := map[string][]byte{}
	dirs := []string{dir}
	if deep {
		dirs = r.reach(dirs)
	}
	var errs []error
	circles := r.circles(dirs)
	for _, d := range dirs {
		if file, name := r.explodes(d); file != "" {
			errs = append(errs, &SyntaxError{Path: file, Why: fmt.Sprintf("local value %q grows beyond bounds, module not inspected", name)})
			continue
		}
		for _, s := range r.module(d) {
			if text := s.without(circles[d]); text != nil {
				files[s.path] = text
			}
		}
	}
	if !slices.ContainsFunc(r.module(dir), func(s source) bool { return files[s.path] != nil }) {
		return errors.Join(errs...)
	}
	inputs, err := r.inputs(dir, also)
	if err != nil && touches(in.snap, dir) {
		errs = append(errs, err)
	}
	if err := r.turns(dirs); err != nil {
		return errors.Join(append(errs, err)...)
	}
	if err := in.ready(); err != nil {
		return err
	}
	e, err := in.evaluate(files, dir, inputs)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	in.cut(e.modules, r)
	for _, res := range e.failed {
		in.block(res, e, dir)
	}
	if in.guessed[dir] && deep && also == "" {
		errs = append(errs, in.guess(r, dir, files, inputs, e))
	}
	if e.exhausted() {
		errs = append(errs, &SyntaxError{Path: dir, Why: fmt.Sprintf("calls more than %d modules, not all were inspected", maxModules)})
	}
	return errors.Join(errs...)
}

// An evaluation is what the engine makes of a module and of those it calls.
type evaluation struct {
	*tree
	grader
	failed trivy.Results
}

// evaluate has the engine judge the module in dir; inputs are its variables.
func (in *inspection) evaluate(files map[string][]byte, dir string, inputs map[string]cty.Value) (*evaluation, error) {
	e := &evaluation{tree: newTree(in.ctx, files)}
	p := parser.New(e.tree, "",
		parser.OptionWithLogger(slog.New(slog.DiscardHandler)),
		parser.OptionWithDownloads(false),
		parser.OptionWithSkipCachedModules(true), // a cache of the machine's
		parser.OptionWithWorkingDirectoryPath("/"),
		parser.OptionsWithTfVars(inputs),
	)
	if err := p.ParseFS(in.ctx, dir); err != nil {
		return nil, fmt.Errorf("%s: read the module: %w", dir, err)
	}
	var err error
	if e.modules, err = p.EvaluateAll(in.ctx); err == nil && in.ctx.Err() == nil {
		var results trivy.Results
		results, err = executor.New(executor.OptionWithRegoScanner(in.engine.rego)).Execute(in.ctx, e.modules, dir)
		e.failed = results.GetFailed()
		e.failed = append(e.failed, orphans(e.modules, e.failed)...)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: evaluate the module: %w", dir, err)
	}
	return e, nil
}

// touches reports whether the change touches a file of variables in dir.
func touches(s scan.Snapshot, dir string) bool {
	return slices.ContainsFunc(s.Touched, func(p string) bool { return isVariables(p) && path.Dir(p) == dir })
}

var (
	instance = regexp.MustCompile(`\[(?:\d+|"[^"]*")\]`)
	isModule = regexp.MustCompile(`^module\.`)
)

// block notes what the engine says of a block of the module in dir.
func (in *inspection) block(res trivy.Result, t *evaluation, dir string) {
	if !counts(res.Rule()) {
		return
	}
	// From the cause (an attribute) over its block to the resource, and on to
	// the calls of the module it is in.
	var inner, calls []types.Metadata
	meta := res.Metadata()
	for m := &meta; m != nil; m = m.Parent() {
		if isModule.MatchString(m.Reference()) {
			calls = append(calls, *m)
		} else {
			inner = append(inner, *m)
		}
	}
	h := hit{rule: in.engine.rule(res.Rule()), grades: t.grades(meta)}
	for _, m := range append(slices.Clone(inner), calls...) {
		if at, text := t.span(m); at.Path != "" {
			if h.at = at; attributeOf(m) == "" {
				h.at.End = at.Start // the header of a block
			}
			h.line = lineOf(text, h.at)
			break
		}
	}
	if h.at.Path == "" {
		h.at.Path = firstOf(t.tree, dir) // about the module as a whole
	}
	var names []string
	for _, m := range inner {
		if ref := m.Reference(); ref != "" {
			names = append(names, ref)
		}
		if _, text, ok := t.named(m.Range().GetFilename()); ok && h.text == "" && m.Range().GetEndLine() > m.Range().GetStartLine() {
			h.text = clean(linesOf(text, m.Range().GetStartLine(), m.Range().GetEndLine()))
		}
	}
	h.name = instance.ReplaceAllString(strings.Join(names, " in "), "")
	resource := ""
	if len(names) > 0 {
		resource = names[len(names)-1]
		h.block = instance.ReplaceAllString(resource, "")
		if at, _ := t.span(inner[len(inner)-1]); at.Path == h.at.Path {
			h.span = at
		}
	}
	for _, m := range calls {
		h.module = strings.TrimSuffix(m.Reference()+"."+h.module, ".")
		if at, _ := t.span(m); at.Path != "" {
			h.also = append(h.also, at)
		}
	}
	h.message = in.engine.message(res, strings.TrimPrefix(h.module+"."+resource, "."))
	h.module = instance.ReplaceAllString(h.module, "")
	in.hits = append(in.hits, h)
}

// attributeOf returns the name of the attribute that m is about, "" if it is a block.
func attributeOf(m types.Metadata) string {
	if m.Parent() == nil || m.Parent().Reference() == "" {
		return ""
	}
	name, ok := strings.CutPrefix(m.Reference(), m.Parent().Reference()+".")
	if !ok || strings.Contains(name, ".") {
		return ""
	}
	return name
}

func firstOf(t *tree, dir string) string {
	for _, e := range t.dirs[dir] {
		if !e.IsDir() {
			return path.Join(dir, e.Name())
		}
	}
	return dir
}

// maxMessage is how many characters of a message are kept. It is generous, for
// a secret that is cut is not recognised when secrets are taken out.
const maxMessage = 2_000

// described is the check's word on one place, on one line.
func described(res trivy.Result) string {
	text := clean(res.Description())
	if text == "" || hidesMessage(res.Rule()) || strings.HasPrefix(text, "Rego check") {
		return ""
	}
	first, n := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + strings.TrimRight(text[n:], ".")
}

// message says what is wrong at one place, on one line.
func (e *engine) message(res trivy.Result, resource string) string {
	text := cmp.Or(e.words[res.Rule().ID].Message, described(res), e.rule(res.Rule()).Title)
	if resource != "" {
		text = resource + ": " + text
	}
	if long := []rune(text); len(long) > maxMessage {
		text = string(long[:maxMessage]) + "…"
	}
	return text
}
