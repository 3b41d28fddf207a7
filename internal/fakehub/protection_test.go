package fakehub

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRequiredChecks(t *testing.T) {
	w := newWorld(t)
	w.commit("main", map[string]string{"a": "1"})
	rules := func(branch string) result {
		t.Helper()
		res := w.do("GET", shop+"/rules/branches/"+branch, nil)
		assert.Equal(t, 200, res.status)
		return res
	}
	branch := func(keys ...any) any { return w.do("GET", shop+"/branches/main", nil).get(keys...) }
	assert.Empty(t, rules("main").value)
	assert.Equal(t, false, branch("protected"))

	w.repo.Require(Requirement{Branch: "main", Check: "pullwarden", App: 7})
	w.repo.Require(Requirement{Branch: "release/1", Check: "pullwarden", Organization: true})
	main := rules("main")
	assert.Equal(t, "deletion", main.get(0, "type"))
	assert.Equal(t, "required_status_checks", main.get(1, "type"))
	assert.Equal(t, []any{"Repository", "acme/shop"}, []any{main.get(1, "ruleset_source_type"), main.get(1, "ruleset_source")})
	assert.Equal(t, map[string]any{"context": "pullwarden", "integration_id": 7.0}, main.get(1, "parameters", "required_status_checks", 0))
	later := rules("release/1")
	assert.Equal(t, []any{"Organization", "acme"}, []any{later.get(1, "ruleset_source_type"), later.get(1, "ruleset_source")}, "the branch need not be there")
	assert.Equal(t, map[string]any{"context": "pullwarden"}, later.get(1, "parameters", "required_status_checks", 0), "from any App")
	assert.Equal(t, true, branch("protected"))
	assert.Equal(t, false, branch("protection", "enabled"), "a ruleset is no branch protection")

	w.repo.Require(Requirement{Branch: "main", Check: "build", Classic: true})
	assert.Equal(t, map[string]any{"context": "build", "app_id": nil}, branch("protection", "required_status_checks", "checks", 0))
	assert.Equal(t, "non_admins", branch("protection", "required_status_checks", "enforcement_level"))
	assert.Len(t, rules("main").value, 2)
	narrow := w.mint(m{"permissions": m{"metadata": "read"}})
	assert.Equal(t, 200, w.send("GET", shop+"/rules/branches/main", "Bearer "+narrow, nil).status, "metadata will do")
	assert.Equal(t, 403, w.send("GET", shop+"/branches/main", "Bearer "+narrow, nil).status)
}
