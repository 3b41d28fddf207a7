package policy

import (
	"strings"
	"time"

	"github.com/pullwarden/pullwarden/internal/finding"
)

const day = 24 * time.Hour

// Default is the policy of a repository that has no file. It names no Mode:
// that is the operator's, and Enforce where nobody says anything.
func Default() Policy {
	p := Policy{
		Block:           finding.High,
		Comment:         finding.Medium,
		UnknownSeverity: finding.Medium,
		OnScannerError:  Note,
		Uncovered:       Note,
		TestPaths:       []string{"**/testdata/**", "**/test-data/**", "**/test_data/**", "**/fixtures/**", "**/test-fixtures/**", "**/__fixtures__/**"},
		Checks:          OneCheck,
		Inline:          10,
		Floors:          noFloors(),
		Scanners:        map[string]Scanner{},
		Upgrades:        Upgrades{Enabled: true, Open: 5, Labels: []string{"dependencies"}},
		Hash:            "default",
	}
	for _, s := range sections() {
		p.Scanners[s.key] = Scanner{Enabled: true}
	}
	p.Scanners[infrastructure] = Scanner{Enabled: true, Profile: Recommended}
	return p
}

// infrastructure is the section that has a profile.
const infrastructure = "iac"

// A section is a scanner's place in the file, and the name it has elsewhere.
type section struct{ key, scanner string }

func sections() []section {
	return []section{
		{"secrets", "secret"}, {"dependencies", "dependency"}, {"iac", "iac"}, {"text", "text"},
	}
}

// scanner returns what p says of a scanner, by either of its names. Of one
// that the file has no section for it says nothing but that it runs.
func (p Policy) scanner(name string) Scanner {
	for _, s := range sections() {
		if name == s.key || name == s.scanner {
			if said, ok := p.Scanners[s.key]; ok {
				return said
			}
		}
	}
	return Scanner{Enabled: true}
}

// ScannerOf returns the Name of the scanner that name stands for, which may be
// that of its section in the file; any other name comes back as it is.
func ScannerOf(name string) string {
	for _, s := range sections() {
		if name == s.key {
			return s.scanner
		}
	}
	return name
}

// SectionOf returns the name that a scanner has in the file, and wherever people
// choose scanners; any other name comes back as it is.
func SectionOf(scanner string) string {
	for _, s := range sections() {
		if scanner == s.scanner {
			return s.key
		}
	}
	return scanner
}

// Enabled reports whether a scanner is to run; scanner is its Name or its
// section in the file.
func (p Policy) Enabled(scanner string) bool { return p.scanner(scanner).Enabled }

// skips reports whether s leaves out a rule, given by its full id.
func (s Scanner) skips(rule string) bool {
	_, short, _ := strings.Cut(rule, "/")
	for _, id := range s.Skip {
		if id == rule || id == short {
			return true
		}
	}
	return false
}
