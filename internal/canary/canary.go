// Package canary finds secrets in what a program gives out: in its log, its
// metrics, its database, what it sends, what it prints when it dies. The test
// suites plant secrets and look for them everywhere.
//
// A secret is found as it is and as programs write it: in base64 at any
// alignment, in hexadecimal, escaped for a URL or for JSON. A part of it is
// enough, so that what was cut short is found too.
package canary

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
)

// window is the length of a part that counts, in bytes. Shorter secrets count
// as a whole.
const window = 12

// A Cage holds secrets. Its methods are safe for concurrent use.
type Cage struct {
	mu    sync.Mutex
	parts map[[window]byte]string // to the name of its secret and how it was written
	begun []bool                  // by hash: whether a part begins so; most text is passed over by that
	short map[string]string
}

// begins is a hash of the first bytes of a part, below 1<<hashBits.
func begins(b []byte) uint32 {
	return binary.LittleEndian.Uint32(b) * 2654435761 >> (32 - hashBits)
}

const hashBits = 20

// Add puts a secret in; name is what is told of it. Of a secret with several
// lines each is one, but for the first and last line of a PEM block, which
// everybody knows. A secret must not have words in it that stand elsewhere.
func (c *Cage) Add(name, value string) {
	for line := range strings.Lines(value) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "-----") {
			continue
		}
		c.AddBytes(name, []byte(line))
	}
}

// AddBytes puts in a secret that is no text.
func (c *Cage) AddBytes(name string, value []byte) {
	c.add(name, string(value))
	for how, form := range forms(string(value)) {
		c.add(name+" "+how, form)
	}
}

func (c *Cage) add(name, form string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parts == nil {
		c.parts, c.short, c.begun = map[[window]byte]string{}, map[string]string{}, make([]bool, 1<<hashBits)
	}
	if len(form) < window {
		if _, known := c.short[form]; !known {
			c.short[form] = name
		}
		return
	}
	for i := range len(form) - window + 1 {
		part := [window]byte([]byte(form[i : i+window]))
		c.begun[begins(part[:])] = true
		if _, known := c.parts[part]; !known {
			c.parts[part] = name
		}
	}
}

// forms are the other ways to write s, by name.
func forms(s string) map[string]string {
	all := map[string]string{"in hexadecimal": hex.EncodeToString([]byte(s)), "in upper-case hexadecimal": fmt.Sprintf("%X", s)}
	for shift := range 3 {
		// What stands before it decides how it falls into groups of three bytes.
		// The characters at both ends depend on what is around.
		for how, e := range map[string]*base64.Encoding{"in base64": base64.RawStdEncoding, "in base64 for URLs": base64.RawURLEncoding} {
			form := e.EncodeToString([]byte(strings.Repeat("x", shift) + s))
			start := (shift*8 + 5) / 6
			end := (shift + len(s)) * 8 / 6
			if end-start >= window {
				all[fmt.Sprintf("%s after %d bytes", how, shift)] = form[start:end]
			}
		}
	}
	if b, err := json.Marshal(s); err == nil {
		all["in JSON"] = strings.Trim(string(b), `"`)
	}
	all["in a query"], all["in a path"] = url.QueryEscape(s), url.PathEscape(s)
	return all
}

// Find returns the names of the secrets that are in b, each once.
func (c *Cage) Find(b []byte) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := map[string]bool{}
	var found []string
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			found = append(found, name)
		}
	}
	for i := range len(b) - window + 1 {
		if len(c.parts) > 0 && c.begun[begins(b[i:])] {
			if name, ok := c.parts[[window]byte(b[i:i+window])]; ok {
				add(name)
			}
		}
	}
	for form, name := range c.short {
		if strings.Contains(string(b), form) {
			add(name)
		}
	}
	return found
}

// Len is the number of secrets' parts that are looked for.
func (c *Cage) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.parts) + len(c.short)
}
