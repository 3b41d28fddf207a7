package secret

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"regexp"
	"strconv"
	"strings"
)

var (
	pemBlock = regexp.MustCompile(`(?s)-----BEGIN ([A-Z ]{0,30}PRIVATE KEY)-----(.*?)-----END`)
	// pemJoint is what stands between the lines of a key that is written as
	// strings of some language: the end of one, an operator, the begin of the next.
	pemJoint = regexp.MustCompile(`["'\x60]\s*[+,;.&\\]?\s*["'\x60]?`)
)

// privatePEM parses a private key. What it cannot parse is no less likely to be
// one: keys are encrypted, cut off, and written in more ways than it knows.
func privatePEM(c candidate) verdict {
	m := pemBlock.FindStringSubmatch(strings.NewReplacer(`\r`, "", `\n`, "\n").Replace(c.value))
	if m == nil {
		return plausible
	}
	body := strings.Join(strings.Fields(pemJoint.ReplaceAllString(m[2], "")), "")
	data, ok := decodeBase64(body)
	return hint(ok && isPrivateKey(m[1], data))
}

// encodedPEM checks a private key in base64, as kubeconfigs have it.
func encodedPEM(c candidate) verdict {
	data, ok := decodeBase64(c.value)
	if !ok || !bytes.HasPrefix(data, []byte("-----BEGIN ")) || !bytes.Contains(data, []byte("PRIVATE KEY-----")) {
		return invalid
	}
	return privatePEM(candidate{value: string(data)})
}

// isPrivateKey tells whether data is a private key in the format that kind names.
func isPrivateKey(kind string, data []byte) bool {
	var err error
	switch kind {
	case "PRIVATE KEY":
		_, err = x509.ParsePKCS8PrivateKey(data)
	case "RSA PRIVATE KEY":
		_, err = x509.ParsePKCS1PrivateKey(data)
	case "EC PRIVATE KEY":
		_, err = x509.ParseECPrivateKey(data)
	case "OPENSSH PRIVATE KEY":
		return bytes.HasPrefix(data, []byte("openssh-key-v1\x00"))
	default:
		return false
	}
	return err == nil
}

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
