package github

import (
	"context"
	"errors"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// Deliveries returns the App's deliveries since then, newest first. GitHub
// keeps them for three days.
func (f *Forge) Deliveries(ctx context.Context, since time.Time) ([]forge.Attempt, error) {
	client := f.appClient(f.apps)()
	o := &gh.ListCursorOptions{PerPage: pageSize}
	var all []forge.Attempt
	for {
		// GitHub's filter "failure" leaves out what got no answer at all.
		list, resp, err := client.Apps.ListHookDeliveries(ctx, o)
		if err != nil {
			return nil, f.wrap(err, "list the App's deliveries since %v", since.UTC().Format(time.RFC3339))
		}
		for _, d := range list {
			at := d.GetDeliveredAt().Time
			if at.Before(since) {
				return all, nil
			}
			all = append(all, attemptOf(d))
		}
		if resp.Cursor == "" || resp.Cursor == o.Cursor {
			return all, nil
		}
		o.Cursor = resp.Cursor
	}
}

func attemptOf(d *gh.HookDelivery) forge.Attempt {
	return forge.Attempt{ID: d.GetID(), Delivery: d.GetGUID(), Event: d.GetEvent(), Action: d.GetAction(), At: d.GetDeliveredAt().Time,
		Again: d.GetRedelivery(), Status: d.GetStatusCode(), Words: d.GetStatus()}
}

// Redeliver asks GitHub to send the event of a delivery again. It returns once
// GitHub took note; the event comes with the GUID that it had.
func (f *Forge) Redeliver(ctx context.Context, id int64) error {
	_, _, err := f.appClient(f.apps)().Apps.RedeliverHookDelivery(ctx, id)
	var accepted *gh.AcceptedError
	if errors.As(err, &accepted) {
		return nil // which the library takes for an error
	}
	return f.wrap(err, "ask for delivery %d again", id)
}
