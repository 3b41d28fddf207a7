package secret

import (
	"bytes"
	"crypto/ed25519"
	"strconv"
	"strings"
)

// ed25519Pair checks a key pair of Ed25519 in base64, as Nix writes it: the
// second half must be the public key of the first.
func ed25519Pair(c candidate) verdict {
	data, ok := decodeBase64(c.value)
	return proof(ok && isPair(data))
}

// ed25519Array checks a key pair that is written as an array of 64 numbers, as
// Solana does.
func ed25519Array(c candidate) verdict {
	var data []byte
	for number := range strings.SplitSeq(strings.Trim(c.value, "[] \t\r\n"), ",") {
		n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 8)
		if err != nil {
			return invalid
		}
		data = append(data, byte(n))
	}
	return proof(isPair(data))
}

func isPair(data []byte) bool {
	return len(data) == ed25519.PrivateKeySize &&
		bytes.Equal(ed25519.NewKeyFromSeed(data[:ed25519.SeedSize]), data)
}

// wireguardKey checks a private key of WireGuard: "wg genkey" clears and sets
// the bits that Curve25519 wants so.
func wireguardKey(c candidate) verdict {
	data, ok := decodeBase64(c.value)
	return proof(ok && len(data) == 32 && data[0]&7 == 0 && data[31]&0xc0 == 0x40)
}

// torOnionKey checks the expanded key of an onion service: 64 bytes, the first
// half clamped.
// https://spec.torproject.org/control-spec/commands.html#add_onion
func torOnionKey(c candidate) verdict {
	data, ok := decodeBase64(c.value)
	return proof(ok && len(data) == 64 && data[0]&7 == 0 && data[31]&0xc0 == 0x40)
}
