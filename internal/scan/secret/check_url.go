package secret

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// shortestPassword is the least that is worth a report: shorter ones are those
// of examples and of development machines.
const shortestPassword = 6

// stand matches what stands for a password: a variable, a placeholder of some
// template language, asterisks.
var stand = regexp.MustCompile(`^\$|^%[A-Za-z_(]|^[<{\[(].*[>}\])]$|\$\{|\$\(|\{\{|#\{|^[*.xX•_-]+$|%\w*[sdv]$|^\{`)

// password tells a password from what stands for one in documentation.
func password(p string) verdict {
	plain := strings.Trim(p, `'"`)
	if decoded, err := url.PathUnescape(plain); err == nil {
		plain = decoded
	}
	if len(plain) < shortestPassword || madeUp(plain) || stand.MatchString(plain) {
		return invalid
	}
	word := strings.TrimRight(strings.ToLower(plain), "0123456789!._-")
	for _, cut := range []string{"my", "the", "your", "some", "db", "user", "test", "super", "app", "top", "admin", "new"} {
		word = strings.TrimLeft(strings.TrimPrefix(word, cut), "_-")
	}
	stands := []string{
		"", "password", "passwort", "passwd", "passw", "pass", "pwd", "secret", "secretpassword", "verysecret", "supersecret", "topsecret",
		"admin", "administrator", "root", "rootpassword", "user", "username", "guest", "test", "testing", "tester", "demo", "login", "private",
		"postgres", "postgresql", "mysql", "mariadb", "mongo", "mongodb", "redis", "rabbitmq", "rabbit", "database", "default", "docker",
		"foo", "bar", "baz", "foobar", "qwerty", "letmein", "welcome", "hunter", "token", "apikey", "api_key", "key", "string",
		"elastic", "clickhouse", "neo", "oracle", "sqlserver", "local", "localhost", "development", "dev", "minio", "minioadmin", "credentials",
		"password_here", "enter_password", "db_password", "dbpass", "dbpassword", "p@ssw0rd", "p@ssword", "passw0rd", "pa$$word", "pa55word",
		"yourstrong(!)password", "yourstrong@passw0rd", "strong_password", "strongpassword", "correcthorsebatterystaple", "urlencoded", "opensesame", "x-oauth-basic", "deadbeef", "d3adb33f", "ignored",
	}
	if slices.Contains(stands, word) || slices.Contains(stands, strings.ReplaceAll(word, "-", "")) {
		return invalid
	}
	return plausible
}

// hostless tells whether a host names no machine that others could reach.
func hostless(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback() || ip.IsUnspecified()
	}
	for _, end := range []string{"example", "example.com", "example.org", "example.net", "test", "invalid", "localhost", "example.local"} {
		if host == end || strings.HasSuffix(host, "."+end) {
			return true
		}
	}
	return slices.Contains([]string{
		"", "host", "hostname", "server", "servername", "address", "ip", "domain", "domain.com", "yourhost", "myhost", "your-host", "my-host",
		"your_host", "my_host", "host.docker.internal", "somehost", "some-host", "db_host", "dbhost", "endpoint", "url", "foo", "bar",
		"foo.com", "bar.com", "host.com", "server.com", "myserver", "yourserver", "my-server", "your-server", "company.com", "mydomain.com", "yourdomain.com",
		"acme.com", "somewhere.com", "hostname.com", "proxy", "proxyhost", "proxy.com",
	}, host) || stand.MatchString(host) || strings.ContainsAny(host, "<>{}$%*") || spelled(host)
}

var userinfo = regexp.MustCompile(`://([^\s:/?#@]*):(.+)@([^\s/?#,@]+)`)

// connectionURL checks an address with a password in it: neither that nor the
// host may be a stand-in.
func connectionURL(c candidate) verdict {
	m := userinfo.FindStringSubmatch(c.match)
	if m == nil || hostless(m[3]) || strings.EqualFold(m[1], m[2]) {
		return invalid
	}
	return password(c.value)
}

var (
	parameter = regexp.MustCompile(`(?i)(?:server|data source|host|hostname|address|addr|accountname|endpoint|accountendpoint)\s*=\s*["']?(?:tcp:|[a-z]+://)?([^;,"'\s/:]+)`)
	inAddress = regexp.MustCompile(`(?i)jdbc:[a-z0-9:]+//([^/:;?,\s]+)`)
)

// connectionString checks parameters with a password among them, such as
// "Server=...;Password=...".
func connectionString(c candidate) verdict {
	m := parameter.FindStringSubmatch(c.match)
	if m == nil {
		m = inAddress.FindStringSubmatch(c.match)
	}
	if m != nil && hostless(m[1]) {
		return invalid
	}
	return password(c.value)
}

// basicAuth checks a user and a password in base64, as in a Docker or npm configuration.
func basicAuth(c candidate) verdict {
	data, ok := decodeBase64(c.value)
	if !ok {
		return invalid
	}
	user, secret, found := strings.Cut(string(data), ":")
	printable := !strings.ContainsFunc(string(data), func(r rune) bool { return r < ' ' || r > '~' })
	if !found || user == "" || !printable || strings.EqualFold(user, secret) {
		return invalid
	}
	return password(secret)
}
