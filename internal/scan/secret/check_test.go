package secret

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	armor "encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// value is a candidate without its surroundings. Those of the tests are put
// together from parts, so that no scanner takes this file for a leak.
func value(parts ...string) candidate {
	v := strings.Join(parts, "")
	return candidate{match: v, value: v}
}

// TestChecksAgainstPublishedValues holds the checks against values that others
// published with their specifications.
func TestChecksAgainstPublishedValues(t *testing.T) {
	for _, x := range []struct {
		name, check string
		c           candidate
		want        verdict
	}{
		{"GitHub's example of its format", "crc32-base62", value("gh", "p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"), valid},
		{"the same with one character changed", "crc32-base62", value("gh", "p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkK", "0mLq17"), invalid},
		{"GitLab's specification of routable tokens", "gitlab-routable", value("gl", "rtr-W5m1cHR6skC98Bx7XkuYjmM6MQpnOjgKbzpyegp0OjIQ.01.18", "1uebm4k"), valid},
		{"the one beside it with a wrong checksum", "gitlab-routable", value("gl", "rtr-W5m1cHR6skC98Bx7XkuYjmM6MQpnOjgKbzpyegp0OjIQ.01.18", "1uebm4l"), invalid},
		{"the wallet import format of the Bitcoin wiki", "base58check", value("5HueCGU8rMjxEXxiPuD5BDku4MkF", "qeZyd4dZ1jvhTVqvbTLvyTJ"), valid},
		{"the same with one character changed", "base58check", value("5HueCGU8rMjxEXxiPuD5BDku4MkF", "qeZyd4dZ1jvhTVqvbTLvyTK"), invalid},
		{"test vector 1 of BIP-32", "base58check", value("xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqji", "ChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"), valid},
		{"the key of NIP-19", "bech32", value("nsec1vl029mgpspedva04g90vltkh6fvh24", "0zqtv9k0t9af8935ke9laqsnlfe5"), valid},
		{"the same in both cases", "bech32", value("nsec1vl029mgpspedva04g90vltkh6fvh24", "0zqtv9k0t9af8935ke9laqsnlFE5"), invalid},
		{"the test vector of BIP-173", "bech32", value("A12UEL5L"), valid},
		{"an invalid one of BIP-173", "bech32", value("A1G7SGD8"), invalid},
		{"the documentation's key id of AWS", "aws-key-id", value("AKIA", "IOSFODNN7EXAMPLE"), invalid},
		{"an older key id of AWS", "aws-key-id", value("AKIA", "IOSFODNN7QXBMPLF"), plausible},
	} {
		check, ok := checks()[x.check]
		require.True(t, ok, x.check)
		assert.Equal(t, x.want, check(x.c), "%s: %s", x.check, x.name)
	}
}

// TestMarvin holds the hash of Azure's keys against the values that .NET tests its own with.
func TestMarvin(t *testing.T) {
	for _, x := range []struct {
		seed uint64
		data string
		want uint64
	}{
		{0x4FB61A001BDBCC, "", 0x30ED35C100CD3C7D},
		{0x4FB61A001BDBCC, "af", 0x48E73FC77D75DDC1},
		{0x4FB61A001BDBCC, "e70f", 0xB5F6E1FC485DBFF8},
		{0x4FB61A001BDBCC, "37f495", 0xF0B07C789B8CF7E8},
		{0x4FB61A001BDBCC, "8642dc59", 0x7008F2E87E9CF556},
		{0x4FB61A001BDBCC, "153fb79826", 0xE6C08C6DA2AFA997},
		{0x804FB61A001BDBCC, "0932e6246c47", 0xD6DD5E40AD1BC2ED},
		{0x804FB61A001BDBCC, "ab427ea8d10fc7", 0xE203987DBA252FB3},
	} {
		data, err := hex.DecodeString(x.data)
		require.NoError(t, err)
		hi, lo := marvin(data, x.seed)
		assert.Equal(t, x.want, uint64(hi)<<32|uint64(lo), "%x of %q", x.seed, x.data)
	}
}

// TestEntraSecretsOfAllDigits writes secrets as Microsoft says that they are
// made, with numerals of our own.
func TestEntraSecretsOfAllDigits(t *testing.T) {
	var numerals []byte
	for _, r := range [][2]byte{{'a', 'z'}, {'A', 'Z'}, {'1', '9'}} {
		for b := r[0]; b <= r[1]; b++ {
			numerals = append(numerals, b)
		}
	}
	numerals = append(numerals, "0.-_~"...)
	seen := map[byte]bool{}
	for i := range 300 {
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		body := "k3V8Q~" + base64.RawURLEncoding.EncodeToString(sum[:])[:28]
		var digits []byte
		for n := marvin32([]byte(body), "AadPwd00"); n > 0; n /= 66 {
			digits = append([]byte{numerals[n%66]}, digits...)
		}
		for _, d := range digits[:3] {
			seen[d] = true
		}
		assert.Equal(t, valid, entraSecret(value(body, string(digits[:3]))), body)
		other := "a"
		if digits[2] == 'a' {
			other = "b"
		}
		assert.Equal(t, invalid, entraSecret(value(body, string(digits[:2]), other)), body)
	}
	assert.Len(t, seen, len(numerals))
	assert.Equal(t, plausible, entraSecret(value("k3V7", "Q~", strings.Repeat("n4Rt", 8)[:31])), "made before there was a checksum")
}

// TestKeysOfEthereum takes what is a private key on the curve, and no account
// that everybody has.
func TestKeysOfEthereum(t *testing.T) {
	const (
		order   = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
		below   = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"
		hardhat = "ac0974bec39a17e36ba4a6b4d238ff94" + "4bacb478cbed5efcae784d7bf4f2ff80"
	)
	assert.Equal(t, plausible, secp256k1Key(value("0x", below)))
	assert.Equal(t, invalid, secp256k1Key(value("0x", order)))
	assert.Equal(t, invalid, secp256k1Key(value(strings.Repeat("0", 64))))
	assert.Equal(t, invalid, secp256k1Key(value("0x", hardhat)))
	assert.Equal(t, plausible, secp256k1Key(value("0x", strings.Replace(hardhat, "ac", "ad", 1))))
}

// TestClampedKeys flips, one by one, the bits that Curve25519 wants set or clear.
func TestClampedKeys(t *testing.T) {
	key := sha512.Sum512([]byte("a key"))
	key[0] &^= 7
	key[31] = key[31]&0x3f | 0x40
	check := func(want verdict) {
		assert.Equal(t, want, wireguardKey(value(base64.StdEncoding.EncodeToString(key[:32]))))
		assert.Equal(t, want, torOnionKey(value(base64.StdEncoding.EncodeToString(key[:]))))
	}
	check(valid)
	for _, bit := range []int{0, 1, 2, 254, 255} {
		key[bit/8] ^= 1 << (bit % 8)
		check(invalid)
		key[bit/8] ^= 1 << (bit % 8)
	}
}

// TestLengthsOfKeys takes no key that is shorter than its format says.
func TestLengthsOfKeys(t *testing.T) {
	long, short := base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte("k3V8"), 8)), base64.RawURLEncoding.EncodeToString([]byte("k3V8"))
	assert.Equal(t, plausible, privateJWK(value(long)))
	assert.Equal(t, invalid, privateJWK(value(short)))
	assert.Equal(t, plausible, bytesOf(16, 32)(value("base64:", long)))
	assert.Equal(t, invalid, bytesOf(16)(value(long)))
	assert.Equal(t, plausible, bitwardenToken(value("0.id:", long[:22])))
	assert.Equal(t, invalid, bitwardenToken(value("0.id:", short)))
}

// TestAWSKeyIDHasTheAccount decodes ids that were made for accounts.
func TestAWSKeyIDHasTheAccount(t *testing.T) {
	// 123456789012 is in the first, 999999999999, the last account, in the
	// second, and 1099511627775, which none is, in the third.
	assert.Equal(t, valid, awsKeyID(value("AK", "IARZPUZDIKAVHWTLVA")))
	assert.Equal(t, valid, awsKeyID(value("AK", "IA6RVFFB77WWOEDZZL")))
	assert.Equal(t, invalid, awsKeyID(value("AK", "IA77777777QVHWTLVA")))
	assert.Equal(t, invalid, awsKeyID(value("AK", "IA77777777QVHWTLV")))
}

func TestPrivateKeysAreParsed(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(ec)
	require.NoError(t, err)
	sec1, err := x509.MarshalECPrivateKey(ec)
	require.NoError(t, err)
	for _, block := range []*armor.Block{{Type: "PRIVATE KEY", Bytes: pkcs8}, {Type: "EC PRIVATE KEY", Bytes: sec1}} {
		text := string(armor.EncodeToMemory(block))
		lines := strings.Split(strings.TrimSpace(text), "\n")
		for name, written := range map[string]string{
			"as a file":        text,
			"on one line":      strings.ReplaceAll(text, "\n", `\n`),
			"as Go has it":     `"` + strings.Join(lines, "\\n\" +\n\t\"") + `\n"`,
			"indented":         strings.ReplaceAll(text, "\n", "\n    "),
			"in an array":      `["` + strings.Join(lines, "\",\n  \"") + `"]`,
			"from Windows":     strings.ReplaceAll(text, "\n", "\r\n"),
			"with empty lines": strings.ReplaceAll(text, "\n", "\n\n"),
		} {
			from, to := strings.Index(written, "-----BEGIN"), strings.LastIndex(written, "-----")+5
			assert.Equal(t, valid, privatePEM(value(written[from:to])), "%s %s", block.Type, name)
		}
		assert.Equal(t, valid, encodedPEM(value(base64.StdEncoding.EncodeToString([]byte(text)))), block.Type)
		cut := strings.Replace(text, lines[2], "", 1)
		for name, c := range map[string]struct {
			text string
			want verdict
		}{
			"another first byte":    {strings.Replace(text, lines[1], "N"+lines[1][1:], 1), invalid},
			"no base64":             {strings.Replace(text, lines[2], "...", 1), invalid},
			"random bytes":          {lines[0] + "\n" + strings.Repeat("kT9mLq2v", 20) + "\n" + lines[len(lines)-1], invalid},
			"a line is not shown":   {cut, plausible},
			"all behind the first":  {text[:60], plausible},
			"in a comment":          {"# " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n# "), valid},
			"in a patch":            {"+" + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n+"), valid},
			"with a header":         {strings.Replace(text, "\n", "\nComment: deploy\n\n", 1), valid},
			"with escaped slashes":  {strings.ReplaceAll(strings.ReplaceAll(text, "\n", `\n`), "/", `\/`), valid},
			"a certificate instead": {strings.ReplaceAll(text, lines[1], "MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ"), invalid},
		} {
			assert.Equal(t, c.want, privatePEM(value(c.text)), "%s %s", block.Type, name)
		}
	}
	rows := strings.Split(privateKey, "\n")
	assert.Equal(t, valid, privatePEM(value(privateKey)))
	assert.Equal(t, invalid, privatePEM(value(strings.Replace(privateKey, rows[3], rows[4], 1))), "another modulus")
	assert.Equal(t, plausible, privatePEM(value(strings.Replace(privateKey, rows[9]+"\n", "", 1))), "a line is not shown")
	for _, k := range madeKeys(t) {
		assert.Equal(t, valid, privatePEM(value(k.text)), k.kind)
	}
	public, err := x509.MarshalPKIXPublicKey(&ec.PublicKey)
	require.NoError(t, err)
	assert.Equal(t, invalid, encodedPEM(value(base64.StdEncoding.EncodeToString(
		armor.EncodeToMemory(&armor.Block{Type: "PUBLIC KEY", Bytes: public})))))
}

func TestKeyPairsOfEd25519(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	numbers := strings.Trim(strings.ReplaceAll(fmt.Sprint([]byte(private)), " ", ", "), "[]")
	assert.Equal(t, valid, ed25519Pair(value(base64.StdEncoding.EncodeToString(private))))
	assert.Equal(t, valid, ed25519Array(value("["+numbers+"]")))
	assert.Equal(t, invalid, ed25519Array(value("["+numbers+", 1]")))
	assert.Equal(t, invalid, ed25519Array(value("[256"+strings.Repeat(", 1", 63)+"]")))
	swapped := append(bytes.Clone(public), private[:32]...)
	assert.Equal(t, invalid, ed25519Pair(value(base64.StdEncoding.EncodeToString(swapped))))
}

func TestJSONWebTokens(t *testing.T) {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	header, payload := part(`{"alg":"RS256"}`), part(`{"sub":"1"}`)
	for token, want := range map[string]verdict{
		header + "." + payload + "." + part("signature"):                  valid,
		"ghs_12_" + header + "." + payload + "." + part("signature"):      valid,
		part(`{"alg":"none"}`) + "." + payload + ".":                      valid,
		header + "." + payload + ".":                                      invalid,
		part(`{"typ":"JWT"}`) + "." + payload + "." + part("signature"):   invalid,
		header + "." + part(`"text"`) + "." + part("signature"):           invalid,
		header + "." + payload:                                            invalid,
		header[:len(header)-1] + "?." + payload + "." + part("signature"): invalid,
	} {
		assert.Equal(t, want, jsonWebToken(value(token)), token)
	}
}

func TestAzureKeysWithAWrongChecksum(t *testing.T) {
	// Of services whose seeds may not be known to the end, a wrong hash proves nothing.
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{3, 141, 59, 26}, 8))
	assert.Equal(t, plausible, checks()["azure-redis"](value(key)))
	assert.Equal(t, invalid, checks()["azure-messaging"](value(key)))
	assert.Equal(t, invalid, checks()["azure-redis"](value(key[:20])))
	assert.Equal(t, invalid, checks()["azure-redis"](value("not/base64!")))
}

func TestPasswordsAndWhatStandsForThem(t *testing.T) {
	for _, p := range []string{
		"", "short", "password", "pass-word", "Password123", "p@ssw0rd", "P%40ssw0rd", "secret", "my_secret", "mysecretpassword", "changeit", "p4ssw0rd", "vault:secret/app#pw", "process.env.DB_PASSWORD", "getPassword()",
		"/run/secrets/db_password", "op://deploy/db/password", "ENC[AES256_GCM,data:k3V8]", "$2b$12$k3V8n4RtQ0zL7xW2bY9cD5", "__DB_PASSWORD__", "var.db_password", "changeme", "change-me-now",
		"your_password", "<password>", "${DB_PASSWORD}", "$DB_PASSWORD", "%DB_PASSWORD%", "{{ .Values.password }}", "{password}", "[password]",
		"********", "xxxxxxxx", "........", "postgres", "rootpassword", "admin1234", "test1234", "example-password", "12345678", "#{ENV['PW']}",
		"$(cat /run/pw)", "%s", "aaaaaaaa", "letmein1", "prefix-{{ .Values.suffix }}-x", "kT9-${SUFFIX}",
	} {
		assert.Equal(t, invalid, password(p), p)
	}
	for _, p := range []string{"tiger-Lamp7-quartz", "kT9#mLq2", "Wq7bXz3LpR", "correct%20Horse%209", "pässwörtlich9", "passthecheese88"} {
		assert.Equal(t, plausible, password(p), p)
	}
}

func TestAddressesWithPasswords(t *testing.T) {
	const secret = "kT9mLq2vXw"
	for address, want := range map[string]verdict{
		"postgres://app:" + secret + "@db.acme.io/app":             plausible,
		"postgres://app:" + secret + "@db/app":                     plausible, // a host of a network of their own
		"postgres://app:" + secret + "@10.1.2.3/app":               plausible,
		"postgres://app:" + secret + "@[2001:db8::1]:5432/app":     plausible,
		"postgres://app:" + secret + "@localhost:5432/app":         invalid,
		"postgres://app:" + secret + "@127.0.0.1/app":              invalid,
		"postgres://app:" + secret + "@[::1]/app":                  invalid,
		"postgres://app:" + secret + "@db.example.com/app":         invalid,
		"postgres://app:" + secret + "@host:5432/app":              invalid,
		"postgres://app:" + secret + "@${HOST}/app":                invalid,
		"postgres://" + secret + ":" + secret + "@db.acme.io/app":  invalid,
		"redis://:" + secret + "@cache.acme.io:6379/0":             plausible,
		"https://deploy:" + secret + "@git.acme.io/acme/app.git":   plausible,
		"https://deploy:" + secret + "@registry.example/acme/app/": invalid,
	} {
		assert.Equal(t, want, connectionURL(candidate{match: address, value: secret}), address)
	}
	for parameters, want := range map[string]verdict{
		"Server=tcp:acme.database.windows.net,1433;User ID=app;Password=" + secret + ";": plausible,
		"Server=localhost;User ID=app;Password=" + secret + ";":                          invalid,
		"Data Source=.\\SQLEXPRESS;Password=" + secret + ";":                             plausible,
		"jdbc:mysql://db.acme.io/app?password=" + secret:                                 plausible,
		"jdbc:mysql://127.0.0.1/app?password=" + secret:                                  invalid,
	} {
		assert.Equal(t, want, connectionString(candidate{match: parameters, value: secret}), parameters)
	}
}

func TestMadeUpValues(t *testing.T) {
	for _, v := range []string{
		"AKIAIOSFODNN7EXAMPLE", "sk_" + "live_your-own-here", "0123456789abcdef0123456789abcdef", "abcdefghijklmnop", "ABCDEFGHIJ0123",
		"ffffffffffffffff", "00000000-0000-0000-0000-000000000000", "abababababababab", "XXXXXXXX", "REDACTED", "Placeholder0", "kT56789abcLq", "kT56789ABCLq",
	} {
		assert.True(t, madeUp(v), v)
	}
	for _, v := range []string{
		"", "kT9mLq2vXw", "AAAAAAAAAAAAAAAAkT9mLq2vXw", "9f86d081884c7d659a2feaa0c55ad015", "exAmPle7Kd9", "7654321zz", "kT9mLq2vXw======",
	} {
		assert.False(t, madeUp(v), v)
	}
}

func TestMarksOfASandbox(t *testing.T) {
	for v, want := range map[string]bool{
		"sk_test_kT9": true, "sk_live_kT9": false, "sk_sbox_kT9": true, "xnd_development_kT9": true,
		"SB-Mid-server-kT9": true, "Mid-server-kT9": false, "secret-test-kT9": true, "secret-live-kT9": false, "FLWSECK_TEST-kT9": true,
	} {
		assert.Equal(t, want, forTesting(v), v)
	}
}

// TestChecksOfGitleaksAreThere keeps the table of checks for gitleaks' rules in
// step with both sides.
func TestChecksOfGitleaksAreThere(t *testing.T) {
	rules, named := oracle(t).Config.Rules, checks()
	for id, name := range checksOfGitleaks() {
		assert.Contains(t, rules, id)
		assert.Contains(t, named, name, id)
	}
}

// FuzzChecks holds every check to an answer, whatever the value.
func FuzzChecks(f *testing.F) {
	for _, seed := range []string{"", "_", "1", "=", "cflt", "eyJ", "eyJ.eyJ.", "base64:", "S", "[", "[1,2]", "://", "://:@", "Q~", "xxx8Q~", "\xff\xfe"} {
		f.Add(seed, seed)
	}
	for _, r := range ruleEntries(f) {
		for _, e := range r.Examples.Hit {
			f.Add(mended(e), mended(e))
		}
	}
	all := checks()
	f.Fuzz(func(t *testing.T, match, value string) {
		for name, c := range all {
			assert.LessOrEqual(t, c(candidate{match: match, value: value}), valid, name)
		}
	})
}
