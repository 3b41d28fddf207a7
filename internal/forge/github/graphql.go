package github

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// ask sends a GraphQL document and decodes its data into into, which may be
// nil. GraphQL refuses with status 200, so that is looked into as well.
func (f *Forge) ask(ctx context.Context, c *gh.Client, document string, variables map[string]any, into any) error {
	req, err := c.NewRequest("POST", f.graphqlURL, map[string]any{"query": document, "variables": variables})
	if err != nil {
		return err
	}
	var answer struct {
		Data   json.RawMessage
		Errors []struct {
			Type, Message string
			Path          []any
		}
	}
	resp, err := c.Do(ctx, req, &answer)
	if err != nil {
		return classify(err, f.now())
	}
	for _, e := range answer.Errors {
		if len(e.Path) > 1 && e.Path[1] == writtenField {
			continue // a review goes without it
		}
		said := fmt.Errorf("GitHub answers %s", withoutTokens(strings.TrimSpace(e.Type+" "+e.Message)))
		switch {
		case e.Type == "NOT_FOUND":
			return fmt.Errorf("%w: %w", forge.ErrNotFound, said)
		case e.Type == "FORBIDDEN", e.Type == "INSUFFICIENT_SCOPES",
			strings.Contains(e.Message, "not accessible by integration"):
			return fmt.Errorf("%w: %w", forge.ErrDenied, said)
		case e.Type == "RATE_LIMITED":
			return &forge.BusyError{After: wait(resp.Header, f.now(), defaultWait), Err: said}
		case strings.HasPrefix(e.Message, "Something went wrong"), strings.Contains(e.Message, "timedout"):
			return &forge.BusyError{After: brokenWait, Err: said}
		}
		return said
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		return fmt.Errorf("read GitHub's answer: %w", err)
	}
	return nil
}
