package git

import (
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
)

// A batch brings blobs, in one request if all are within the Limits. The
// sizes of blobs are not known beforehand, and git sends whatever was asked
// for by id, so a response is dropped as soon as one turns out too large; what
// came before it is kept, and the rest is asked for in parts until the
// offender stands alone.
type batch struct {
	*fetching
	budget int  // requests that may still be made
	missed bool // the last guess which one it was proved wrong
}

// bring puts blobs in the set of objects, or why they were left out.
func (b *batch) bring(blobs []plumbing.Hash) error {
	if len(blobs) == 0 {
		return nil
	}
	if b.budget--; b.budget < 0 {
		b.skip(blobs, "was not fetched: too many files are too large")
		return nil
	}
	_, cut, err := b.some(request{wants: blobs})
	if err != nil {
		return err
	}
	rest := make([]plumbing.Hash, 0, len(blobs))
	for _, h := range blobs {
		if !b.objects.settled(h) {
			rest = append(rest, h)
		}
	}
	switch {
	case len(rest) == 0:
		b.missed = b.missed || len(blobs) == 1
		return nil
	case cut == nil:
		return fmt.Errorf("the server left out blob %s", rest[0])
	case cut.What == "the change":
		b.skip(rest, cut.Error())
		return nil
	case len(rest) == 1 && (len(blobs) == 1 || cut.What == "an object"):
		b.skip(rest, "larger than "+cut.Limit)
		b.missed = false
		return nil
	case cut.What == "the response" && len(rest) < len(blobs):
		return b.bring(rest) // what did not fit comes next
	}
	first := max(len(rest)/2, 1)
	if cut.What == "an object" && !b.missed {
		first = 1 // git mostly sends in the order of the request
	}
	if err := b.bring(rest[:first]); err != nil {
		return err
	}
	return b.bring(rest[first:])
}

func (b *batch) skip(blobs []plumbing.Hash, why string) {
	for _, h := range blobs {
		b.objects.skip(h, why)
	}
}
