package git

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// maxRedirects is how often a request follows the same host to another path.
const maxRedirects = 3

// A request is one fetch of protocol v2. It is complete in itself: the refs
// of the server are not asked for.
type request struct {
	wants, haves []plumbing.Hash
	deepen       int    // 0 means the whole history
	filter       string // "blob:none"
	weighed      bool   // to be cut short when its trees are heavy
	counted      bool   // to be cut short as soon as the server has counted too many
}

func (q request) encode() []byte {
	b := appendLine(nil, "command=fetch")
	b = appendLine(b, "agent=pullwarden")
	b = appendLine(b, "object-format=sha1")
	b = append(b, "0001"...)
	b = appendLine(b, "ofs-delta")
	if !q.counted {
		b = appendLine(b, "no-progress")
	}
	for _, h := range q.wants {
		b = appendLine(b, "want %s", h)
	}
	for _, h := range q.haves {
		b = appendLine(b, "have %s", h)
	}
	if q.deepen > 0 {
		b = appendLine(b, "deepen %d", q.deepen)
	}
	if q.filter != "" {
		b = appendLine(b, "filter %s", q.filter)
	}
	b = appendLine(b, "done")
	return append(b, "0000"...)
}

var counted = regexp.MustCompile(`(?:Enumerating|Counting) objects: (\d+), done`)

// progress reads what the server says before it makes the pack. A server that
// uses other words is only cut short later.
func (q request) progress(text []byte) error {
	m := counted.FindSubmatch(text)
	if !q.counted || m == nil {
		return nil
	}
	n, err := strconv.Atoi(string(m[1]))
	if err == nil && n > manyTrees+treesOfCommit*q.deepen {
		return &LimitError{What: allTrees, Limit: fmt.Sprintf("%d trees", manyTrees)}
	}
	return nil
}

// A response is what came of a request.
type response struct {
	pack []byte // checked against the Limits; nil if there is nothing in it
	// cut is why the response was not read to its end. Then pack holds what
	// had come before.
	cut *LimitError
}

// fetch makes one request. left bounds the bytes that its objects may hold.
func (f *Fetcher) fetch(ctx context.Context, r Remote, q request, left int64) (*response, error) {
	body, err := f.post(ctx, r, q.encode())
	if err != nil {
		return nil, err
	}
	defer body.Close() // in the middle of a response, this drops the connection
	lim := f.Limits.orDefaults()
	if !q.weighed {
		lim.Trees = 0
	}
	p := &packets{r: &capped{ctx: ctx, r: body, left: lim.Response, limit: lim.Response}}
	res := new(response)
	if err := skipToPack(p); err != nil {
		return nil, err
	}
	res.pack, res.cut, err = scanPack(&demux{packets: p, progress: q.progress}, lim, left)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err == nil && res.cut == nil {
		// Read to its end, a response leaves the connection for the next request.
		_, _ = io.ReadFull(p.r, make([]byte, 1))
	}
	return res, err
}

// skipToPack reads the sections before the pack. They say which commits are
// shallow, which shows in the pack as well: their parents are not in it.
func skipToPack(p *packets) error {
	for {
		kind, data, err := p.next()
		switch {
		case err != nil:
			return err
		case kind == delimPacket:
			continue
		case kind != dataPacket:
			return fmt.Errorf("the server sent no pack")
		}
		text, err := line(data)
		if err != nil || text == "packfile" {
			return err
		}
	}
}

// post sends body and returns the answer. The token goes to the host of r
// only, so a redirect to another one is refused.
func (f *Fetcher) post(ctx context.Context, r Remote, body []byte) (io.ReadCloser, error) {
	client := http.Client{}
	if f.Client != nil {
		client = *f.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	to, err := url.Parse(strings.TrimSuffix(r.URL, "/") + "/git-upload-pack")
	if err != nil || to.Host == "" {
		return nil, fmt.Errorf("the address is not one of a repository")
	}
	for range maxRedirects {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
		req.Header.Set("Accept", "application/x-git-upload-pack-result")
		req.Header.Set("Git-Protocol", "version=2")
		req.Header.Set("User-Agent", "pullwarden")
		if token := r.password(); token != "" {
			req.SetBasicAuth("x-access-token", token)
		}
		res, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		if res.StatusCode == http.StatusOK {
			if t := res.Header.Get("Content-Type"); !strings.HasPrefix(t, "application/x-git-upload-pack-result") {
				res.Body.Close()
				return nil, fmt.Errorf("the server answered with %q and not as git does", t)
			}
			return res.Body, nil
		}
		res.Body.Close()
		if to, err = redirect(to, res); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("the server redirects again and again")
}

// redirect returns where res sends a request to from, if that is the same host.
func redirect(from *url.URL, res *http.Response) (*url.URL, error) {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		after, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return nil, &HTTPError{Status: res.StatusCode, After: time.Duration(max(after, 0)) * time.Second}
	}
	to, err := res.Location()
	if err != nil {
		return nil, fmt.Errorf("redirect without a usable address: %w", err)
	}
	if to.Scheme != from.Scheme || to.Host != from.Host || to.User != nil {
		return nil, &HostileError{What: "redirect", Why: fmt.Sprintf("from %s to another host, %q, is refused", from.Host, to.Host)}
	}
	return to, nil
}

// capped ends a stream that is too long, or whose context is done.
type capped struct {
	ctx         context.Context
	r           io.Reader
	left, limit int64
}

func (c *capped) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	if c.left <= 0 {
		return 0, &LimitError{What: "the response", Limit: size(c.limit)}
	}
	n, err := c.r.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	return n, err
}

// parseHash accepts nothing but 40 hexadecimal digits.
func parseHash(s string) (plumbing.Hash, error) {
	if !plumbing.IsHash(s) || len(s) != 40 {
		return plumbing.ZeroHash, fmt.Errorf("%q is not the id of a git object", s[:min(len(s), 80)])
	}
	return plumbing.NewHash(s), nil
}
