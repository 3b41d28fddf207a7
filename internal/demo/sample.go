package demo

import (
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	_ "embed"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"maps"
	"math/big"
	"slices"
	"strings"
	"text/template"

	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/tools/txtar"
)

//go:embed sample.txtar
var sampleText []byte

// A sample is a repository to review, and all that its registries and the
// advisories know. Its secrets differ from run to run.
type sample struct {
	base       map[string]string
	commits    []sampleCommit
	modules    map[string]map[string]string // "path@version" to its files
	npm        map[string]string            // packuments by package name
	advisories map[string]map[string]string // ecosystem to records by file name
	secrets    []string                     // that were made up for it
}

type sampleCommit struct {
	message string
	files   map[string]string
	gone    []string
}

// parseSample reads a sample in the form that sample.txtar describes.
func parseSample(text []byte) (*sample, error) {
	raw := split(txtar.Parse(text))
	s := &sample{modules: raw.modules}
	secrets := map[string]string{}
	fill, err := template.New("sample").Delims("[[", "]]").Funcs(template.FuncMap{
		"secret": func(kind string, n int) (string, error) {
			key := fmt.Sprint(kind, n)
			if secrets[key] == "" {
				v, err := makeSecret(kind)
				if err != nil {
					return "", err
				}
				secrets[key] = v
			}
			return secrets[key], nil
		},
		"gosum":     s.sums,
		"integrity": integrity,
	}).Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	var b bytes.Buffer
	if err := fill.Execute(&b, nil); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	out := split(txtar.Parse(b.Bytes()))
	out.secrets = slices.Sorted(maps.Values(secrets))
	return out, nil
}

func split(archive *txtar.Archive) *sample {
	s := &sample{
		base: map[string]string{}, modules: map[string]map[string]string{},
		npm: map[string]string{}, advisories: map[string]map[string]string{},
	}
	commits := map[string]*sampleCommit{}
	var order []string
	for _, f := range archive.Files {
		kind, rest, _ := strings.Cut(f.Name, "/")
		content := string(f.Data)
		switch kind {
		case "base":
			s.base[rest] = content
		case "commit":
			id, path, _ := strings.Cut(rest, "/")
			if commits[id] == nil {
				commits[id] = &sampleCommit{files: map[string]string{}}
				order = append(order, id)
			}
			switch path {
			case "MESSAGE":
				commits[id].message = strings.TrimSpace(content)
			case "DELETE":
				commits[id].gone = strings.Fields(content)
			default:
				commits[id].files[path] = content
			}
		case "module":
			path, after, _ := strings.Cut(rest, "@")
			version, file, _ := strings.Cut(after, "/")
			put(s.modules, path+"@"+version, file, content)
		case "npm":
			s.npm[strings.TrimSuffix(rest, ".json")] = content
		case "advisory":
			ecosystem, file, _ := strings.Cut(rest, "/")
			put(s.advisories, ecosystem, file, content)
		}
	}
	slices.Sort(order)
	for _, id := range order {
		s.commits = append(s.commits, *commits[id])
	}
	return s
}

func put(m map[string]map[string]string, key, name, content string) {
	if m[key] == nil {
		m[key] = map[string]string{}
	}
	m[key][name] = content
}

// sums are the go.sum lines of a module of the sample.
func (s *sample) sums(path, version string) (string, error) {
	zip, err := s.zip(path, version)
	if err != nil {
		return "", err
	}
	all, err := hashZip(zip)
	if err != nil {
		return "", err
	}
	mod, err := dirhash.Hash1([]string{"go.mod"}, opener(map[string]string{"go.mod": s.modules[path+"@"+version]["go.mod"]}))
	return fmt.Sprintf("%s %s %s\n%s %s/go.mod %s", path, version, all, path, version, mod), err
}

// integrity stands for the checksum of a package that nobody downloads.
func integrity(name, version string) string {
	sum := sha512.Sum512([]byte(name + "@" + version))
	return "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

// makeSecret makes up a secret that looks like one of the given kind.
func makeSecret(kind string) (string, error) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	switch kind {
	case "aws":
		return random("AKIA"+"Q", 15, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") // of a low account
	case "stripe":
		return random("sk_"+"live_", 28, letters)
	case "github":
		body, err := random("", 30, letters)
		return "ghp_" + body + checksum(body), err
	case "gitlab":
		return random("glpat-", 20, letters)
	}
	return "", fmt.Errorf("no secret of kind %q", kind)
}

// checksum is what a token of GitHub ends in: the CRC-32 of the rest in six digits of base 62.
func checksum(body string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum, out := crc32.ChecksumIEEE([]byte(body)), [6]byte{}
	for i := len(out) - 1; i >= 0; i-- {
		out[i], sum = digits[sum%62], sum/62
	}
	return string(out[:])
}

func random(prefix string, n int, alphabet string) (string, error) {
	b := []byte(prefix)
	for range n {
		i, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			return "", err
		}
		b = append(b, alphabet[i.Int64()])
	}
	return string(b), nil
}
