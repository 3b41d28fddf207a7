package bot

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/pullwarden/pullwarden/internal/finding"
	"github.com/pullwarden/pullwarden/internal/forge"
)

// answered counts the answers to that many comments of new accounts, from first on.
func answered(s *strangers, repo forge.Repo, first int64, comments int) (n int) {
	for i := range int64(comments) {
		if s.allow(repo, forge.User{ID: first + i}, noon) {
			n++
		}
	}
	return n
}

// What is refused takes nothing from the installation's budget.
func TestStrangersOfOneRepositoryLeaveTheOthersTheirs(t *testing.T) {
	var s strangers
	in := func(id int64) forge.Repo { return forge.Repo{ID: id, Installation: 3} }
	assert.Equal(t, strangersHourlyRepo, answered(&s, in(7), 100, 200))
	assert.Equal(t, strangersHourlyRepo, answered(&s, in(8), 1000, 15))
	assert.Equal(t, strangersHourly-2*strangersHourlyRepo, answered(&s, in(9), 2000, 15))
	assert.Zero(t, answered(&s, in(10), 3000, 5), "the installation's is used up")
	assert.Equal(t, 1, answered(&s, forge.Repo{ID: 11, Installation: 4}, 1, 1), "another installation's is not")
	assert.True(t, s.allow(in(10), forge.User{ID: 1}, noon.Add(time.Hour/strangersHourly)))
}

func TestOneStrangerInManyRepositories(t *testing.T) {
	var s strangers
	n := 0
	for id := range int64(100) {
		if s.allow(forge.Repo{ID: 1 + id, Installation: 3}, forge.User{ID: 9}, noon) {
			n++
		}
	}
	assert.Equal(t, strangersHourlyAccount, n)
	assert.Equal(t, strangersHourlyRepo, answered(&s, forge.Repo{ID: 1, Installation: 3}, 100, 15)+1, "others, where one answer went to the first")
}

func TestManyStrangersTakeNoMoreMemory(t *testing.T) {
	var s strangers
	for i := range int64(keptStrangers) {
		s.allow(forge.Repo{ID: 1 + i, Installation: 1 + i}, forge.User{ID: 1 + i}, noon)
	}
	assert.Equal(t, keptStrangers, s.by.Len())
	busy := forge.Repo{ID: 1, Installation: keptStrangers + 1}
	assert.Equal(t, strangersHourlyRepo, answered(&s, busy, 1, 2*keptStrangers), "many accounts do not push out what counts them")
	assert.Equal(t, keptStrangers, s.by.Len())
}

// A stranger's comments take no calls of the installation's once the budget is
// used up, and the stranger of another repository is answered.
func TestStrangersOfAnotherRepositoryAreAnswered(t *testing.T) {
	p := newParley(t, finding.High)
	say := func(repo forge.Repo, from forge.User) int {
		p.number++
		p.answers = nil
		assert.NoError(t, p.b.Handle(t.Context(), forge.Event{Kind: forge.Commanded, Delivery: "d", Received: noon, Repo: repo, Number: 1, Installation: 3,
			Sender: from, Command: forge.Command{Comment: p.number, Thread: 501, Words: "help", At: noon}}))
		return len(p.answers)
	}
	n := 0
	for i := range int64(40) {
		n += say(p.repo, forge.User{ID: 500 + i, Login: "mallory"})
	}
	assert.Equal(t, strangersHourlyRepo, n)
	other := p.repo
	other.ID, other.Name = 8, "other"
	assert.Equal(t, 1, say(other, forge.User{ID: 700, Login: "trudy"}))
}
