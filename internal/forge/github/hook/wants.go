package hook

// Wants reports whether a delivery of this event and action may be our
// business; whether it is, its body says. One that is not need not be asked
// for again.
func Wants(event, action string) bool {
	switch event + "." + action {
	case "pull_request.opened", "pull_request.synchronize", "pull_request.reopened", "pull_request.ready_for_review",
		"pull_request.edited", "pull_request.closed", "issue_comment.created", "pull_request_review_comment.created", "merge_group.checks_requested",
		"check_run.rerequested", "check_run.requested_action", "check_suite.rerequested", "push.",
		"installation.created", "installation.unsuspend", "installation.new_permissions_accepted",
		"installation.deleted", "installation.suspend",
		"installation_repositories.added", "installation_repositories.removed",
		"repository.renamed", "repository.transferred":
		return true
	}
	return false
}
