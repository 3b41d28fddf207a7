package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/pullwarden/pullwarden/internal/advisory"
	"github.com/pullwarden/pullwarden/internal/app"
	"github.com/pullwarden/pullwarden/internal/doctor"
	"github.com/pullwarden/pullwarden/internal/git"
	"github.com/pullwarden/pullwarden/internal/report"
	"github.com/pullwarden/pullwarden/internal/upgrade"
)

func upgradeCommand(std IO) *cobra.Command {
	var repo, format, file string
	var write bool
	c := &cobra.Command{
		Use:     "upgrade",
		Short:   "plan upgrades that fix known vulnerabilities",
		Long:    "Plans the upgrades of the direct dependencies in the work tree, without running a package manager.\nAsks only the registries of the settings file or of this process' own environment.",
		Example: "  pullwarden upgrade\n  PULLWARDEN_REGISTRY_GO=https://registry.example pullwarden upgrade --write\n  pullwarden upgrade --config pullwarden.yml --format diff",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			show := map[string]func(IO, string, []upgrade.Plan, []upgrade.Refused) error{
				"text": plansAsText, "json": plansAsJSON, "diff": plansAsDiff,
			}[format]
			cfg, err := loadConfig(file, std)
			if err != nil {
				return err
			}
			dir := inDir(std.Dir, repo)
			if file == "" {
				cfg.AdvisoriesDir = advisoriesDir(std.Env)
			}
			db, err := advisory.Open(cfg.AdvisoriesDir)
			if err != nil {
				return fmt.Errorf("open the advisories: %w", err)
			}
			if db.Info().Snapshot == "" {
				return errors.New("no advisories: run pullwarden advisories import DIR first")
			}
			rules, _, err := localPolicy(func(path string) ([]byte, error) { return git.ReadLocal(dir, "", path) }, "", std.Dir)
			if err != nil {
				return err
			}
			root, err := os.OpenRoot(dir)
			if err != nil {
				return err
			}
			defer root.Close()
			planner := upgrade.Planner{Advisories: db, Ecosystems: app.Ecosystems(cfg.Registries, &http.Client{Timeout: 10 * time.Minute})}
			plans, refused, err := planner.Plan(c.Context(), root.FS(), rules.Upgrades, nil)
			if err != nil {
				return err
			}
			if err := show(std, dir, plans, refused); err != nil {
				return err
			}
			tellOff(std, app.Registries(cfg), refused)
			if write {
				return writePlans(std, root, plans)
			}
			return nil
		},
	}
	c.Flags().StringVar(&repo, "repo", ".", "the repository")
	formatFlag(c, &format, "text", "json", "diff")
	c.Flags().StringVar(&file, "config", "", "settings file that names registries and advisories")
	c.Flags().BoolVar(&write, "write", false, "write the files")
	return c
}

func plansAsText(std IO, _ string, plans []upgrade.Plan, refused []upgrade.Refused) error {
	for _, p := range plans {
		fmt.Fprintf(std.Out, "%s %s -> %s in %s, settles %d\n", p.Package, p.From, p.To, p.Manifest, len(p.Settles))
		for _, a := range p.Settles {
			fmt.Fprintf(std.Out, "  %-8s %s %s\n", a.Severity, a.ID, a.Summary)
		}
	}
	for _, r := range refused {
		fmt.Fprintf(std.Out, "not upgraded: %s\n", report.UpgradeRefused(r))
	}
	if len(plans)+len(refused) == 0 {
		fmt.Fprintln(std.Out, "nothing to upgrade: no direct dependency has a known vulnerability")
	}
	return nil
}

// tellOff says how to turn on the upgrades that are off for lack of a registry.
func tellOff(std IO, registries []doctor.Registry, refused []upgrade.Refused) {
	for _, r := range registries {
		wanted := slices.ContainsFunc(refused, func(u upgrade.Refused) bool { return u.Ecosystem == r.Ecosystem })
		if wanted && r.Address == "" {
			fmt.Fprintf(std.Err, "upgrades of %s are off: no registry is configured; set %s\n", r.Of, r.Setting)
		}
	}
}

func plansAsJSON(std IO, _ string, plans []upgrade.Plan, refused []upgrade.Refused) error {
	type planned struct {
		Ecosystem string   `json:"ecosystem"`
		Package   string   `json:"package"`
		From      string   `json:"from"`
		To        string   `json:"to"`
		Manifest  string   `json:"manifest"`
		Settles   []string `json:"settles"`
		Files     []string `json:"files"`
		Why       string   `json:"why,omitempty"`
	}
	out := struct {
		Upgrades []planned `json:"upgrades"`
		Refused  []planned `json:"refused"`
	}{[]planned{}, []planned{}}
	names := func(as []advisory.Advisory) []string {
		ids := []string{}
		for _, a := range as {
			ids = append(ids, a.ID)
		}
		return ids
	}
	for _, p := range plans {
		out.Upgrades = append(out.Upgrades, planned{p.Ecosystem, p.Package, p.From, p.To, p.Manifest, names(p.Settles), slices.Sorted(maps.Keys(p.Files)), ""})
	}
	for _, r := range refused {
		out.Refused = append(out.Refused, planned{r.Ecosystem, r.Package, r.From, r.To, r.Manifest, names(r.Known), []string{}, r.Why})
	}
	e := json.NewEncoder(std.Out)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// plansAsDiff prints what --write would write, as unified diffs that git apply takes.
func plansAsDiff(std IO, dir string, plans []upgrade.Plan, _ []upgrade.Refused) error {
	now, later := apart(plans)
	for _, p := range now {
		for _, name := range slices.Sorted(maps.Keys(p.Files)) {
			old, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			writeDiff(std.Out, name, old, p.Files[name], err == nil)
		}
	}
	tellLater(std, later)
	return nil
}

// writePlans writes the files of the plans that can be carried out together.
func writePlans(std IO, root *os.Root, plans []upgrade.Plan) error {
	now, later := apart(plans)
	for _, p := range now {
		for name, content := range p.Files {
			if err := root.WriteFile(filepath.FromSlash(name), content, 0o644); err != nil {
				return fmt.Errorf("write %s: %w", name, err)
			}
		}
	}
	tellLater(std, later)
	return nil
}

// apart splits plans: each is made against the tree as it was, so of those
// that share a file only the first, most urgent one can be carried out now.
func apart(plans []upgrade.Plan) (now, later []upgrade.Plan) {
	taken := map[string]bool{}
	for _, p := range plans {
		files := slices.Collect(maps.Keys(p.Files))
		if slices.ContainsFunc(files, func(f string) bool { return taken[f] }) {
			later = append(later, p)
			continue
		}
		for _, f := range files {
			taken[f] = true
		}
		now = append(now, p)
	}
	return now, later
}

func tellLater(std IO, later []upgrade.Plan) {
	for _, p := range later {
		fmt.Fprintf(std.Err, "not yet: %s %s -> %s changes the same files; run again after the first\n", p.Package, p.From, p.To)
	}
}
