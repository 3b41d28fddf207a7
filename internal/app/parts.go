package app

import (
	"net/http"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/advisory"
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
	return []ecosystem.Ecosystem{
		gomod.Ecosystem{Registry: gomod.NewRegistry(r.Go, client)},
		npm.Ecosystem{Registry: npm.Registry{Base: r.NPM, Client: client}},
		pypi.Ecosystem{},
	}
}

// Scanners lists every scanner. Add yours here.
func Scanners(db advisory.DB, es []ecosystem.Ecosystem) []scan.Scanner {
	return []scan.Scanner{
		secret.New(),
		dependency.New(db, es),
		iac.New(),
		text.New(),
	}
}
