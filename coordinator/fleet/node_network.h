/*
 * node_network.h - which network an address is in, as far as failing together goes.
 *
 * IPv4 /24 and IPv6 /48: what one line, one landlord or one provider's cabinet usually has.
 * An operator's own name for a network is made in invitation.c and never meets these.
 */
#ifndef HEARTH_COORDINATOR_FLEET_NODE_NETWORK_H
#define HEARTH_COORDINATOR_FLEET_NODE_NETWORK_H

#include "coordinator/meta/meta_node.h"

/* From "192.0.2.7" or "2001:db8::7". false: not an address; *out is untouched. */
bool node_network_of(const char *address, struct meta_network *out);

enum { NODE_NETWORK_TEXT_SIZE = 40 };

/* "192.0.2.0/24", "2001:db8::/48"; of an operator's name its hash, "name 1f2e3d4c5b6a79". */
void node_network_text(const struct meta_network *network, char text[NODE_NETWORK_TEXT_SIZE]);

#endif /* HEARTH_COORDINATOR_FLEET_NODE_NETWORK_H */
