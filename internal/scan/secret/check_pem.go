package secret

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	armor "encoding/pem"
	"errors"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

var (
	pemBlock = regexp.MustCompile(`(?is)-----BEGIN ([A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----(.*?)-----END`)
	// pemJoint is what stands between the lines of a key that is written as
	// strings of some language: the end of one, an operator, the begin of the next.
	pemJoint = regexp.MustCompile(`["'\x60]\s*[+,;.&\\]?\s*["'\x60]?`)
	// pemMargin matches what stands before a line of a key in a comment, a quotation or a table.
	pemMargin = regexp.MustCompile(`^(?:[#*>|;]+|(?:[#*>|;+-]|//)*\s)\s*`)
	// pemHeader matches a line that is none of the key: of RFC 1421, or of an armor of OpenPGP.
	pemHeader = regexp.MustCompile(`^[A-Za-z][A-Za-z-]{1,30}: `)
	pemEscape = strings.NewReplacer(`\\r`, "", `\\n`, "\n", `\r`, "", `\n`, "\n", `\/`, "/", "&#10;", "\n", "&#xA;", "\n", "&#13;", "", "&#xD;", "")
)

const (
	// leastKey is how many bytes a private key has at least, longestParsed how
	// many are parsed: more numbers than of RSA with 8,192 bits take too long to check.
	leastKey      = 32
	longestParsed = 5000
)

// privatePEM parses a private key. One that begins as it should and is cut off
// is plausible: no more of it may be shown. Whatever else it cannot parse is none.
func privatePEM(c candidate) verdict {
	text := pemEscape.Replace(c.value)
	m := pemBlock.FindStringSubmatch(text)
	if m == nil {
		_, rest, _ := strings.Cut(text, "KEY-----")
		body, _, another := strings.Cut(rest, "-----")
		if !another {
			return plausible
		}
		// Another key begins before this one ends: a list of what they begin with is none.
		data, _, ok := pemBody(body)
		return shape(ok && len(data) >= leastKey)
	}
	data, encrypted, ok := pemBody(m[2])
	kind := strings.ToUpper(m[1])
	switch {
	case !ok || len(data) < leastKey:
		return invalid
	case encrypted:
		return proof(len(data)%8 == 0) // nobody without the passphrase can tell more
	case strings.HasSuffix(kind, " BLOCK"):
		return proof(isSecretPacket(data))
	case strings.HasPrefix(kind, "OPENSSH"):
		return openSSHKey(data)
	case isPrivateKey(data):
		return valid
	}
	return shape(isCutOff(data))
}

// pemBody decodes what is between the first and last line of a key, and tells
// whether its headers say that it is encrypted.
func pemBody(text string) (data []byte, encrypted, ok bool) {
	lines := strings.Split(strings.TrimSpace(pemJoint.ReplaceAllString(text, "\n")), "\n")
	patch := len(lines) > 1 // each line begins with the plus of a patch
	for _, line := range lines {
		patch = patch && strings.HasPrefix(line, "+")
	}
	var body strings.Builder
	for _, line := range lines {
		if patch {
			line = line[1:]
		}
		line = strings.TrimRight(pemMargin.ReplaceAllString(line, ""), " \t\r\\|*")
		switch {
		case pemHeader.MatchString(line):
			encrypted = encrypted || strings.HasPrefix(line, "DEK-Info: ")
		case strings.HasPrefix(line, "=") && len(line) == 5: // the checksum of OpenPGP
		default:
			body.WriteString(strings.Join(strings.Fields(line), ""))
		}
	}
	data, ok = decodeBase64(body.String())
	return data, encrypted, ok
}

// encodedPEM checks a private key in base64, as kubeconfigs have it.
func encodedPEM(c candidate) verdict {
	data, ok := decodeBase64(c.value)
	if !ok || !bytes.HasPrefix(data, []byte("-----BEGIN ")) || !bytes.Contains(data, []byte("PRIVATE KEY-----")) {
		return invalid
	}
	return privatePEM(candidate{value: string(data)})
}

// isPrivateKey tells whether data is a private key in DER: of PKCS #1, PKCS #8,
// encrypted or not, SEC 1, or of DSA.
func isPrivateKey(data []byte) bool {
	if len(data) <= longestParsed {
		if _, err := x509.ParsePKCS8PrivateKey(data); err == nil {
			return true
		}
		if _, err := x509.ParsePKCS1PrivateKey(data); err == nil {
			return true
		}
		if _, err := x509.ParseECPrivateKey(data); err == nil {
			return true
		}
	}
	// Algorithms, curves and sizes that crypto/x509 does not take.
	if isRSA(data) {
		return true
	}
	var dsa struct {
		Version       int
		P, Q, G, Y, X *big.Int
	}
	if parsed(data, &dsa) && dsa.Version == 0 && dsa.X.Sign() > 0 && dsa.X.Cmp(dsa.Q) < 0 && dsa.Q.BitLen() <= 512 && dsa.P.Sign() > 0 && dsa.P.BitLen() <= 4096 {
		return new(big.Int).Exp(dsa.G, dsa.X, dsa.P).Cmp(dsa.Y) == 0
	}
	var ec struct {
		Version int
		Key     []byte
		Curve   asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
	}
	if parsed(data, &ec) && ec.Version == 1 {
		return !x509Knows(ec.Curve) && len(ec.Key) >= 16 && len(ec.Key) <= 72
	}
	var pkcs8 struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	if parsed(data, &pkcs8) {
		var curve asn1.ObjectIdentifier
		_ = parsed(pkcs8.Algorithm.Parameters.FullBytes, &curve) // not all have one
		known := x509Knows(pkcs8.Algorithm.Algorithm) || x509Knows(curve)
		return pkcs8.Version <= 1 && len(pkcs8.Key) >= leastKey && (!known || isRSA(pkcs8.Key))
	}
	var encrypted struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	return parsed(data, &encrypted) && len(encrypted.Data) >= leastKey
}

// isRSA tells whether data is a private key of PKCS #1, of any size.
func isRSA(data []byte) bool {
	var key struct {
		Version       int
		N, E, D, P, Q *big.Int
	}
	return parsed(data, &key) && key.Version <= 1 && key.P.Sign() > 0 && new(big.Int).Mul(key.P, key.Q).Cmp(key.N) == 0
}

// parsed reports whether data is what to says, and nothing behind it.
func parsed(data []byte, to any) bool {
	rest, err := asn1.Unmarshal(data, to)
	return err == nil && len(rest) == 0
}

// x509Knows tells whether crypto/x509 reads keys of an algorithm or a curve:
// RSA, Ed25519, X25519, and the four curves of NIST. What it does not take of
// them is broken, but for RSA of sizes that it does not take.
func x509Knows(id asn1.ObjectIdentifier) bool {
	return slices.Contains([]string{
		"1.2.840.113549.1.1.1", "1.3.101.112", "1.3.101.110", "1.3.132.0.33", "1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35",
	}, id.String())
}

// isCutOff tells whether data is the beginning of a private key in DER: it says
// that more follows.
func isCutOff(data []byte) bool {
	const sequence, integer, identifier = 0x30, 0x02, 0x06
	size, head := int(data[1]), data[2:]
	if n := size & 0x7f; size >= 0x80 {
		if n > 2 {
			return false
		}
		size = 0
		for _, b := range head[:n] {
			size = size<<8 | int(b)
		}
		head = head[n:]
	}
	version := head[0] == integer && head[1] == 1 && head[2] <= 1
	encrypted := head[0] == sequence && head[2] == identifier
	return data[0] == sequence && size > len(head) && (version || encrypted)
}

// isSecretPacket tells whether data begins with a secret key packet of OpenPGP.
// https://www.rfc-editor.org/rfc/rfc9580#section-4.2
func isSecretPacket(data []byte) bool {
	const secretKey, secretSubkey = 5, 7
	tag, version := data[0]&0x3f, 2 // where the version stands behind a length of one byte
	switch {
	case data[0]&0xc0 == 0xc0 && data[1] >= 192:
		version = 3
	case data[0]&0xc0 == 0x80:
		version = 1 + 1<<(tag&3)
		tag >>= 2
	}
	return data[0]&0x80 != 0 && (tag == secretKey || tag == secretSubkey) && data[version] >= 3 && data[version] <= 6
}

// openSSHKey parses a private key of OpenSSH.
func openSSHKey(data []byte) verdict {
	const magic = "openssh-key-v1\x00"
	rest, ok := bytes.CutPrefix(data, []byte(magic))
	if !ok {
		return invalid
	}
	_, err := ssh.ParseRawPrivateKey(armor.EncodeToMemory(&armor.Block{Type: "OPENSSH PRIVATE KEY", Bytes: data}))
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); err == nil || locked {
		return valid
	}
	var file struct {
		Cipher, KDF, Options string
		Keys                 uint32
		Public, Private      []byte
	}
	if ssh.Unmarshal(rest, &file) != nil {
		return plausible // cut off
	}
	public, err := ssh.ParsePublicKey(file.Public)
	// A key that is in a token of hardware is no secret, but opens what that does.
	return shape(err == nil && strings.HasPrefix(public.Type(), "sk-"))
}
