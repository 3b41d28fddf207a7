package gomod

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBuilder(t *testing.T) {
	for text, want := range map[string]string{
		"FROM golang:1.22.1\n": "1.22.1",
		"# syntax\nfrom --platform=$BUILDPLATFORM golang:1.22.1-alpine AS build\nFROM scratch": "1.22.1",
		"FROM docker.io/library/golang:1.22.1@sha256:00":                                       "1.22.1",
		"FROM golang:1.23.4\nFROM golang:1.22.9":                                               "1.22.9",
		"FROM golang:1.22\n":                                                                   "",
		"FROM golang:latest":                                                                   "",
		"FROM golang:${GO}":                                                                    "",
		"FROM example/golang:1.22.1":                                                           "",
		"# FROM golang:1.22.1":                                                                 "",
	} {
		_, got := Ecosystem{}.Builder("build/Dockerfile", []byte(text))
		assert.Equal(t, want, got, text)
	}
	_, got := Ecosystem{}.Builder("notes.txt", []byte("FROM golang:1.22.1"))
	assert.Empty(t, got)
}
