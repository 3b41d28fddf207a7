package fakehub

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Event is what a webhook tells. The helpers of Repo and Hub build them as
// GitHub would; tests may change Payload.
type Event struct {
	Name    string // "pull_request"
	Payload map[string]any
	install *installation
	repo    *Repo
}

// A Delivery is one attempt to tell an event.
type Delivery struct {
	ID     int64  `json:"id"`
	GUID   string `json:"guid"` // stays the same when the event is delivered again
	Event  string `json:"event"`
	Action string `json:"action"`
	Status int    `json:"status"` // of the receiver; 0 if there was no answer
	Again  bool   `json:"again"`  // a redelivery
}

type delivery struct {
	Delivery
	url      string
	event    Event
	body     []byte
	head     http.Header
	answer   string
	at       time.Time
	duration time.Duration
}

// patience is how long GitHub waits for the receiver.
const patience = 10 * time.Second

// Deliver posts an event to url, signed, and returns the attempt. The error
// is set if there was no answer; the attempt is kept all the same.
func (h *Hub) Deliver(ctx context.Context, url string, e Event) (Delivery, error) {
	d, err := newDelivery(url, e)
	if err != nil {
		return Delivery{}, err
	}
	return h.attempt(ctx, d)
}

func newDelivery(url string, e Event) (*delivery, error) {
	b := make([]string, 0, 5)
	x := randomHex(16)
	for _, cut := range [][2]int{{0, 8}, {8, 12}, {12, 16}, {16, 20}, {20, 32}} {
		b = append(b, x[cut[0]:cut[1]])
	}
	body, err := json.Marshal(e.Payload)
	if err != nil {
		return nil, fmt.Errorf("deliver %s: %w", e.Name, err)
	}
	action, _ := e.Payload["action"].(string)
	return &delivery{Delivery: Delivery{GUID: strings.Join(b, "-"), Event: e.Name, Action: action}, url: url, event: e, body: body}, nil
}

// Miss keeps a delivery of e to url that failed with status, 0 for no answer,
// without posting anything: the receiver was down. What was never sent at all is
// an event that nobody delivers.
func (h *Hub) Miss(url string, e Event, status int) (Delivery, error) {
	d, err := newDelivery(url, e)
	if err != nil {
		return Delivery{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	d.ID, d.at, d.Status = h.id(), h.now(), status
	h.deliveries = append(h.deliveries, d)
	return d.Delivery, nil
}

// Redeliver posts a kept delivery again, with the same GUID and body.
func (h *Hub) Redeliver(ctx context.Context, id int64) (Delivery, error) {
	h.mu.Lock()
	old := h.findDelivery(id)
	h.mu.Unlock()
	if old == nil {
		return Delivery{}, fmt.Errorf("delivery %d: %w", id, errNotFound)
	}
	d := &delivery{Delivery: old.Delivery, url: old.url, event: old.event, body: old.body}
	d.Again, d.Status = true, 0
	return h.attempt(ctx, d)
}

// Deliveries returns all attempts, oldest first.
func (h *Hub) Deliveries() []Delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := []Delivery{}
	for _, d := range h.deliveries {
		out = append(out, d.Delivery)
	}
	return out
}

// attempt posts d without the lock: the receiver may call us meanwhile.
func (h *Hub) attempt(ctx context.Context, d *delivery) (Delivery, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	body, kind := h.encode(d.body)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(body))
	if err != nil {
		return Delivery{}, fmt.Errorf("deliver %s: %w", d.Event, err)
	}
	h.mu.Lock()
	d.ID, d.at = h.id(), h.now()
	h.mu.Unlock()
	for k, v := range map[string]string{"Accept": "*/*", "Content-Type": kind, "User-Agent": "GitHub-Hookshot/0000001",
		"X-GitHub-Event": d.Event, "X-GitHub-Delivery": d.GUID, "X-GitHub-Hook-ID": "1",
		"X-GitHub-Hook-Installation-Target-ID": strconv.FormatInt(h.opts.AppID, 10), "X-GitHub-Hook-Installation-Target-Type": "integration"} {
		req.Header.Set(k, v)
	}
	if h.opts.Secret != "" {
		req.Header.Set("X-Hub-Signature", "sha1="+sign(sha1.New, h.opts.Secret, body))
		req.Header.Set("X-Hub-Signature-256", "sha256="+sign(sha256.New, h.opts.Secret, body))
	}
	d.head = req.Header
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	start := time.Now()
	res, err := client.Do(req)
	d.duration = time.Since(start)
	if err == nil {
		b, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		_ = res.Body.Close()
		d.Status, d.answer = res.StatusCode, string(b)
	}
	client.CloseIdleConnections()
	h.mu.Lock()
	h.deliveries = append(h.deliveries, d)
	h.mu.Unlock()
	if err != nil {
		return d.Delivery, fmt.Errorf("deliver %s: %w", d.Event, err)
	}
	return d.Delivery, nil
}

func sign(kind func() hash.Hash, secret string, body []byte) string {
	mac := hmac.New(kind, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func (h *Hub) findDelivery(id int64) *delivery {
	for _, d := range h.deliveries {
		if d.ID == id {
			return d
		}
	}
	return nil
}

// listDeliveries pages by cursor, newest first.
func (c *call) listDeliveries() answer {
	q := c.r.URL.Query()
	size := atoi(q.Get("per_page"))
	if size < 1 {
		size = 30
	}
	size = min(size, 100)
	list := []any{}
	head := http.Header{}
	before := int64(1) << 62
	if s := q.Get("cursor"); s != "" {
		n, err := strconv.ParseInt(strings.TrimPrefix(s, "v1_"), 10, 64)
		if err != nil {
			return problem(http.StatusUnprocessableEntity, "Invalid cursor")
		}
		before = n
	}
	for _, d := range slices.Backward(c.hub.deliveries) {
		failed := d.Status < 200 || d.Status > 399
		if d.ID >= before || q.Get("status") == "failure" && !failed || q.Get("status") == "success" && failed {
			continue
		}
		if len(list) == size {
			next := url.Values{"per_page": {strconv.Itoa(size)}, "cursor": {fmt.Sprintf("v1_%d", before)}}
			if s := q.Get("status"); s != "" {
				next.Set("status", s)
			}
			head.Set("Link", fmt.Sprintf(`<%s/app/hook/deliveries?%s>; rel="next"`, c.api, next.Encode()))
			break
		}
		list = append(list, d.json(false))
		before = d.ID
	}
	return answer{status: http.StatusOK, body: list, header: head}
}

func (c *call) getDelivery() answer {
	d := c.hub.findDelivery(c.id("id"))
	if d == nil {
		return missing()
	}
	return ok(d.json(true))
}

// redeliver answers 202 and delivers in the background.
func (c *call) redeliver() answer {
	d := c.hub.findDelivery(c.id("id"))
	if d == nil {
		return missing()
	}
	h := c.hub
	h.pending.Go(func() { _, _ = h.Redeliver(context.Background(), d.ID) }) // its outcome is in the list
	return answer{status: http.StatusAccepted, body: map[string]any{}}
}

func (d *delivery) json(whole bool) map[string]any {
	status := http.StatusText(d.Status)
	if d.Status == 0 {
		status = "failed to connect to host"
	}
	var action, install, repo any
	if d.Action != "" {
		action = d.Action
	}
	if d.event.install != nil {
		install = d.event.install.id
	}
	if d.event.repo != nil {
		repo = d.event.repo.id
	}
	v := map[string]any{"id": d.ID, "guid": d.GUID, "delivered_at": stamp(d.at), "redelivery": d.Again, "duration": d.duration.Seconds(),
		"status": status, "status_code": d.Status, "event": d.Event, "action": action, "installation_id": install, "repository_id": repo, "throttled_at": nil}
	if whole {
		heads := map[string]string{}
		for k := range d.head {
			heads[k] = d.head.Get(k)
		}
		v["url"] = d.url
		v["request"] = map[string]any{"headers": heads, "payload": json.RawMessage(d.body)}
		v["response"] = map[string]any{"headers": map[string]string{}, "payload": d.answer}
	}
	return v
}
