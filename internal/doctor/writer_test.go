package doctor_test

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/doctor"
	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/forge/github"
)

func TestWriter(t *testing.T) {
	manifest := github.Manifests()["app.writer.yml"]
	// second is a hub with a second App that asks for the manifest and a change to it.
	second := func(change map[string]string) func(*fakehub.Options) {
		return func(o *fakehub.Options) {
			permissions := maps.Clone(manifest.Permissions)
			maps.Copy(permissions, change)
			o.Second = &fakehub.SecondApp{AppID: 8, Slug: "scribe", Key: &appKey().PublicKey, Permissions: permissions}
			o.Permissions = github.Manifests()["app.no-upgrades.yml"].Permissions
		}
	}
	as := func(w *world, id int64, key string) {
		o := w.app
		o.AppID, o.PrivateKey = id, []byte(key)
		i, err := github.NewInspector(o)
		require.NoError(w, err)
		w.o.Want = github.Manifests()["app.no-upgrades.yml"]
		w.o.Want.Events = append([]string{"push"}, w.o.Want.Events...)
		w.o.Writer = &doctor.Writer{AppID: id, GitHub: i, Want: manifest, Manifest: "app.writer.yml"}
	}
	ours := func(w *world) { as(w, 8, pemOf(appKey())) }
	check := "github.writer"
	play(t, []trial{
		{name: "good", hub: second(nil), spoil: ours},
		{name: "wrong key", hub: second(nil), spoil: func(w *world) {
			other, err := rsa.GenerateKey(rand.Reader, 2048)
			require.NoError(t, err)
			as(w, 8, pemOf(other))
		}, want: []string{check + problem}, seen: []string{"private key is not one of App 8", "PULLWARDEN_WRITER_PRIVATE_KEY"}},
		{name: "wrong id", hub: second(nil), spoil: func(w *world) { as(w, 9, pemOf(appKey())) }, want: []string{check + problem},
			seen: []string{"knows no App 9", "PULLWARDEN_WRITER_INTEGRATION_ID"}},
		{name: "key that cannot be read", hub: second(nil), spoil: func(w *world) {
			ours(w)
			w.o.Writer.GitHub, w.o.Writer.Unasked = nil, errors.New("no RSA key in PEM")
		}, want: []string{check + problem}, seen: []string{"writer.private_key"}},
		{name: "lacks a permission", hub: second(map[string]string{"pull_requests": "read"}), spoil: ours, want: []string{check + warning},
			seen: []string{"does not ask for what it needs: pull_requests: write", "/settings/apps/scribe/permissions"}},
		{name: "more than it uses", hub: second(map[string]string{"administration": "write"}), spoil: ours, want: []string{check + warning},
			seen: []string{"administration: write", "app.writer.yml"}},
		{name: "not installed", hub: second(nil), spoil: func(w *world) {
			ours(w)
			w.hub.UninstallSecond("acme")
		}, want: []string{check + warning}, seen: []string{"where the first one is: acme", "/settings/apps/scribe/installations"}},
		{name: "not told", hub: second(nil), spoil: func(w *world) {
			ours(w)
			w.hub.Fail(fakehub.Fault{Match: "GET /app/installations", Skip: 1, Status: 500})
		}, want: []string{check + unseen}},
		{name: "the first may write as well", hub: func(o *fakehub.Options) {
			second(nil)(o)
			o.Permissions = nil // as app.yml has it
		}, spoil: ours, want: []string{"github.permissions" + warning}, seen: []string{"asks for more than it uses: contents: write"}},
	})
}
