package hook

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies stand between GitHub and us and tell in a header who sent a request.
// Without them no header is believed.
type Proxies struct {
	Header   string         // "X-Forwarded-For", or another with one or more addresses
	Networks []netip.Prefix // where the proxies are; nobody else's header counts
}

// sender returns the address that r came from: of the connection, or what the
// nearest proxy says. In a list of several the last one that is no proxy of
// ours counts; what stands before it anybody may have written.
func (p Proxies) sender(r *http.Request) netip.Addr {
	peer, _ := address(r.RemoteAddr)
	if p.Header == "" || !within(p.Networks, peer) {
		return peer
	}
	list := strings.Split(strings.Join(r.Header.Values(p.Header), ","), ",")
	for i := len(list) - 1; i >= 0; i-- {
		said, ok := address(strings.TrimSpace(list[i]))
		if !ok {
			return peer // who says so is all that is known
		}
		if peer = said; !within(p.Networks, peer) {
			return peer
		}
	}
	return peer
}

// address reads an address, with or without a port.
func address(s string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return a.Unmap().WithZone(""), err == nil
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// network is what counts as one sender: an IPv4 address, or the 64 bits of an
// IPv6 address that a customer gets as a whole.
func network(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // of no address: the zero Prefix, which all such share
	return p
}
