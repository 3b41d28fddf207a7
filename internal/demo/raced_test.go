//go:build race

package demo_test

// raced: this is a run with the race detector, ten times as slow. The long
// suites play a part of what they play without, which is enough to find races.
const raced = true
