package git

import "fmt"

// A Remote is where and how to fetch. It never prints its token.
type Remote struct {
	URL   string        // of the repository: "https://host/owner/name.git"
	token func() string // a function, because fmt prints an unexported string of any value that holds it
}

// NewRemote returns the repository at url, read with token ("" for none) as
// git's Basic password of the user x-access-token.
func NewRemote(url, token string) Remote { return Remote{url, func() string { return token }} }

func (r Remote) password() string {
	if r.token == nil {
		return ""
	}
	return r.token()
}

func (r Remote) String() string             { return r.URL }
func (r Remote) GoString() string           { return r.URL }
func (r Remote) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(r.URL)) }
