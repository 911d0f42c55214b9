#include "proto/cluster_health.h"

#include <inttypes.h>
#include <stdio.h>

bool cluster_expects_node(const struct wire_node_info *node)
{
    return !view_equal(node->state, view_text("lost")) &&
        !view_equal(node->state, view_text("gone"));
}

size_t cluster_count_nodes(const struct wire_status_reply *status, const char *state)
{
    size_t count = 0;
    for (size_t i = 0; i < status->nodes_count; i++) {
        const struct wire_node_info *node = &status->nodes[i];
        count +=
            *state == '\0' ? cluster_expects_node(node) : view_equal(node->state, view_text(state));
    }
    return count;
}

/* A node that leaves in good order serves readers until then. */
static size_t count_answering(const struct wire_status_reply *status)
{
    return cluster_count_nodes(status, "alive") + cluster_count_nodes(status, "draining");
}

static bool is_counted(const struct wire_status_reply *status)
{
    return status->repair == NULL || status->repair->counted;
}

enum cluster_health cluster_health_of(const struct wire_status_reply *status)
{
    bool all_answer = count_answering(status) == cluster_count_nodes(status, "");
    return status->nodes_count == 0       ? CLUSTER_EMPTY
        : !is_counted(status)             ? CLUSTER_STARTING
        : status->segments_unreadable > 0 ? CLUSTER_BROKEN
        : status->segments_below_r > 0    ? CLUSTER_ENDANGERED
        : status->segments_below_n > 0    ? CLUSTER_HEALING
        : !all_answer                     ? CLUSTER_REDUCED
                                          : CLUSTER_HEALTHY;
}

const char *cluster_health_text(enum cluster_health health)
{
    static const char *const texts[] = {
        [CLUSTER_EMPTY] = "empty",
        [CLUSTER_STARTING] = "starting",
        [CLUSTER_HEALTHY] = "healthy",
        [CLUSTER_REDUCED] = "reduced",
        [CLUSTER_HEALING] = "healing",
        [CLUSTER_ENDANGERED] = "endangered",
        [CLUSTER_BROKEN] = "broken",
    };
    return texts[health];
}

/* "3 of 17 segments " */
static size_t say_share(char *text, uint64_t part, uint64_t whole)
{
    return (size_t)snprintf(text, CLUSTER_SENTENCE_SIZE, "%" PRIu64 " of %" PRIu64 " segment%s ",
        part, whole, whole == 1 ? "" : "s");
}

static void say_shards(
    const struct wire_status_reply *status, enum cluster_health health, char *text)
{
    size_t at = 0;
    const char *rest = "every segment has all its shards";
    if (health == CLUSTER_STARTING) {
        rest = "no pass over all segments has ended since the start";
    } else if (health == CLUSTER_BROKEN) {
        at = say_share(text, status->segments_unreadable, status->segments);
        rest = "cannot be read now; nodes that come back, or repair, may bring them back";
    } else if (health == CLUSTER_ENDANGERED) {
        at = say_share(text, status->segments_below_r, status->segments);
        rest = "must be repaired now; everything can be read";
    } else if (status->segments_below_n > 0) {
        at = say_share(text, status->segments_below_n, status->segments);
        rest = "have fewer shards than they should; everything can be read";
    } else if (status->segments == 0) {
        rest = status->objects == 0 ? "nothing is stored yet" : "the last pass found no segments";
    }
    snprintf(text + at, CLUSTER_SENTENCE_SIZE - at, "%s", rest);
}

char *cluster_health_sentence(
    const struct wire_status_reply *status, char sentence[CLUSTER_SENTENCE_SIZE])
{
    enum cluster_health health = cluster_health_of(status);
    if (health == CLUSTER_EMPTY) {
        snprintf(sentence, CLUSTER_SENTENCE_SIZE, "empty: no node has joined yet");
        return sentence;
    }
    char shards[CLUSTER_SENTENCE_SIZE];
    say_shards(status, health, shards);
    snprintf(sentence, CLUSTER_SENTENCE_SIZE, "%s: %zu of %zu nodes answer, and %.150s",
        cluster_health_text(health), count_answering(status), cluster_count_nodes(status, ""),
        shards);
    return sentence;
}
