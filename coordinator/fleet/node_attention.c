#include "coordinator/fleet/node_attention.h"

#include "coordinator/fleet/profile.h"

static const char *about_fence(enum meta_fence fence)
{
    switch (fence) {
    case META_FENCE_OTHER_DISK:
        return "came back with another disk: bring the old one, or enrol it anew with a new key";
    case META_FENCE_OLDER_COPY:
        return "came back with an older copy of its disk: bring the right one, or enrol it anew";
    case META_FENCE_TWO_AT_ONCE:
        return "two machines report as this node: stop one, then hearth-admin node lost --found";
    case META_FENCE_NONE: break;
    }
    return "";
}

static bool was_met(const struct meta_node *node)
{
    for (size_t i = 0; i < node->endpoint_count; i++) {
        if (node->endpoints[i].verified_ms != 0) {
            return true;
        }
    }
    return false;
}

const char *node_attention(const struct node_status *status)
{
    const struct meta_node *node = &status->node;
    if (node->state == META_NODE_GONE) {
        return "";
    }
    if (status->record.fence != META_FENCE_NONE) {
        return about_fence(status->record.fence);
    }
    if (node->state == META_NODE_SUSPENDED) {
        return "failed audits, and what it held is made anew elsewhere: hearth-admin audit "
               "evidence";
    }
    if (node->report.read_only) {
        return "its disk fails: it is read from, and takes nothing any more";
    }
    if (status->health == NODE_ALIVE && !was_met(node)) {
        return "nobody can reach it at the addresses it names: look at its router";
    }
    if (status->health == NODE_ALIVE && status->uptime < PROFILE_UPTIME_MIN) {
        return "it is up less than 80 % of the time, which no profile is for: drain it, or ask its "
               "owner";
    }
    return "";
}
