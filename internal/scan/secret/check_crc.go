package secret

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

const digits62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// proof is valid if what must hold for a generated value holds.
func proof(holds bool) verdict {
	if holds {
		return valid
	}
	return invalid
}

// hint is valid if what is known to hold for generated values holds. If not,
// nothing is said against the value: the provider never promised it.
func hint(holds bool) verdict {
	if holds {
		return valid
	}
	return plausible
}

// shape is plausible if the value is built as the format says, which chance or
// a person may have done too.
func shape(fits bool) verdict {
	if fits {
		return plausible
	}
	return invalid
}

// crcBase62 checks tokens of GitHub, npm, NetBird and Polar: after the last "_"
// come random characters and, in six digits of base 62, their CRC-32.
// https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
func crcBase62(c candidate) verdict {
	body := c.value[strings.LastIndexByte(c.value, '_')+1:]
	const digits = 6
	if len(body) <= digits {
		return invalid
	}
	random, sum := body[:len(body)-digits], crc32.ChecksumIEEE([]byte(body[:len(body)-digits]))
	want := make([]byte, digits)
	for i := digits - 1; i >= 0; i-- {
		want[i], sum = digits62[sum%62], sum/62
	}
	return proof(body[len(random):] == string(want))
}

// gitlabRoutable checks a routable token of GitLab: it ends in the CRC-32 of
// all that comes before, in seven digits of base 36.
// https://handbook.gitlab.com/handbook/engineering/architecture/design-documents/cells/routable_tokens/
func gitlabRoutable(c candidate) verdict {
	const digits = 7
	if len(c.value) <= digits {
		return invalid
	}
	head, tail := c.value[:len(c.value)-digits], c.value[len(c.value)-digits:]
	sum := strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(head))), 36)
	return proof(strings.Repeat("0", digits-len(sum))+sum == tail)
}

// packagistChecksum checks a token of Private Packagist: it ends in the CRC-32
// of its prefix and random part, in eight digits of base 16.
func packagistChecksum(c candidate) verdict {
	n := len(c.value) - 8
	return proof(n > 0 && fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(c.value[:n]))) == c.value[n:])
}

// confluentChecksum checks an API secret of Confluent Cloud: it ends in the
// first six characters of the base64 of the CRC-32, least significant byte
// first, of what is between the prefix and them.
// https://docs.confluent.io/cloud/current/security/authenticate/workload-identities/service-accounts/api-keys/overview.html
func confluentChecksum(c candidate) verdict {
	body, ok := strings.CutPrefix(c.value, "cflt")
	n := len(body) - 6
	if !ok || n <= 0 {
		return invalid
	}
	return proof(base64.StdEncoding.EncodeToString(littleEndian(crc32.ChecksumIEEE([]byte(body[:n]))))[:6] == body[n:])
}

// grafanaChecksum checks a service account token of Grafana: it ends in the
// CRC-32 of the rest, in hexadecimal, least significant byte first.
// https://github.com/grafana/grafana/blob/main/pkg/components/satokengen/tokengen.go
func grafanaChecksum(c candidate) verdict {
	i := strings.LastIndexByte(c.value, '_')
	if i < 0 {
		return invalid
	}
	return proof(strings.EqualFold(hex.EncodeToString(littleEndian(crc32.ChecksumIEEE([]byte(c.value[:i])))), c.value[i+1:]))
}

// atlassianChecksum checks a token of Atlassian, which ends in "=" and the
// CRC-32 of all before, "=" too. Atlassian does not write of it.
func atlassianChecksum(c candidate) verdict {
	i := strings.LastIndexByte(c.value, '=')
	return hint(i > 0 && fmt.Sprintf("%08X", crc32.ChecksumIEEE([]byte(c.value[:i+1]))) == c.value[i+1:])
}

func littleEndian(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
