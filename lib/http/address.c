#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const struct {
	uint32_t net;
	int bits;
} special[] = {
    {0x00000000, 8},  /* this network */
    {0x0a000000, 8},  /* private */
    {0x64400000, 10}, /* shared by a carrier's customers */
    {0x7f000000, 8},  /* this machine */
    {0xa9fe0000, 16}, /* link-local, and a cloud's metadata */
    {0xac100000, 12}, /* private */
    {0xc0000000, 24}, /* of protocols */
    {0xc0000200, 24}, /* of documents */
    {0xc0586300, 24}, /* 6to4 relays, as were */
    {0xc0a80000, 16}, /* private */
    {0xc6120000, 15}, /* of benchmarks */
    {0xc6336400, 24}, /* of documents */
    {0xcb007100, 24}, /* of documents */
    {0xe0000000, 3},  /* multicast, reserved, broadcast */
};

static bool
is_public4(uint32_t a)
{
	for (size_t i = 0; i < sizeof special / sizeof *special; i++)
		if ((a ^ special[i].net) >> (32 - special[i].bits) == 0)
			return false;
	return true;
}

static uint32_t
four(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
	       p[3];
}

static bool
is_public6(const uint8_t *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff},
			     nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	uint32_t head = four(a);

	if (memcmp(a, mapped, sizeof mapped) == 0 ||
	    memcmp(a, nat64, sizeof nat64) == 0)
		return is_public4(four(a + 12));
	if (head >> 16 == 0x2002)
		return is_public4(four(a + 2));
	/* Global unicast, less that of protocols, documents and benchmarks. */
	return head >> 29 == 1 && head >> 9 != 0x20010000 >> 9 &&
	       head != 0x20010db8 && head >> 12 != 0x3fff0000 >> 12;
}

bool
address_is_public(const struct sockaddr *address)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	switch (address->sa_family) {
	case AF_INET:
		memcpy(&in, address, sizeof in);
		return is_public4(ntohl(in.sin_addr.s_addr));
	case AF_INET6:
		memcpy(&in6, address, sizeof in6);
		return is_public6(in6.sin6_addr.s6_addr);
	default:
		return false;
	}
}
