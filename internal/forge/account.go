package forge

import "time"

// A Listed is a repository as its installation lists it.
type Listed struct {
	Repo
	ReadOnly bool // archived or disabled: nothing can be posted
	Created  time.Time
	Pushed   time.Time // when any branch last moved
	Open     int       // issues and pull requests that are open
}
