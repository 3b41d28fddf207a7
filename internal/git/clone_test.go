package git

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func assertProblem(t *testing.T, want Problem, err error) {
	t.Helper()
	var base *BaseError
	if assert.ErrorAs(t, err, &base) {
		assert.Equal(t, want, base.Problem, base.Error())
	}
}
