package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// Required returns what asks for a check of our name before a merge into the
// default branch of repo: rulesets, for which reading metadata will do, and
// what branch protection shows to who may read the contents.
func (i *Inspector) Required(ctx context.Context, repo forge.Repo) ([]forge.RequiredCheck, error) {
	rules, err := i.rules(ctx, repo)
	if err != nil {
		return nil, i.forge.wrap(err, "read the rules of %v", repo)
	}
	classic, err := i.protection(ctx, repo)
	if err != nil {
		return nil, i.forge.wrap(err, "read the branch protection of %v", repo)
	}
	return append(rules, classic...), nil
}

func (i *Inspector) rules(ctx context.Context, repo forge.Repo) (found []forge.RequiredCheck, err error) {
	c, err := i.forge.client(repo, grant{contents: read})
	if err != nil {
		return nil, err
	}
	for page := 1; page != 0; {
		// The library knows neither the pages nor which ruleset a rule is of.
		var v []struct {
			Type       string
			Kind       string `json:"ruleset_source_type"`
			Source     string `json:"ruleset_source"`
			Ruleset    int64  `json:"ruleset_id"`
			Parameters struct {
				Checks []struct {
					Context string
					App     *int64 `json:"integration_id"`
				} `json:"required_status_checks"`
			}
		}
		path := fmt.Sprintf("repos/%v/%v/rules/branches/%v?per_page=100&page=%d", repo.Owner, repo.Name, url.PathEscape(repo.Default), page)
		resp, err := i.get(ctx, c, path, &v)
		if err != nil {
			if notOnThisPlan(classify(err, i.forge.now())) {
				return nil, nil
			}
			return nil, err
		}
		for _, r := range v {
			if r.Type != "required_status_checks" {
				continue
			}
			at := fmt.Sprintf("%s/%s/settings/rules/%d", i.web, r.Source, r.Ruleset)
			if r.Kind == "Organization" {
				at = fmt.Sprintf("%s/organizations/%s/settings/rules/%d", i.web, r.Source, r.Ruleset)
			}
			for _, check := range r.Parameters.Checks {
				if check.Context == forge.CheckName {
					found = append(found, forge.RequiredCheck{App: orAny(check.App), Page: at})
				}
			}
		}
		page = resp.NextPage
	}
	return found, nil
}

// protection reads the branch itself, which tells of required checks without
// the permission to administer. An empty repository has no branch.
func (i *Inspector) protection(ctx context.Context, repo forge.Repo) (found []forge.RequiredCheck, err error) {
	c, err := i.forge.client(repo, grant{contents: read})
	if err != nil {
		return nil, err
	}
	var v struct {
		Protection struct {
			Required struct {
				Contexts []string
				Checks   []struct {
					Context string
					App     *int64 `json:"app_id"`
				}
			} `json:"required_status_checks"`
		}
	}
	_, err = i.get(ctx, c, fmt.Sprintf("repos/%v/%v/branches/%v", repo.Owner, repo.Name, url.PathEscape(repo.Default)), &v)
	if errors.Is(classify(err, i.forge.now()), forge.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	page := fmt.Sprintf("%s/%v/settings/branches", i.web, repo)
	for _, check := range v.Protection.Required.Checks {
		if check.Context == forge.CheckName {
			found = append(found, forge.RequiredCheck{App: orAny(check.App), Page: page})
		}
	}
	if len(found) == 0 { // an older GitHub Enterprise Server has names alone
		for _, name := range v.Protection.Required.Contexts {
			if name == forge.CheckName {
				found = append(found, forge.RequiredCheck{Page: page})
			}
		}
	}
	return found, nil
}

// orAny is the App that a rule names: GitHub leaves it out, or has null or -1, for any.
func orAny(app *int64) int64 {
	if app == nil || *app < 0 {
		return 0
	}
	return *app
}

// notOnThisPlan tells that GitHub has no rules for a private repository
// without payment, so that none can ask for a check.
func notOnThisPlan(err error) bool {
	var e *statusError
	return errors.Is(err, forge.ErrDenied) && errors.As(err, &e) && strings.HasPrefix(e.Message, "Upgrade to GitHub ")
}

// GraphQL asks GitHub's GraphQL a question that costs next to nothing.
func (i *Inspector) GraphQL(ctx context.Context, installation int64) error {
	c, err := i.asInstallation(ctx, installation)
	if err != nil {
		return err
	}
	var v struct{ RateLimit struct{ Remaining *int } }
	if err := i.forge.ask(ctx, c, `query{rateLimit{remaining}}`, nil, &v); err != nil {
		return fmt.Errorf("ask GraphQL: %w", err)
	}
	return nil
}

// Git asks for repo as git does before it fetches, with a token that may only read it.
func (i *Inspector) Git(ctx context.Context, repo forge.Repo) error {
	if _, err := i.forge.client(repo, grant{contents: read}); err != nil { // refuses what is no name
		return err
	}
	value, err := i.forge.tokens.get(ctx, tokenKey{installation: repo.Installation, repo: repo.ID, grant: grant{contents: read}}, "")
	if err != nil {
		return err
	}
	at := fmt.Sprintf("%s/%v.git/info/refs?service=git-upload-pack", i.forge.git, repo)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return fmt.Errorf("ask git for %v: its address cannot be made", repo)
	}
	req.SetBasicAuth("x-access-token", value)
	req.Header.Set("Git-Protocol", "version=2")
	req.Header.Set("Accept", "*/*")
	// A redirect must not carry the token elsewhere.
	client := http.Client{Transport: i.forge.tokens.wire, Timeout: i.forge.timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return i.forge.wrap(err, "ask git for %v", repo)
	}
	resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode == http.StatusOK && kind != "application/x-git-upload-pack-advertisement" {
		return fmt.Errorf("ask git for %v: something that is not git answers", repo)
	}
	if resp.StatusCode != http.StatusOK {
		return i.forge.wrap(fromStatus(req.Method, resp.StatusCode, resp.Header, "", i.forge.now()), "ask git for %v", repo)
	}
	return nil
}
