package npm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"deps.dev/util/semver"

	"github.com/pullwarden/pullwarden/internal/ecosystem"
)

const (
	maxDocument = 64 << 20 // of a package's metadata; the largest known are a third of it
	wait        = time.Minute
)

// A Registry is an npm registry, chosen by the operator. Nothing in a
// repository can name one: neither .npmrc nor the "resolved" of a lockfile is
// a place to fetch from. The zero Registry has no address: what needs one
// fails with ecosystem.ErrNoRegistry.
type Registry struct {
	Base   string       // http or https; "" or "off" for none
	Client *http.Client // of ecosystem.Client; nil: one that follows no redirect to another host
}

// A document is what a registry says of a package, in its abbreviated form.
type document struct {
	Versions map[string]json.RawMessage `json:"versions"`
}

// A manifest is what a registry says of one version.
type manifest struct {
	Dependencies         map[string]string  `json:"dependencies"`
	OptionalDependencies map[string]string  `json:"optionalDependencies"`
	PeerDependencies     map[string]string  `json:"peerDependencies"`
	PeerDependenciesMeta map[string]peerOpt `json:"peerDependenciesMeta"`

	Bin        any `json:"bin"`
	Engines    any `json:"engines"`
	CPU        any `json:"cpu"`
	OS         any `json:"os"`
	Libc       any `json:"libc"`
	License    any `json:"license"`
	Funding    any `json:"funding"`
	Deprecated any `json:"deprecated"`

	HasInstallScript    bool `json:"hasInstallScript"`
	HasShrinkwrap       bool `json:"_hasShrinkwrap"`
	BundleDependencies  any  `json:"bundleDependencies"`
	BundledDependencies any  `json:"bundledDependencies"`
	Dist                struct {
		Integrity string `json:"integrity"`
	} `json:"dist"`
}

type peerOpt struct {
	Optional bool `json:"optional,omitempty"`
}

var packageName = regexp.MustCompile(`^(@[A-Za-z0-9~-][A-Za-z0-9._~-]*/)?[A-Za-z0-9~_-][A-Za-z0-9._~-]*$`)

// Address is that of the registry, valid or not; "" if there is none. It may
// hold a password.
func (r Registry) Address() string {
	u, err := r.address()
	switch {
	case errors.Is(err, ecosystem.ErrNoRegistry):
		return ""
	case err != nil:
		return r.Base
	}
	return u.String()
}

func (r Registry) address() (*url.URL, error) {
	if r.Base == "" || r.Base == "off" {
		return nil, ecosystem.ErrNoRegistry
	}
	u, err := url.Parse(r.Base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the address of the npm registry is not an http or https URL")
	}
	return u, nil
}

// document fetches what is known of a package. No error names the registry:
// its address may hold a password.
func (r Registry) document(ctx context.Context, name string) (*document, error) {
	base, err := r.address()
	if err != nil {
		return nil, err
	}
	if !packageName.MatchString(name) || len(name) > 214 {
		return nil, refusal("%.100q is not the name of an npm package", name)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	base.RawQuery, base.Fragment = "", ""
	address := strings.TrimSuffix(base.String(), "/") + "/" + url.PathEscape(name)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the address of the npm registry cannot be used")
	}
	req.Header.Set("Accept", "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8")
	client := r.Client
	if client == nil {
		client = ecosystem.Client(nil, nil)
	}
	resp, err := client.Do(req)
	if err != nil {
		if inner := (*url.Error)(nil); errors.As(err, &inner) {
			err = inner.Err
		}
		return nil, fmt.Errorf("ask the npm registry about %s: %w", name, err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, refusal("the registry does not have %s", name)
	default:
		return nil, fmt.Errorf("ask the npm registry about %s: it answered %d", name, resp.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err == nil && len(b) > maxDocument {
		err = fmt.Errorf("larger than %d bytes", maxDocument)
	}
	if err != nil {
		return nil, fmt.Errorf("read what the npm registry says of %s: %w", name, err)
	}
	d := &document{}
	if err := json.Unmarshal(b, d); err != nil {
		return nil, fmt.Errorf("read what the npm registry says of %s: %w", name, err)
	}
	return d, nil
}

func (r Registry) versions(ctx context.Context, name string) ([]string, error) {
	d, err := r.document(ctx, name)
	if err != nil {
		return nil, err
	}
	var all []string
	for v := range d.Versions {
		if _, err := semver.NPM.Parse(v); err == nil {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, semver.NPM.Compare)
	return all, nil
}

func (r Registry) manifest(ctx context.Context, name, version string) (*manifest, error) {
	d, err := r.document(ctx, name)
	if err != nil {
		return nil, err
	}
	raw := d.Versions[version]
	if len(raw) == 0 {
		return nil, refusal("the registry does not have %s %s", name, version)
	}
	m := &manifest{}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(m); err != nil {
		return nil, fmt.Errorf("read what the npm registry says of %s %s: %w", name, version, err)
	}
	return m, nil
}

func refusal(format string, args ...any) error {
	return &ecosystem.RefusalError{Why: fmt.Sprintf(format, args...)}
}
