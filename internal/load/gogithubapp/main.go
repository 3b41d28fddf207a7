// Command gogithubapp is a bare receiver made with palantir/go-githubapp, as
// its documentation shows it: the peer of a benchmark. It accepts deliveries
// into the library's queue in memory and works them off by decoding them. What
// is in the queue when the process ends is lost.
//
// Its argument is the address to listen on; the webhook's secret comes from
// GITHUB_APP_WEBHOOK_SECRET.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/google/go-github/v60/github"
	"github.com/palantir/go-githubapp/githubapp"
	"github.com/rs/zerolog"
)

// The queue has room for all that a benchmark sends, so that nothing is
// refused; there are as many workers as our server has.
const room, workers = 100_000, 4

func main() {
	log := zerolog.New(os.Stdout).With().Timestamp().Logger()
	zerolog.DefaultContextLogger = &log
	mux := http.NewServeMux()
	mux.Handle(githubapp.DefaultWebhookRoute, githubapp.NewEventDispatcher(
		[]githubapp.EventHandler{pulls{}}, os.Getenv("GITHUB_APP_WEBHOOK_SECRET"),
		githubapp.WithScheduler(githubapp.QueueAsyncScheduler(room, workers))))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	srv := http.Server{Addr: os.Args[1], Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal().Err(srv.ListenAndServe()).Msg("serve")
}

// pulls decodes pull_request events, as any handler has to.
type pulls struct{}

func (pulls) Handles() []string { return []string{"pull_request"} }

func (pulls) Handle(_ context.Context, _, _ string, payload []byte) error {
	var event github.PullRequestEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return fmt.Errorf("decode the delivery: %w", err)
	}
	return nil
}
