package fakehub

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A selection is one field of a query, or a fragment ("on" without a name).
type selection struct {
	alias, name string
	args        map[string]any
	on          string // type condition of a fragment; "" means any
	fragment    bool
	sub         []selection
	skip        []condition
}

// A condition is @skip or @include with its argument.
type condition struct {
	include bool
	value   any
}

// variable stands for $name until it is known.
type variable string

// enum is a bare word that is no true, false or null.
type enum string

// A document is a parsed GraphQL request with one operation.
type document struct {
	kind      string // query or mutation
	defaults  map[string]any
	required  map[string]bool
	fields    []selection
	fragments map[string]selection
}

type parser struct {
	src string
	at  int
	tok string // "" at the end; a string literal keeps its opening quote
}

type syntaxError string

func (e syntaxError) Error() string { return string(e) }

// parseGraphQL reads what executable GraphQL allows, for one operation.
func parseGraphQL(src string) (doc *document, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ours := r.(syntaxError)
			if !ours {
				panic(r)
			}
			doc, err = nil, e
		}
	}()
	p := &parser{src: src}
	p.next()
	doc = &document{defaults: map[string]any{}, required: map[string]bool{}, fragments: map[string]selection{}}
	for p.tok != "" {
		switch p.tok {
		case "fragment":
			p.next()
			name := p.word()
			p.expect("on")
			doc.fragments[name] = selection{fragment: true, on: p.word(), skip: p.directives(), sub: p.selections()}
			continue
		case "query", "mutation":
			if doc.kind != "" {
				p.fail("more than one operation")
			}
			doc.kind = p.word()
			if p.tok != "(" && p.tok != "{" && p.tok != "@" {
				p.word()
			}
			p.variables(doc)
			p.directives()
		case "{":
			if doc.kind != "" {
				p.fail("more than one operation")
			}
			doc.kind = "query"
		default:
			p.fail("Expected one of SCHEMA, SCALAR, TYPE, ENUM, INPUT, UNION, INTERFACE, query, mutation")
		}
		doc.fields = p.selections()
	}
	if doc.kind == "" {
		p.fail("Unexpected end of document")
	}
	return doc, nil
}

func (p *parser) fail(format string, args ...any) {
	panic(syntaxError(fmt.Sprintf(format, args...) + fmt.Sprintf(", actual: %q at %d", p.tok, p.at)))
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *parser) next() {
	for p.at < len(p.src) && (strings.IndexByte(" \t\r\n,", p.src[p.at]) >= 0 || p.src[p.at] == '#') {
		if p.src[p.at] == '#' {
			if n := strings.IndexByte(p.src[p.at:], '\n'); n >= 0 {
				p.at += n
			} else {
				p.at = len(p.src)
			}
			continue
		}
		p.at++
	}
	start := p.at
	switch {
	case p.at == len(p.src):
		p.tok = ""
		return
	case strings.HasPrefix(p.src[p.at:], "..."):
		p.at += 3
	case p.src[p.at] == '"':
		p.at++
		for p.at < len(p.src) && p.src[p.at] != '"' {
			if p.src[p.at] == '\\' {
				p.at++
			}
			p.at++
		}
		if p.at >= len(p.src) {
			p.tok = ""
			p.fail("Unterminated string")
		}
		p.at++
	case isWord(p.src[p.at]) || p.src[p.at] == '-':
		p.at++
		for p.at < len(p.src) && (isWord(p.src[p.at]) || p.src[p.at] == '.') {
			p.at++
		}
	default:
		_, n := utf8.DecodeRuneInString(p.src[p.at:])
		p.at += n
	}
	p.tok = p.src[start:p.at]
}

func (p *parser) expect(tok string) {
	if p.tok != tok {
		p.fail("Expected %s", tok)
	}
	p.next()
}

func (p *parser) word() string {
	w := p.tok
	if w == "" || !isWord(w[0]) {
		p.fail("Expected NAME")
	}
	p.next()
	return w
}

func (p *parser) variables(doc *document) {
	if p.tok != "(" {
		return
	}
	p.next()
	for p.tok != ")" {
		p.expect("$")
		name := p.word()
		p.expect(":")
		doc.required[name] = p.typeRef()
		if p.tok == "=" {
			p.next()
			doc.defaults[name] = p.value()
			doc.required[name] = false
		}
	}
	p.next()
}

// typeRef skips a type and reports whether it ends in "!".
func (p *parser) typeRef() bool {
	if p.tok == "[" {
		p.next()
		p.typeRef()
		p.expect("]")
	} else {
		p.word()
	}
	if p.tok == "!" {
		p.next()
		return true
	}
	return false
}

func (p *parser) selections() []selection {
	p.expect("{")
	var list []selection
	for p.tok != "}" {
		if p.tok == "" {
			p.fail("Expected }")
		}
		if p.tok == "..." {
			list = append(list, p.spread())
			continue
		}
		s := selection{name: p.word()}
		s.alias = s.name
		if p.tok == ":" {
			p.next()
			s.name = p.word()
		}
		if p.tok == "(" {
			s.args = p.arguments()
		}
		s.skip = p.directives()
		if p.tok == "{" {
			s.sub = p.selections()
		}
		list = append(list, s)
	}
	if list == nil {
		p.fail("Expected a field")
	}
	p.next()
	return list
}

// spread reads "... on Type {}", "... {}" or "...Name".
func (p *parser) spread() selection {
	p.next()
	s := selection{fragment: true}
	switch p.tok {
	case "on":
		p.next()
		s.on = p.word()
	case "{", "@":
	default:
		s.name = p.word()
		s.skip = p.directives()
		return s
	}
	s.skip = p.directives()
	s.sub = p.selections()
	return s
}

func (p *parser) directives() []condition {
	var list []condition
	for p.tok == "@" {
		p.next()
		name := p.word()
		if name != "include" && name != "skip" {
			p.fail("Directive @%s is not defined", name)
		}
		list = append(list, condition{include: name == "include", value: p.arguments()["if"]})
	}
	return list
}

func (p *parser) arguments() map[string]any {
	args := map[string]any{}
	p.expect("(")
	for p.tok != ")" {
		name := p.word()
		p.expect(":")
		args[name] = p.value()
	}
	p.next()
	return args
}

func (p *parser) value() any {
	switch tok := p.tok; {
	case tok == "$":
		p.next()
		return variable(p.word())
	case tok == "[":
		p.next()
		list := []any{}
		for p.tok != "]" {
			list = append(list, p.value())
		}
		p.next()
		return list
	case tok == "{":
		p.next()
		object := map[string]any{}
		for p.tok != "}" {
			name := p.word()
			p.expect(":")
			object[name] = p.value()
		}
		p.next()
		return object
	case tok == "":
		p.fail("Unexpected end of document")
	case tok[0] == '"':
		p.next()
		s, err := strconv.Unquote(strings.ReplaceAll(tok, `\/`, "/"))
		if err != nil {
			p.fail("Bad string")
		}
		return s
	case tok == "true" || tok == "false":
		p.next()
		return tok == "true"
	case tok == "null":
		p.next()
		return nil
	case tok[0] == '-' || tok[0] >= '0' && tok[0] <= '9':
		p.next()
		f, err := strconv.ParseFloat(tok, 64)
		if err != nil {
			p.fail("Bad number")
		}
		return f
	}
	return enum(p.word())
}
