// Package echo sends ICMP echo requests and measures their replies: many thousands of checks at once by one goroutine and a
// handful of sockets. It knows nothing of monitors or tenants and could be a library of its own. It needs Linux.
//
// An Engine is one goroutine that owns everything: sockets, the checks under way, and a timing wheel of one millisecond. It
// sends one packet by one system call, takes up replies after at most 64 of them, and sleeps until something is due. On
// its way a packet meets neither lock nor allocation. Times of sending and receiving are the kernel's where it gives them,
// so that neither our scheduler nor other programs on the machine count as round-trip time.
//
// What comes back is believed only where it proves itself: a payload of 16 bytes or more carries a token and a keyed tag
// (SipHash) over it and the target's address; a shorter one is known by identifier, sequence number and source. Send
// times never travel in the packet.
package echo
