package iac

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// The engine's parser and all that walks what it made call themselves for each
// level of an expression, and a stack that is full ends the process: nothing
// can catch it. So depth is bounded before anything is parsed.
const (
	maxNesting   = 200   // brackets and templates within one another
	maxOperators = 1_000 // of one expression and those around it
	maxDigits    = 400   // of a number
)

// refuse returns why the Terraform file at p must not be parsed, nil if it may be.
func refuse(p string, text []byte) *SyntaxError {
	if len(text) > maxFile {
		return tooLarge(p)
	}
	if strings.HasSuffix(p, ".json") {
		return refuseJSON(p, text)
	}
	tokens, _ := hclsyntax.LexConfig(text, p, hcl.InitialPos)
	if line, why := tooDeep(tokens, true); line > 0 {
		return &SyntaxError{Path: p, Line: line, Why: why}
	}
	return nil
}

// A frame is what stands between a pair of brackets.
type frame struct {
	operators int  // since the last thing that ends an expression
	lines     bool // a line's end is one
}

// tooDeep returns the line on which an expression gets deeper than is
// followed, and why; 0 if none does. lines says that a line's end ends an
// expression at the outermost level.
func tooDeep(tokens hclsyntax.Tokens, lines bool) (line int, why string) {
	frames := []frame{{lines: lines}}
	sum := 0 // operators of all frames
	for i, t := range tokens {
		top := &frames[len(frames)-1]
		switch t.Type {
		case hclsyntax.TokenIdent, hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenEOF:
			continue
		case hclsyntax.TokenNumberLit:
			if tooLong(t.Bytes) {
				return t.Range.Start.Line, "a number too long to be one"
			}
			continue
		case hclsyntax.TokenNewline, hclsyntax.TokenComment:
			if top.lines && bytes.HasSuffix(t.Bytes, []byte("\n")) {
				sum, top.operators = sum-top.operators, 0
			}
			continue
		case hclsyntax.TokenComma:
			sum, top.operators = sum-top.operators, 0
			continue
		case hclsyntax.TokenCBrace, hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCQuote,
			hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			if len(frames) > 1 {
				sum -= top.operators
				frames = frames[:len(frames)-1]
			}
			continue
		case hclsyntax.TokenTemplateInterp:
			frames = append(frames, frame{}) // the parts of a template stand side by side
		default:
			top.operators++
			sum++
			if opens(t.Type) {
				frames = append(frames, frame{lines: t.Type == hclsyntax.TokenOBrace && !startsFor(tokens[i+1:])})
			}
		}
		if sum > maxOperators || len(frames) > maxNesting {
			return t.Range.Start.Line, "nested too deeply"
		}
	}
	return 0, ""
}

func opens(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOQuote,
		hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateControl:
		return true
	}
	return false
}

// startsFor reports whether what follows an opening brace is a for
// expression, in which the end of a line means nothing.
func startsFor(tokens hclsyntax.Tokens) bool {
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenNewline, hclsyntax.TokenComment:
		default:
			return t.Type == hclsyntax.TokenIdent && string(t.Bytes) == "for"
		}
	}
	return false
}

var exponent = regexp.MustCompile(`[eE][+-]?0*\d{4,}`)

// tooLong reports whether a number is one that fills the memory when it is
// written out.
func tooLong(number []byte) bool { return len(number) > maxDigits || exponent.Match(number) }

// refuseJSON does it for JSON, whose strings are parsed once more when they
// are evaluated.
func refuseJSON(p string, text []byte) *SyntaxError {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	refused := func(why string) *SyntaxError {
		return &SyntaxError{Path: p, Line: 1 + bytes.Count(text[:min(int(d.InputOffset()), len(text))], []byte("\n")), Why: why}
	}
	// Of each object and array that is open: whether it is an object whose key
	// comes next, and the last key.
	type level struct {
		object, key bool
		last        string
	}
	levels := []level{{}}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return refused("cannot be read as JSON")
		}
		top := &levels[len(levels)-1]
		isKey := top.object && top.key
		top.key = !top.key
		why := ""
		switch t := t.(type) {
		case json.Delim:
			switch t {
			case '{', '[':
				levels = append(levels, level{object: t == '{', key: true, last: top.last})
			default:
				levels = levels[:len(levels)-1]
			}
			if len(levels) > maxNesting {
				why = "nested too deeply"
			}
		case json.Number:
			if tooLong([]byte(t)) {
				why = "a number too long to be one"
			}
		case string:
			why = refuseString([]byte(t), !isKey && top.last == "type")
			if isKey {
				top.last = t
			}
		}
		if why != "" {
			return refused(why)
		}
	}
}

// refuseString returns why a string of JSON must not be evaluated, "" if it
// may be: as a template, or, if it says what type a variable has, as an expression.
func refuseString(s []byte, isType bool) string {
	if bytes.Contains(s, []byte("${")) || bytes.Contains(s, []byte("%{")) {
		tokens, _ := hclsyntax.LexTemplate(s, "", hcl.InitialPos)
		if _, why := tooDeep(tokens, false); why != "" {
			return why
		}
		loops := 0
		for _, t := range tokens {
			if t.Type == hclsyntax.TokenIdent && (string(t.Bytes) == "for" || string(t.Bytes) == "setproduct") {
				loops++
			}
		}
		if loops >= maxLoops {
			return "for expressions nested too deeply"
		}
	}
	if isType {
		tokens, _ := hclsyntax.LexExpression(s, "", hcl.InitialPos)
		_, why := tooDeep(tokens, false)
		return why
	}
	return ""
}
