package fakehub

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// gitPath splits /OWNER/NAME.git/info/refs and the like.
func gitPath(path string) (repo, service string, ok bool) {
	for _, s := range []string{"/info/refs", "/git-upload-pack", "/git-receive-pack"} {
		if name, found := strings.CutSuffix(path, s); found && strings.Count(name, "/") == 2 {
			return strings.TrimSuffix(strings.TrimPrefix(name, "/"), ".git"), s[1:], true
		}
	}
	return "", "", false
}

// serveGit answers git's smart HTTP, read only. Only finding the repository
// needs the lock.
func (h *Hub) serveGit(w http.ResponseWriter, r *http.Request, name, service string) {
	h.mu.Lock()
	repo, status, text := h.gitAccess(r, name)
	h.mu.Unlock()
	switch {
	case status == http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
		http.Error(w, text, status)
	case status == http.StatusMovedPermanently:
		http.Redirect(w, r, text+"/"+service+"?"+r.URL.RawQuery, status)
	case status != 0:
		http.Error(w, text, status)
	case service == "info/refs" && r.Method == http.MethodGet && r.URL.Query().Get("service") == "git-upload-pack":
		h.advertise(w, r, repo)
	case service == "git-upload-pack" && r.Method == http.MethodPost:
		h.uploadPack(w, r, repo)
	case service == "info/refs" && r.URL.Query().Get("service") == "":
		http.Error(w, "Please upgrade your git client.\nGitHub.com no longer supports git over dumb-http: https://github.com/blog/809-git-dumb-http-transport-to-be-turned-off-in-90-days", http.StatusForbidden)
	default:
		http.Error(w, "Write access to repository not granted.", http.StatusForbidden)
	}
}

func (h *Hub) gitAccess(r *http.Request, name string) (*Repo, int, string) {
	login, value, given := r.BasicAuth()
	if !given {
		return nil, http.StatusUnauthorized, "No anonymous read access."
	}
	t := h.validToken(value)
	if login != "x-access-token" || t == nil {
		return nil, http.StatusUnauthorized, "Invalid username or token. Password authentication is not supported for Git operations."
	}
	if !t.install.suspended.IsZero() {
		return nil, http.StatusForbidden, "This installation has been suspended"
	}
	key := strings.ToLower(name)
	if to := h.moved[key]; h.repos[key] == nil && to != nil && t.sees(to) {
		return nil, http.StatusMovedPermanently, "/" + to.String() + ".git"
	}
	repo := h.repos[key]
	if repo == nil || !t.sees(repo) {
		return nil, http.StatusNotFound, "Repository not found."
	}
	if !t.can("contents:read") {
		return nil, http.StatusForbidden, "Write access to repository not granted."
	}
	return repo, 0, ""
}

func noCache(w http.ResponseWriter, kind string) {
	w.Header().Set("Content-Type", "application/x-git-upload-pack-"+kind)
	w.Header().Set("Cache-Control", "no-cache, max-age=0, must-revalidate")
}

func (h *Hub) advertise(w http.ResponseWriter, r *http.Request, repo *Repo) {
	protocol := r.Header.Get("Git-Protocol")
	cmd := h.git.command(r.Context(), repo.dir, []string{"GIT_PROTOCOL=" + protocol}, "upload-pack", "--stateless-rpc", "--advertise-refs", ".")
	out, err := cmd.Output()
	if err != nil {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	noCache(w, "advertisement")
	if !strings.Contains(protocol, "version=2") {
		const hello = "# service=git-upload-pack\n"
		_, _ = fmt.Fprintf(w, "%04x%s0000", len(hello)+4, hello)
	}
	_, _ = w.Write(out)
}

func (h *Hub) uploadPack(w http.ResponseWriter, r *http.Request, repo *Repo) {
	if r.Header.Get("Content-Type") != "application/x-git-upload-pack-request" {
		http.Error(w, "Unsupported Media Type", http.StatusUnsupportedMediaType)
		return
	}
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, "Bad Request", http.StatusBadRequest)
			return
		}
		in = z
	}
	noCache(w, "result")
	cmd := h.git.command(r.Context(), repo.dir, []string{"GIT_PROTOCOL=" + r.Header.Get("Git-Protocol")}, "upload-pack", "--stateless-rpc", ".")
	cmd.Stdin, cmd.Stdout = in, w
	// What git has to say of a bad request is an ERR packet in the answer.
	_ = cmd.Run()
}
