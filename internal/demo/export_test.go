package demo

// SampleText is the demo's sample.
var SampleText = sampleText
