package app

import (
	"crypto/tls"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// patience is how long a server waits for who talks to it.
type patience struct {
	header, request time.Duration // until it has arrived
	answer          time.Duration // until it is taken, from the header on
	idle            time.Duration // between two requests
}

// GitHub gives up a delivery after 10 s; GitHub Enterprise Server after 30 s.
func publicPatience() patience {
	return patience{header: 5 * time.Second, request: 30 * time.Second, answer: 40 * time.Second, idle: time.Minute}
}

func adminPatience() patience {
	return patience{header: 5 * time.Second, request: 10 * time.Second, answer: time.Minute, idle: time.Minute}
}

// newServer answers with h, and speaks TLS if cert is not nil.
func newServer(h http.Handler, p patience, cert *certificate, out zerolog.Logger) *http.Server {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: p.header, ReadTimeout: p.request, WriteTimeout: p.answer, IdleTimeout: p.idle,
		MaxHeaderBytes: 64 << 10, ErrorLog: log.New(lines{out}, "", 0), Protocols: new(http.Protocols),
	}
	s.Protocols.SetHTTP1(true) // all that webhooks need
	if cert != nil {
		s.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: cert.get}
	}
	return s
}

func serve(s *http.Server, ln net.Listener) error {
	if s.TLSConfig != nil {
		return s.ServeTLS(ln, "", "")
	}
	return s.Serve(ln)
}

// lines are what the HTTP server has to say: mostly of strangers' handshakes,
// so it is for who looks closely.
type lines struct{ log zerolog.Logger }

func (l lines) Write(p []byte) (int, error) {
	text, level := strings.TrimSpace(string(p)), zerolog.DebugLevel
	if strings.HasPrefix(text, "http: panic") {
		level = zerolog.ErrorLevel
	}
	l.log.WithLevel(level).Str("text", text).Msg("HTTP")
	return len(p), nil
}
