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

// stand matches what stands for a password: a variable or placeholder of some
// template language, asterisks, an expression or a call of a program, a place
// in a store of secrets or of files, a hash, what is encrypted.
var stand = regexp.MustCompile(`^\$|^%[A-Za-z_(]|^[<{\[(].*[>}\])]$|\$\{|\$\(|\{\{|#\{|^#.*#$|^[*.xX•_-]+$|%\w*[sdv]$|^\{|^__.*__$|^@@.*@@$|` +
	`^(?:var|vars|local|data|module|each|self|this|process|import|os|settings|config|cfg|env|ENV|System|secrets|[Vv]alues|args|opts|options|params|request|random_password)\.\w|` +
	`^[A-Za-z_][\w.]*\(.*\)$|^/(?:run|etc|var|opt|mnt|home|usr|secrets|path)/|^(?:file|https?|vault|op|arn|ref\+\w+|env|ssm|secretsmanager|awssm|gcpsm)[:/]|^projects/|^@Microsoft\.|` +
	`^ENC[\[(]|^(?:pbkdf2|scrypt|argon2\w*|bcrypt|sha\d+|md5):`)

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
		"yourstrong(!)password", "yourstrong@passw0rd", "strong_password", "strongpassword", "correcthorsebatterystaple", "urlencoded", "proxypass", "repopwd", "changeit", "secrettoken", "opensesame", "open sesame", "gx1fbat3bv", "7fjfp0zbr1ktdrbnfvdmiw", // of RFC 6749
		"x-oauth-basic", "deadbeef", "d3adb33f", "ignored",
	}
	if slices.Contains(stands, word) || slices.Contains(stands, unleet.Replace(word)) || slices.Contains(stands, strings.ReplaceAll(word, "-", "")) {
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

// userinfo matches a user, a password and a host: in an address, in a data
// source name of Go's driver of MySQL, and in a JDBC URL of Oracle.
var userinfo = []*regexp.Regexp{
	regexp.MustCompile(`://([^\s:/?#@]*):(.+)@([^\s/?#,@]+)`),
	regexp.MustCompile(`^[\s"'\x60=(]?([^:]*):(.+)@tcp\(([^)]+)`),
	regexp.MustCompile(`(?i)^jdbc:oracle:\w+:([^/]*)/(.+)@(?://)?([^\s/:]+)`),
}

// connectionURL checks an address with a password in it: neither that nor the
// host may be a stand-in.
func connectionURL(c candidate) verdict {
	for _, expr := range userinfo {
		if m := expr.FindStringSubmatch(c.match); m != nil {
			if hostless(m[3]) || strings.EqualFold(m[1], m[2]) {
				return invalid
			}
			return password(c.value)
		}
	}
	return invalid
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

// userPassword checks a user and a password with a colon between them.
func userPassword(c candidate) verdict {
	user, secret, found := strings.Cut(strings.Trim(c.value, `'"`), ":")
	if !found || secret == "" {
		return password(user)
	}
	return password(secret)
}

// unsecret matches the names in a Secret of Kubernetes that have none.
var unsecret = regexp.MustCompile(`(?i)(?:user|username|login|host|email|database)$`)

// secretData checks a value of a Secret of Kubernetes, after its name: it is no
// placeholder, no certificate, and what is no name is no word.
func secretData(c candidate) verdict {
	name, encoded, _ := strings.Cut(c.value, ":")
	data, ok := decodeBase64(strings.Trim(encoded, " \t\r\n|>+-\"'"))
	text := strings.TrimSpace(string(data))
	public := strings.HasPrefix(text, "-----BEGIN ") && !strings.Contains(text, "PRIVATE KEY")
	return shape(!ok || !public && (unsecret.MatchString(name) || password(text) != invalid))
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
