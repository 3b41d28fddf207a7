package fakehub

import (
	"slices"
	"strings"
)

// requestReviewers takes all or none: whoever is not known, may not see the
// repository or is the author fails them all.
func (c *call) requestReviewers() answer {
	p := c.repo.pull(c.number("number"))
	if p == nil {
		return missing()
	}
	var in struct {
		Reviewers []string `json:"reviewers"`
		Teams     []string `json:"team_reviewers"`
	}
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	var all []string
	for _, login := range in.Reviewers {
		u := c.hub.users[strings.ToLower(login)]
		switch {
		case u != nil && u == p.author:
			return unprocessable("Review cannot be requested from pull request author.")
		case u == nil || u != c.repo.owner && c.repo.roles[strings.ToLower(login)] == "":
			return unprocessable("Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the " + c.repo.String() + " repository.")
		}
		all = append(all, u.Login)
	}
	for _, team := range in.Teams {
		name := c.repo.owner.Login + "/" + team
		if _, known := c.hub.teams[strings.ToLower(name)]; !known {
			return unprocessable("Could not resolve to a node with the global id of '" + team + "'.")
		}
		all = append(all, name)
	}
	for _, name := range all {
		if !slices.Contains(p.Asked, name) {
			p.Asked = append(p.Asked, name)
		}
	}
	c.hub.logf("ask %v#%d %s", c.repo, p.Number, strings.Join(all, ", "))
	return created(p.json(c.api, c.web))
}
