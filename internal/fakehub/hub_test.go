package fakehub

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// world is a Hub with one repository, served, and a client for it.
type world struct {
	*testing.T
	hub   *Hub
	repo  *Repo
	url   string
	now   time.Time
	token string
}

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newWorld(t *testing.T, change ...func(*Options)) *world {
	w := &world{T: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	o := Options{Dir: t.TempDir(), AppID: 7, Key: &testKey().PublicKey, Secret: "hook" + "secret", Now: func() time.Time { return w.now },
		Permissions: map[string]string{"contents": "write", "checks": "write", "pull_requests": "write", "issues": "read"}}
	for _, f := range change {
		f(&o)
	}
	if o.Now == nil { // the real clock
		w.now = time.Now()
	}
	hub, err := New(o)
	require.NoError(t, err)
	repo, err := hub.AddRepo("acme", "shop")
	require.NoError(t, err)
	server := httptest.NewServer(hub)
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, hub.Close())
	})
	w.hub, w.repo, w.url = hub, repo, server.URL
	w.token = w.mint(nil)
	return w
}

func (w *world) commit(branch string, files map[string]string, opts ...CommitOption) string {
	w.Helper()
	sha, err := w.repo.Commit(branch, "change "+branch, files, opts...)
	require.NoError(w, err)
	require.Len(w, sha, 40)
	return sha
}

// pull makes main with a file of forty lines and a pull request that changes
// line 20 and adds a file. It returns the head.
func (w *world) pull() string {
	w.Helper()
	w.commit("main", map[string]string{"a.txt": numbered(40, 0), "gone.txt": "x\n"})
	head := w.commit("topic", map[string]string{"a.txt": numbered(40, 20), "dir/new.txt": "one\ntwo\n"})
	n, err := w.repo.OpenPull("Change", "", "main", "topic", "dev")
	require.NoError(w, err)
	require.Equal(w, 1, n)
	return head
}

func numbered(n, change int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		if i == change {
			fmt.Fprintf(&b, "changed %d\n", i)
			continue
		}
		fmt.Fprintf(&b, "line %d\n", i)
	}
	return b.String()
}

type claims map[string]any

func (w *world) jwt(c claims) string {
	part := func(v any) string {
		b, err := json.Marshal(v)
		require.NoError(w, err)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	all := claims{"iss": "7", "iat": w.now.Add(-time.Minute).Unix(), "exp": w.now.Add(9 * time.Minute).Unix()}
	alg := "RS256"
	for k, v := range c {
		if k == "alg" {
			alg = v.(string)
			continue
		}
		all[k] = v
		if v == nil {
			delete(all, k)
		}
	}
	text := part(map[string]string{"alg": alg, "typ": "JWT"}) + "." + part(all)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, testKey(), crypto.SHA256, sum[:])
	require.NoError(w, err)
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// mint returns an installation token narrowed as body says.
func (w *world) mint(body any) string {
	w.Helper()
	res := w.send("POST", fmt.Sprintf("/app/installations/%d/access_tokens", w.hub.Installation("acme")), "Bearer "+w.jwt(nil), body)
	require.Equal(w, 201, res.status, res.text)
	return res.get("token").(string)
}

type result struct {
	status int
	text   string
	header http.Header
	value  any
}

// get follows keys of objects and indexes of lists.
func (r result) get(path ...any) any {
	v := r.value
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func (r result) id() int64 {
	f, _ := r.get("id").(float64)
	return int64(f)
}

// do sends with the world's token.
func (w *world) do(method, path string, body any) result {
	w.Helper()
	return w.send(method, path, "token "+w.token, body)
}

func (w *world) send(method, path, auth string, body any) result {
	w.Helper()
	res, err := w.try(method, path, auth, body)
	require.NoError(w, err)
	return res
}

func (w *world) try(method, path, auth string, body any) (result, error) {
	var in io.Reader
	if s, ok := body.(string); ok {
		in = strings.NewReader(s)
	} else if body != nil {
		b, err := json.Marshal(body)
		require.NoError(w, err)
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, w.url+path, in)
	require.NoError(w, err)
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	req.Header.Set("Accept", "application/vnd.github+json")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return result{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return result{}, err
	}
	r := result{status: res.StatusCode, text: string(b), header: res.Header}
	_ = json.Unmarshal(b, &r.value)
	return r, nil
}

type m = map[string]any
type l = []any

const shop = "/repos/acme/shop"
