package demo_test

import (
	"cmp"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/pullwarden/pullwarden/config"
	"github.com/pullwarden/pullwarden/internal/demo"
	"github.com/pullwarden/pullwarden/internal/fakehub"
)

// scripts are the end-to-end scripts: the real server against the fake GitHub.
const scripts = "../../testdata/script"

func TestScripts(t *testing.T) {
	p := params(nil)
	p.Files = scriptFiles(t)
	testscript.Run(t, p)
}

func scriptFiles(t *testing.T) []string {
	files, err := filepath.Glob(filepath.Join(scripts, "*.txtar"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// stageKey is where a script keeps its actor.
type stageKey struct{}

// actor is what the commands of one script work on.
type actor struct {
	stage *demo.Stage
	repo  *fakehub.Repo
	main  string // tip of the default branch, as last delivered

	name  string   // of the script
	told  []string // events since the server had nothing left to do
	calls int      // until then
	upset bool     // what it does was disturbed on purpose
}

// noted adds what a script has come to to the audit.
func (a *actor) noted() {
	audited.look(a.name, a.stage.Hub, a.repo)
	if len(a.told) == 1 && !a.upset {
		if n, ok := strings.CutPrefix(a.told[0], "opened "); ok {
			number, _ := strconv.Atoi(n)
			audited.reviewed(a.name+" #"+n, a.repo, number, writes(a.stage.Hub, a.calls)-underWay(a.stage.Hub, a.calls))
		}
	}
	a.told, a.calls = nil, len(a.stage.Hub.Calls())
}

// params sets up a stage for each script; through is what stands between server and fake, if anything.
func params(through func(e *testscript.Env, hub string) (string, error)) testscript.Params {
	return testscript.Params{
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			e.Defer(cancel)
			o, err := options(filepath.Join(e.WorkDir, "stage"))
			if err != nil {
				return err
			}
			w := watching(&o, zerolog.ConsoleWriter{Out: logTo{e}, NoColor: true, PartsExclude: []string{"time"}}, zerolog.InfoLevel)
			if through != nil {
				o.Through = func(hub string) (string, error) { return through(e, hub) }
			}
			stage, err := demo.NewStage(ctx, o)
			if err != nil {
				return err
			}
			a := &actor{stage: stage}
			e.Defer(func() {
				audited.end(ctx, a.name, stage, a.repo)
				for _, what := range w.end("a script", stage) { // TestMain fails for it
					e.T().Log(what)
				}
				_ = stage.Close()
			})
			repo, err := stage.Install(ctx, "acme", "shop")
			if err != nil {
				return err
			}
			a.repo, a.name, a.calls = repo, strings.TrimPrefix(filepath.Base(e.WorkDir), "script-"), len(stage.Hub.Calls())
			e.Values[stageKey{}] = a
			for name, v := range madeUpSecrets() {
				e.Setenv(name, v)
			}
			return nil
		},
		Cmds: commands(),
	}
}

// options reads what a script says of its stage. In stage/settings a line is a
// name and a value; stage/module, stage/npm and stage/advisory are, as in the
// demo's sample, what registries and advisories know.
func options(dir string) (o demo.StageOptions, err error) {
	sample := &txtar.Archive{}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if rel == "settings" {
			return settings(&o, string(b))
		}
		sample.Files = append(sample.Files, txtar.File{Name: filepath.ToSlash(rel), Data: b})
		return err
	})
	if os.IsNotExist(err) {
		return o, nil
	}
	if len(sample.Files) > 0 {
		o.Sample = txtar.Format(sample)
	}
	return o, err
}

func settings(o *demo.StageOptions, text string) error {
	set := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "permissions": // instead of all that the App asks for
			o.Permissions = granted(value)
		case "writer": // a second App
			o.Writer = granted(value)
		default:
			set[name] = value
		}
	}
	first, err := strconv.Atoi(cmp.Or(set["first_day"], "5"))
	if err != nil {
		return err
	}
	deadline, err := time.ParseDuration(cmp.Or(set["deadline"], "5m"))
	o.Settings = func(c *config.Config) {
		c.Upgrades.FirstDay = first
		c.Review.Deadline, c.Review.ScannerTimeout = deadline, min(deadline, c.Review.ScannerTimeout)
	}
	return err
}

func granted(list string) map[string]string {
	out := map[string]string{}
	for _, p := range strings.Fields(list) {
		name, level, _ := strings.Cut(p, "=")
		out[name] = level
	}
	return out
}

// logTo lets the server's log appear with the script that it belongs to.
type logTo struct{ e *testscript.Env }

func (l logTo) Write(b []byte) (int, error) {
	l.e.T().Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// madeUpSecrets are no literals, so that our own repository scans clean.
func madeUpSecrets() map[string]string {
	return map[string]string{
		"AWS_KEY":    strings.Join([]string{"AKIA", "Z7Q4XKP2VN6TB3RW"}, ""),
		"STRIPE_KEY": "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dcQx8Z",
		"GITHUB_PAT": "ghp_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0" + demo.Checksum("aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0"),
		"RLO":        "\u202e", // turns the direction of what follows
	}
}
