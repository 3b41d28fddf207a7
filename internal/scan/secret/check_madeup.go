package secret

import (
	"slices"
	"strings"
)

const (
	// longestRun is how many equal or ascending characters a random value may
	// have in a row: eight of base62 come up once in 10^12 places.
	longestRun = 7
	// fewestKinds is how many different characters a longer value has at least.
	fewestKinds = 5
)

// madeUp tells whether a person wrote the value to stand for one: it says so,
// it counts, or it repeats itself. Letters "A" and "=" may repeat: they are the
// zeros and the end of base64.
func madeUp(value string) bool {
	return spelled(value) || counts(value) || len(value) >= 16 && kinds(value) < fewestKinds
}

// spelled tells whether a word of documentation is in the value, in one of the
// three ways to write it: a random value has a word in mixed case sooner.
func spelled(value string) bool {
	return slices.ContainsFunc([]string{
		"example", "placeholder", "changeme", "change_me", "change-me", "redacted", "replace", "insert", "dummy",
		"sample", "fake_", "fake-", "_fake", "-fake", "your_", "your-", "_your", "-your", "yourtoken", "yourkey", "yourapikey",
		"yoursecret", "xxxxx", "<token>", "not_real", "not-real", "notreal", "deadbeefdeadbeef", "todo_", "lorem",
		"my_secret", "my-secret", "my_token", "my-token", "my_api", "my-api", "_here", "-here", "-xxxx", "_xxxx",
	}, func(word string) bool {
		return strings.Contains(value, word) || strings.Contains(value, strings.ToUpper(word)) ||
			strings.Contains(value, strings.ToUpper(word[:1])+word[1:])
	})
}

// counts tells whether the value has a run of equal characters, or of ones that
// follow each other, that chance does not make.
func counts(value string) bool {
	same, rising := 1, 1
	for i := 1; i < len(value); i++ {
		same, rising = next(same, value[i] == value[i-1] && value[i] != 'A' && value[i] != '='), next(rising, follows(value[i-1], value[i]))
		if same > longestRun || rising > longestRun {
			return true
		}
	}
	return false
}

func next(run int, on bool) int {
	if on {
		return run + 1
	}
	return 1
}

// follows tells whether a person who counts writes b after a: 0 after 9, and a
// after 9 as in hexadecimal.
func follows(a, b byte) bool {
	switch {
	case a == '9':
		return b == '0' || b == 'a' || b == 'A'
	case a >= '0' && a < '9', a >= 'a' && a < 'z', a >= 'A' && a < 'Z':
		return b == a+1
	}
	return false
}

func kinds(value string) int {
	var seen [256]bool
	n := 0
	for i := range len(value) {
		if !seen[value[i]] {
			seen[value[i]] = true
			n++
		}
	}
	return n
}

// forTesting tells whether the provider's own mark in a value says that it
// opens a sandbox and no more.
func forTesting(value string) bool {
	return slices.ContainsFunc([]string{
		"_test_", "-test-", "_TEST-", "TEST-", "_sbox_", "sandbox", "_sdbx_", "_development_", "SB-Mid-", "_hmlg_", "-dev-",
	}, func(mark string) bool { return strings.Contains(value, mark) })
}
