package app

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/config"
)

// issue returns a certificate for name, until then, and its key.
func issue(t *testing.T, name string, until time.Time) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: until.AddDate(-1, 0, 0), NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// put writes a file as those do who renew certificates: a new one in its place.
func put(t *testing.T, path string, b []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".new", b, 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

func TestCertificateThatChanges(t *testing.T) {
	dir := t.TempDir()
	files := config.TLS{Certificate: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	later := time.Now().AddDate(0, 1, 0)
	cert, key := issue(t, "one.example", later)
	put(t, files.Certificate, cert)
	put(t, files.Key, key)
	var log bytes.Buffer
	c, err := openCertificate(files, time.Now, zerolog.New(&log))
	require.NoError(t, err)
	shows := func() string {
		t.Helper()
		pair, err := c.get(&tls.ClientHelloInfo{})
		require.NoError(t, err)
		return pair.Leaf.Subject.CommonName
	}
	assert.Equal(t, "one.example", shows())
	assert.Empty(t, log.String())

	cert, key = issue(t, "two.example", later)
	put(t, files.Certificate, cert)
	assert.Equal(t, "one.example", shows(), "its key is yet to come")
	assert.Contains(t, log.String(), "tls.key")
	said := log.Len()
	assert.Equal(t, "one.example", shows())
	assert.Equal(t, said, log.Len(), "that is told once")
	put(t, files.Key, key)
	assert.Equal(t, "two.example", shows())

	for _, bad := range [][]byte{nil, []byte("-----BEGIN CERTIFICATE-----\n"), key} {
		put(t, files.Certificate, bad)
		assert.Equal(t, "two.example", shows())
	}
	require.NoError(t, os.Remove(files.Certificate))
	assert.Equal(t, "two.example", shows())
	cert, key = issue(t, "old.example", time.Now().Add(-time.Hour))
	put(t, files.Certificate, cert)
	put(t, files.Key, key)
	assert.Equal(t, "old.example", shows(), "what the operator says counts")
	assert.Contains(t, log.String(), "the certificate has expired")
}

func TestCertificateThatIsNotGood(t *testing.T) {
	dir := t.TempDir()
	cert, key := issue(t, "one.example", time.Now().AddDate(0, 1, 0))
	_, another := issue(t, "two.example", time.Now().AddDate(0, 1, 0))
	for name, c := range map[string]struct {
		cert, key []byte
		want      string
	}{
		"no certificate":   {nil, key, "tls.certificate: "},
		"no key":           {cert, nil, "tls.key: "},
		"empty":            {[]byte{}, key, "tls.certificate: .*no certificate in PEM form"},
		"no PEM":           {[]byte("cert"), key, "tls.certificate: .*no certificate in PEM form"},
		"broken":           {[]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), key, "tls.certificate: "},
		"exchanged":        {key, cert, "tls.certificate: .*no certificate in PEM form"},
		"a key of no kind": {cert, []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "tls.key: "},
		"another's key":    {cert, another, "tls.key: .*does not match"},
	} {
		t.Run(name, func(t *testing.T) {
			files := config.TLS{Certificate: filepath.Join(dir, name+".cert"), Key: filepath.Join(dir, name+".key")}
			if c.cert != nil {
				put(t, files.Certificate, c.cert)
			}
			if c.key != nil {
				put(t, files.Key, c.key)
			}
			_, err := openCertificate(files, time.Now, zerolog.Nop())
			require.Error(t, err)
			assert.Regexp(t, c.want, err.Error())
			assert.NotContains(t, err.Error(), "BEGIN")
		})
	}
}
