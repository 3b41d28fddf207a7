// Package templates holds the texts that people read. What a template is
// given, and the functions it may call, are described in internal/report.
package templates

import "embed"

//go:embed *.tmpl
var FS embed.FS
