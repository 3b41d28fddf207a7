package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pullwarden/pullwarden/internal/app"
	"github.com/pullwarden/pullwarden/internal/doctor"
)

func doctorCommand(std IO) *cobra.Command {
	var file, format string
	var redeliver bool
	var repositories int
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "doctor",
		Short: "check settings, GitHub App and host for common problems",
		Long: "Looks at the settings, the App on GitHub, its webhook, the checks that branches require, and this machine. Each\n" +
			"line says what was seen and, where it is not well, what to do. It changes nothing.\n\n" +
			"Exits with\n" +
			"  0  if all is well; there may be notes and warnings\n" +
			"  1  if there is a problem\n" +
			"  2  if there is none, but something could not be looked at",
		Example: "  pullwarden doctor --config pullwarden.yml\n  pullwarden doctor --config pullwarden.yml --redeliver",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if repositories < 1 {
				return fmt.Errorf("--repositories: %d is under one", repositories)
			}
			if timeout <= 0 {
				return fmt.Errorf("--timeout: %v is no time", timeout)
			}
			cfg, err := loadConfig(file, std)
			if err != nil {
				return err
			}
			o := app.Doctor(cfg, std.Env)
			if _, err := logLevel(cfg); err != nil {
				o.Settings = append(o.Settings, err.Error())
			}
			o.File, o.Redeliver, o.Repositories, o.Timeout = file, redeliver, repositories, timeout
			return examine(c, std, o, format)
		},
	}
	c.Flags().StringVar(&file, "config", "", "settings file of the server")
	formatFlag(c, &format, "text", "json")
	c.Flags().BoolVar(&redeliver, "redeliver", false, "have GitHub make its latest delivery again, and see what becomes of it")
	c.Flags().IntVar(&repositories, "repositories", 50, "look at the rules of so many repositories, at the most")
	c.Flags().DurationVar(&timeout, "timeout", 3*time.Minute, "of all checks together")
	return c
}

// examine prints the lines as they come, or all of them as JSON, and returns the exit code.
func examine(c *cobra.Command, std IO, o doctor.Options, format string) error {
	var r doctor.Report
	var err error
	if format == "json" {
		r = doctor.Run(c.Context(), o, func(doctor.Line) {})
		err = r.JSON(std.Out)
	} else {
		p := doctor.Printer{W: std.Out, Colour: isTerminal(std.Out) && std.Env("NO_COLOR") == ""}
		r = doctor.Run(c.Context(), o, p.Line)
		err = p.Sum(r)
	}
	switch {
	case err != nil:
		return err
	case r.Verdict == "problem":
		return exitError(exitBlocked)
	case r.Verdict != "ok":
		return exitError(exitFailed)
	}
	return nil
}
