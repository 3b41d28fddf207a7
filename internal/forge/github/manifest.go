package github

import "github.com/pullwarden/pullwarden/internal/forge"

// Manifests are what our Apps ask for when they are registered, by the name of
// the file that people register them with.
func Manifests() map[string]forge.Grant {
	return map[string]forge.Grant{
		"app.yml": {
			Permissions: map[string]string{"metadata": read, "contents": write, "checks": write, "pull_requests": write, "merge_queues": read, "issues": write, "members": read},
			Events:      []string{"check_run", "check_suite", "issue_comment", "merge_group", "pull_request", "pull_request_review_comment", "push", "repository"},
		},
		"app.no-upgrades.yml": {
			Permissions: map[string]string{"metadata": read, "contents": read, "checks": write, "pull_requests": write, "merge_queues": read, "issues": write, "members": read},
			Events:      []string{"check_run", "check_suite", "issue_comment", "merge_group", "pull_request", "pull_request_review_comment", "repository"},
		},
		"app.writer.yml": {
			Permissions: map[string]string{"metadata": read, "contents": write, "pull_requests": write},
			Events:      []string{},
		},
	}
}

// Least is what no review can do without: an App that was registered before
// commands were obeyed goes on as it did.
func Least() forge.Grant {
	return forge.Grant{
		Permissions: map[string]string{"metadata": read, "contents": read, "checks": write, "pull_requests": write, "merge_queues": read},
		Events:      []string{"check_run", "check_suite", "merge_group", "pull_request", "repository"},
	}
}
