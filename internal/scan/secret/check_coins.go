package secret

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
)

// bech32 checks the checksum of a key of age or Nostr: letters before the last
// "1", then five bits a character.
// https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki
func bech32(c candidate) verdict {
	const digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	s := strings.ToLower(c.value)
	if s != c.value && strings.ToUpper(c.value) != c.value {
		return invalid // both cases in one
	}
	i := strings.LastIndexByte(s, '1')
	if i < 1 {
		return invalid
	}
	sum := uint32(1)
	step := func(v byte) {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(v)
		for bit, generator := range [...]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>bit&1 == 1 {
				sum ^= generator
			}
		}
	}
	for _, b := range []byte(s[:i]) {
		step(b >> 5)
	}
	step(0)
	for _, b := range []byte(s[:i]) {
		step(b & 31)
	}
	for _, b := range []byte(s[i+1:]) {
		v := strings.IndexByte(digits, b)
		if v < 0 {
			return invalid
		}
		step(byte(v))
	}
	return proof(sum == 1)
}

// base58Check checks a key of Bitcoin and its likes: it ends in the first four
// bytes of the double SHA-256 of the rest.
// https://en.bitcoin.it/wiki/Base58Check_encoding
func base58Check(c candidate) verdict {
	const digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	n := new(big.Int)
	for _, b := range []byte(c.value) {
		v := strings.IndexByte(digits, b)
		if v < 0 {
			return invalid
		}
		n.Add(n.Mul(n, big.NewInt(58)), big.NewInt(int64(v)))
	}
	data := n.Bytes()
	if len(data) <= 4 {
		return invalid
	}
	body := data[:len(data)-4]
	once := sha256.Sum256(body)
	twice := sha256.Sum256(once[:])
	return proof(bytes.Equal(twice[:4], data[len(data)-4:]))
}

// stellarSeed checks a secret seed of Stellar: a version, 32 bytes, and their CRC-16.
// https://github.com/stellar/stellar-protocol/blob/master/ecosystem/sep-0023.md
func stellarSeed(c candidate) verdict {
	const version = 18 << 3
	data, err := base32.StdEncoding.DecodeString(c.value)
	if err != nil || len(data) != 35 || data[0] != version {
		return invalid
	}
	var sum uint16
	for _, b := range data[:33] {
		sum ^= uint16(b) << 8
		for range 8 {
			carry := sum & 0x8000
			sum <<= 1
			if carry != 0 {
				sum ^= 0x1021
			}
		}
	}
	return proof(sum == binary.LittleEndian.Uint16(data[33:]))
}

// secp256k1Key checks a private key of Ethereum: a number below the order of
// the curve. The accounts that every development chain begins with are no secret.
func secp256k1Key(c candidate) verdict {
	data, err := hex.DecodeString(strings.TrimPrefix(strings.ToLower(c.value), "0x"))
	if err != nil || len(data) != 32 {
		return invalid
	}
	order, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	n := new(big.Int).SetBytes(data)
	sum := sha256.Sum256(data)
	if n.Sign() == 0 || n.Cmp(order) >= 0 || slices.Contains(developmentAccounts(), hex.EncodeToString(sum[:8])) {
		return invalid
	}
	return plausible
}

// developmentAccounts are the first bytes of the SHA-256 of the keys that
// Hardhat and Anvil print when they start.
func developmentAccounts() []string {
	return []string{"59891c96881dfbcf", "bca4c2c0761d850f", "193ae84c4c9567c2", "e25a680eff8baac7", "6718ba8966161cc8"}
}
