package fakehub

import "net/url"

// A Hook is how the App's webhook is set up. What it says of the secret is
// whether Options.Secret is set.
type Hook struct {
	URL         string
	ContentType string // json or form; "" means form, as on GitHub
	Insecure    bool   // certificates are not verified
}

// SetHook sets up the App's webhook; without a call it has none. The address
// is only told: Deliver goes where it is asked to.
func (h *Hub) SetHook(hook Hook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hook = &hook
}

func (c *call) getHook() answer {
	hook := c.hub.hook
	if hook == nil || c.second {
		return missing()
	}
	v := map[string]any{"url": hook.URL, "content_type": "form", "insecure_ssl": "0"}
	if hook.ContentType != "" {
		v["content_type"] = hook.ContentType
	}
	if hook.Insecure {
		v["insecure_ssl"] = "1"
	}
	if c.hub.opts.Secret != "" {
		v["secret"] = "********"
	}
	return ok(v)
}

// encode returns the body of a delivery as the webhook's content type has it.
func (h *Hub) encode(payload []byte) (body []byte, contentType string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hook == nil || h.hook.ContentType == "json" {
		return payload, "application/json"
	}
	return []byte(url.Values{"payload": {string(payload)}}.Encode()), "application/x-www-form-urlencoded"
}
