package fakehub

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJWT(t *testing.T) {
	w := newWorld(t)
	at := func(d time.Duration) int64 { return w.now.Add(d).Unix() }
	for name, c := range map[string]struct {
		claims claims
		scheme string
		status int
	}{
		"good":            {nil, "Bearer", 200},
		"numeric issuer":  {claims{"iss": 7}, "Bearer", 200},
		"token scheme":    {nil, "token", 401},
		"expired":         {claims{"exp": at(-time.Second)}, "Bearer", 401},
		"no expiry":       {claims{"exp": nil}, "Bearer", 401},
		"too far ahead":   {claims{"exp": at(11 * time.Minute)}, "Bearer", 401},
		"issued later":    {claims{"iat": at(time.Minute)}, "Bearer", 401},
		"not issued":      {claims{"iat": nil}, "Bearer", 401},
		"another app":     {claims{"iss": "8"}, "Bearer", 404},
		"other algorithm": {claims{"alg": "HS256"}, "Bearer", 401},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.status, w.send("GET", "/app", c.scheme+" "+w.jwt(c.claims), nil).status)
		})
	}
	forged := w.jwt(nil)
	forged = forged[:len(forged)-8] + "AAAAAAAA"
	assert.Equal(t, 401, w.send("GET", "/app", "Bearer "+forged, nil).status)
	assert.Equal(t, 401, w.send("GET", "/app", "", nil).status)
	assert.Equal(t, 401, w.do("GET", "/app", nil).status, "a token is no JWT")
	assert.Equal(t, 401, w.send("GET", shop, "Bearer "+w.jwt(nil), nil).status, "a JWT is no token")
	assert.Equal(t, 401, w.send("GET", shop, "", nil).status)
	assert.Equal(t, "pullwarden", w.send("GET", "/api/v3/app", "Bearer "+w.jwt(nil), nil).get("slug"))
}

func TestInstallations(t *testing.T) {
	w := newWorld(t)
	jwt := "Bearer " + w.jwt(nil)
	id := float64(w.hub.Installation("acme"))
	assert.Equal(t, id, w.send("GET", shop+"/installation", jwt, nil).get("id"))
	assert.Equal(t, id, w.send("GET", "/app/installations", jwt, nil).get(0, "id"))
	one := w.send("GET", fmt.Sprintf("/app/installations/%.0f", id), jwt, nil)
	assert.Equal(t, "acme", one.get("account", "login"))
	assert.Equal(t, "write", one.get("permissions", "checks"))
	assert.Equal(t, 404, w.send("GET", "/repos/acme/none/installation", jwt, nil).status)
	w.hub.Uninstall("acme")
	assert.Equal(t, 404, w.send("GET", fmt.Sprintf("/app/installations/%.0f", id), jwt, nil).status)
	assert.Equal(t, 401, w.do("GET", shop, nil).status, "its tokens died with it")
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	other, err := w.hub.AddRepo("acme", "other")
	require.NoError(t, err)
	_, err = w.hub.AddRepo("octo-org", "far")
	require.NoError(t, err)
	w.commit("main", map[string]string{"a": "1"})

	assert.Equal(t, 404, w.do("GET", "/repos/octo-org/far", nil).status, "another installation's")
	narrow := w.mint(m{"repositories": l{"shop"}, "permissions": m{"checks": "read"}})
	assert.Greater(t, len(narrow), 100)
	as := func(method, path string) int { return w.send(method, path, "Bearer "+narrow, nil).status }
	assert.Equal(t, 200, as("GET", shop))
	assert.Equal(t, 200, as("GET", shop+"/commits/main/check-runs"))
	assert.Equal(t, 404, as("GET", "/repos/acme/other"))
	assert.Equal(t, 403, as("GET", shop+"/contents/a"))
	assert.Equal(t, 403, as("POST", shop+"/check-runs"))
	denied := w.send("GET", shop+"/contents/a", "token "+narrow, nil)
	assert.Equal(t, "Resource not accessible by integration", denied.get("message"))
	assert.Equal(t, "contents=read", denied.header.Get("X-Accepted-GitHub-Permissions"))
	byID := w.mint(m{"repository_ids": l{other.ID()}})
	assert.Equal(t, 404, w.send("GET", shop, "token "+byID, nil).status)

	mint := func(body any) result {
		return w.send("POST", fmt.Sprintf("/app/installations/%d/access_tokens", w.hub.Installation("acme")), "Bearer "+w.jwt(nil), body)
	}
	assert.Equal(t, 422, mint(m{"permissions": m{"issues": "write"}}).status, "more than granted")
	assert.Equal(t, 422, mint(m{"permissions": m{"administration": "read"}}).status, "not granted at all")
	assert.Equal(t, 422, mint(m{"repositories": l{"none"}}).status)
	assert.Equal(t, 422, mint(m{"repositories": l{"far"}}).status)
	many := make([]int64, 501)
	for i := range many {
		many[i] = other.ID()
	}
	assert.Equal(t, 201, mint(m{"repository_ids": many[1:]}).status)
	assert.Equal(t, 422, mint(m{"repository_ids": many}).status, "too many")
	assert.Equal(t, 201, mint("null").status, "as ghinstallation posts it")
	selected := mint(m{"repositories": l{"shop"}})
	assert.Equal(t, "shop", selected.get("repositories", 0, "name"))
	assert.Equal(t, "selected", selected.get("repository_selection"))
	assert.Contains(t, w.hub.Grants(), Grant{Repositories: []string{"acme/shop"}, Permissions: map[string]string{"metadata": "read", "checks": "read"}})

	w.now = w.now.Add(59 * time.Minute)
	assert.Equal(t, 200, as("GET", shop))
	w.now = w.now.Add(time.Minute)
	assert.Equal(t, 401, as("GET", shop), "expired")
	fresh := w.mint(nil)
	assert.Equal(t, 204, w.send("DELETE", "/installation/token", "token "+fresh, nil).status)
	assert.Equal(t, 401, w.send("GET", shop, "token "+fresh, nil).status, "revoked")
}

func TestRevoke(t *testing.T) {
	var heard []string
	w := newWorld(t, func(o *Options) {
		o.Heard = func(method, path string, body []byte) {
			heard = append(heard, fmt.Sprintf("%s %s %s", method, path, body))
		}
	})
	assert.True(t, strings.HasPrefix(w.token, TokenPrefix))
	assert.Equal(t, 200, w.do("GET", shop, nil).status)
	w.hub.Revoke()
	assert.Equal(t, 401, w.do("GET", shop, nil).status)
	revoked := w.token
	w.token = w.mint(m{"repositories": []string{"shop"}})
	assert.ElementsMatch(t, []string{revoked, w.token}, w.hub.Tokens())
	assert.Equal(t, 200, w.do("GET", "/api/v3"+shop, nil).status)
	assert.Equal(t, []string{"GET " + shop + " ", "GET " + shop + " "}, heard[1:3], "refused or not")
	assert.Contains(t, heard[3], `/access_tokens {"repositories":["shop"]}`)
	assert.Equal(t, "GET "+shop+" ", heard[4], "without the prefix")
}

func TestRequestRules(t *testing.T) {
	w := newWorld(t)
	req, err := http.NewRequest("GET", w.url+"/meta", nil)
	require.NoError(t, err)
	req.Header.Set("User-Agent", "")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, 403, res.StatusCode)
	req.Header.Set("User-Agent", "x")
	req.Header.Set("X-GitHub-Api-Version", "3")
	res, err = http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, 400, res.StatusCode)
	assert.Equal(t, 400, w.do("POST", shop+"/check-runs", "{").status)
	assert.Equal(t, 422, w.do("POST", shop+"/check-runs", m{"name": 5}).status)
	assert.Equal(t, 404, w.do("GET", shop+"/nothing", nil).status)
}

func TestRateLimit(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.RateLimit = 3 })
	for left := 2; left >= 0; left-- {
		assert.Equal(t, fmt.Sprint(left), w.do("GET", shop, nil).header.Get("X-RateLimit-Remaining"))
	}
	res := w.do("GET", shop, nil)
	assert.Equal(t, 403, res.status)
	assert.Equal(t, "0", res.header.Get("X-RateLimit-Remaining"))
	assert.NotEmpty(t, res.header.Get("X-RateLimit-Reset"))
}

func TestContentLimit(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.ContentLimit = 1 })
	head := w.pull()
	check := m{"name": "x", "head_sha": head}
	assert.Equal(t, 201, w.do("POST", shop+"/check-runs", check).status)
	res := w.do("POST", shop+"/check-runs", check)
	assert.Equal(t, 403, res.status)
	assert.Equal(t, "60", res.header.Get("Retry-After"))
	assert.Contains(t, res.get("message"), "secondary rate limit")
	w.now = w.now.Add(time.Minute)
	assert.Equal(t, 201, w.do("POST", shop+"/check-runs", check).status)
}

func TestRename(t *testing.T) {
	w := newWorld(t)
	w.commit("main", map[string]string{"a": "1"})
	w.repo.Rename("store")
	res := w.do("GET", shop+"/contents/a?ref=main", nil) // the client follows the redirect
	assert.Equal(t, 200, res.status)
	assert.Equal(t, "a", res.get("name"))
	assert.Equal(t, 200, w.do("GET", "/repos/acme/store", nil).status)
	w.hub.Remove(w.repo)
	assert.Equal(t, 404, w.do("GET", shop, nil).status)
}
