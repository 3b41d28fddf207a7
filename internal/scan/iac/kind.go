package iac

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pullwarden/pullwarden/internal/change"
)

func isTerraform(name string) bool {
	for _, end := range []string{".tf", ".tf.json", ".tofu", ".tofu.json"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

func isVariables(name string) bool {
	return strings.HasSuffix(name, ".tfvars") || strings.HasSuffix(name, ".tfvars.json")
}

// setsItself reports whether Terraform reads a file of variables unasked.
func setsItself(name string) bool {
	name = strings.TrimSuffix(path.Base(name), ".json")
	return name == "terraform.tfvars" || strings.HasSuffix(name, ".auto.tfvars")
}

// A kind is one of those that are looked at file by file.
type kind int

const (
	none kind = iota
	docker
	manifestYAML
	manifestJSON
)

// kindOf returns the kind of the file named p.
func kindOf(p string) kind {
	ext := strings.ToLower(path.Ext(p))
	switch {
	case isDockerfile(p):
		return docker
	case ext == ".yaml" || ext == ".yml":
		return manifestYAML
	case ext == ".json" && !isTerraform(p) && !isVariables(p):
		return manifestJSON
	}
	return none
}

func isJSON(p string) bool { return kindOf(p) == manifestJSON }

// isDocument reports whether f is to be looked at by itself; a link counts as
// what it leads to.
func isDocument(f change.File) bool {
	return (f.Mode.IsRegular() || f.Mode&fs.ModeSymlink != 0) && kindOf(f.Path) != none
}

// notDocker are endings of files that are only named after a Dockerfile.
var notDocker = []string{
	".dockerignore", ".md", ".txt", ".sh", ".py", ".go", ".js", ".ts", ".rb", ".rs", ".java",
	".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".erb", ".template", ".mustache",
	".json", ".yml", ".yaml", ".html", ".bak", ".orig", ".rej", ".lock", ".txtar",
}

func isDockerfile(p string) bool {
	if isExactlyDockerfile(p) {
		return true
	}
	name := strings.ToLower(path.Base(p))
	for _, stem := range []string{"dockerfile", "containerfile"} {
		if rest, ok := strings.CutPrefix(name, stem); ok && rest != "" && strings.Contains(".-_", rest[:1]) {
			return !slices.Contains(notDocker, path.Ext(name))
		}
	}
	return false
}

// isExactlyDockerfile reports whether p is certain to be one. What is only named
// like "Dockerfile.web" may be anything.
func isExactlyDockerfile(p string) bool {
	name := strings.ToLower(path.Base(p))
	for _, stem := range []string{"dockerfile", "containerfile"} {
		if name == stem || strings.HasSuffix(name, "."+stem) {
			return true
		}
	}
	return false
}

// hasManifest reports whether text may hold a Kubernetes manifest, without parsing it.
func hasManifest(text []byte) bool {
	return bytes.Contains(text, []byte("apiVersion")) && bytes.Contains(text, []byte("kind"))
}
