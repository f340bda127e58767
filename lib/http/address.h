/*
 * address: which addresses are of the public internet, and which lead inside: into
 * this machine, its network, its cloud's services.
 *
 * By the registries of special-purpose addresses (RFC 6890; IANA, IPv4 and IPv6
 * Special-Purpose Address Registry).  An IPv6 address that stands for an IPv4 one
 * (mapped, NAT64, 6to4) is public where that is.
 */
#ifndef BF_HTTP_ADDRESS_H
#define BF_HTTP_ADDRESS_H

#include <stdbool.h>

struct sockaddr;

/* false for all that is neither IPv4 nor IPv6. */
bool address_is_public(const struct sockaddr *address);

#endif
