package cli_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pullwarden/pullwarden/internal/fakehub"
	"github.com/pullwarden/pullwarden/internal/store/storetest"
)

var (
	crashRounds   = flag.Int("crash.rounds", 0, "rounds of TestCrash; 0 means 20 on SQLite and 50 on PostgreSQL")
	crashSeed     = flag.Uint64("crash.seed", 0, "repeat the rounds of a run; 0 means others in every run")
	crashPostgres = flag.Bool("crash.postgres", false, "play TestCrash on PostgreSQL too")
)

// TestCrash kills the real program at random moments of all kinds of work.
// Whatever the moment, nothing is lost, nothing is there twice, nothing is
// pending for ever.
func TestCrash(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { crashAndCount(t, "", 20) })
	t.Run("PostgreSQL", func(t *testing.T) {
		if !*crashPostgres {
			t.Skip("-crash.postgres plays it there")
		}
		crashAndCount(t, storetest.Postgres(t), 50)
	})
}

// A round is one play with its kills, on a repository of its own.
type round struct {
	*arena
	play  play
	repo  *fakehub.Repo
	first string // head before
	head  string
	kills []string
}

func crashAndCount(t *testing.T, url string, rounds int) {
	if *crashRounds > 0 {
		rounds = *crashRounds
	}
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("to repeat the rounds: -crash.seed=%d -crash.rounds=%d", seed, rounds)
	random := rand.New(rand.NewPCG(seed, 0))
	alone := newArena(t, url, 1, random)
	arenas := []*arena{alone}
	if url != "" {
		arenas = append(arenas, newArena(t, storetest.Postgres(t), 2, random))
	}
	began, kills, lost, twice, stuck := time.Now(), 0, 0, 0, 0
	order := random.Perm(len(plays()))
	for n := range rounds {
		r := &round{arena: arenas[n%len(arenas)], play: plays()[order[n/len(arenas)%len(order)]]}
		missing, doubled, pending := r.run(fmt.Sprintf("shop-%d", n))
		kills += len(r.kills)
		t.Logf("round %d, %s: killed %s", n+1, r.play.name, strings.Join(r.kills, ", then "))
		for what, list := range map[string][]string{"lost": missing, "there twice": doubled, "pending": pending} {
			assert.Empty(t, list, "round %d, %s, killed %v: %s", n+1, r.play.name, r.kills, what)
		}
		lost, twice, stuck = lost+len(missing), twice+len(doubled), stuck+len(pending)
	}
	line := fmt.Sprintf("%d rounds, %d kills: %d lost, %d twice, %d stuck; %v", rounds, kills, lost, twice, stuck, time.Since(began).Round(time.Second))
	t.Log(line)
	fmt.Println(t.Name()+":", line)
}

// run plays a round and says what is wrong in the end.
func (r *round) run(name string) (lost, twice, stuck []string) {
	r.t.Helper()
	var err error
	r.repo, err = r.stage.Hub.AddRepo("acme", name)
	require.NoError(r.t, err)
	r.commit("main", map[string]string{"README": "The shop.\n"})
	r.revive()
	r.play.set(r)
	var parcels []*parcel
	for _, e := range r.play.act(r) {
		parcels = append(parcels, &parcel{event: e})
	}
	undelivered := r.crash(parcels)
	for r.random.IntN(3) == 0 && len(r.kills) < 3 { // and again: as soon as it is up, or the other one
		if len(r.alive()) == 0 {
			r.servers[r.random.IntN(len(r.servers))].start()
		}
		undelivered = r.crash(undelivered)
	}
	if len(r.alive()) == 0 || len(undelivered) > 0 {
		r.revive()
	}
	for _, p := range undelivered { // GitHub shows them as failed, and they are asked for again
		require.True(r.t, r.deliver(r.servers[0], p))
	}
	return r.settled()
}

// alive are the servers that run.
func (r *round) alive() []*process {
	var out []*process
	for _, p := range r.servers {
		if !p.dead() {
			out = append(out, p)
		}
	}
	return out
}

// revive starts the servers that are dead.
func (r *round) revive() {
	r.t.Helper()
	for _, p := range r.servers {
		if p.dead() {
			p.start()
		}
	}
	for _, p := range r.servers {
		require.Eventually(r.t, p.serves, time.Minute, 10*time.Millisecond)
	}
}

// work has events worked off without any kill.
func (r *round) work(events ...fakehub.Event) {
	r.t.Helper()
	for _, e := range events {
		require.True(r.t, r.deliver(r.servers[0], &parcel{event: e}))
	}
	require.Eventually(r.t, r.idle, time.Minute, 10*time.Millisecond)
}

func (r *round) idle() bool {
	waiting, _, err := r.waiting()
	return err == nil && waiting == 0
}

// crash delivers parcels and kills a server meanwhile. It returns those that
// were not accepted.
func (r *round) crash(parcels []*parcel) (undelivered []*parcel) {
	r.t.Helper()
	alive := r.alive()
	victim, s := alive[r.random.IntN(len(alive))], &strike{}
	var pause time.Duration
	switch r.random.IntN(5) {
	case 0: // while the deliveries come, or right after
		pause = time.Duration(r.random.IntN(15)) * time.Millisecond
	case 1: // at any time
		pause = time.Duration(r.random.IntN(400)) * time.Millisecond
	default:
		s.request, s.after = 1+r.random.IntN(14), r.random.IntN(2) == 0
	}
	r.arm(s)
	defer r.disarm(s)
	if s.request == 0 {
		time.AfterFunc(pause, func() {
			victim.kill()
			close(s.dead)
		})
	}
	for _, p := range parcels {
		if !r.deliver(alive[r.random.IntN(len(alive))], p) {
			undelivered = append(undelivered, p)
		}
	}
	what := s.String()
	if s.request == 0 {
		what = fmt.Sprintf("after %v", pause)
	}
	// If there is less to do than that, the kill comes when all is done.
	over := time.NewTicker(20 * time.Millisecond)
	defer over.Stop()
	for patience := time.Now().Add(time.Minute); ; {
		select {
		case <-s.dead:
			r.kills = append(r.kills, what)
			return undelivered
		case <-over.C:
		}
		if s.request > 0 && victim.serves() && r.idle() {
			r.disarm(s)
			victim.kill()
			r.kills = append(r.kills, "when all was done")
			return undelivered
		}
		require.True(r.t, time.Now().Before(patience), "the moment did not come: %s", what)
	}
}

// settled waits until GitHub shows what it should and nothing is left to do.
func (r *round) settled() (lost, twice, stuck []string) {
	r.t.Helper()
	for patience := time.Now().Add(time.Minute); time.Now().Before(patience); time.Sleep(20 * time.Millisecond) {
		lost, twice, stuck = r.play.want(r).compare(r.repo)
		if r.idle() { // then it does not get any better
			lost, twice, stuck = r.play.want(r).compare(r.repo)
			break
		}
	}
	waiting, failed, err := r.waiting()
	require.NoError(r.t, err)
	if waiting > 0 {
		stuck = append(stuck, fmt.Sprintf("%d accepted and not worked off", waiting))
	}
	if failed > 0 {
		lost = append(lost, fmt.Sprintf("%d given up", failed))
	}
	return lost, twice, stuck
}
