package git

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNothingPrintsTheToken(t *testing.T) {
	r := NewRemote("https://host.example/a/b.git", "a-token-nobody-may-see")
	type holder struct{ remote Remote } // unexported: fmt does not call methods here
	for _, v := range []any{r, &r, holder{r}, &holder{r}, []holder{{r}}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			assert.NotContains(t, fmt.Sprintf(verb, v), "a-token-nobody-may-see")
		}
	}
}
