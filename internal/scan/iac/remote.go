package iac

import (
	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
)

// remoteModule names what is deployed with a change and was not looked at. It
// is no error: every change to a module that builds on a public one has it.
func remoteModule() finding.Rule {
	return finding.Rule{
		ID:       "iac/remote-module",
		Title:    "Module from outside of the repository",
		Why:      "What this module brings is deployed with the change, but is not in the repository and was not inspected.",
		How:      "Pin the module to a version or commit that was reviewed.",
		Severity: finding.Info,
	}
}

// remote names the calls of remote modules in dirs. Where they come from is
// not said, for an address may hold a password.
func (in *inspection) remote(dirs []string) {
	for _, dir := range dirs {
		for _, s := range in.repo.module(dir) {
			for _, c := range s.remote {
				in.hits = append(in.hits, hit{
					rule:    remoteModule(),
					at:      change.Span{Path: s.path, Start: c.line, End: c.line},
					name:    "module." + c.name,
					message: "module." + c.name + ": comes from outside of the repository and was not inspected",
				})
			}
		}
	}
}
