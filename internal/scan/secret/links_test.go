package secret

import (
	"math/rand"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestEveryFormatLinks: what only its name tells is found by a rule of ours and
// by one of gitleaks' in every format that has the name.
func TestEveryFormatLinks(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for _, i := range []issue{{name: "DEEPGRAM_API_KEY"}, {name: "FINICITY_API_TOKEN"}} {
		for _, p := range placements() {
			if p.nameless {
				continue
			}
			value := filled(r, map[string]string{"DEEPGRAM_API_KEY": "{h:40}", "FINICITY_API_TOKEN": "{h:32}"}[i.name])
			found := inspect(t, nil, tree{p.path: spelledOut(i.name, value).Replace(p.text)})
			if assert.Len(t, found, 1, "%s in %s", i.name, p.format) {
				assert.Contains(t, found[0].Rule.ID+found[0].Message, map[string]string{"DEEPGRAM_API_KEY": "eepgram", "FINICITY_API_TOKEN": "inicity"}[i.name], p.format)
			}
		}
	}
}

// TestOtherValuesAreNotLinked: a value beside the one of a name is not that.
func TestOtherValuesAreNotLinked(t *testing.T) {
	hash := filled(rand.New(rand.NewSource(1)), "{h:40}")
	for _, text := range []string{
		"DEEPGRAM_API_KEY=\nSUM=" + hash,
		"- name: DEEPGRAM_API_KEY\n  commit: " + hash,
		"- name: DEEPGRAM_API_KEY\n\n- name: SUM\n  value: " + hash,
		"variable \"deepgram_api_key\" {}\nvariable \"sum\" {\n  default = \"" + hash + "\"\n}",
		"variable \"deepgram_api_key\" {\n  type = string\n}\nlocals {\n  default = \"" + hash + "\"\n}",
		"<name>deepgram_api_key</name><sum>" + hash + "</sum>",
		"f(\"DEEPGRAM_API_KEY\", env, \"" + hash + "\")",
		"the key DEEPGRAM_API_KEY of " + hash,
		"deepgram_api_key: |\n\n" + hash,
		"deepgram_api_key != " + hash,
	} {
		for _, f := range inspect(t, nil, tree{"a.txt": text + "\n"}) {
			assert.Equal(t, "secret/generic-api-key", f.Rule.ID, text)
		}
	}
}
