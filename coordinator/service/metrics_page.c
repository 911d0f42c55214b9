#include "coordinator/service/metrics_page.h"

#include "common/codec.h"
#include "common/prometheus.h"
#include "coordinator/fleet/node_table.h"
#include "proto/cluster_health.h"
#include "proto/status_fields.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/* One line a state, so that a rule can be made of each without knowing their numbers. */
static void print_health(FILE *out, const struct wire_status_reply *status)
{
    enum cluster_health health = cluster_health_of(status);
    prometheus_head(out, "hearth_cluster_health", "gauge", "Which of these it is, in one word.");
    for (enum cluster_health one = CLUSTER_EMPTY; one <= CLUSTER_BROKEN; one++) {
        fprintf(out, "hearth_cluster_health{health=\"%s\"} %d\n", cluster_health_text(one),
            one == health);
    }
    prometheus_one(out, "hearth_attention", "gauge", "Whether something needs a person.",
        status->human.size > 0);
}

static void print_nodes(FILE *out, const struct wire_status_reply *status)
{
    prometheus_head(out, "hearth_nodes", "gauge", "Nodes by state.");
    for (enum node_health health = NODE_ALIVE; health <= NODE_GONE; health++) {
        const char *state = node_health_text(health);
        fprintf(out, "hearth_nodes{state=\"%s\"} %zu\n", state, cluster_count_nodes(status, state));
    }
}

static void print_field(
    FILE *out, const struct wire_status_reply *status, const struct status_field *field)
{
    uint64_t value;
    const char *type = field->only_grows ? "counter" : "gauge";
    if (!status_field_value(field, status, &value)) {
        return;
    }
    if (field->unit == STATUS_MS || field->unit == STATUS_UNIX_MS ||
        field->unit == STATUS_PERMILLE) {
        prometheus_one_thousandths(out, field->metric, type, field->help, value);
    } else {
        prometheus_one(out, field->metric, type, field->help, value);
    }
}

/* Buckets by their ids: a name may say what is nobody's business here. */
static void print_durability(FILE *out, const struct wire_status_reply *status)
{
    char id[2 * 16 + 1];
    prometheus_head(out, "hearth_profile_durability_worst_digits_micro", "gauge",
        "-log10 of the chance that the worst segment of a profile is lost within a year.");
    for (size_t i = 0; i < status->profiles_count; i++) {
        const struct wire_durability_info *info = &status->profiles[i];
        fprintf(out, "hearth_profile_durability_worst_digits_micro{profile=\"%.*s\"} %" PRIu64 "\n",
            VIEW_ARGS(info->profile), info->worst_lost_digits);
    }
    prometheus_head(out, "hearth_bucket_durability_worst_digits_micro", "gauge",
        "The same of a bucket; of those in most danger.");
    for (size_t i = 0; i < status->bucket_durability_count; i++) {
        const struct wire_durability_info *info = &status->bucket_durability[i];
        assert(2 * info->bucket_id.size < sizeof(id));
        hex_encode(info->bucket_id.bytes, info->bucket_id.size, id);
        fprintf(out, "hearth_bucket_durability_worst_digits_micro{bucket_id=\"%s\"} %" PRIu64 "\n",
            id, info->worst_lost_digits);
    }
}

char *metrics_page(const struct wire_status_reply *status)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    prometheus_build(out);
    print_health(out, status);
    print_nodes(out, status);
    for (unsigned i = 0; i < status_field_count; i++) {
        print_field(out, status, &status_fields[i]);
    }
    print_durability(out, status);
    prometheus_process(out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
