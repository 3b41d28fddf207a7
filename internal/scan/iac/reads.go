package iac

import (
	"bytes"
	"context"
	"regexp"
	"slices"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/scan"
)

var _ scan.Reader = (*Scanner)(nil)

// notOfCluster are what the apiVersion of files begins with that look like
// Kubernetes manifests, but say to a tool how to make some.
var notOfCluster = [][]byte{[]byte("kustomize.config.k8s.io/"), []byte("skaffold/")}

// What a document that is a manifest has at its top. Further in, it may be in a
// patch, or in a text.
var (
	topVersion = regexp.MustCompile(`(?m)^(?:\{[ \t]*)?["']?apiVersion["']?[ \t]*:|^\s*\{[^{}]*"apiVersion"[ \t]*:`)
	topKind    = regexp.MustCompile(`(?m)^(?:\{[ \t]*)?["']?kind["']?[ \t]*:|^\s*\{[^{}]*"kind"[ \t]*:`)
)

// Reads implements [scan.Reader]: Terraform files, Dockerfiles, and of YAML and
// JSON what looks like a Kubernetes manifest as it is applied to a cluster. It
// does not load the checks.
func (*Scanner) Reads(_ context.Context, snap scan.Snapshot) func(path string) bool {
	repo := snapshot(snap)
	return func(p string) bool {
		switch kindOf(p) {
		case docker:
			return true
		case none:
			return isTerraform(p) || isVariables(p)
		}
		text, err := repo.read(p)
		if err != nil {
			return false
		}
		if decoded, _, ok := change.Text(text); ok {
			text = decoded
		}
		if !hasManifest(text) || bytes.Contains(text, []byte("{{")) && repo.inChart(p) {
			return false
		}
		return slices.ContainsFunc(parts(text), func(d part) bool { return isApplied(d.text) })
	}
}

// isApplied reports whether a document looks like a manifest for a cluster.
func isApplied(text []byte) bool {
	return topVersion.Match(text) && topKind.Match(text) &&
		!slices.ContainsFunc(notOfCluster, func(group []byte) bool { return bytes.Contains(text, group) })
}
