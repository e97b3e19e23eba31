package probe

import "echolot/models"

// Rate is a cap on what is sent: packets a second with a burst, and bytes of IP packet a second. 0 = no cap.
type Rate struct{ Packets, Burst, Bytes float64 }

// Caps are the caps that the packet engine keeps to at each send.
type Caps struct{ All, PerOrganization, PerTarget Rate }

// defaultPackets is the cap on packets a second under the private policy, publicPackets that under the public one.
const (
	defaultPackets = 50_000
	publicPackets  = 1000
)

// CapsOf are the caps that go with a target policy. packets a second are allowed in all; negative = the policy's default,
// 0 = no limit.
func CapsOf(policy models.TargetPolicy, packets int) Caps {
	if !policy.Public {
		if packets < 0 {
			packets = defaultPackets
		}
		return Caps{All: Rate{Packets: float64(packets)}, PerTarget: Rate{Packets: 100, Burst: 200}}
	}
	if packets < 0 {
		packets = publicPackets
	}
	return Caps{
		All:             Rate{Packets: float64(packets), Bytes: 1e6}, // 8 Mbit/s
		PerOrganization: Rate{Packets: 20, Burst: 20},
		PerTarget:       Rate{Packets: 2, Burst: 20, Bytes: 20e3},
	}
}
