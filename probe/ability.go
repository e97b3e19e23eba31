package probe

import (
	"errors"
	"io/fs"
	"net/netip"

	"echolot/models"
)

// The two kinds of socket that can send echo requests. Datagram sockets need no capability, only a group that
// net.ipv4.ping_group_range names (for IPv6 too), and the kernel hands each its own replies. Raw ones need CAP_NET_RAW.
const (
	ModeDatagram = "datagram"
	ModeRaw      = "raw"
)

// Ability says whether this process may open one kind of ICMP socket.
type Ability struct {
	Mode   string `json:"mode"`   // ModeDatagram or ModeRaw
	Family string `json:"family"` // "4" or "6"
	OK     bool   `json:"ok"`
	Error  string `json:"error,omitempty"` // the system's words; empty where OK
}

// String names the ability for people: "datagram IPv4".
func (a Ability) String() string { return a.Mode + " IPv" + a.Family }

// Abilities are all four, in the order in which a pinger tries them within a family.
type Abilities []Ability

// ProbeAbilities tries every kind of socket. It is cheap enough (four system calls) to be asked for each page.
func ProbeAbilities() Abilities {
	var all Abilities
	for _, family := range []string{"4", "6"} {
		for _, mode := range []string{ModeDatagram, ModeRaw} {
			a := Ability{Mode: mode, Family: family, OK: true}
			if err := trySocket(mode, family); err != nil {
				a.OK, a.Error = false, err.Error()
			}
			all = append(all, a)
		}
	}
	return all
}

// Mode is the kind of socket that pings of the family ("4" or "6") go by: ModeDatagram, else ModeRaw, else "".
func (all Abilities) Mode(family string) string {
	for _, a := range all {
		if a.Family == family && a.OK {
			return a.Mode
		}
	}
	return ""
}

// IPv4 tells whether this process may ping by IPv4.
func (all Abilities) IPv4() bool { return all.Mode("4") != "" }

// IPv6 tells whether this process may ping by IPv6. It says nothing about a way out.
func (all Abilities) IPv6() bool { return all.Mode("6") != "" }

// Fix is what an operator must do where nothing may be pinged; empty where IPv4 or IPv6 may.
func (all Abilities) Fix() string {
	if all.IPv4() || all.IPv6() {
		return ""
	}
	return `Echolot may not send echo requests. One of these lets it:
  sysctl -w net.ipv4.ping_group_range="0 2147483647"    (kept over a restart by a line in /etc/sysctl.d/)
  setcap cap_net_raw+ep bin/echolot                     (then start it again)
In a container: --sysctl net.ipv4.ping_group_range="0 2147483647", or --cap-add NET_RAW.`
}

// socketMode is the kind of socket to ping addr with, found out anew for each check: the rights may be withdrawn and
// given back while we run. The error is an *Unmeasured about the last kind tried.
func socketMode(addr netip.Addr) (string, error) {
	family := "4"
	if addr.Is6() {
		family = "6"
	}
	var err error
	for _, mode := range []string{ModeDatagram, ModeRaw} {
		if err = trySocket(mode, family); err == nil {
			return mode, nil
		}
	}
	return "", noSocket(err)
}

// noSocket is the *Unmeasured of a socket that could not be opened.
func noSocket(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return &Unmeasured{models.CauseNoPermission, err.Error()}
	}
	return &Unmeasured{models.CauseLocalError, err.Error()}
}
