/*
 * hearth stat: what an object is, and with --shards which node holds which piece of it.
 */
#include "common/codec.h"
#include "tools/chance.h"
#include "tools/errand.h"
#include "tools/format.h"
#include "tools/hearth_verbs.h"
#include "tools/json_line.h"
#include "tools/option.h"
#include "tools/s3_url.h"

#include <inttypes.h>
#include <stdio.h>

struct stat_options {
    bool shards;
    bool json;
};

enum { SEGMENT_TEXT_SIZE = 2 * 16 + 1 };

/* ---- for people ---- */

static void print_object(const char *url, const struct hearth_object *object)
{
    char text[FORMAT_NAME_SIZE];
    char size[FORMAT_BYTES_SIZE];
    printf("object    %s\n", format_name(view_text(url), text));
    printf("size      %" PRIu64 " bytes (%s)\n", object->size, format_bytes(object->size, size));
    printf("created   %s\n", format_time(object->created_unix_ms, text));
    printf("etag      %s\n", object->etag);
    printf("version   %s\n", object->version);
    printf("type      %s\n", format_name(view_text(object->attributes.content_type), text));
    for (unsigned i = 0; i < object->attributes.metadata_count; i++) {
        const struct hearth_metadata *pair = &object->attributes.metadata[i];
        printf("metadata  %s=", format_name(view_text(pair->name), text));
        printf("%s\n", format_name(pair->value, text));
    }
}

static const char *const repairs[] = {
    [HEARTH_REPAIR_NONE] = "none",
    [HEARTH_REPAIR_FEW_HELD] = "due: few are held",
    [HEARTH_REPAIR_FEW_HEARD] = "due: few were heard of",
    [HEARTH_REPAIR_FILL] = "due: slots to fill",
    [HEARTH_REPAIR_ASKED] = "due: asked for",
};

static const char *const states[] = {
    [HEARTH_HOLDER_UNKNOWN] = "unknown",
    [HEARTH_HOLDER_MISSING] = "missing",
    [HEARTH_HOLDER_DOUBTFUL] = "doubtful",
    [HEARTH_HOLDER_SILENT] = "silent",
    [HEARTH_HOLDER_REACHABLE] = "reachable",
};

static void print_estimate(const struct hearth_segment *segment)
{
    printf("  %u held, %u reachable; cannot be read now %.2g, lost within a year %.2g; ",
        segment->held, segment->reachable, segment->unreadable, segment->lost);
    if (segment->repair == HEARTH_REPAIR_NONE) {
        printf("repair at %u\n", segment->trigger);
    } else {
        printf("repair %s\n", repairs[segment->repair]);
    }
}

static void print_segment(unsigned number, const struct hearth_segment *segment)
{
    char id[SEGMENT_TEXT_SIZE];
    char size[FORMAT_BYTES_SIZE];
    hex_encode(segment->id, sizeof(segment->id), id);
    printf("\nsegment %u  %s  %s at %" PRIu64 ", any %u of %u shards suffice\n", number, id,
        format_bytes(segment->length, size), segment->object_offset, segment->k, segment->n);
    if (segment->is_estimated) {
        print_estimate(segment);
    }
    printf("  slot  kind    offer  %-40s  %-9s  uptime\n", "node", "shard");
    for (unsigned i = 0; i < segment->holder_count; i++) {
        const struct hearth_holder *holder = &segment->holders[i];
        printf("  %4u  %-6s  %5u  %s  %-9s  %.1f %% (%s)\n", holder->slot,
            holder->slot < segment->k ? "data" : "parity", holder->number, holder->node,
            states[holder->state], holder->uptime_ppm / 1e4,
            chance_uptime_class(holder->uptime_ppm));
    }
}

static void print_people(
    const char *url, const struct stat_options *options, const struct hearth_stat *stat)
{
    print_object(url, &stat->object);
    if (!options->shards) {
        return;
    }
    if (stat->is_inline) {
        printf("shards    none: the bytes are inline, sealed, in the coordinator's database\n");
    }
    for (unsigned i = 0; i < stat->segment_count; i++) {
        print_segment(i, &stat->segments[i]);
    }
}

/* ---- for programs ---- */

static json_t *estimate_json(const struct hearth_segment *segment)
{
    json_t *object = json_line_object();
    json_line_number(object, "held", segment->held);
    json_line_number(object, "reachable", segment->reachable);
    json_line_number(object, "trigger", segment->trigger);
    json_line_set(object, "unreadable_now", json_real(segment->unreadable));
    json_line_set(object, "lost_within_a_year", json_real(segment->lost));
    json_line_text(object, "repair", repairs[segment->repair]);
    return object;
}

static json_t *segment_json(const struct hearth_segment *segment)
{
    char id[SEGMENT_TEXT_SIZE];
    hex_encode(segment->id, sizeof(segment->id), id);
    json_t *object = json_line_object();
    json_line_text(object, "id", id);
    json_line_number(object, "offset", segment->object_offset);
    json_line_number(object, "length", segment->length);
    json_line_number(object, "k", segment->k);
    json_line_number(object, "n", segment->n);
    json_t *holders = json_line_array();
    for (unsigned i = 0; i < segment->holder_count; i++) {
        json_t *holder = json_line_object();
        json_line_number(holder, "slot", segment->holders[i].slot);
        json_line_number(holder, "number", segment->holders[i].number);
        json_line_text(holder, "node", segment->holders[i].node);
        json_line_text(holder, "state", states[segment->holders[i].state]);
        json_line_set(holder, "uptime", json_real(segment->holders[i].uptime_ppm / 1e6));
        json_line_text(holder, "uptime_class", chance_uptime_class(segment->holders[i].uptime_ppm));
        json_line_append(holders, holder);
    }
    json_line_set(object, "holders", holders);
    if (segment->is_estimated) {
        json_line_set(object, "estimate", estimate_json(segment));
    }
    return object;
}

static void print_json(
    const char *bucket, const struct stat_options *options, const struct hearth_stat *stat)
{
    const struct hearth_object *object = &stat->object;
    json_t *line = json_line_object();
    json_line_text(line, "bucket", bucket);
    json_line_bytes(line, "key", object->key);
    json_line_number(line, "size", object->size);
    json_line_time(line, "created", object->created_unix_ms);
    json_line_text(line, "etag", object->etag);
    json_line_text(line, "version", object->version);
    json_line_text(line, "content_type", object->attributes.content_type);
    json_t *metadata = json_line_object();
    for (unsigned i = 0; i < object->attributes.metadata_count; i++) {
        json_line_bytes(
            metadata, object->attributes.metadata[i].name, object->attributes.metadata[i].value);
    }
    json_line_set(line, "metadata", metadata);
    if (options->shards) {
        json_t *segments = json_line_array();
        for (unsigned i = 0; i < stat->segment_count; i++) {
            json_line_append(segments, segment_json(&stat->segments[i]));
        }
        json_line_flag(line, "inline", stat->is_inline);
        json_line_set(line, "segments", segments);
    }
    json_line_print(line);
}

static enum hearth_code stat_object(
    struct errand *errand, const struct program_call *call, struct hearth_err *err)
{
    const struct stat_options *options = call->options;
    struct s3_url url;
    struct hearth_stat *stat;
    if (s3_url_parse_object(call->arguments[0], &url, err) != HEARTH_OK ||
        hearth_stat(errand_hearth(errand), url.bucket, url.key, options->shards, &stat, err) !=
            HEARTH_OK) {
        return err->code;
    }
    if (options->json) {
        print_json(url.bucket, options, stat);
    } else {
        print_people(call->arguments[0], options, stat);
    }
    hearth_stat_destroy(stat);
    return HEARTH_OK;
}

static enum program_exit run_stat(const struct program_call *call, struct hearth_err *err)
{
    return errand_run(call, &(struct errand_options){0}, stat_object, err);
}

static const struct program_option stat_params[] = {
    {.name = "shards",
        .offset = offsetof(struct stat_options, shards),
        .help = "its segments, and the nodes that hold them"},
    OPTION_JSON(stat_options),
};

const struct program_verb hearth_verb_stat = {
    .name = "stat",
    .arguments = "s3://BUCKET/KEY",
    .arguments_min = 1,
    .arguments_max = 1,
    .options = stat_params,
    .option_count = sizeof(stat_params) / sizeof(stat_params[0]),
    .options_size = sizeof(struct stat_options),
    .needs_config = true,
    .help = "show what an object is",
    .run = run_stat,
};
