package fakehub

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// A budget is what an installation has spent of its rate limits.
type budget struct {
	used   int
	reset  time.Time
	writes []time.Time // of the last minute
}

const secondaryDocs = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"

func (h *Hub) budget(in *installation) *budget {
	b := h.limits[in.id]
	if b == nil {
		b = &budget{}
		h.limits[in.id] = b
	}
	if now := h.now(); !now.Before(b.reset) {
		b.used, b.reset = 0, now.Add(time.Hour)
	}
	return b
}

// spend counts a request and returns the headers that tell so, and a refusal if nothing is left.
func (h *Hub) spend(in *installation, writes bool) (http.Header, answer) {
	b := h.budget(in)
	over := b.used >= h.opts.RateLimit
	if !over {
		b.used++
	}
	head := http.Header{}
	head.Set("X-RateLimit-Limit", strconv.Itoa(h.opts.RateLimit))
	head.Set("X-RateLimit-Remaining", strconv.Itoa(h.opts.RateLimit-b.used))
	head.Set("X-RateLimit-Used", strconv.Itoa(b.used))
	head.Set("X-RateLimit-Reset", strconv.FormatInt(b.reset.Unix(), 10))
	head.Set("X-RateLimit-Resource", "core")
	if over {
		return head, problem(http.StatusForbidden, fmt.Sprintf("API rate limit exceeded for installation ID %d.", in.id))
	}
	if !writes || h.opts.ContentLimit == 0 {
		return head, answer{}
	}
	now := h.now()
	for len(b.writes) > 0 && now.Sub(b.writes[0]) >= time.Minute {
		b.writes = b.writes[1:]
	}
	if len(b.writes) >= h.opts.ContentLimit {
		head.Set("Retry-After", strconv.Itoa(int((time.Minute - now.Sub(b.writes[0])).Seconds())))
		return head, secondaryLimit()
	}
	b.writes = append(b.writes, now)
	return head, answer{}
}

func secondaryLimit() answer {
	return answer{status: http.StatusForbidden, body: map[string]any{"documentation_url": secondaryDocs, "status": "403",
		"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}}
}

func (c *call) rateLimit() answer {
	b := c.hub.budget(c.token.install)
	core := map[string]any{"limit": c.hub.opts.RateLimit, "used": b.used, "remaining": c.hub.opts.RateLimit - b.used, "reset": b.reset.Unix()}
	search := map[string]any{"limit": 30, "used": 0, "remaining": 30, "reset": b.reset.Unix()}
	return ok(map[string]any{"rate": core, "resources": map[string]any{"core": core, "search": search, "graphql": core}})
}
