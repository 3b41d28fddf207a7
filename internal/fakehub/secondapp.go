package fakehub

import (
	"crypto/rsa"
	"strings"
)

// A SecondApp may call as well: one that writes for a first one that must not.
// It is installed wherever the first is. It gets no events and owns no checks.
type SecondApp struct {
	AppID       int64
	Slug        string
	Key         *rsa.PublicKey
	Permissions map[string]string
}

// key returns the key of the App that says it is iss, and whether it is the second one.
func (h *Hub) key(iss int64) (key *rsa.PublicKey, second bool) {
	if s := h.opts.Second; s != nil && s.AppID == iss {
		return s.Key, true
	}
	return h.opts.Key, false
}

// installSecond puts the second App on an account as well.
func (h *Hub) installSecond(u *user) {
	login := strings.ToLower(u.Login)
	if h.opts.Second == nil || h.seconds[login] != nil {
		return
	}
	in := &installation{id: h.id(), account: u, created: h.now(), second: true}
	h.seconds[login], h.installs[in.id] = in, in
}

// UninstallSecond takes the second App off an account.
func (h *Hub) UninstallSecond(login string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if in := h.seconds[strings.ToLower(login)]; in != nil {
		in.gone = true
		delete(h.seconds, strings.ToLower(login))
	}
}

// of returns the installation on an account of the App that calls.
func (c *call) of(login string) *installation {
	if c.second {
		return c.hub.seconds[strings.ToLower(login)]
	}
	return c.hub.byAccount[strings.ToLower(login)]
}

// appOf returns what the App of an installation is called, and what it may do.
func (h *Hub) appOf(second bool) (id int64, slug string, permissions map[string]string) {
	if second {
		s := h.opts.Second
		return s.AppID, s.Slug, s.Permissions
	}
	return h.opts.AppID, h.opts.Slug, h.opts.Permissions
}

// bot is the account under which the App writes that calls.
func (c *call) bot() *user {
	_, slug, _ := c.hub.appOf(c.token != nil && c.token.install.second)
	return c.hub.user(slug + "[bot]")
}
