package secret

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	armor "encoding/pem"
	"regexp"
	"strconv"
	"strings"
)

// pemNoise is what stands between the lines of a key that is written as a
// string of some language: escaped line ends, quotes, commas, plus signs.
var pemNoise = regexp.MustCompile(`\\[rn]|["'\x60,;+ \t\r]*\n["'\x60+ \t\r]*|\r`)

// privatePEM parses a private key. What it cannot parse is no less likely to be
// one: keys are encrypted, cut off, and written in more ways than it knows.
func privatePEM(c candidate) verdict {
	text := pemNoise.ReplaceAllString(c.value, "\n")
	block, _ := armor.Decode([]byte(text))
	return hint(block != nil && isPrivateKey(block))
}

// encodedPEM checks a private key in base64, as kubeconfigs have it.
func encodedPEM(c candidate) verdict {
	data, ok := decodeBase64(c.value)
	if !ok || !bytes.HasPrefix(data, []byte("-----BEGIN ")) || !bytes.Contains(data, []byte("PRIVATE KEY-----")) {
		return invalid
	}
	block, _ := armor.Decode(data)
	return hint(block != nil && isPrivateKey(block))
}

func isPrivateKey(block *armor.Block) bool {
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		_, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		_, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		_, err = x509.ParseECPrivateKey(block.Bytes)
	case "OPENSSH PRIVATE KEY":
		return bytes.HasPrefix(block.Bytes, []byte("openssh-key-v1\x00"))
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
	if !ok || len(data) != 32 {
		return invalid
	}
	return hint(data[0]&7 == 0 && data[31]&0xc0 == 0x40)
}

// torOnionKey checks the expanded key of an onion service: 64 bytes, the first
// half clamped.
// https://spec.torproject.org/control-spec/commands.html#add_onion
func torOnionKey(c candidate) verdict {
	data, ok := decodeBase64(c.value)
	return proof(ok && len(data) == 64 && data[0]&7 == 0 && data[31]&0xc0 == 0x40)
}
