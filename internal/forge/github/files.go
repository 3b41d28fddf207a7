package github

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pullwarden/pullwarden/internal/forge"
)

// filesPart asks for n files at the tip of the default branch.
func filesPart(n int) (parameters, part string) {
	var p, files strings.Builder
	for i := range n {
		fmt.Fprintf(&p, ", $path%d: String!", i)
		fmt.Fprintf(&files, "file%d: file(path: $path%d) %s\n", i, i, filePart)
	}
	return p.String(), `defaultBranchRef { name target { ... on Commit { oid ` + files.String() + ` } } }`
}

func withPaths(variables map[string]any, paths []string) map[string]any {
	for i, path := range paths {
		variables[fmt.Sprint("path", i)] = path
	}
	return variables
}

const filePart = `{ mode type object { ... on Blob { byteSize isBinary isTruncated text } } }`

type fileAnswer struct {
	Mode   int
	Type   string
	Object struct {
		ByteSize              int
		IsBinary, IsTruncated bool
		Text                  *string
	}
}

const (
	regularFile    = 0o100644
	executableFile = 0o100755
)

// files returns the files of an answer to filesPart; read gets those that are
// no plain text, as REST shows them.
func (a *repositoryAnswer) files(paths []string, read func(path string) ([]byte, error)) (map[string]forge.File, error) {
	out := map[string]forge.File{}
	for i, path := range paths {
		var file *fileAnswer
		if a.DefaultBranchRef != nil {
			if err := json.Unmarshal(a.DefaultBranchRef.Target[fmt.Sprint("file", i)], &file); err != nil {
				return nil, fmt.Errorf("read GitHub's answer: %w", err)
			}
		}
		var f forge.File
		switch {
		case file == nil:
			f.Err = fmt.Errorf("read %s: %w", path, forge.ErrNotFound)
		case file.Type == "blob" && (file.Mode == regularFile || file.Mode == executableFile) && file.Object.Text != nil &&
			!file.Object.IsBinary && !file.Object.IsTruncated && len(*file.Object.Text) == file.Object.ByteSize:
			f.Text = []byte(*file.Object.Text)
		default:
			f.Text, f.Err = read(path)
		}
		out[path] = f
	}
	return out, nil
}
