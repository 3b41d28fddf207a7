package forge

import "time"

// An Installation is our App on an account.
type Installation struct {
	ID        int64
	Account   User
	Created   time.Time
	Suspended bool // the account keeps the App from doing anything
	All       bool // it covers all repositories of the account, those to come included
}

// A Listed is a repository as its installation lists it.
type Listed struct {
	Repo
	ReadOnly bool // archived or disabled: nothing can be posted
	Created  time.Time
	Pushed   time.Time // when any branch last moved
	Open     int       // issues and pull requests that are open
}

// A Delivery is one attempt of the host to tell us an event.
type Delivery struct {
	ID            int64
	GUID          string // the same for all attempts at one event
	Event, Action string // in the host's words
	At            time.Time
	Status        int // of our answer; 0 if there was none
}

// Failed reports whether the event did not get through with this attempt.
func (d Delivery) Failed() bool { return d.Status/100 != 2 }
