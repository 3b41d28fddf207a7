package gomod

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// sums are the lines of a go.sum: hashes by module and version, where the
// version of a go.mod alone ends in "/go.mod".
type sums map[module.Version][]string

func parseSums(b []byte) (sums, error) {
	s := sums{}
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		f := strings.Fields(line)
		switch len(f) {
		case 0:
		case 3:
			m := module.Version{Path: f[0], Version: f[1]}
			if !slices.Contains(s[m], f[2]) {
				s[m] = append(s[m], f[2])
			}
		default:
			return nil, refusal("line %d of go.sum cannot be read: run go mod tidy", n)
		}
	}
	return s, nil
}

// check compares hash with what s knows of m, which may be nothing.
func (s sums) check(m module.Version, hash string) error {
	for _, known := range s[m] {
		if strings.HasPrefix(known, "h1:") && known != hash {
			return fmt.Errorf("checksum mismatch of %s %s: go.sum has %s, the registry serves %s", m.Path, m.Version, known, hash)
		}
	}
	return nil
}

// add records a hash; one of the same kind that is there already agrees with it.
func (s sums) add(m module.Version, hash string) {
	if !slices.Contains(s[m], hash) {
		s[m] = append(s[m], hash)
	}
}

// format writes the lines in the order of the go command.
func (s sums) format() []byte {
	mods := make([]module.Version, 0, len(s))
	for m := range s {
		mods = append(mods, m)
	}
	slices.SortFunc(mods, func(a, b module.Version) int {
		x, _, _ := strings.Cut(a.Version, "/")
		y, _, _ := strings.Cut(b.Version, "/")
		return cmp.Or(strings.Compare(a.Path, b.Path), semver.Compare(x, y), strings.Compare(a.Version, b.Version))
	})
	var out bytes.Buffer
	for _, m := range mods {
		hashes := slices.Sorted(slices.Values(s[m]))
		for _, h := range hashes {
			fmt.Fprintf(&out, "%s %s %s\n", m.Path, m.Version, h)
		}
	}
	return out.Bytes()
}

// goMod is the key of m's go.mod in go.sum.
func goMod(m module.Version) module.Version {
	return module.Version{Path: m.Path, Version: m.Version + "/go.mod"}
}
