// Package verify asks the providers of secrets that were found whether these
// still work: one call each that only reads who the secret belongs to. It is
// off unless the operator names the providers, where each is, and the
// installations whose secrets may be sent there.
package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"golang.org/x/sync/errgroup"

	"github.com/pullwarden/pullwarden/internal/finding"
)

const (
	patience = 4 * time.Second // for one answer
	deadline = 15 * time.Second
	atOnce   = 4
	most     = 20 // secrets of one review
	longest  = 64 << 10
	// A secret that was revoked stays so; one that works may be revoked the next minute.
	keepRevoked, keepWorking = 24 * time.Hour, 30 * time.Second
	remembered               = 10_000
)

// A Verifier asks providers. Its methods are safe for concurrent use.
type Verifier struct {
	client           *http.Client
	at               map[string]string // by provider
	installations    []int64
	revoked, working *expirable.LRU[finding.Fingerprint, struct{}] // by keyed hash: never by value
}

// New returns a Verifier that asks each provider at its address, https unless
// it is on this machine, about secrets of these installations. Nothing else is ever asked.
func New(transport http.RoundTripper, at map[string]string, installations []int64) (*Verifier, error) {
	var wrong []error
	for name, address := range at {
		u, err := url.Parse(address)
		switch {
		case !slices.ContainsFunc(providers(), func(p provider) bool { return p.name == name }):
			wrong = append(wrong, fmt.Errorf("providers.%s: none of %s", name, strings.Join(Names(), ", ")))
		case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "": // it may have a password in it: not shown
			wrong = append(wrong, fmt.Errorf("providers.%s: is no plain address, such as https://HOST", name))
		case u.Scheme != "https" && u.Hostname() != "127.0.0.1":
			wrong = append(wrong, fmt.Errorf("providers.%s: %q is not https: whoever is on the way would read the secret", name, address))
		}
	}
	return &Verifier{
		client: &http.Client{
			Transport: transport, Timeout: patience,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		at: at, installations: installations,
		revoked: expirable.NewLRU[finding.Fingerprint, struct{}](remembered, nil, keepRevoked),
		working: expirable.NewLRU[finding.Fingerprint, struct{}](remembered, nil, keepWorking),
	}, errors.Join(wrong...)
}

// Verify sets the Validity of the findings whose secret a provider could tell
// about. Whatever goes wrong leaves a finding as it is: an answer that is not
// understood clears nothing.
func (v *Verifier) Verify(ctx context.Context, installation int64, findings []finding.Finding) {
	if !slices.Contains(v.installations, installation) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(atOnce)
	asked := 0
	for i := range findings {
		f := &findings[i]
		p, base := v.provider(f.Rule.ID)
		if base == "" {
			continue
		}
		if v.revoked.Contains(f.Print) {
			f.Validity = finding.Revoked
			continue
		}
		if v.working.Contains(f.Print) {
			f.Validity = finding.Working
			continue
		}
		if asked++; asked > most {
			continue
		}
		group.Go(func() error {
			f.Reveal(func(value string) { f.Validity = v.ask(ctx, p, base, value) })
			switch f.Validity {
			case finding.Revoked:
				v.revoked.Add(f.Print, struct{}{})
			case finding.Working:
				v.working.Add(f.Print, struct{}{})
			}
			return nil
		})
	}
	_ = group.Wait()
	for i := range findings {
		if f := &findings[i]; f.Validity == finding.Working {
			f.Confidence = finding.Certain
			f.Details = append(f.Details, finding.Detail{Name: "Works", Text: "its provider was asked and accepts it"})
		}
	}
}

// provider returns who issues what a rule finds, and where the operator lets
// it be asked; "" if nowhere.
func (v *Verifier) provider(rule string) (provider, string) {
	for _, p := range providers() {
		if slices.Contains(p.rules, strings.TrimPrefix(rule, "secret/")) {
			return p, strings.TrimSuffix(v.at[p.name], "/")
		}
	}
	return provider{}, ""
}

func (v *Verifier) ask(ctx context.Context, p provider, base, value string) finding.Validity {
	req, err := http.NewRequestWithContext(ctx, p.method, base+p.path, nil)
	if err != nil {
		return finding.Unknown
	}
	p.authorize(req.Header, value)
	req.Header.Set("User-Agent", "pullwarden")
	res, err := v.client.Do(req)
	if err != nil {
		return finding.Unknown
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, longest))
	if err != nil {
		return finding.Unknown
	}
	return p.judge(res.StatusCode, strings.ToLower(string(body)))
}
