package demo

// SampleText is the demo's sample.
var SampleText = sampleText

// Secrets are those of the stage's sample.
func (s *Stage) Secrets() []string { return s.sample.secrets }

// Checksum is what a token of GitHub ends in.
func Checksum(body string) string { return checksum(body) }
