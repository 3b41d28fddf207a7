package demo

// SampleText is the demo's sample.
var SampleText = sampleText

// Sums are the go.sum lines of a module of the stage's sample.
func (s *Stage) Sums(path, version string) (string, error) { return s.sample.sums(path, version) }
