package github

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// The manifests that people register the App with are the ones in the code.
func TestManifestsAreTheFiles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "app*.yml"))
	require.NoError(t, err)
	assert.Len(t, Manifests(), len(files))
	for _, path := range files {
		name := filepath.Base(path)
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		var file struct {
			Events      []string          `yaml:"default_events"`
			Permissions map[string]string `yaml:"default_permissions"`
		}
		require.NoError(t, yaml.Unmarshal(b, &file))
		assert.Equal(t, forge.Grant{Permissions: file.Permissions, Events: file.Events}, Manifests()[name], name)
	}
}

// What the tests play against asks for the same.
func TestTheFakeAsksForTheManifest(t *testing.T) {
	w := newWorld(t, nil)
	app, err := w.inspector().App(t.Context())
	require.NoError(t, err)
	want := Manifests()["app.yml"]
	assert.Equal(t, want.Permissions, app.Permissions)
	assert.ElementsMatch(t, want.Events, app.Events)
}
