package github

import (
	"context"
	"fmt"
	"net/netip"
)

// HookNetworks returns the networks that GitHub says it delivers webhooks from.
// They may be none on GitHub Enterprise Server, which may also tell its
// loopback address although its deliveries come from another. It asks without
// a token, which GitHub allows 60 times an hour.
func (f *Forge) HookNetworks(ctx context.Context) ([]netip.Prefix, error) {
	meta, _, err := f.clientOver(f.tokens.wire).Meta.Get(ctx)
	if err != nil {
		return nil, f.wrap(err, "ask for the addresses of webhooks")
	}
	var out []netip.Prefix
	for _, s := range meta.Hooks {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("ask for the addresses of webhooks: %.50q is no network", s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
