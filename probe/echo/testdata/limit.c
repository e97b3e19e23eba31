/*
 * limit CPU|- 4|6 raw|datagram ECHOES FIRST TARGETS: what the kernel itself can do. One thread sends echo requests of 56
 * bytes of payload to TARGETS addresses from FIRST on in turn, 64 by one sendmmsg(2), and takes the replies up by
 * recvmmsg(2), each with the kernel's time of receiving. It judges nothing, keeps nothing and waits for nothing: on
 * loopback a reply is there when the request has been sent. It prints how many replies came.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { batch = 64, size = 8 + 56, room = 128, control = 64 };

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static unsigned short checksum(const unsigned char *b, int n) /* RFC 1071 */
{
	unsigned sum = 0;
	for (int i = 0; i < n; i += 2)
		sum += b[i] << 8 | b[i + 1];
	while (sum >> 16)
		sum = (sum >> 16) + (sum & 0xffff);
	return htons((unsigned short)~sum);
}

int main(int argc, char **argv)
{
	if (argc != 7) {
		fprintf(stderr, "usage: limit CPU|- 4|6 raw|datagram ECHOES FIRST TARGETS\n");
		return 2;
	}
	if (strcmp(argv[1], "-")) {
		cpu_set_t cpu;
		CPU_ZERO(&cpu);
		CPU_SET(atoi(argv[1]), &cpu);
		must(!sched_setaffinity(0, sizeof cpu, &cpu), "sched_setaffinity");
	}
	int six = argv[2][0] == '6', raw = !strcmp(argv[3], "raw");
	long echoes = atol(argv[4]);
	unsigned targets = (unsigned)atol(argv[6]), next = 0;

	int fd = socket(six ? AF_INET6 : AF_INET, raw ? SOCK_RAW : SOCK_DGRAM, six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	must(fd >= 0, "socket");
	if (raw && six) { /* else it would get the requests too */
		struct icmp6_filter only;
		memset(&only, 0xff, sizeof only);
		only.data[129 / 32] &= ~(1u << 129 % 32);
		must(!setsockopt(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, &only, sizeof only), "ICMPV6_FILTER");
	} else if (raw) {
		unsigned only = ~(1u << ICMP_ECHOREPLY);
		must(!setsockopt(fd, SOL_RAW, ICMP_FILTER, &only, sizeof only), "ICMP_FILTER");
	}
	int on = 1;
	must(!setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on), "SO_TIMESTAMPNS");

	static unsigned char packet[size];
	for (int i = 8; i < size; i++)
		packet[i] = (unsigned char)i;
	packet[0] = six ? 128 : ICMP_ECHO;
	packet[4] = 0x4c, packet[5] = 0x43;
	unsigned short sum = checksum(packet, size);
	memcpy(packet + 2, &sum, 2); /* the kernel makes its own where it has to */

	static struct sockaddr_in6 to6[batch];
	static struct sockaddr_in to4[batch];
	static struct mmsghdr out[batch], in[batch];
	static struct iovec out_part, in_part[batch];
	static unsigned char data[batch][room], beside[batch][control];
	static struct sockaddr_in6 from[batch];
	struct in6_addr first6;
	struct in_addr first4;
	out_part = (struct iovec){packet, size};
	must(inet_pton(six ? AF_INET6 : AF_INET, argv[5], six ? (void *)&first6 : (void *)&first4) == 1, "first address");
	for (int i = 0; i < batch; i++) {
		to6[i].sin6_family = AF_INET6, to6[i].sin6_addr = first6;
		to4[i].sin_family = AF_INET;
		out[i].msg_hdr.msg_name = six ? (void *)&to6[i] : (void *)&to4[i];
		out[i].msg_hdr.msg_namelen = six ? sizeof to6[i] : sizeof to4[i];
		out[i].msg_hdr.msg_iov = &out_part;
		out[i].msg_hdr.msg_iovlen = 1;
		in_part[i] = (struct iovec){data[i], room};
	}

	long sent = 0, received = 0;
	while (sent < echoes) {
		for (int i = 0; i < batch; i++) {
			unsigned last;
			if (six) {
				memcpy(&last, &first6.s6_addr[12], 4);
				last = htonl(ntohl(last) + next);
				memcpy(&to6[i].sin6_addr.s6_addr[12], &last, 4);
			} else {
				to4[i].sin_addr.s_addr = htonl(ntohl(first4.s_addr) + next);
			}
			next = next + 1 == targets ? 0 : next + 1;
		}
		int n = sendmmsg(fd, out, batch, 0);
		must(n > 0, "sendmmsg");
		sent += n;
		for (;;) {
			for (int i = 0; i < batch; i++)
				in[i].msg_hdr = (struct msghdr){&from[i], sizeof from[i], &in_part[i], 1, beside[i], control, 0};
			n = recvmmsg(fd, in, batch, MSG_DONTWAIT, 0);
			if (n < 0 && errno == EAGAIN)
				break;
			must(n >= 0, "recvmmsg");
			received += n;
			if (n < batch || received == sent)
				break;
		}
	}
	printf("%ld\n", received);
	return 0;
}
