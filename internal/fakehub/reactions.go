package fakehub

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// since leaves out the comments that were not touched after the parameter of that name.
func (c *call) since(list []*Comment) []*Comment {
	at, err := time.Parse(time.RFC3339, c.r.FormValue("since"))
	if err != nil {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(x *Comment) bool { return x.touched().Before(at) })
}

func (c *call) react() answer {
	p, x := c.findIssueComment()
	if x == nil {
		return missing()
	}
	return c.reactTo(p, x)
}

func (c *call) reactInline() answer {
	x := c.findComment()
	if x == nil {
		return missing()
	}
	return c.reactTo(x.thread.pull, x)
}

// reactTo adds a reaction; the same one of the same account is there once.
func (c *call) reactTo(p *pull, x *Comment) answer {
	var in struct{ Content string }
	if bad := c.decode(&in); bad != nil {
		return *bad
	}
	if !slices.Contains([]string{"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}, in.Content) {
		return invalid("Reaction", "invalid", "content", "")
	}
	v := map[string]any{"id": x.ID, "node_id": fmt.Sprintf("REA_%d", x.ID), "content": in.Content,
		"user": userJSON(c.api, c.bot()), "created_at": stamp(c.hub.now())}
	if slices.Contains(x.Reactions[in.Content], c.hub.Bot()) {
		return ok(v)
	}
	if x.Reactions == nil {
		x.Reactions = map[string][]string{}
	}
	x.Reactions[in.Content] = append(x.Reactions[in.Content], c.hub.Bot())
	c.hub.logf("reaction %v#%d %s", c.repo, p.Number, in.Content)
	return created(v)
}

// SetTeam makes logins the members of a team, "acme/security" say.
func (h *Hub) SetTeam(team string, logins ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, login := range logins {
		h.user(login)
	}
	h.teams[strings.ToLower(team)] = logins
}

func (c *call) getMembership() answer {
	team := c.params["owner"] + "/" + c.params["team"]
	is := func(login string) bool { return strings.EqualFold(login, c.params["login"]) }
	if !slices.ContainsFunc(c.hub.teams[strings.ToLower(team)], is) {
		return missing()
	}
	return ok(map[string]any{"url": fmt.Sprintf("%s/orgs/%s/teams/%s/memberships/%s", c.api, c.params["owner"], c.params["team"], c.params["login"]),
		"role": "member", "state": "active"})
}
