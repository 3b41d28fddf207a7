package secrettest

import (
	"math/rand"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/zricethezav/gitleaks/v8/config"
)

// A Planted is a file in which a rule finds a secret, if luck would have it:
// what is made up at random may look too plain for one.
type Planted struct{ Rule, Path, Text, Value string }

// broken stands in each example of our rules, so that no scanner takes it for a secret.
const broken = "§"

type rule struct {
	ID, Regex, Path string
	SecretGroup     int
	Keywords        []string
	Examples        struct{ Hit []string }
}

// OfEachRule makes up a file for each rule of gitleaks' that looks at contents,
// and takes an example for each of those in dir.
func OfEachRule(r *rand.Rand, dir string) ([]Planted, error) {
	texts := [][]byte{[]byte(config.DefaultConfig)}
	files, err := filepath.Glob(filepath.Join(dir, "*.toml"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	var all []Planted
	for _, text := range texts {
		var read struct{ Rules []rule }
		if err := toml.Unmarshal(text, &read); err != nil {
			return nil, err
		}
		for _, one := range read.Rules {
			if one.Regex == "" {
				continue
			}
			if p, ok := one.plant(r); ok {
				all = append(all, p)
			}
		}
	}
	return all, nil
}

func (one rule) plant(r *rand.Rand) (Planted, bool) {
	expr := regexp.MustCompile(one.Regex)
	text := ""
	if len(one.Examples.Hit) > 0 {
		text = strings.ReplaceAll(one.Examples.Hit[0], broken, "")
	} else {
		text = strings.Join(one.Keywords, "\n") + "\n" + Sample(r, one.Regex) + " \n"
	}
	m := expr.FindStringSubmatch(text)
	if m == nil {
		return Planted{}, false // an assertion in it
	}
	value := m[one.SecretGroup]
	for _, group := range m[1:] {
		if one.SecretGroup == 0 && group != "" {
			value = group
			break
		}
	}
	name := "a.txt"
	if one.Path != "" {
		name = strings.TrimPrefix(Sample(r, one.Path), "/")
	}
	return Planted{Rule: "secret/" + one.ID, Path: one.ID + "/" + name, Text: text, Value: value}, true
}
