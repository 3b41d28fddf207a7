package github

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/gregjones/httpcache"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// What was read before is asked for with its ETag: an answer that nothing has
// changed is short, and does not count against the hourly limit. Nothing is
// ever taken from memory without asking.

const (
	cacheSize  = 32 << 20 // bytes of all answers that are kept
	cacheEntry = 2 << 20  // and of one
)

// answers keeps answers, the least recently used ones go first.
type answers struct {
	mu   sync.Mutex
	lru  *simplelru.LRU[string, []byte]
	size int
}

func newAnswers() *answers {
	a := &answers{}
	a.lru, _ = simplelru.NewLRU(1<<20, func(_ string, b []byte) { a.size -= len(b) }) // fails only for a size of 0
	return a
}

// to returns the answers to what one token asked: another one may not see them.
func (a *answers) to(k tokenKey) httpcache.Cache {
	return &kept{a, fmt.Sprintf("%d/%d/%s/%v ", k.installation, k.repo, k.name, k.grant)}
}

type kept struct {
	*answers
	asker string
}

func (k *kept) Get(key string) ([]byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lru.Get(k.asker + key)
}

func (k *kept) Set(key string, answer []byte) {
	if len(answer) > cacheEntry {
		k.Delete(key)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lru.Remove(k.asker + key)
	k.lru.Add(k.asker+key, answer)
	k.size += len(answer)
	for k.size > cacheSize {
		k.lru.RemoveOldest()
	}
}

func (k *kept) Delete(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lru.Remove(k.asker + key)
}

// conditional asks with the ETag of what next answered before.
func conditional(next http.RoundTripper, cache httpcache.Cache) http.RoundTripper {
	return &always{&httpcache.Transport{Transport: next, Cache: sound{cache}}}
}

// sound keeps no answer that is not JSON: one that was shortened on its way
// would come back with every confirmation that nothing has changed.
type sound struct{ httpcache.Cache }

func (s sound) Set(key string, answer []byte) {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err == nil {
		var body []byte
		if body, err = io.ReadAll(resp.Body); err == nil && json.Valid(body) {
			s.Cache.Set(key, answer)
			return
		}
	}
	s.Delete(key)
}

// always has every answer confirmed, however fresh GitHub says that it is.
type always struct{ next http.RoundTripper }

func (a *always) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Cache-Control", "max-age=0")
	return a.next.RoundTrip(req)
}
