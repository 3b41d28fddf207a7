package report

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/change"
	"github.com/pullwarden/pullwarden/internal/finding"
)

func TestTextsOfTheOperator(t *testing.T) {
	var failed []string
	note := func(name string, _ error) { failed = append(failed, name) }
	own := func(files map[string]string) *Texts {
		fsys := fstest.MapFS{}
		for name, text := range files {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
		texts, err := NewTexts(fsys, note)
		require.NoError(t, err)
		return texts
	}
	data := map[string]int{"Blocking": 2, "Total": 3}
	ours, err := (*Texts)(nil).render("review.md.tmpl", nil, data)
	require.NoError(t, err)

	text, err := own(map[string]string{"review.md.tmpl": "{{.Blocking}} to mend", "README": "not a template"}).render("review.md.tmpl", nil, data)
	require.NoError(t, err)
	assert.Equal(t, "2 to mend\n", text)
	text, err = own(map[string]string{"comment.md.tmpl": "x"}).render("review.md.tmpl", nil, data)
	require.NoError(t, err)
	assert.Equal(t, ours, text, "what is not replaced is ours")
	assert.Empty(t, failed)

	// A template that fails: ours stands in, and the operator is told.
	text, err = own(map[string]string{"review.md.tmpl": "{{index .Blocking 7}}"}).render("review.md.tmpl", nil, data)
	require.NoError(t, err)
	assert.Equal(t, ours, text)
	assert.Equal(t, []string{"review.md.tmpl"}, failed)

	// No secret gets out, however the text is made.
	const value = "a-value-nobody-may-see"
	secrets := finding.NewRedactor(finding.New(finding.Rule{}, change.Span{}, finding.OfSecret(value), ""))
	text, err = own(map[string]string{"review.md.tmpl": "{{.}}"}).render("review.md.tmpl", secrets, value)
	require.NoError(t, err)
	assert.NotContains(t, text, value)
}

func TestTextsThatCannotBeUsed(t *testing.T) {
	for name, text := range map[string]string{"coment.md.tmpl": "x", "comment.md.tmpl": "{{.Title", "check.md.tmpl": "{{nosuch .Title}}", "demo.html.tmpl": "x"} {
		_, err := NewTexts(fstest.MapFS{name: {Data: []byte(text)}}, nil)
		assert.ErrorContains(t, err, name)
	}
}
