package demo

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
)

// Sums are the go.sum lines of a module that the stage's registry serves.
func (s *Stage) Sums(path, version string) (string, error) { return s.sample.sums(path, version) }

// registries serves the sample's packages: the module proxy protocol under
// /go/, packuments under /npm/.
func (s *sample) registries() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/go/", func(w http.ResponseWriter, r *http.Request) {
		path, file, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/go/"), "/@v/")
		if !ok {
			http.NotFound(w, r)
			return
		}
		if file == "list" {
			for _, key := range slices.Sorted(maps.Keys(s.modules)) {
				if version, ok := strings.CutPrefix(key, path+"@"); ok {
					fmt.Fprintln(w, version)
				}
			}
			return
		}
		kind := filepath.Ext(file)
		version := strings.TrimSuffix(file, kind)
		files, ok := s.modules[path+"@"+version]
		switch {
		case !ok:
			http.NotFound(w, r)
		case kind == ".info":
			_ = json.NewEncoder(w).Encode(map[string]string{"Version": version, "Time": "2026-09-01T00:00:00Z"})
		case kind == ".mod":
			_, _ = io.WriteString(w, files["go.mod"])
		case kind == ".zip":
			b, err := s.zip(path, version)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			_, _ = w.Write(b)
		default:
			http.NotFound(w, r)
		}
	})
	mux.HandleFunc("/npm/", func(w http.ResponseWriter, r *http.Request) {
		name, err := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/npm/"))
		text, ok := s.npm[name]
		if err != nil || !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	})
	return mux
}

// zip returns a module as the proxy protocol has it.
func (s *sample) zip(path, version string) ([]byte, error) {
	files, ok := s.modules[path+"@"+version]
	if !ok {
		return nil, fmt.Errorf("the sample has no module %s@%s", path, version)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(path + "@" + version + "/" + name)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, files[name]); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func hashZip(b []byte) (string, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return "", err
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	return dirhash.Hash1(names, func(name string) (io.ReadCloser, error) { return z.Open(name) })
}

func opener(files map[string]string) func(string) (io.ReadCloser, error) {
	return func(name string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(files[name])), nil }
}

// writeAdvisories writes the records as OSV publishes them: DIR/ECOSYSTEM/all.zip.
func (s *sample) writeAdvisories(dir string) error {
	for ecosystem, records := range s.advisories {
		if err := os.MkdirAll(filepath.Join(dir, ecosystem), 0o700); err != nil {
			return err
		}
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, name := range slices.Sorted(maps.Keys(records)) {
			w, err := z.Create(name)
			if err != nil {
				return err
			}
			if _, err := io.WriteString(w, records[name]); err != nil {
				return err
			}
		}
		if err := z.Close(); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, ecosystem, "all.zip"), b.Bytes(), 0o600); err != nil {
			return err
		}
	}
	return nil
}
