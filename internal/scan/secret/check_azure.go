package secret

import (
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"strings"
)

// Azure marks its keys so that they can be told apart: a signature at a fixed
// place, and at the end a checksum. Microsoft publishes both.
// https://github.com/microsoft/security-utilities

// azureKey returns the check of a key in base64 that ends in the Marvin hash of
// its bytes, with one of the seeds. If complete is false, the service may have
// seeds besides them or may alter keys later, so that a wrong hash proves nothing.
func azureKey(complete bool, seeds ...string) check {
	return func(c candidate) verdict {
		key, ok := decodeBase64(c.value)
		if !ok || len(key) < 24 {
			return invalid
		}
		body, sum := key[:len(key)-4], binary.LittleEndian.Uint32(key[len(key)-4:])
		for _, seed := range seeds {
			if marvin32(body, seed) == sum {
				return valid
			}
		}
		if complete {
			return invalid
		}
		return plausible
	}
}

// annotatedKey checks a common annotated security key: 63 or 64 bytes in
// base64, of which the first 60 are hashed into the rest. Keys derived from
// others, and those of Azure DevOps, are hashed in ways of their own.
func annotatedKey(c candidate) verdict {
	const (
		hashed    = 60
		standard  = 80 // where the encoded hash begins
		kind      = 57 // "D" if derived from another key
		signature = 76
	)
	key := c.value
	if len(key) != 84 && len(key) != 88 {
		return invalid
	}
	data, ok := decodeBase64(key)
	if !ok {
		return invalid
	}
	sum := base64.StdEncoding.EncodeToString(littleEndian(marvin32(data[:hashed], "Default0")))
	switch n := len(strings.TrimRight(key, "=")); {
	case strings.HasPrefix(sum, key[standard:n]):
		return valid
	case key[kind] == 'D', key[signature:signature+4] == "AZDO":
		return plausible
	}
	return invalid
}

// entraSecret checks a client secret of Microsoft Entra: since the signature
// "8Q~" it ends in the first three digits of its Marvin hash.
func entraSecret(c candidate) verdict {
	const digits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890.-_~"
	if len(c.value) < 37 || c.value[4:6] != "Q~" {
		return invalid
	}
	if c.value[3] != '8' {
		return plausible
	}
	n := len(c.value) - 3
	var encoded string
	for sum := marvin32([]byte(c.value[:n]), "AadPwd00"); sum > 0; sum /= uint32(len(digits)) {
		encoded = string(digits[sum%uint32(len(digits))]) + encoded
	}
	return proof(strings.HasPrefix(encoded, c.value[n:]))
}

// marvin32 is the 32-bit Marvin hash of data. The seed is eight characters.
func marvin32(data []byte, seed string) uint32 {
	hi, lo := marvin(data, binary.BigEndian.Uint64([]byte(seed)))
	return hi ^ lo
}

// marvin is Marvin as .NET has it.
// https://github.com/dotnet/runtime/blob/main/src/libraries/System.Private.CoreLib/src/System/Marvin.cs
func marvin(data []byte, seed uint64) (hi, lo uint32) {
	lo, hi = uint32(seed), uint32(seed>>32)
	block := func() {
		hi ^= lo
		lo = bits.RotateLeft32(lo, 20) + hi
		hi = bits.RotateLeft32(hi, 9) ^ lo
		lo = bits.RotateLeft32(lo, 27) + hi
		hi = bits.RotateLeft32(hi, 19)
	}
	for ; len(data) >= 4; data = data[4:] {
		lo += binary.LittleEndian.Uint32(data)
		block()
	}
	last := uint32(0x80)
	for i := len(data) - 1; i >= 0; i-- {
		last = last<<8 | uint32(data[i])
	}
	lo += last
	block()
	block()
	return hi, lo
}

// decodeBase64 decodes either alphabet, padded or not.
func decodeBase64(s string) ([]byte, bool) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	b, err := base64.RawStdEncoding.DecodeString(s)
	return b, err == nil
}
