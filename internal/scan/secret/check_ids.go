package secret

import (
	"encoding/base32"
	"encoding/binary"
	"regexp"
	"slices"
	"strings"
)

// awsKeyID decodes the account from an access key id of AWS: since 2019 it is
// in the 40 bits after the first of what follows the four letters.
func awsKeyID(c candidate) verdict {
	const letters = 4
	if len(c.value) != 20 {
		return invalid
	}
	data, err := base32.StdEncoding.DecodeString(c.value[letters:])
	if err != nil {
		return invalid
	}
	if data[0] < 0x80 {
		return plausible // an older id, which has no account in it
	}
	account := binary.BigEndian.Uint64(append([]byte{0, 0}, data[:6]...)) >> 7 & (1<<40 - 1)
	return proof(account < 1e12) // accounts have twelve digits
}

// sesPassword checks an SMTP password of Amazon SES: a version and a hash of 32
// bytes in base64.
// https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
func sesPassword(c candidate) verdict {
	const version = 4
	data, ok := decodeBase64(c.value)
	return shape(ok && len(data) == 33 && data[0] == version)
}

// eksToken checks a token for a cluster of Amazon EKS: a signed address in base64.
func eksToken(c candidate) verdict {
	data, ok := decodeBase64(strings.TrimPrefix(c.value, "k8s-aws-v1."))
	return proof(ok && strings.HasPrefix(string(data), "https://sts.") && strings.Contains(string(data), "X-Amz-Signature="))
}

// discordBot checks a token of a bot of Discord: first comes the number of the
// bot in base64.
// https://discord.com/developers/docs/reference#snowflakes
func discordBot(c candidate) verdict {
	id, _, _ := strings.Cut(c.value, ".")
	data, ok := decodeBase64(id)
	return proof(ok && len(data) >= 17 && len(data) <= 20 && allDigits(data))
}

func allDigits(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c < '0' || c > '9' })
}

// bitwardenToken checks an access token of Bitwarden Secrets Manager: it ends
// in a key of 16 bytes.
func bitwardenToken(c candidate) verdict {
	_, key, _ := strings.Cut(c.value, ":")
	data, ok := decodeBase64(key)
	return shape(ok && len(data) == 16)
}

var intercomText = regexp.MustCompile(`^tok:[0-9a-f]{8}_[0-9a-f]{4}_[0-9a-f]{4}_[0-9a-f]{4}_[0-9a-f]{12}:\d:\d$`)

// intercomToken checks an access token of Intercom: a text in base64.
func intercomToken(c candidate) verdict {
	data, ok := decodeBase64(c.value)
	return proof(ok && intercomText.Match(data))
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// pubnubKey checks a secret key of PubNub: a UUID in base64.
func pubnubKey(c candidate) verdict {
	data, ok := decodeBase64(strings.TrimPrefix(c.value, "sec-c-"))
	return proof(ok && uuid.Match(data))
}

var elasticText = regexp.MustCompile(`^[\w-]{20}:[\w-]{22}$`)

// elasticKey checks an encoded API key of Elasticsearch: an id and a key in base64.
// https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-security-create-api-key
func elasticKey(c candidate) verdict {
	data, ok := decodeBase64(c.value)
	return proof(ok && elasticText.Match(data) && !madeUp(string(data)))
}

// bytesOf returns the check of a key that is base64 of one of the lengths, in bytes.
func bytesOf(lengths ...int) check {
	return func(c candidate) verdict {
		data, ok := decodeBase64(strings.TrimPrefix(c.value, "base64:"))
		return shape(ok && slices.Contains(lengths, len(data)))
	}
}
