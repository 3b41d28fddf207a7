package app

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/doctor"
	"github.com/pullwarden/pullwarden/internal/ecosystem"
	"github.com/pullwarden/pullwarden/internal/ecosystem/gomod"
	"github.com/pullwarden/pullwarden/internal/ecosystem/npm"
	"github.com/pullwarden/pullwarden/internal/ecosystem/pypi"
	"github.com/pullwarden/pullwarden/internal/scan"
	"github.com/pullwarden/pullwarden/internal/scan/dependency"
	"github.com/pullwarden/pullwarden/internal/scan/iac"
	"github.com/pullwarden/pullwarden/internal/scan/secret"
	"github.com/pullwarden/pullwarden/internal/scan/text"
)

// Ecosystems lists every package ecosystem. Add yours here.
func Ecosystems(r config.Registries, client *http.Client) []ecosystem.Ecosystem {
	client = ecosystem.Client(client, r.Redirects)
	return []ecosystem.Ecosystem{
		gomod.Ecosystem{Registry: gomod.NewRegistry(r.Go, client)},
		npm.Ecosystem{Registry: npm.Registry{Base: r.NPM, Client: client}},
		pypi.Ecosystem{},
	}
}

// Registries lists where the packages of each ecosystem that can be upgraded
// come from.
func Registries(cfg config.Config) []doctor.Registry {
	return []doctor.Registry{
		{
			Ecosystem: "Go", Of: "Go modules", Setting: "registries.go (PULLWARDEN_REGISTRY_GO)",
			Address: gomod.NewRegistry(cfg.Registries.Go, nil).Address(), From: cfg.Source("registries.go"),
		},
		{
			Ecosystem: "npm", Of: "npm packages", Setting: "registries.npm (PULLWARDEN_REGISTRY_NPM)",
			Address: npm.Registry{Base: cfg.Registries.NPM}.Address(), From: cfg.Source("registries.npm"),
		},
	}
}

// upgradesOff lists the ecosystems whose upgrades are wanted, and off for lack
// of a registry.
func upgradesOff(cfg config.Config) []doctor.Registry {
	if !cfg.Upgrades.Enabled {
		return nil
	}
	return slices.DeleteFunc(Registries(cfg), func(r doctor.Registry) bool { return r.Address != "" })
}

// SecretRules are the rules for secrets that an operator brings.
type SecretRules struct {
	Rules secret.Rules
	Sum   string // differs if the file does
	Wrong error  // of the rules that are left out; nil if none is
}

// ReadSecretRules reads the rules in the file at path, none if that is "".
func ReadSecretRules(path string) (SecretRules, error) {
	if path == "" {
		return SecretRules{}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return SecretRules{}, err
	}
	sum := sha256.Sum256(text)
	rules, wrong := secret.ParseRules(path, text)
	return SecretRules{rules, hex.EncodeToString(sum[:8]), wrong}, nil
}

// keptEngines of organisations stay compiled: each takes some 3 MiB, and a
// fifth of a second to make.
const keptEngines = 16

// organisationSecrets makes scanners of secrets that look for an organisation's
// rules beside ours and the operator's.
func organisationSecrets(own SecretRules) func(file string, text []byte) (scan.Scanner, error) {
	type made struct {
		scanner scan.Scanner
		wrong   error
	}
	kept, err := lru.New[[sha256.Size]byte, made](keptEngines)
	if err != nil {
		panic(err) // for a size of 0
	}
	return func(file string, text []byte) (scan.Scanner, error) {
		sum := sha256.Sum256(text)
		if m, ok := kept.Get(sum); ok {
			return m.scanner, m.wrong
		}
		rules, wrong := secret.ParseOrganisationRules(file, text, own.Rules)
		m := made{wrong: wrong}
		if wrong == nil || rules.Len() > 0 {
			m.scanner = secret.New(own.Rules, rules)
		}
		kept.Add(sum, m)
		return m.scanner, m.wrong
	}
}

// Scanners lists every scanner. Add yours here.
func Scanners(db advisory.DB, es []ecosystem.Ecosystem, own SecretRules) []scan.Scanner {
	return []scan.Scanner{
		secret.New(own.Rules),
		dependency.New(db, es),
		iac.New(),
		text.New(),
	}
}
