package fakehub

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A token is an installation token.
type token struct {
	value       string
	install     *installation
	repos       map[int64]bool // nil means all of the installation's
	permissions map[string]string
	expires     time.Time
	revoked     bool
}

// Token lifetime and how far ahead a JWT may expire.
const (
	tokenLife = time.Hour
	jwtAhead  = 10 * time.Minute
)

func (t *token) can(need string) bool {
	for _, n := range strings.Split(need, "|") {
		name, level, _ := strings.Cut(n, ":")
		if rank(t.permissions[name]) >= rank(level) {
			return true
		}
	}
	return false
}

func (t *token) sees(r *Repo) bool {
	return !r.gone && t.install.account == r.owner && (t.repos == nil || t.repos[r.id])
}

func rank(level string) int {
	switch level {
	case "read":
		return 1
	case "write":
		return 2
	case "admin":
		return 3
	}
	return 0
}

// admit checks who calls, finds the repository of the path and counts the call
// against the rate limit. An answer with a status refuses the call.
func (h *Hub) admit(c *call, need string) (http.Header, answer) {
	if need == "none" {
		return nil, answer{}
	}
	scheme, value, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	scheme = strings.ToLower(scheme)
	if value == "" {
		return nil, problem(http.StatusUnauthorized, "Requires authentication")
	}
	if need == "app" {
		second, refused := h.checkJWT(scheme, value)
		if refused != nil {
			return nil, *refused
		}
		c.second = second
		return nil, c.findRepo()
	}
	if scheme != "token" && scheme != "bearer" {
		return nil, problem(http.StatusUnauthorized, "Bad credentials")
	}
	t := h.validToken(value)
	if t == nil {
		return nil, problem(http.StatusUnauthorized, "Bad credentials")
	}
	if !t.install.suspended.IsZero() {
		return nil, suspended()
	}
	c.token = t
	limits, refused := h.spend(t.install, writes(need))
	if refused.status != 0 {
		return limits, refused
	}
	if a := c.findRepo(); a.status != 0 {
		return limits, a
	}
	if c.repo != nil && !t.sees(c.repo) {
		return limits, missing()
	}
	if c.repo != nil && c.repo.frozen && writes(need) {
		return limits, problem(http.StatusForbidden, "Repository was archived so is read-only.")
	}
	if need != "token" && !t.can(need) {
		a := forbidden()
		a.header = http.Header{"X-Accepted-Github-Permissions": {strings.ReplaceAll(strings.ReplaceAll(need, "|", "; "), ":", "=")}}
		return limits, a
	}
	return limits, answer{}
}

// findRepo sets the repository that the path names; a name that it no longer
// has is redirected.
func (c *call) findRepo() answer {
	owner, name := c.params["owner"], c.params["repo"]
	if name == "" {
		return answer{}
	}
	key := strings.ToLower(owner + "/" + name)
	if r := c.hub.repos[key]; r != nil {
		c.repo = r
		return answer{}
	}
	r := c.hub.moved[key]
	if r == nil || r.gone || (c.token != nil && !c.token.sees(r)) {
		return missing()
	}
	_, tail, _ := strings.Cut(c.r.URL.EscapedPath(), "/repos/"+owner+"/"+name)
	to := fmt.Sprintf("%s/repositories/%d%s", c.api, r.id, tail)
	if c.r.URL.RawQuery != "" {
		to += "?" + c.r.URL.RawQuery
	}
	status := http.StatusMovedPermanently
	if c.r.Method != http.MethodGet {
		status = http.StatusTemporaryRedirect
	}
	return answer{status: status, header: http.Header{"Location": {to}},
		body: map[string]string{"message": "Moved Permanently", "url": to, "documentation_url": docs}}
}

func (h *Hub) validToken(value string) *token {
	t := h.tokens[value]
	if t == nil || t.revoked || t.install.gone || !h.opts.Now().Before(t.expires) {
		return nil
	}
	return t
}

// checkJWT verifies that an App itself calls, and tells whether it is the second one.
func (h *Hub) checkJWT(scheme, value string) (second bool, refused *answer) {
	refuse := func(status int, message string) (bool, *answer) {
		a := problem(status, message)
		return false, &a
	}
	undecodable := func() (bool, *answer) {
		return refuse(http.StatusUnauthorized, "A JSON web token could not be decoded")
	}
	parts := strings.Split(value, ".")
	if scheme != "bearer" || len(parts) != 3 {
		return undecodable()
	}
	var head struct{ Alg string }
	var claims struct {
		Iss any
		Iat *float64
		Exp *float64
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !readPart(parts[0], &head) || !readPart(parts[1], &claims) || head.Alg != "RS256" {
		return undecodable()
	}
	iss, _ := strconv.ParseInt(fmt.Sprint(claims.Iss), 10, 64)
	if f, isNumber := claims.Iss.(float64); isNumber {
		iss = int64(f)
	}
	key, second := h.key(iss)
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if key == nil || rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig) != nil {
		return undecodable()
	}
	now := float64(h.opts.Now().Unix())
	switch {
	case !second && iss != h.opts.AppID:
		return refuse(http.StatusNotFound, "Integration not found")
	case claims.Iat == nil || *claims.Iat > now:
		return refuse(http.StatusUnauthorized, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
	case claims.Exp == nil || *claims.Exp <= now:
		return refuse(http.StatusUnauthorized, "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires")
	case *claims.Exp > now+jwtAhead.Seconds():
		return refuse(http.StatusUnauthorized, "'Expiration time' claim ('exp') is too far in the future")
	}
	return second, nil
}

func readPart(s string, v any) bool {
	b, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && json.Unmarshal(b, v) == nil
}

// createToken mints an installation token, narrowed as asked.
func (c *call) createToken() answer {
	in := c.hub.installs[c.id("id")]
	if in == nil || in.gone || in.second != c.second {
		return missing()
	}
	app, _, _ := c.hub.appOf(in.second)
	if !in.suspended.IsZero() {
		return suspended()
	}
	granted := c.hub.granted(in).permissions
	var ask struct {
		Repositories  []string          `json:"repositories"`
		RepositoryIDs []int64           `json:"repository_ids"`
		Permissions   map[string]string `json:"permissions"`
	}
	if bad := c.decode(&ask); bad != nil {
		return *bad
	}
	if len(ask.Repositories) > 500 || len(ask.RepositoryIDs) > 500 {
		return malformed("No more than 500 items are allowed.")
	}
	t := &token{install: in, permissions: maps.Clone(granted), expires: c.hub.now().Add(tokenLife)}
	noRepo := problem(http.StatusUnprocessableEntity, "There is at least one repository that does not exist or is not accessible to the parent installation.")
	var repos []*Repo
	for _, name := range ask.Repositories {
		repos = append(repos, c.hub.repos[strings.ToLower(in.account.Login+"/"+name)])
	}
	for _, id := range ask.RepositoryIDs {
		repos = append(repos, c.hub.byID[id])
	}
	if len(repos) > 0 {
		t.repos = map[int64]bool{}
	}
	for _, r := range repos {
		if r == nil || r.owner != in.account {
			return noRepo
		}
		t.repos[r.id] = true
	}
	if ask.Permissions != nil {
		t.permissions = map[string]string{"metadata": "read"}
		for name, level := range ask.Permissions {
			if rank(level) == 0 || rank(level) > rank(granted[name]) {
				return problem(http.StatusUnprocessableEntity, "The permissions requested are not granted to this installation.")
			}
			t.permissions[name] = level
		}
	}
	// Long ones exist, so none of ours is short.
	t.value = fmt.Sprintf(TokenPrefix+"%d_%s", app, randomHex(90))
	c.hub.tokens[t.value] = t
	out := map[string]any{"token": t.value, "expires_at": stamp(t.expires), "permissions": t.permissions, "repository_selection": "all"}
	if t.repos != nil {
		out["repository_selection"] = "selected"
		list := []any{}
		for _, r := range repos {
			list = append(list, c.repoJSON(r))
		}
		out["repositories"] = list
	}
	return created(out)
}

func (c *call) revokeToken() answer {
	c.token.revoked = true
	return nothing()
}

// TokenPrefix is what every token begins with that a Hub minted, so that it is
// known wherever it turns up.
const TokenPrefix = "ghs_"

// Revoke makes every token that was minted so far invalid.
func (h *Hub) Revoke() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.tokens {
		t.revoked = true
	}
}

// A Grant is what a token that was minted may do.
type Grant struct {
	Repositories []string          `json:"repositories"` // "owner/name", sorted; nil means all of the installation's
	Permissions  map[string]string `json:"permissions"`
}

// Tokens returns every token minted so far.
func (h *Hub) Tokens() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return sortedKeys(h.tokens)
}

// Grants returns what every token minted so far was for, in no order.
func (h *Hub) Grants() []Grant {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []Grant
	for _, t := range h.tokens {
		g := Grant{Permissions: maps.Clone(t.permissions)}
		names := map[string]bool{}
		for id := range t.repos {
			if r := h.byID[id]; r != nil {
				names[r.String()] = true
			}
		}
		if t.repos != nil {
			g.Repositories = sortedKeys(names)
		}
		out = append(out, g)
	}
	return out
}
