package fakehub

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A consent is what an account let our App do, and have told.
type consent struct {
	permissions map[string]string
	events      []string
}

// asked is what the App's registration asks for.
func (h *Hub) asked() consent { return consent{h.opts.Permissions, h.opts.Events} }

// granted is what the account of in consented to.
func (h *Hub) granted(in *installation) consent {
	switch {
	case in.consent != nil:
		return *in.consent
	case in.second:
		return consent{h.opts.Second.Permissions, []string{}}
	}
	return h.asked()
}

// Ask changes what the App's registration asks for. As on GitHub, less holds
// for every installation at once, and more only once its account has accepted.
func (h *Hub) Ask(permissions map[string]string, events []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := consent{maps.Clone(permissions), slices.Clone(events)}
	now.permissions["metadata"] = "read"
	for _, in := range h.byAccount {
		was := h.granted(in)
		kept := consent{map[string]string{}, nil}
		for name, level := range was.permissions {
			if rank(now.permissions[name]) < rank(level) {
				level = now.permissions[name]
			}
			if level != "" {
				kept.permissions[name] = level
			}
		}
		for _, e := range was.events {
			if slices.Contains(now.events, e) {
				kept.events = append(kept.events, e)
			}
		}
		in.consent = &kept
	}
	h.opts.Permissions, h.opts.Events = now.permissions, now.events
}

// Accept lets an account accept all that the App asks for.
func (h *Hub) Accept(login string) error {
	return h.withInstallation(login, func(in *installation) { in.consent = nil })
}

// Suspend suspends the installation on an account: the App may do nothing
// there. Unsuspend ends that.
func (h *Hub) Suspend(login string) error {
	return h.withInstallation(login, func(in *installation) { in.suspended = h.now() })
}

// Unsuspend is the opposite of Suspend.
func (h *Hub) Unsuspend(login string) error {
	return h.withInstallation(login, func(in *installation) { in.suspended = time.Time{} })
}

func (h *Hub) withInstallation(login string, do func(*installation)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	in := h.byAccount[strings.ToLower(login)]
	if in == nil {
		return fmt.Errorf("installation on %s: %w", login, errNotFound)
	}
	do(in)
	return nil
}

// Organize makes an account an organization.
func (h *Hub) Organize(login string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.user(login).Type = "Organization"
}

func suspended() answer {
	return problem(http.StatusForbidden, "This installation has been suspended")
}

// settings is the path of the pages on which an account keeps its settings.
func (u *user) settings() string {
	if u.Type == "Organization" {
		return "/organizations/" + u.Login + "/settings"
	}
	return "/settings"
}
