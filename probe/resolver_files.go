package probe

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// lookEvery is how often the system's files are looked at, like in Go's own resolver.
const lookEvery = 5 * time.Second

// resolverFiles are /etc/resolv.conf and /etc/hosts as they were at the last look.
type resolverFiles struct {
	resolvConf, hostsFile string // paths; no resolvConf where the server is given

	mu     sync.Mutex // one looks at a time
	conf   fileStamp
	hosts  fileStamp
	now    atomic.Pointer[resolverConfig]
	looked atomic.Pointer[time.Time]
}

// resolverConfig is what the files said. It does not change.
type resolverConfig struct {
	*dns.ClientConfig
	servers []string // host:port
	rotate  bool
	turn    *atomic.Uint32 // whose turn it is with rotate
	hosts   map[string][]netip.Addr
}

// fileStamp tells versions of a file apart.
type fileStamp struct {
	modified time.Time
	size     int64
}

func newResolverFiles(server, resolvConf, hosts string) *resolverFiles {
	f := &resolverFiles{resolvConf: resolvConf, hostsFile: hosts}
	config := &resolverConfig{turn: &atomic.Uint32{}}
	if server != "" {
		f.resolvConf = ""
		config.ClientConfig = &dns.ClientConfig{Timeout: 5, Attempts: 2} // resolv.conf(5)'s defaults
		config.servers = []string{server}
	}
	f.now.Store(config)
	return f
}

// fresh tells whether the last look is recent enough.
func (f *resolverFiles) fresh() bool {
	at := f.looked.Load()
	return at != nil && time.Since(*at) < lookEvery
}

// look reads what has changed. It returns true where other servers are to be asked than before.
func (f *resolverFiles) look() (servers bool) {
	if f.fresh() {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fresh() {
		return false
	}
	config := *f.now.Load()
	if stamp := stampOf(f.hostsFile); stamp != f.hosts || config.hosts == nil {
		f.hosts, config.hosts = stamp, readHosts(f.hostsFile)
	}
	if f.resolvConf != "" {
		if stamp := stampOf(f.resolvConf); stamp != f.conf || config.ClientConfig == nil {
			servers = config.ClientConfig != nil
			f.conf = stamp
			config.readResolvConf(f.resolvConf)
		}
	}
	at := time.Now()
	f.now.Store(&config)
	f.looked.Store(&at)
	return servers
}

// stampOf is zero where there is no such file.
func stampOf(path string) fileStamp {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{}
	}
	return fileStamp{info.ModTime(), info.Size()}
}

// readResolvConf takes over the file at path. Without it, or a server in it, the machine's own is asked (resolv.conf(5)).
func (c *resolverConfig) readResolvConf(path string) {
	text, _ := os.ReadFile(path)
	c.ClientConfig, _ = dns.ClientConfigFromReader(bytes.NewReader(text)) // fails only where reading does
	c.rotate = false
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] == "options" && slices.Contains(fields, "rotate") {
			c.rotate = true
		}
	}
	if len(c.Search) == 0 {
		if name, err := os.Hostname(); err == nil {
			if _, domain, ok := strings.Cut(name, "."); ok {
				c.Search = []string{domain}
			}
		}
	}
	c.Search = slices.DeleteFunc(c.Search, func(domain string) bool { return strings.Trim(domain, ".") == "" })
	c.servers = nil
	for _, server := range c.Servers {
		c.servers = append(c.servers, net.JoinHostPort(server, c.Port))
	}
	if len(c.servers) == 0 {
		c.servers = []string{"127.0.0.1:53", "[::1]:53"}
	}
}

// readHosts reads a file like hosts(5). Names are in lower case; what is no address is passed over.
func readHosts(path string) map[string][]netip.Addr {
	text, _ := os.ReadFile(path) // without the file, nothing is in it
	hosts := map[string][]netip.Addr{}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		addr, err := netip.ParseAddr(fields[0])
		if err != nil {
			continue
		}
		for _, name := range fields[1:] {
			name = strings.TrimSuffix(strings.ToLower(name), ".")
			hosts[name] = append(hosts[name], addr.Unmap())
		}
	}
	return hosts
}

// host returns the first address that the hosts file has for q, with IPv4 first where both will do. It is for DNS to say
// where the file has the name with addresses of the other family only.
func (f *resolverFiles) host(q question) (netip.Addr, bool) {
	var six netip.Addr
	for _, addr := range f.now.Load().hosts[strings.TrimSuffix(q.name, ".")] {
		if addr.Is4() && q.family != '6' {
			return addr, true
		}
		if !addr.Is4() && q.family != '4' && !six.IsValid() {
			six = addr
		}
	}
	return six, six.IsValid()
}

// servers is what to ask and how.
func (f *resolverFiles) servers() *resolverConfig { return f.now.Load() }

// inTurn returns the servers in the order in which they are to be asked now.
func (c *resolverConfig) inTurn() []string {
	if !c.rotate {
		return c.servers
	}
	first := int(c.turn.Add(1)-1) % len(c.servers)
	return slices.Concat(c.servers[first:], c.servers[:first])
}
