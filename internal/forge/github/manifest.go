package github

import "github.com/pullwarden/pullwarden/internal/forge"

// Manifests are what our Apps ask for when they are registered, by the name of
// the file that people register them with.
func Manifests() map[string]forge.Grant {
	return map[string]forge.Grant{
		"app.yml": {
			Permissions: map[string]string{"metadata": read, "contents": write, "checks": write, "pull_requests": write, "merge_queues": read},
			Events:      []string{"check_run", "check_suite", "merge_group", "pull_request", "push", "repository"},
		},
		"app.no-upgrades.yml": {
			Permissions: map[string]string{"metadata": read, "contents": read, "checks": write, "pull_requests": write, "merge_queues": read},
			Events:      []string{"check_run", "check_suite", "merge_group", "pull_request", "repository"},
		},
		"app.writer.yml": {
			Permissions: map[string]string{"metadata": read, "contents": write, "pull_requests": write},
			Events:      []string{},
		},
	}
}
