package finding

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
)

// An Identity is what makes a finding the same one in another commit. It may
// hold a secret: it cannot be printed, marshalled or compared from outside.
type Identity struct{ concealed[identity] }

type identity struct {
	value   string
	written []string // how it stands there, which must not be shown either
	secret  bool     // known wherever it stands; else the path belongs to it
}

// InFile names a finding within its file: "lodash@4.17.20", "aws_s3_bucket.logs".
// Two findings of one rule with one name in one file are told apart by their order.
func InFile(name string) Identity { return Identity{conceal(identity{value: name})} }

// OfSecret names a finding by the secret itself, wherever it stands: moved, it
// is the same one, and in ten files it is one finding with ten places. Written
// is how it stands in the file: encoded, for instance. It makes no other one.
func OfSecret(value string, written ...string) Identity {
	return Identity{conceal(identity{value: value, written: written, secret: true})}
}

// concealed keeps a value from being printed. fmt does not call the methods of
// an unexported field, and follows a pointer to a struct or a slice; of a
// pointer to a pointer it prints the address.
type concealed[T any] struct{ at **T }

func conceal[T any](v T) concealed[T] {
	p := &v
	return concealed[T]{&p}
}

// get returns the value, the zero one if none was concealed.
func (c concealed[T]) get() (v T) {
	if c.at != nil {
		v = **c.at
	}
	return v
}

func (Identity) String() string               { return "[identity]" }
func (Identity) GoString() string             { return "[identity]" }
func (Identity) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte("[identity]")) }
func (Identity) MarshalText() ([]byte, error) { return []byte("[identity]"), nil }

// ByValue reports whether f is known wherever it stands, as a secret is.
func (f *Finding) ByValue() bool { return f.identity.get().secret }

// Reveal calls use with the secret that f stands for, "" if it stands for
// none. The value may leave use for its own provider, and nowhere else.
func (f *Finding) Reveal(use func(value string)) {
	var value string
	if id := f.identity.get(); id.secret {
		value = id.value
	}
	use(value)
}

// A Fingerprint identifies a finding across commits; 32 hex digits.
type Fingerprint string

// A Key makes fingerprints. Without it nobody can tell from a fingerprint
// which secret it stands for. The zero Key serves where nothing is kept.
type Key struct {
	ID     string // stored beside what it made
	secret concealed[[]byte]
	before *Key
}

// NewKey returns a key made of secret; its ID is derived from it.
func NewKey(secret []byte) Key {
	sum := sha256.Sum256(append([]byte("pullwarden key id\x00"), secret...))
	return Key{ID: hex.EncodeToString(sum[:4]), secret: conceal(bytes.Clone(secret))}
}

// After returns k, which still knows what another key made before it: Seal sets
// Was, and All has both.
func (k Key) After(other Key) Key {
	if other.ID != k.ID {
		k.before = &other
	}
	return k
}

// Before returns the key before k, the zero one if there is none.
func (k Key) Before() Key {
	if k.before == nil {
		return Key{}
	}
	return *k.before
}

// All returns k and the key before it, if there is one.
func (k Key) All() []Key {
	if k.before == nil {
		return []Key{k}
	}
	return []Key{k, *k.before}
}

// Sum returns a keyed digest of parts as hex digits; what says what it is for.
func (k Key) Sum(what string, parts ...string) string {
	h := hmac.New(sha256.New, k.secret.get())
	for _, p := range append([]string{what}, parts...) {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (Key) String() string             { return "[key]" }
func (Key) GoString() string           { return "[key]" }
func (Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[key]")) }

// Seal sets the Print of each finding and makes one of those with the same
// one, see Merge. The findings must be sorted by place; pathAt names the file
// of one as Head calls it, so that a renamed file keeps its findings.
func (k Key) Seal(findings []Finding, pathAt func(string) string) []Finding {
	type seat struct{ rule, path, name string }
	nth := map[seat]int{}
	at := map[Fingerprint]int{}
	ordinals := map[cause]map[string]int{}
	var groups [][]Finding
	for _, f := range findings {
		id := f.identity.get()
		parts := []string{"value", f.Rule.ID, id.value}
		if !id.secret {
			s := seat{f.Rule.ID, pathAt(f.At.Path), id.value}
			parts = []string{"place", s.rule, s.path, s.name, fmt.Sprint(nth[s])}
			nth[s]++
		}
		if id.secret {
			f.secret = Fingerprint(k.Sum("secret", id.value))
		}
		f.Print = Fingerprint(k.Sum(parts[0], parts[1:]...))
		if k.before != nil {
			f.Was = Fingerprint(k.before.Sum(parts[0], parts[1:]...))
		}
		k.sealCause(&f, pathAt(f.At.Path), ordinals)
		i, seen := at[f.Print]
		if !seen {
			i = len(groups)
			at[f.Print] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], f)
	}
	var out []Finding
	for _, g := range groups {
		i := best(g)
		out = append(out, g[i].Merge(slices.Delete(slices.Clone(g), i, i+1)...))
	}
	return out
}

// best returns which finding of one secret shows it best: one with a line
// before an archive or a file's name, then one that is more certain; else the first.
func best(same []Finding) (best int) {
	for i, f := range same {
		b := same[best]
		if line, had := f.At.Start > 0, b.At.Start > 0; line && !had || line == had && f.Confidence > b.Confidence {
			best = i
		}
	}
	return best
}

// Merge returns f with the places of others that have its Print, each once. It
// is as severe and as certain as the one that is most.
func (f Finding) Merge(others ...Finding) Finding {
	if len(others) == 0 {
		return f
	}
	seen := map[change.Span]bool{f.At: true}
	also := slices.Clone(f.Also)
	for _, s := range also {
		seen[s] = true
	}
	for _, o := range others {
		for _, s := range append([]change.Span{o.At}, o.Also...) {
			if !seen[s] {
				seen[s] = true
				also = append(also, s)
			}
		}
		f.Unlisted += o.Unlisted
		f.Severity, f.Confidence = max(f.Severity, o.Severity), max(f.Confidence, o.Confidence)
	}
	f.Also = also
	return f
}

// A Redactor takes the secrets of one change out of any text. The nil
// Redactor knows none.
type Redactor struct{ values concealed[[]string] }

// shortest is the length from which on a value is taken out wherever it
// stands: below it, ordinary words would suffer.
const shortest = 6

// NewRedactor returns a redactor of every secret that findings stand for.
func NewRedactor(findings ...Finding) *Redactor {
	var values []string
	seen := map[string]bool{}
	for _, f := range findings {
		id := f.identity.get()
		if !id.secret {
			continue
		}
		for _, text := range append([]string{id.value}, id.written...) {
			for _, v := range append(strings.Split(text, "\n"), text) {
				if v = strings.TrimSpace(v); len(v) >= shortest && !seen[v] {
					seen[v] = true
					values = append(values, v)
				}
			}
		}
	}
	// The longest first: a value may begin with another one.
	slices.SortStableFunc(values, func(a, b string) int { return len(b) - len(a) })
	return &Redactor{conceal(values)}
}

// Clean returns s without the secrets.
func (r *Redactor) Clean(s string) string {
	if r == nil {
		return s
	}
	for _, v := range r.values.get() {
		s = strings.ReplaceAll(s, v, "[secret removed]")
	}
	return s
}

func (*Redactor) String() string             { return "[redactor]" }
func (*Redactor) GoString() string           { return "[redactor]" }
func (*Redactor) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redactor]")) }
