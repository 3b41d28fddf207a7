package iac

import (
	"bytes"
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

// isDocument reports whether f is of a kind that is looked at file by file.
func isDocument(f change.File) bool {
	return f.Mode.IsRegular() && (isDockerfile(f.Path) || isYAML(f.Path))
}

// notDocker are endings of files that are only named after a Dockerfile.
var notDocker = []string{
	".dockerignore", ".md", ".txt", ".sh", ".py", ".go", ".js", ".ts", ".rb", ".rs", ".java",
	".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".erb", ".template", ".mustache",
	".json", ".yml", ".yaml", ".html", ".bak", ".orig", ".rej", ".lock",
}

func isDockerfile(p string) bool {
	name := strings.ToLower(path.Base(p))
	for _, stem := range []string{"dockerfile", "containerfile"} {
		if name == stem || strings.HasSuffix(name, "."+stem) {
			return true
		}
		if strings.HasPrefix(name, stem+".") {
			return !slices.Contains(notDocker, path.Ext(name))
		}
	}
	return false
}

func isYAML(p string) bool {
	ext := strings.ToLower(path.Ext(p))
	return ext == ".yaml" || ext == ".yml"
}

// hasManifest reports whether text may hold a Kubernetes manifest, without parsing it.
func hasManifest(text []byte) bool {
	return bytes.Contains(text, []byte("apiVersion")) && bytes.Contains(text, []byte("kind"))
}
