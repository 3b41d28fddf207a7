package app

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/pullwarden/pullwarden/config"
)

// A certificate is read from two files, and again when they have changed: who
// renews it need not restart the server. Files that are not good do not take
// the place of ones that were.
type certificate struct {
	files config.TLS
	now   func() time.Time
	log   zerolog.Logger

	mu   sync.Mutex
	held *tls.Certificate
	seen [2]os.FileInfo // of the files as they were when they were last read
}

// openCertificate reads the files. Its errors name the setting.
func openCertificate(files config.TLS, now func() time.Time, log zerolog.Logger) (*certificate, error) {
	c := &certificate{files: files, now: now, log: log}
	c.seen = c.look()
	var err error
	c.held, err = c.read()
	return c, err
}

// get is a tls.Config's GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.look()
	if unchanged(now[0], c.seen[0]) && unchanged(now[1], c.seen[1]) {
		return c.held, nil
	}
	c.seen = now
	if fresh, err := c.read(); err != nil {
		// One file may have been replaced and the other not yet.
		c.log.Error().Err(err).Msg("the changed certificate is not used")
	} else {
		c.held = fresh
		c.log.Info().Time("until", fresh.Leaf.NotAfter).Msg("the changed certificate is used")
	}
	return c.held, nil
}

// look returns what the files look like now; nil for one that is not there.
func (c *certificate) look() (now [2]os.FileInfo) {
	for i, name := range []string{c.files.Certificate, c.files.Key} {
		if info, err := os.Stat(name); err == nil {
			now[i] = info
		}
	}
	return now
}

func unchanged(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

func (c *certificate) read() (*tls.Certificate, error) {
	chain, err := os.ReadFile(c.files.Certificate)
	if err != nil {
		return nil, fmt.Errorf("tls.certificate: %w", err)
	}
	if err := parses(chain); err != nil {
		return nil, fmt.Errorf("tls.certificate: %s: %w", c.files.Certificate, err)
	}
	key, err := os.ReadFile(c.files.Key)
	if err != nil {
		return nil, fmt.Errorf("tls.key: %w", err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("tls.key: %s: %w", c.files.Key, err)
	}
	if until := pair.Leaf.NotAfter; c.now().After(until) {
		// GitHub refuses it unless it was told not to look.
		c.log.Warn().Time("until", until).Msg("the certificate has expired")
	}
	return &pair, nil
}

func parses(chain []byte) error {
	block, _ := pem.Decode(chain)
	if block == nil || block.Type != "CERTIFICATE" {
		return errors.New("is no certificate in PEM form")
	}
	_, err := x509.ParseCertificate(block.Bytes)
	return err
}
