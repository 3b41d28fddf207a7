package fakehub

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// A route is an operation: which request, what it needs, who answers.
//
// need is "none", "app" (the App's JWT), "token" (any installation token), or
// permissions any of which will do: "checks:write", "issues:write|pull_requests:write".
type route struct {
	method, pattern, need string
	handle                func(*call) answer

	re    *regexp.Regexp
	names []string
}

func routes() []route {
	const r = "/repos/{owner}/{repo}"
	list := []route{
		{"GET", "/meta", "none", (*call).meta, nil, nil},
		{"GET", "/rate_limit", "token", (*call).rateLimit, nil, nil},
		{"POST", "/graphql", "token", (*call).graphql, nil, nil},
		{"GET", "/users/{login}", "token", (*call).getUser, nil, nil},

		{"GET", "/app", "app", (*call).getApp, nil, nil},
		{"GET", "/app/installations", "app", (*call).listInstallations, nil, nil},
		{"GET", "/app/installations/{id}", "app", (*call).getInstallation, nil, nil},
		{"POST", "/app/installations/{id}/access_tokens", "app", (*call).createToken, nil, nil},
		{"GET", "/app/hook/config", "app", (*call).getHook, nil, nil},
		{"GET", "/app/hook/deliveries", "app", (*call).listDeliveries, nil, nil},
		{"GET", "/app/hook/deliveries/{id}", "app", (*call).getDelivery, nil, nil},
		{"POST", "/app/hook/deliveries/{id}/attempts", "app", (*call).redeliver, nil, nil},
		{"GET", "/users/{owner}/installation", "app", (*call).accountInstallation, nil, nil},
		{"GET", "/orgs/{owner}/installation", "app", (*call).accountInstallation, nil, nil},
		{"GET", r + "/installation", "app", (*call).repoInstallation, nil, nil},
		{"GET", "/installation/repositories", "token", (*call).installationRepos, nil, nil},
		{"DELETE", "/installation/token", "token", (*call).revokeToken, nil, nil},

		{"GET", "/orgs/{owner}/teams/{team}/memberships/{login}", "members:read", (*call).getMembership, nil, nil},

		{"GET", r, "metadata:read", (*call).getRepo, nil, nil},
		{"GET", r + "/collaborators/{login}/permission", "metadata:read", (*call).getRole, nil, nil},
		{"GET", r + "/rules/branches/{branch...}", "metadata:read", (*call).branchRules, nil, nil},
		{"GET", r + "/branches/{branch...}", "contents:read", (*call).getBranch, nil, nil},
		{"GET", r + "/contents/{path...}", "contents:read", (*call).getContents, nil, nil},
		{"GET", r + "/contents", "contents:read", (*call).getContents, nil, nil},
		{"GET", r + "/compare/{basehead...}", "contents:read", (*call).compare, nil, nil},
		{"GET", r + "/commits", "contents:read", (*call).log, nil, nil},
		{"GET", r + "/commits/{ref...}/check-runs", "checks:read", (*call).listChecks, nil, nil},
		{"GET", r + "/commits/{ref...}/check-suites", "checks:read", (*call).listSuites, nil, nil},
		{"GET", r + "/commits/{sha}/pulls", "pull_requests:read", (*call).pullsOfCommit, nil, nil},
		{"GET", r + "/commits/{ref...}", "contents:read", (*call).getCommit, nil, nil},

		{"GET", r + "/git/ref/{ref...}", "contents:read", (*call).getRef, nil, nil},
		{"GET", r + "/git/matching-refs/{ref...}", "contents:read", (*call).matchingRefs, nil, nil},
		{"POST", r + "/git/refs", "contents:write", (*call).createRef, nil, nil},
		{"PATCH", r + "/git/refs/{ref...}", "contents:write", (*call).updateRef, nil, nil},
		{"DELETE", r + "/git/refs/{ref...}", "contents:write", (*call).deleteRef, nil, nil},
		{"POST", r + "/git/blobs", "contents:write", (*call).createBlob, nil, nil},
		{"GET", r + "/git/blobs/{sha}", "contents:read", (*call).getBlob, nil, nil},
		{"POST", r + "/git/trees", "contents:write", (*call).createTree, nil, nil},
		{"GET", r + "/git/trees/{sha...}", "contents:read", (*call).getTree, nil, nil},
		{"POST", r + "/git/commits", "contents:write", (*call).createCommit, nil, nil},
		{"GET", r + "/git/commits/{sha}", "contents:read", (*call).getGitCommit, nil, nil},

		{"GET", r + "/pulls", "pull_requests:read", (*call).listPulls, nil, nil},
		{"POST", r + "/pulls", "pull_requests:write", (*call).createPull, nil, nil},
		{"GET", r + "/pulls/{number}", "pull_requests:read", (*call).getPull, nil, nil},
		{"PATCH", r + "/pulls/{number}", "pull_requests:write", (*call).updatePull, nil, nil},
		{"GET", r + "/pulls/{number}/files", "pull_requests:read", (*call).listFiles, nil, nil},
		{"GET", r + "/pulls/{number}/commits", "pull_requests:read", (*call).listCommits, nil, nil},
		{"GET", r + "/pulls/{number}/reviews", "pull_requests:read", (*call).listReviews, nil, nil},
		{"POST", r + "/pulls/{number}/reviews", "pull_requests:write", (*call).createReview, nil, nil},
		{"GET", r + "/pulls/{number}/reviews/{review}", "pull_requests:read", (*call).getReview, nil, nil},
		{"PUT", r + "/pulls/{number}/reviews/{review}", "pull_requests:write", (*call).updateReview, nil, nil},
		{"DELETE", r + "/pulls/{number}/reviews/{review}", "pull_requests:write", (*call).deleteReview, nil, nil},
		{"POST", r + "/pulls/{number}/reviews/{review}/events", "pull_requests:write", (*call).submitReview, nil, nil},
		{"GET", r + "/pulls/{number}/reviews/{review}/comments", "pull_requests:read", (*call).reviewComments, nil, nil},
		{"POST", r + "/pulls/{number}/requested_reviewers", "pull_requests:write", (*call).requestReviewers, nil, nil},
		{"GET", r + "/pulls/{number}/comments", "pull_requests:read", (*call).listReviewComments, nil, nil},
		{"POST", r + "/pulls/{number}/comments", "pull_requests:write", (*call).createReviewComment, nil, nil},
		{"POST", r + "/pulls/{number}/comments/{comment}/replies", "pull_requests:write", (*call).replyToComment, nil, nil},
		{"GET", r + "/pulls/comments/{comment}", "pull_requests:read", (*call).getReviewComment, nil, nil},
		{"PATCH", r + "/pulls/comments/{comment}", "pull_requests:write", (*call).updateReviewComment, nil, nil},
		{"DELETE", r + "/pulls/comments/{comment}", "pull_requests:write", (*call).deleteReviewComment, nil, nil},

		{"POST", r + "/pulls/comments/{comment}/reactions", "pull_requests:write", (*call).reactInline, nil, nil},
		{"POST", r + "/issues/comments/{comment}/reactions", "issues:write|pull_requests:write", (*call).react, nil, nil},
		{"GET", r + "/issues", "issues:read", (*call).listIssues, nil, nil},
		{"POST", r + "/issues", "issues:write", (*call).createIssue, nil, nil},
		{"GET", r + "/issues/{number}/comments", "issues:read|pull_requests:read", (*call).listComments, nil, nil},
		{"POST", r + "/issues/{number}/comments", "issues:write|pull_requests:write", (*call).createComment, nil, nil},
		{"GET", r + "/issues/comments/{comment}", "issues:read|pull_requests:read", (*call).getComment, nil, nil},
		{"PATCH", r + "/issues/comments/{comment}", "issues:write|pull_requests:write", (*call).updateComment, nil, nil},
		{"DELETE", r + "/issues/comments/{comment}", "issues:write|pull_requests:write", (*call).deleteComment, nil, nil},
		{"GET", r + "/issues/{number}/labels", "issues:read|pull_requests:read", (*call).listLabels, nil, nil},
		{"POST", r + "/issues/{number}/labels", "issues:write|pull_requests:write", (*call).addLabels, nil, nil},

		{"POST", r + "/check-runs", "checks:write", (*call).createCheck, nil, nil},
		{"GET", r + "/check-runs/{id}", "checks:read", (*call).getCheck, nil, nil},
		{"PATCH", r + "/check-runs/{id}", "checks:write", (*call).updateCheck, nil, nil},
		{"GET", r + "/check-runs/{id}/annotations", "checks:read", (*call).listAnnotations, nil, nil},
		{"GET", r + "/check-suites/{id}/check-runs", "checks:read", (*call).suiteChecks, nil, nil},
	}
	for i := range list {
		list[i].compile()
	}
	return list
}

var placeholder = regexp.MustCompile(`\{(\w+)(\.\.\.)?\}`)

// compile makes {x} match a segment and {x...} match any number of them.
func (r *route) compile() {
	src := placeholder.ReplaceAllStringFunc(r.pattern, func(s string) string {
		m := placeholder.FindStringSubmatch(s)
		r.names = append(r.names, m[1])
		if m[2] != "" {
			return "(.+)"
		}
		return "([^/]+)"
	})
	r.re = regexp.MustCompile("^" + src + "/?$")
}

// match returns the parameters in an escaped path.
func (r *route) match(method, path string) (map[string]string, bool) {
	if method != r.method && (method != http.MethodHead || r.method != http.MethodGet) {
		return nil, false
	}
	m := r.re.FindStringSubmatch(path)
	if m == nil {
		return nil, false
	}
	params := make(map[string]string, len(r.names))
	for i, name := range r.names {
		v, err := url.PathUnescape(m[i+1])
		if err != nil {
			return nil, false
		}
		params[name] = v
	}
	return params, true
}

// writes reports whether the route changes something.
func writes(need string) bool { return strings.HasSuffix(need, ":write") }
