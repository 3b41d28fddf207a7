package forge

import "time"

// A Grant is what an App may do, and what it is told of.
type Grant struct {
	Permissions map[string]string // "contents": "write"
	Events      []string
}

// An App is our registration on the host, as the host tells it.
type App struct {
	ID    int64
	Slug  string // under which it is shown
	Owner string
	Grant // what it asks of everybody who installs it

	// Where its owner changes what it asks for, its webhook and keys, and where
	// the host shows what it delivered.
	PermissionsPage, SettingsPage, DeliveriesPage string
}

// An Installation is our App on an account.
type Installation struct {
	ID        int64
	Account   string
	AccountID int64
	Grant     // what the account accepted
	Created   time.Time
	All       bool      // it covers all repositories of the account, those to come included
	Suspended time.Time // since when; zero if it is not
	Page      string    // where the account accepts, configures and ends it
}

// A Hook is how the host has our webhook.
type Hook struct {
	URL         string
	ContentType string // json is the one that we read
	Insecure    bool   // the host does not verify our certificate
	Secret      bool   // the host signs with one; it never tells which
}

// An Attempt is one attempt of the host to deliver an event.
type Attempt struct {
	ID       int64
	Delivery string // the same for every attempt of one delivery
	Event    string
	Action   string // of the event; "" if it has none
	At       time.Time
	Again    bool   // somebody asked for it
	Status   int    // what the receiver answered; 0 if it did not
	Words    string // the host's own, of the outcome
}

// Failed reports whether the event did not get through with this attempt.
func (a Attempt) Failed() bool { return a.Status/100 != 2 }

// A RequiredCheck is a rule of a branch: no merge before a check of our name has passed.
type RequiredCheck struct {
	App  int64  // whose check it has to be; 0 takes anybody's
	Page string // where that is set
}

// An Allowance is what is left of a limit on requests.
type Allowance struct {
	Limit, Left int
	Reset       time.Time
}
