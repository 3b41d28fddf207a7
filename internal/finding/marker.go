package finding

import "github.com/pullwarden/pullwarden/internal/change"

// A Marker is what somebody wrote beside a secret to have it accepted there:
// pullwarden:allow RULE REASON, in its line or alone in the line above.
type Marker struct {
	At     change.Span `json:"at"` // one line
	Rule   string      `json:"rule,omitempty"`
	Reason string      `json:"reason,omitempty"` // of the repository's: to be cleaned and escaped
	Void   string      `json:"void,omitempty"`   // why it counts for nothing; "" if it counts
}
