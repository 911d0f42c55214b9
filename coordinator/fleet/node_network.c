#include "coordinator/fleet/node_network.h"

#include "common/codec.h"

#include <arpa/inet.h>
#include <stdio.h>

/* bytes[0] is the family, then the prefix, then zeros. */
enum { FAMILY_V4 = 4, FAMILY_V6 = 6, PREFIX_V4 = 3, PREFIX_V6 = 6 };

bool node_network_of(const char *address, struct meta_network *out)
{
    struct in6_addr v6;
    struct in_addr v4;
    if (inet_pton(AF_INET, address, &v4) == 1) {
        *out = (struct meta_network){.bytes = {FAMILY_V4}};
        memcpy(out->bytes + 1, &v4, PREFIX_V4);
        return true;
    }
    if (inet_pton(AF_INET6, address, &v6) == 1) {
        *out = (struct meta_network){.bytes = {FAMILY_V6}};
        memcpy(out->bytes + 1, &v6, PREFIX_V6);
        return true;
    }
    return false;
}

static void name_text(const struct meta_network *network, char text[NODE_NETWORK_TEXT_SIZE])
{
    char digits[2 * META_NETWORK_SIZE];
    hex_encode(network->bytes + 1, META_NETWORK_SIZE - 1, digits);
    snprintf(text, NODE_NETWORK_TEXT_SIZE, "name %s", digits);
}

void node_network_text(const struct meta_network *network, char text[NODE_NETWORK_TEXT_SIZE])
{
    uint8_t address[sizeof(struct in6_addr)] = {0};
    char prefix[INET6_ADDRSTRLEN] = "";
    if (network->bytes[0] == FAMILY_V4) {
        memcpy(address, network->bytes + 1, PREFIX_V4);
        inet_ntop(AF_INET, address, prefix, sizeof(prefix));
        snprintf(text, NODE_NETWORK_TEXT_SIZE, "%.32s/24", prefix);
    } else if (network->bytes[0] == FAMILY_V6) {
        memcpy(address, network->bytes + 1, PREFIX_V6);
        inet_ntop(AF_INET6, address, prefix, sizeof(prefix));
        snprintf(text, NODE_NETWORK_TEXT_SIZE, "%.32s/48", prefix);
    } else {
        name_text(network, text);
    }
}
