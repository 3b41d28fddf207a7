package iac

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/aquasecurity/trivy/pkg/iac/rules"
	trivy "github.com/aquasecurity/trivy/pkg/iac/scan"
	"github.com/aquasecurity/trivy/pkg/iac/terraform"
)

// publicACL is the check that the engine makes of buckets only.
const publicACL = "AWS-0092"

// orphans returns what the engine does not look at: access control lists of
// buckets that the module does not make itself, but names.
func orphans(modules terraform.Modules, found trivy.Results) trivy.Results {
	var out trivy.Results
	for _, b := range modules.GetResourcesByType("aws_s3_bucket_acl") {
		a := b.GetAttribute("acl")
		if a.IsNil() || !a.IsString() || !slices.Contains([]string{"public-read", "public-read-write", "website", "authenticated-read"}, a.Value().AsString()) {
			continue
		}
		bucket, err := modules.GetReferencedBlock(b.GetAttribute("bucket"), b)
		if err == nil && bucket != nil && bucket.TypeLabel() == "aws_s3_bucket" {
			continue
		}
		meta := a.GetMetadata()
		if !slices.ContainsFunc(found, func(r trivy.Result) bool {
			return r.Rule().ID == publicACL && r.Range().String() == meta.Range().String()
		}) {
			out.Add(fmt.Sprintf("Bucket has a public ACL: %q", a.Value().AsString()), meta)
		}
	}
	if len(out) == 0 {
		return nil
	}
	for _, r := range rules.GetRegistered() {
		if r.ID == publicACL {
			out.SetRule(r.GetRule())
			return out
		}
	}
	return nil
}

// overrides reports whether Terraform lays the blocks of a file over those of
// the others, attribute by attribute, which the engine does not.
func overrides(name string) bool {
	name, _, _ = strings.Cut(path.Base(name), ".")
	return name == "override" || strings.HasSuffix(name, "_override")
}
