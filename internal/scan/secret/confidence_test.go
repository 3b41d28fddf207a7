package secret

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/finding"
)

// signed is a JSON Web Token with claims and a signature that nobody can check.
func signed(algorithm string, claims map[string]any) string {
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	return part(map[string]any{"alg": algorithm, "typ": "JWT"}) + "." + part(claims) + "." + "q8Zk2Lx9Vw4Tn7Rb1Yc6Md3Pf5Hs0JgK2aE4"
}

func TestConfidence(t *testing.T) {
	now := shared().now()
	claims := func(more ...any) map[string]any {
		m := map[string]any{"sub": "b7f1c9d2", "iss": "https://login.acme.io"}
		for i := 0; i < len(more); i += 2 {
			m[more[i].(string)] = more[i+1]
		}
		return m
	}
	mac := strings.Replace(githubToken, githubToken[len(githubToken)-1:], "0", 1)
	for _, c := range []struct{ name, path, text, want string }{
		{"a checksum that holds", "a.txt", githubToken, "critical certain secret/github-pat"},
		{"a checksum that does not hold", "a.txt", githubToken[:len(githubToken)-6] + "000000", "critical possible secret/github-pat"},
		{"the same, changed at the end", "a.txt", mac[:len(mac)-1] + "0", "critical possible secret/github-pat"},
		{"where tests are, a token is one all the same", "testdata/a_test.go", githubToken, "critical certain secret/github-pat"},
		{"where tests are, so is a private key", "testdata/a.pem", privateKey, "critical certain secret/private-key"},
		{"a private key with a line that is not shown", "a.pem", strings.Replace(privateKey, strings.Split(privateKey, "\n")[9]+"\n", "", 1), "critical likely secret/private-key"},
		{"a private key that is broken", "a.pem", strings.Replace(privateKey, strings.Split(privateKey, "\n")[3], strings.Split(privateKey, "\n")[4], 1), "critical possible secret/private-key"},
		{"what private keys begin with", "a.py", "# -----BEGIN " + "PRIVATE KEY-----, as what comes from PKCS number eight begins, or from SEC number one\n# -----BEGIN " + "EC PRIVATE KEY-----\n",
			"critical possible secret/private-key"},
		{"a private key that ends where another begins", "a.pem", strings.Join(strings.Split(privateKey, "\n")[:12], "\n") + "\n-----BEGIN " + "EC PRIVATE KEY-----\n", "critical likely secret/private-key"},
		{"the name of a function", "a.yaml", "looker_hook: ModifyInstanceBackupName\n", "high possible secret/looker-client-secret"},
		{"an AWS key of no account", "a.txt", "AK" + "IA7QX7TLZ4MWN5RPVK", "critical possible secret/aws-access-token"},
		{"a name beside it", "a.env", "beamer_token=b_" + strings.Repeat("a1c3", 11), "high likely secret/beamer-api-token"},
		{"a name beside it in a test", "a_test.go", "beamer_token=b_" + strings.Repeat("a1c3", 11), "high possible secret/beamer-api-token"},
		{"a name beside it in a document", "docs/a.md", "beamer_token=b_" + strings.Repeat("a1c3", 11), "high possible secret/beamer-api-token"},
		{"made up", "a.env", "k = " + stripeKey[:12] + "xxxxxxxxxxxxxxxxx", "critical possible secret/stripe-access-token"},
		{"a token that still works", "a.txt", signed("RS256", claims("exp", now.Add(time.Hour).Unix())), "medium certain secret/jwt"},
		{"a token without an end", "a.txt", signed("RS256", claims()), "medium likely secret/jwt"},
		{"a token that has expired", "a.txt", signed("RS256", claims("exp", now.Add(-time.Hour).Unix())), "low possible secret/jwt"},
		{"a token that is not signed", "a.txt", signed("none", claims()), "medium possible secret/jwt"},
		{"a token of a page on tokens", "a.txt", signed("HS256", map[string]any{"sub": "1234567890", "name": "John Doe", "iat": 1516239022}), "medium possible secret/jwt"},
		{"a token in a test", "a_test.go", signed("RS256", claims()), "medium possible secret/jwt"},
		{"cut out of base64", "a.txt", "SI18JEhmDx9EQkFCmDx+" + "EAAA" + "AAABIiWwk8EiNbCTw6NxTAgBIi20", "high possible secret/square-access-token"},
		{"a method of a variable", "a.go", "\ts." + "Last30DaysSearchInterest\n", "critical possible secret/vault-service-token"},
		{"an old token of Vault", "a.go", "\ts." + "k3V8n4RtQ0zL7xW2bY9cD5fH\n", "critical certain secret/vault-service-token"},
		{"words in capitals", "a.js", "Bi" + "ghr" + "_ICANVASRENDERINGVIACONTEXT2D3D5D7D8D", "critical possible secret/github-refresh-token"},
		{"an object in base64", "a.txt", "k=" + base64.StdEncoding.EncodeToString([]byte(`{"k":"OKSpmiRV6FuJe1Uh1l4VWtOYZck2FXnk","n":"deploy","id":100001}`)), "high certain secret/grafana-api-key"},
		{"base64 of no object", "a.txt", "k=" + "eyJrIjoi" + strings.Repeat("T0tTcG1pUlY2RnVKZTFVaDFsNFZ", 3), "high possible secret/grafana-api-key"},
		{"a commit", "a.txt", "source" + "graph " + "4f1c2d3e4b5a69788796" + "a5b4c3d2e1f001122334", "high possible secret/sourcegraph-access-token"},
	} {
		assert.Equal(t, []string{c.path + ":1 " + c.want}, firstLines(inspect(t, nil, tree{c.path: c.text + "\n"})), c.name)
	}
}

// firstLines is lines with only the first line of a place.
func firstLines(found []finding.Finding) []string {
	for i := range found {
		found[i].At.End = found[i].At.Start
	}
	return lines(found)
}

// TestAPathIsNoWayOut: no name of a file makes less of a value than a note
// that people still see.
func TestAPathIsNoWayOut(t *testing.T) {
	for _, path := range []string{"testdata/x", "docs/x.md", "examples/x", "x.min.js", "vendor/x", "package-lock.json"} {
		for _, text := range []string{githubToken, privateKey, "password = \"" + anyValueKey + "\"", signed("RS256", map[string]any{"iss": "https://login.acme.io"})} {
			assert.Len(t, inspect(t, nil, tree{path: text + "\n"}), 1, path)
		}
	}
}

// TestKeysOfGoAreFixtures: what a well-known library publishes for its tests is
// known wherever it is copied to, and however it is written there. The message
// has the line that fixtures.txt lacks.
func TestKeysOfGoAreFixtures(t *testing.T) {
	e, err := newEngine()
	require.NoError(t, err)
	docs, _ := corpus(t, filepath.Join(source(), "crypto"), 1)
	keys := 0
	for _, d := range docs {
		found, err := e.find(context.Background(), d.path, wholePiece(d.text))
		require.NoError(t, err)
		for _, m := range found {
			if m.pattern.rule.ID != "secret/private-key" {
				continue
			}
			keys++
			key := m.secret(d.text)
			assert.True(t, isFixture(key), "%s go/crypto/%s", fixtureHash(key), d.path)
			for _, written := range []string{strings.ReplaceAll(key, "\n", `\n`), strings.ReplaceAll(key, "\n", "\r\n"), strings.ReplaceAll(key, "\n", "\" +\n\t\"")} {
				assert.True(t, isFixture(written), d.path)
			}
			for _, f := range inspect(t, nil, tree{"deploy.pem": key + "\n"}) {
				assert.Equal(t, finding.Possible, f.Confidence, d.path)
			}
		}
	}
	assert.Positive(t, keys)
	assert.False(t, isFixture(privateKey))
}

func TestFixturesAreHashes(t *testing.T) {
	for n, line := range strings.Split(strings.TrimSpace(fixtureList), "\n") {
		assert.Regexp(t, `^(?:#.*|[0-9a-f]{16} [a-z][a-zA-Z0-9./_-]+)$`, line, fmt.Sprint("line ", n+1))
	}
	assert.Greater(t, len(fixtures()), 150)
}
