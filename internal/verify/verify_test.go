package verify

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/scan/secret"
)

const ours = 7 // the installation

// desk is a provider; it counts how often it was asked.
type desk struct {
	*httptest.Server
	asked atomic.Int32
}

func newDesk(t *testing.T, answer http.HandlerFunc) *desk {
	d := &desk{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.asked.Add(1)
		answer(w, r)
	}))
	t.Cleanup(d.Close)
	return d
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}
}

// found are sealed findings of a rule, one for each value.
func found(rule string, values ...string) []finding.Finding {
	var all []finding.Finding
	for i, v := range values {
		at := change.Span{Path: "a", Start: i + 1, End: i + 1}
		f := finding.New(finding.Rule{ID: "secret/" + rule}, at, finding.OfSecret(v), "a secret")
		f.Confidence = finding.Possible
		all = append(all, f)
	}
	return finding.NewKey([]byte("k")).Seal(all, func(p string) string { return p })
}

func verifier(t *testing.T, at map[string]string) *Verifier {
	v, err := New(http.DefaultTransport, at, []int64{ours})
	require.NoError(t, err)
	return v
}

// TestProviders: what each documents that it answers, and what it never said.
func TestProviders(t *testing.T) {
	const value = "not-a-token-of-anybody"
	for name, p := range map[string]struct {
		rule, request, header string
		works, revoked        http.HandlerFunc // revoked is nil where nothing is believed
	}{
		"anthropic": {"anthropic-api-key", "GET /v1/models", "X-Api-Key", says(200, `{"data":[],"has_more":false}`),
			says(401, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`)},
		"digitalocean": {"digitalocean-pat", "GET /v2/account", "Authorization", says(200, `{"account":{"status":"active"}}`),
			says(401, `{"id":"Unauthorized","message":"Unable to authenticate you"}`)},
		"github": {"github-pat", "GET /rate_limit", "Authorization", says(200, `{"resources":{"core":{}}}`), nil},
		"gitlab": {"gitlab-pat", "GET /api/v4/personal_access_tokens/self", "Private-Token", says(200, `{"id":4,"scopes":["api"]}`), nil},
		"huggingface": {"huggingface-access-token", "GET /api/whoami-v2", "Authorization", says(200, `{"type":"user","name":"someone"}`),
			says(401, `{"error":"Invalid user token."}`)},
		"openai": {"openai-api-key", "GET /v1/models", "Authorization", says(200, `{"object": "list", "data": []}`),
			says(401, "{\n  \"error\": {\n    \"message\": \"Incorrect API key provided\",\n    \"code\":   \"invalid_api_key\"\n  }\n}")},
		"sendgrid": {"sendgrid-api-token", "GET /v3/scopes", "Authorization", says(200, `{"scopes":["mail.send"]}`),
			says(401, `{"errors":[{"field":null,"message":"The provided authorization grant is invalid, expired, or revoked"}]}`)},
		"slack": {"slack-bot-token", "POST /api/auth.test", "Authorization", says(200, `{"ok":true,"team":"T"}`), says(200, `{"ok":false,"error":"token_revoked"}`)},
		"stripe": {"stripe-access-token", "GET /v1/account", "Authorization", says(200, "{\n  \"id\": \"acct_1\",\n  \"object\": \"account\"\n}"),
			says(401, `{"error":{"message":"Invalid API Key provided: sk_l****0001","type":"invalid_request_error"}}`)},
	} {
		t.Run(name, func(t *testing.T) {
			ask := func(answer http.HandlerFunc) finding.Validity {
				d := newDesk(t, func(w http.ResponseWriter, r *http.Request) {
					assert.Equal(t, p.request, r.Method+" "+r.URL.Path)
					assert.Contains(t, r.Header.Get(p.header), value)
					assert.Empty(t, r.URL.RawQuery, "addresses are logged")
					answer(w, r)
				})
				all := found(p.rule, value)
				verifier(t, map[string]string{name: d.URL + "/"}).Verify(t.Context(), ours, all)
				assert.EqualValues(t, 1, d.asked.Load())
				return all[0].Validity
			}
			assert.Equal(t, finding.Working, ask(p.works))
			if p.revoked != nil {
				assert.Equal(t, finding.Revoked, ask(p.revoked))
			}
			for what, answer := range map[string]http.HandlerFunc{
				"a proxy that wants a password": says(401, "<html>Unauthorized</html>"), "forbidden": says(403, `{"message":"no"}`),
				"too many": says(429, `{"error":"ratelimited"}`), "an error": says(500, ""), "a page": says(200, "<html>Welcome</html>"),
				"no address of ours": says(200, `{"ok":false,"error":"invalid_auth"}`), "another server": says(401, `{"message":"Bad credentials"}`),
			} {
				assert.Equal(t, finding.Unknown, ask(answer), what)
			}
		})
	}
	assert.Len(t, Names(), 9, "all of them are here")
}

// Who chose their name well does not have a token cleared that works.
func TestNamesInAnswers(t *testing.T) {
	for _, body := range []string{`{"ok":true,"user":"token_revoked"}`, `{"ok":true,"team":"\"error\":\"token_revoked\""}`, `{"team": "x", "error":"", "ok": true, "user":"account_inactive"}`} {
		d := newDesk(t, says(200, body))
		all := found("slack-bot-token", "one")
		verifier(t, map[string]string{"slack": d.URL}).Verify(t.Context(), ours, all)
		assert.Equal(t, finding.Working, all[0].Validity, body)
	}
}

func TestWhatWorksIsCertain(t *testing.T) {
	d := newDesk(t, says(200, `{"ok":true}`))
	all := found("slack-bot-token", "one")
	verifier(t, map[string]string{"slack": d.URL}).Verify(t.Context(), ours, all)
	assert.Equal(t, finding.Certain, all[0].Confidence)
	assert.Equal(t, []finding.Detail{{Name: "Works", Text: "its provider was asked and accepts it"}}, all[0].Details)
}

func TestNobodyElseIsAsked(t *testing.T) {
	d := newDesk(t, says(200, `{"ok":true}`))
	v := verifier(t, map[string]string{"slack": d.URL})
	v.Verify(t.Context(), ours+1, found("slack-bot-token", "one"))
	v.Verify(t.Context(), ours, found("stripe-access-token", "one"))
	v.Verify(t.Context(), ours, found("generic-api-key", "one"))
	assert.Zero(t, d.asked.Load(), "another installation, another provider, no provider at all")
	off, err := New(http.DefaultTransport, map[string]string{"slack": d.URL}, nil)
	require.NoError(t, err)
	off.Verify(t.Context(), 0, found("slack-bot-token", "one"))
	assert.Zero(t, d.asked.Load())
}

func TestNoRedirectIsFollowed(t *testing.T) {
	elsewhere := newDesk(t, says(200, `{"ok":true}`))
	d := newDesk(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/api/auth.test", http.StatusTemporaryRedirect)
	})
	all := found("slack-bot-token", "one")
	verifier(t, map[string]string{"slack": d.URL}).Verify(t.Context(), ours, all)
	assert.Equal(t, finding.Unknown, all[0].Validity)
	assert.Zero(t, elsewhere.asked.Load())
}

func TestAnswersAreRemembered(t *testing.T) {
	for answer, want := range map[string]finding.Validity{`{"ok":true}`: finding.Working, `{"ok":false,"error":"token_revoked"}`: finding.Revoked} {
		d := newDesk(t, says(200, answer))
		v := verifier(t, map[string]string{"slack": d.URL})
		for range 3 {
			all := found("slack-bot-token", "one")
			v.Verify(t.Context(), ours, all)
			assert.Equal(t, want, all[0].Validity)
		}
		assert.EqualValues(t, 1, d.asked.Load())
		v.Verify(t.Context(), ours, found("slack-bot-token", "another"))
		assert.EqualValues(t, 2, d.asked.Load())
	}
	d := newDesk(t, says(500, ""))
	v := verifier(t, map[string]string{"slack": d.URL})
	v.Verify(t.Context(), ours, found("slack-bot-token", "one"))
	v.Verify(t.Context(), ours, found("slack-bot-token", "one"))
	assert.EqualValues(t, 2, d.asked.Load(), "no answer is none")
}

func TestManySecretsAndSlowProviders(t *testing.T) {
	d := newDesk(t, says(200, `{"ok":true}`))
	var values []string
	for i := range 3 * most {
		values = append(values, fmt.Sprint("value ", i))
	}
	verifier(t, map[string]string{"slack": d.URL}).Verify(t.Context(), ours, found("slack-bot-token", values...))
	assert.EqualValues(t, most, d.asked.Load())

	ctx, cancel := context.WithCancel(t.Context())
	slow := newDesk(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	all := found("slack-bot-token", "one")
	verifier(t, map[string]string{"slack": slow.URL}).Verify(ctx, ours, all)
	assert.Equal(t, finding.Unknown, all[0].Validity)

	endless := newDesk(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			_, _ = fmt.Fprint(w, strings.Repeat(" ", longest))
		}
		_, _ = fmt.Fprint(w, `{"ok":true}`)
	})
	all = found("slack-bot-token", "one")
	verifier(t, map[string]string{"slack": endless.URL}).Verify(t.Context(), ours, all)
	assert.Equal(t, finding.Unknown, all[0].Validity)
}

// A value that was found encoded is asked about as it is decoded.
func TestDecodedValue(t *testing.T) {
	d := newDesk(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "Bearer decoded", r.Header.Get("Authorization"))
		_, _ = fmt.Fprint(w, `{"ok":true}`)
	})
	f := finding.New(finding.Rule{ID: "secret/slack-bot-token"}, change.Span{Path: "a"}, finding.OfSecret("decoded", "ZGVjb2RlZA=="), "a secret")
	verifier(t, map[string]string{"slack": d.URL}).Verify(t.Context(), ours, []finding.Finding{f})
	assert.EqualValues(t, 1, d.asked.Load())
}

func TestAddressesThatCannotBe(t *testing.T) {
	for address, why := range map[string]string{
		"slack=http://slack.com": "is not https", "slack=slack.com": "is no plain address", "slack=https://me:pw@slack.com": "is no plain address",
		"slack=": "is no plain address", "slack=https://me:p%w@slack.com": "is no plain address", "acme=https://acme.example": "none of anthropic, digitalocean",
	} {
		name, at, _ := strings.Cut(address, "=")
		_, err := New(http.DefaultTransport, map[string]string{name: at}, nil)
		assert.ErrorContains(t, err, "providers."+name, address)
		assert.ErrorContains(t, err, why, address)
		assert.NotContains(t, err.Error(), "me:p", "a password")
	}
}

// A rule that is called otherwise would never be asked about again.
func TestTheRulesAreThere(t *testing.T) {
	there := map[string]bool{}
	for _, r := range secret.New().Rules() {
		there[r.ID] = true
	}
	for _, p := range providers() {
		for _, rule := range p.rules {
			assert.True(t, there["secret/"+rule], "%s of %s", rule, p.name)
		}
	}
}
