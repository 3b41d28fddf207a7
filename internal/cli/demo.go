package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/pullwarden/pullwarden/internal/demo"
)

func demoCommand(std IO) *cobra.Command {
	var o demo.Options
	var once, asJSON, verbose bool
	var address string
	c := &cobra.Command{
		Use:   "demo",
		Short: "show the main job, end to end, on a sample or on your own repository",
		Long: "Starts a small GitHub and the real server on the loopback address, opens a pull request, delivers the\n" +
			"signed webhook, and shows the pull request as its reviewer sees it.",
		Example: "  pullwarden demo\n  pullwarden demo --once\n  pullwarden demo --repo . --base main --head my-branch",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if (o.Base != "" || o.Head != "") && o.Repo == "" {
				return errors.New("--base and --head go with --repo")
			}
			if o.Repo != "" {
				if o.Base == "" || o.Head == "" {
					return errors.New("--repo needs --base and --head")
				}
				o.Repo = inDir(std.Dir, o.Repo)
				o.Advisories = advisoriesDir(std.Env)
			}
			var page net.Listener
			if !once && !asJSON { // before anything is played: the port may be taken
				ln, err := net.Listen("tcp", address)
				if err != nil {
					return fmt.Errorf("--addr: the page cannot be served on %s: %w", address, err)
				}
				defer ln.Close()
				page = ln
			}
			level := zerolog.WarnLevel
			if verbose {
				level = zerolog.InfoLevel
			}
			o.Log = zerolog.New(zerolog.ConsoleWriter{Out: std.Err, NoColor: !isTerminal(std.Err)}).Level(level)
			if !asJSON {
				fmt.Fprintln(std.Err, "Playing a pull request: webhook, fetch, scan, review …")
			}
			show, err := demo.Run(c.Context(), o)
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(std.Out)
				e.SetIndent("", "  ")
				e.SetEscapeHTML(false)
				return e.Encode(show)
			}
			show.Text(std.Out)
			if once {
				return nil
			}
			return servePage(c, std, show, page)
		},
	}
	c.Flags().StringVar(&o.Repo, "repo", "", "a repository of yours, instead of the sample")
	c.Flags().StringVar(&o.Base, "base", "", "revision that the pull request is against")
	c.Flags().StringVar(&o.Head, "head", "", "revision that the pull request proposes")
	c.Flags().BoolVar(&once, "once", false, "print the outcome and exit")
	c.Flags().BoolVar(&asJSON, "json", false, "print the outcome as JSON and exit")
	c.Flags().BoolVar(&verbose, "verbose", false, "show the server's log")
	c.Flags().StringVar(&address, "addr", "127.0.0.1:8085", "`HOST:PORT` to serve the page on")
	return c
}

// servePage shows the pull request until the command is interrupted.
func servePage(c *cobra.Command, std IO, show *demo.Show, ln net.Listener) error {
	srv := &http.Server{Handler: demo.PageHandler(show), ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(std.Out, "\nThe pull request as its reviewer sees it: http://%s/ (end with Ctrl-C)\n", ln.Addr())
	go func() {
		<-c.Context().Done()
		_ = srv.Close()
	}()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
