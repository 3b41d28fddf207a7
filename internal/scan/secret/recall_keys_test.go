package secret

import (
	"crypto/dsa" //nolint:staticcheck // keys of it are still found
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	armor "encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

// A made is a key in the format of a file of its own.
type made struct{ kind, text, rules string }

// key2048 is generated once: it is slow, and one is as good as another.
var key2048 = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// madeKeys are newly generated keys in every format that the standard library,
// OpenSSL, OpenSSH and PuTTY write.
func madeKeys(t testing.TB) []made {
	t.Helper()
	must := func(b []byte, err error) []byte { require.NoError(t, err); return b }
	file := func(kind string, b []byte) string {
		return string(armor.EncodeToMemory(&armor.Block{Type: kind, Bytes: b}))
	}
	rsaKey := key2048()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	openSSH, err := ssh.MarshalPrivateKey(ed, "deploy")
	require.NoError(t, err)
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(ec, "deploy", []byte("a passphrase"))
	require.NoError(t, err)
	//nolint:staticcheck // as OpenSSL wrote them for twenty years
	legacy, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), []byte("a passphrase"), x509.PEMCipherAES256)
	require.NoError(t, err)
	const any = "private-key"
	all := []made{
		{"PKCS #1", file("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), any},
		{"PKCS #8 of RSA", file("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(rsaKey))), any},
		{"PKCS #8 of ECDSA", file("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(ec))), any},
		{"PKCS #8 of Ed25519", file("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(ed))), any},
		{"PKCS #8 of a curve that Go lacks", file("PRIVATE KEY", foreignPKCS8(t)), any},
		{"PKCS #8, encrypted", file("ENCRYPTED PRIVATE KEY", encryptedPKCS8(t)), any},
		{"SEC 1", file("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ec))), any},
		{"DSA", file("DSA PRIVATE KEY", dsaKey(t)), any},
		{"encrypted as OpenSSL did", string(armor.EncodeToMemory(legacy)), any},
		{"OpenSSH", string(armor.EncodeToMemory(openSSH)), any},
		{"OpenSSH, encrypted", string(armor.EncodeToMemory(locked)), any},
	}
	return all
}

// onlyFiles are keys in formats that stand in files of their own.
func onlyFiles(t testing.TB) []made {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	number := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.FillBytes(make([]byte, 32))) }
	jwk := func(indent string) string {
		b, err := json.MarshalIndent(map[string]string{"kty": "EC", "crv": "P-256", "x": number(ec.X), "y": number(ec.Y), "d": number(ec.D), "kid": "2026-01"}, "", indent) //nolint:staticcheck
		require.NoError(t, err)
		return string(b) + "\n"
	}
	random := make([]byte, 120)
	_, _ = rand.Read(random)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key2048())
	require.NoError(t, err)
	account, err := json.MarshalIndent(map[string]string{
		"type": "service_account", "project_id": "acme-prod", "private_key_id": fmt.Sprintf("%x", random[:20]),
		"private_key":  string(armor.EncodeToMemory(&armor.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
		"client_email": "deploy@acme-prod.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token",
	}, "", "  ")
	require.NoError(t, err)
	rsaKey := key2048()
	b64 := base64.RawURLEncoding.EncodeToString
	return []made{
		{"JWK", jwk(""), "json-web-key"},
		{"JWK, indented", jwk("  "), "json-web-key"},
		{"JWK of RSA", fmt.Sprintf(`{"kty":"RSA","n":"%s","e":"AQAB","d":"%s","p":"%s","q":"%s"}`, b64(rsaKey.N.Bytes()), b64(rsaKey.D.Bytes()), b64(rsaKey.Primes[0].Bytes()), b64(rsaKey.Primes[1].Bytes())), "json-web-key"},
		{"service account", string(account), "google-service-account|private-key"},
		{"PuTTY", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: deploy\nPublic-Lines: 2\n" +
			inLines(base64.StdEncoding.EncodeToString(random[:51])) + "Private-Lines: 1\n" + base64.StdEncoding.EncodeToString(random[60:96]) + "\nPrivate-MAC: " + fmt.Sprintf("%x", random[:32]) + "\n", "putty"},
	}
}

func inLines(s string) string {
	var b strings.Builder
	for len(s) > 64 {
		b.WriteString(s[:64] + "\n")
		s = s[64:]
	}
	return b.String() + s + "\n"
}

type pkcs8Key struct {
	Version   int
	Algorithm pkix.AlgorithmIdentifier
	Key       []byte
}

// foreignPKCS8 is a key on secp256k1, which crypto/x509 does not know.
func foreignPKCS8(t testing.TB) []byte {
	t.Helper()
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	inner, err := asn1.Marshal(struct {
		Version int
		Key     []byte
	}{1, random})
	require.NoError(t, err)
	curve, err := asn1.Marshal(asn1.ObjectIdentifier{1, 3, 132, 0, 10})
	require.NoError(t, err)
	b, err := asn1.Marshal(pkcs8Key{0, pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}, Parameters: asn1.RawValue{FullBytes: curve}}, inner})
	require.NoError(t, err)
	return b
}

// encryptedPKCS8 is an EncryptedPrivateKeyInfo of RFC 5958 with PBES2. What is
// encrypted in it nobody without the passphrase can tell from random bytes.
func encryptedPKCS8(t testing.TB) []byte {
	t.Helper()
	random := make([]byte, 1232)
	_, _ = rand.Read(random)
	type kdf struct {
		Salt       []byte
		Iterations int
	}
	params, err := asn1.Marshal(struct{ KDF, Cipher any }{
		struct {
			ID     asn1.ObjectIdentifier
			Params kdf
		}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, kdf{random[:8], 2048}},
		struct {
			ID asn1.ObjectIdentifier
			IV []byte
		}{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, random[:16]},
	})
	require.NoError(t, err)
	b, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}{pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, Parameters: asn1.RawValue{FullBytes: params}}, random[16:]})
	require.NoError(t, err)
	return b
}

func dsaKey(t testing.TB) []byte {
	t.Helper()
	var key dsa.PrivateKey //nolint:staticcheck
	require.NoError(t, dsa.GenerateParameters(&key.Parameters, rand.Reader, dsa.L1024N160))
	require.NoError(t, dsa.GenerateKey(&key, rand.Reader))
	b, err := asn1.Marshal(struct {
		Version       int
		P, Q, G, Y, X *big.Int
	}{0, key.P, key.Q, key.G, key.Y, key.X})
	require.NoError(t, err)
	return b
}

// keyPlacements are how other files have a key that is a file by itself. KEY is its
// lines, INDENTED the same behind four blanks, CRLF with other ends of lines,
// ESCAPED one line with the ends of lines as \n, GO and ARRAY a string for each
// line, BASE64 all of it encoded.
func keyPlacements() []placement {
	return []placement{
		{"file", "id_deploy", "KEY\n", true},
		{"file with a certificate's name", "tls.pem", "Bag Attributes\n    friendlyName: acme\nKey Attributes: <No Attributes>\nKEY\n", true},
		{"from Windows", "id.pem", "CRLF\r\n", true},
		{"YAML, block", "config.yml", "tls:\n  key: |\n    INDENTED\n", true},
		{"YAML, one line", "config.yml", "tls:\n  key: \"ESCAPED\"\n", true},
		{"env", ".env", "PORT=80\nTLS_PEM=\"ESCAPED\"\n", true},
		{"env, lines", ".env", "PORT=80\nTLS_PEM=\"KEY\"\n", true},
		{"JSON", "config.json", "{\n  \"key\": \"ESCAPED\"\n}\n", true},
		{"JSON array", "config.json", "{\"key\": [\n  ARRAY\n]}\n", true},
		{"TOML", "config.toml", "[tls]\nkey = \"\"\"\nKEY\n\"\"\"\n", true},
		{"Go", "a.go", "package a\n\nconst key = `KEY`\n", true},
		{"Go, lines", "a.go", "package a\n\nconst key = GO\n", true},
		{"Java", "A.java", "class A {\n  String key = GO;\n}\n", true},
		{"Python", "a.py", "key = \"\"\"KEY\"\"\"\n", true},
		{"JavaScript", "a.js", "const key = [\n  ARRAY\n].join('\\n');\n", true},
		{"XML", "saml.xml", "<key>KEY</key>\n", true},
		{"Terraform heredoc", "main.tf", "resource \"a_b\" \"c\" {\n  key = <<EOT\nKEY\nEOT\n}\n", true},
		{"Kubernetes Secret", "tls.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: tls}\ntype: kubernetes.io/tls\ndata:\n  tls.key: BASE64\n", true},
		{"kubeconfig", ".kube/config", "users:\n- name: admin\n  user:\n    client-key-data: BASE64\n", true},
		{"env, encoded", ".env", "TLS_PEM=BASE64\n", true},
	}
}

func keySpelled(key string) *strings.Replacer {
	key = strings.TrimSpace(key)
	lines := strings.Split(key, "\n")
	return strings.NewReplacer("INDENTED", strings.Join(lines, "\n    "), "ESCAPED", strings.Join(lines, `\n`)+`\n`, "CRLF", strings.Join(lines, "\r\n"),
		"GO", "\""+strings.Join(lines, "\\n\" +\n\t\"")+"\\n\"", "ARRAY", "\""+strings.Join(lines, "\",\n  \"")+"\"",
		"BASE64", base64.StdEncoding.EncodeToString([]byte(key+"\n")), "KEY", key)
}
