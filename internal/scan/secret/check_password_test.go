package secret

import (
	"math/rand"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestGeneratedPasswords tells what a machine made from what people and programs write.
func TestGeneratedPasswords(t *testing.T) {
	for class, least := range map[string]int{"{a:16}": 890, "{a:24}": 970, "{l:24}": 980, "{h:32}": 980, "{a:12}": 830} {
		made, r := 0, rand.New(rand.NewSource(1))
		for range 1000 {
			if generatedPassword(value(filled(r, class))) == plausible {
				made++
			}
		}
		assert.GreaterOrEqual(t, made, least, class)
	}
	for _, v := range []string{
		"kT9mLq2vXw", "config-for-release-2026", "getUserPass" + "wordV2", "x509.PEMCipher3DES", "-2.817485918653357e+01", "Tr0ub4dor-and-3-Horses",
		"4-v3ry-53cr37-" + "p455w0rd", "Summer2026!!!", "projects/acme2/db3/pw4", "correcthorsebattery9", "AdminAdmin123456", "01234567890123456789",
		"4f1c2d3e-4b5a-6978-8796-a5b4c3d2e1f0", "4f1c2d3e4b5a69788796" + "a5b4c3d2e1f001122334", "SuperSec" + "ret12345", "Xp455w0rd9Zk2qT7v",
	} {
		assert.Equal(t, invalid, generatedPassword(value(v)), v)
	}
}
