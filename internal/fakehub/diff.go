package fakehub

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// What GitHub shows of a pull request's diff; further files have no patch, and
// no line of them can be commented.
const (
	shownFiles = 300
	shownLines = 20_000
	shownBytes = 1 << 20
	listFiles  = 3_000 // files of a pull request that can be listed at all
)

// A FileDiff is what happened to one file, as the page of a pull request shows it.
type FileDiff struct {
	Path      string `json:"path"`
	OldPath   string `json:"old_path,omitempty"` // if renamed
	Status    string `json:"status"`             // added, removed, modified, renamed or changed (only its mode)
	Additions int    `json:"additions"`
	Deletions int    `json:"deletions"`
	Binary    bool   `json:"binary,omitempty"`
	Hidden    bool   `json:"hidden,omitempty"` // too large to be shown: no hunks
	Hunks     []Hunk `json:"hunks,omitempty"`

	blob string // new content, or old if removed
}

// A Hunk is a changed region with three lines around it.
type Hunk struct {
	Header   string     `json:"header"` // "@@ -1,3 +1,4 @@ func main() {"
	OldStart int        `json:"old_start"`
	OldLines int        `json:"old_lines"`
	NewStart int        `json:"new_start"`
	NewLines int        `json:"new_lines"`
	Lines    []DiffLine `json:"lines"`
}

// A DiffLine is one line of a hunk. Old or New is 0 where the line is not.
type DiffLine struct {
	Kind string `json:"kind"` // " ", "+" or "-"
	Old  int    `json:"old,omitempty"`
	New  int    `json:"new,omitempty"`
	Text string `json:"text"`
	last bool   // no newline at the end of the file
}

// diff compares two commits as a pull request does; base is the merge base or "".
func (r *Repo) diff(base, head string) ([]FileDiff, error) {
	key := base + ".." + head
	if d, ok := r.diffs[key]; ok {
		return d, nil
	}
	d, err := r.compareTrees(base, head, 3)
	if err != nil {
		return nil, err
	}
	lines, size := 0, 0
	for i := range d {
		for _, h := range d[i].Hunks {
			lines += len(h.Lines)
			for _, l := range h.Lines {
				size += len(l.Text) + 2
			}
		}
		if i >= shownFiles || lines > shownLines || size > shownBytes {
			d[i].Hidden, d[i].Hunks = true, nil
		}
	}
	r.diffs[key] = d
	return d, nil
}

// compareTrees parses git's own diff of two trees.
func (r *Repo) compareTrees(base, head string, context int) ([]FileDiff, error) {
	if base == "" {
		empty, err := r.line("hash-object", "-t", "tree", "-w", "/dev/null")
		if err != nil {
			return nil, fmt.Errorf("diff %v: %w", r, err)
		}
		base = empty
	}
	raw, err := r.git("diff-tree", "-r", "-M", "--raw", "-z", "--no-abbrev", base, head)
	if err != nil {
		return nil, fmt.Errorf("diff %v: %w", r, err)
	}
	patch, err := r.git("diff-tree", "-r", "-M", "-p", "--no-color", "--no-ext-diff", "--no-textconv", fmt.Sprintf("-U%d", context), base, head)
	if err != nil {
		return nil, fmt.Errorf("diff %v: %w", r, err)
	}
	files := parseRaw(raw)
	sections := splitPatch(patch)
	at := 0
	for i := range files {
		n := 1
		if files[i].Status == "type" { // a deletion and a creation
			n, files[i].Status = 2, "modified"
		}
		for range n {
			if at < len(sections) {
				files[i].read(sections[at])
			}
			at++
		}
		if files[i].Status == "modified" && !files[i].Binary && len(files[i].Hunks) == 0 {
			files[i].Status = "changed"
		}
	}
	return files, nil
}

// parseRaw reads `git diff-tree --raw -z`.
func parseRaw(raw []byte) []FileDiff {
	fields := strings.Split(strings.TrimSuffix(string(raw), "\x00"), "\x00")
	var out []FileDiff
	for i := 0; i+1 < len(fields); {
		meta := strings.Fields(fields[i])
		if len(meta) < 5 {
			break
		}
		f := FileDiff{Path: fields[i+1], blob: meta[3]}
		i += 2
		switch meta[4][0] {
		case 'A':
			f.Status = "added"
		case 'D':
			f.Status, f.blob = "removed", meta[2]
		case 'R', 'C':
			f.Status, f.OldPath, f.Path = "renamed", f.Path, fields[i]
			i++
		case 'T':
			f.Status = "type"
		default:
			f.Status = "modified"
		}
		out = append(out, f)
	}
	return out
}

// splitPatch cuts a patch by file; content lines never start with a "d".
func splitPatch(patch []byte) [][]byte {
	var out [][]byte
	for len(patch) > 0 {
		end := bytes.Index(patch[1:], []byte("\ndiff --git "))
		if end < 0 {
			return append(out, patch)
		}
		out, patch = append(out, patch[:end+2]), patch[end+2:]
	}
	return out
}

var hunkHeader = regexp.MustCompile(`^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@`)

// read adds the hunks of a section to f.
func (f *FileDiff) read(section []byte) {
	var h *Hunk
	old, now := 0, 0
	for _, line := range strings.Split(strings.TrimSuffix(string(section), "\n"), "\n") {
		if m := hunkHeader.FindStringSubmatch(line); m != nil && !strings.HasPrefix(line, " ") {
			f.Hunks = append(f.Hunks, Hunk{Header: line, OldStart: atoi(m[1]), OldLines: count(m[2]), NewStart: atoi(m[3]), NewLines: count(m[4])})
			h = &f.Hunks[len(f.Hunks)-1]
			old, now = h.OldStart, h.NewStart
			continue
		}
		if h == nil {
			if strings.HasPrefix(line, "Binary files ") {
				f.Binary = true
			}
			continue
		}
		if line == "" {
			continue
		}
		l := DiffLine{Kind: line[:1], Text: line[1:]}
		switch l.Kind {
		case "+":
			l.New = now
			now++
			f.Additions++
		case "-":
			l.Old = old
			old++
			f.Deletions++
		case " ":
			l.Old, l.New = old, now
			old++
			now++
		default: // "\ No newline at end of file"
			h.Lines[len(h.Lines)-1].last = true
			continue
		}
		h.Lines = append(h.Lines, l)
	}
}

// count reads the length in a hunk header, which is 1 if left out.
func count(s string) int {
	if s == "" {
		return 1
	}
	return atoi(s)
}

// patch renders the hunks as GitHub's "patch": no file header.
func (f FileDiff) patch() string {
	var b strings.Builder
	for i, h := range f.Hunks {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(h.Header)
		for _, l := range h.Lines {
			b.WriteString("\n" + l.Kind + l.Text)
			if l.last {
				b.WriteString("\n\\ No newline at end of file")
			}
		}
	}
	return b.String()
}

// on returns the number of the line on a side, LEFT or RIGHT, or 0.
func (l DiffLine) on(side string) int {
	if side == "LEFT" {
		return l.Old
	}
	return l.New
}

// at returns the hunk that shows a line and the line's index in it.
func (f FileDiff) at(side string, line int) (*Hunk, int) {
	for i := range f.Hunks {
		for j, l := range f.Hunks[i].Lines {
			if line > 0 && l.on(side) == line {
				return &f.Hunks[i], j
			}
		}
	}
	return nil, -1
}

// upTo renders a hunk to the line with index i: what is shown above a comment.
func (h *Hunk) upTo(i int) string {
	var b strings.Builder
	b.WriteString(h.Header)
	for _, l := range h.Lines[:i+1] {
		b.WriteString("\n" + l.Kind + l.Text)
	}
	return b.String()
}

// follow tells where a line of path at the commit from is at the commit to;
// 0 if it was changed or removed.
func (r *Repo) follow(from, to, path string, line int) int {
	if from == to {
		return line
	}
	key := from + ".." + to
	d, ok := r.moves[key]
	if !ok {
		var err error
		if d, err = r.compareTrees(from, to, 0); err != nil {
			return 0
		}
		r.moves[key] = d
	}
	for _, f := range d {
		if f.Path != path && f.OldPath != path {
			continue
		}
		if f.Path != path || f.Status == "removed" || f.Binary {
			return 0
		}
		shift := 0
		for _, h := range f.Hunks {
			switch {
			case line < h.OldStart || line == h.OldStart && h.OldLines == 0:
				return line + shift
			case line < h.OldStart+h.OldLines:
				return 0
			}
			shift += h.NewLines - h.OldLines
		}
		return line + shift
	}
	return line
}

// Diff returns the files of pull request n as its page shows them.
func (r *Repo) Diff(n int) ([]FileDiff, error) {
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	p := r.pull(n)
	if p == nil {
		return nil, fmt.Errorf("pull request %d of %v: %w", n, r, errNotFound)
	}
	d, err := r.diff(p.mergeBase(), p.HeadSHA)
	return append([]FileDiff{}, d...), err
}
