package fakehub

import "fmt"

// A Requirement is a check that has to pass before a merge.
type Requirement struct {
	Branch, Check string
	App           int64 // that has to post it; 0 is any
	// Classic is a branch protection rule. Otherwise it is a ruleset: of the
	// repository, or of the Organization that owns it.
	Classic, Organization bool
}

type rule struct {
	Requirement
	id int64
}

// Require protects a branch of r, which need not be there yet.
func (r *Repo) Require(q Requirement) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	r.rules = append(r.rules, rule{q, r.hub.id()})
}

// branchRules lists what the active rulesets say of a branch, whether it
// exists or not; branch protection is none of it.
func (c *call) branchRules() answer {
	list := []map[string]any{}
	for _, q := range c.repo.rules {
		if q.Classic || q.Branch != c.params["branch"] {
			continue
		}
		from := func(kind string) map[string]any {
			v := map[string]any{"type": kind, "ruleset_source_type": "Repository", "ruleset_source": c.repo.String(), "ruleset_id": q.id}
			if q.Organization {
				v["ruleset_source_type"], v["ruleset_source"] = "Organization", c.repo.owner.Login
			}
			return v
		}
		check := map[string]any{"context": q.Check}
		if q.App != 0 {
			check["integration_id"] = q.App
		}
		v := from("required_status_checks")
		v["parameters"] = map[string]any{"strict_required_status_checks_policy": false, "do_not_enforce_on_create": false,
			"required_status_checks": []any{check}}
		list = append(list, from("deletion"), v)
	}
	return paged(c, list, func(v map[string]any) any { return v })
}

// protection is what GET on a branch tells to who may read the repository.
func (r *Repo) protection(branch string) (protected bool, v map[string]any) {
	contexts, checks := []string{}, []any{}
	for _, q := range r.rules {
		if q.Branch != branch {
			continue
		}
		protected = true
		if !q.Classic {
			continue
		}
		var app any
		if q.App != 0 {
			app = q.App
		}
		contexts, checks = append(contexts, q.Check), append(checks, map[string]any{"context": q.Check, "app_id": app})
	}
	level := "off"
	if len(checks) > 0 {
		level = "non_admins"
	}
	return protected, map[string]any{"enabled": len(checks) > 0,
		"required_status_checks": map[string]any{"enforcement_level": level, "contexts": contexts, "checks": checks}}
}

// requires is what keeps commits without checks out of a branch, "" if nothing does.
func (r *Repo) requires(ref string) string {
	for _, q := range r.rules {
		switch {
		case "refs/heads/"+q.Branch != ref:
		case q.Classic:
			return fmt.Sprintf("Required status check %q is expected.", q.Check)
		default:
			return fmt.Sprintf("Repository rule violations found\n\nRequired status check %q is expected.\n\n", q.Check)
		}
	}
	return ""
}
