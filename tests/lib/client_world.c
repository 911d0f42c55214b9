#include "tests/lib/client_world.h"

#include "client/bucket_calls.h"
#include "client/object_get.h"
#include "client/object_put.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void hear(void *context, const char *text)
{
    struct world *world = context;
    assert_true(world->notice_count < WORLD_NOTICES_MAX);
    snprintf(world->notices[world->notice_count++], HEARTH_ERR_MESSAGE_SIZE, "%s", text);
}

struct world *world_create(const struct world_options *options)
{
    static const struct world_options defaults;
    options = options != NULL ? options : &defaults;
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    test_env_init(&world->env, 7);
    fake_net_init(&world->net, &world->env, options->nodes > 0 ? options->nodes : 8);
    fake_coordinator_init(&world->coordinator, &world->net, options->k > 0 ? options->k : 4,
        options->n > 0 ? options->n : 8, options->w > 0 ? options->w : 6, WORLD_INLINE_MAX);
    struct root_key root_key;
    root_key_draw(&world->env.env, &root_key);
    uint64_t memory_max = options->memory_max > 0 ? options->memory_max : UINT64_C(136) << 20;
    const struct session_options session_options = {
        .env = &world->env.env,
        .coordinator = &world->coordinator.coordinator,
        .net = &world->net.net,
        .root_key = &root_key,
        .root_key_path = "root.key",
        .memory_max = memory_max,
        .transfer_memory_max = memory_max,
        .segment_plain_max = options->segment_plain_max,
        .notice = hear,
        .notice_context = world,
    };
    session_init(&world->session, &session_options);
    struct hearth_err err;
    assert_ok(bucket_create(&world->session, "bucket", NULL, &err), &err);
    return world;
}

void world_destroy(struct world *world)
{
    session_fini(&world->session);
    fake_net_fini(&world->net);
    fake_coordinator_fini(&world->coordinator);
    free(world);
}

uint8_t world_byte(uint64_t seed, uint64_t offset)
{
    uint64_t mixed = (offset + 1) * UINT64_C(0x9e3779b97f4a7c15) + seed * UINT64_C(0xbf58476d);
    return (uint8_t)(mixed >> 32 ^ mixed >> 56);
}

static enum hearth_code read_source(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    struct world_source *source = context;
    if (source->fails_at > 0 && source->at >= source->fails_at) {
        return hearth_fail(err, HEARTH_IO, "file: vanished");
    }
    if (source->cancel != NULL && source->at >= source->cancels_at) {
        *source->cancel = true;
    }
    uint64_t left = source->size - source->at;
    size_t part = left < size ? (size_t)left : size;
    part = source->part_max > 0 && part > source->part_max ? source->part_max : part;
    for (size_t i = 0; i < part; i++) {
        ((uint8_t *)bytes)[i] = world_byte(source->seed, source->at + i);
    }
    source->at += part;
    *out_got = part;
    return HEARTH_OK;
}

void world_source_init(struct world_source *source, uint64_t seed, uint64_t size)
{
    *source = (struct world_source){.source = {read_source, source}, .seed = seed, .size = size};
}

enum hearth_code world_put(
    struct world *world, const char *key, uint64_t seed, uint64_t size, struct hearth_err *err)
{
    struct world_source source;
    world_source_init(&source, seed, size);
    struct hearth_put_result result;
    return object_put(
        &world->session, "bucket", view_text(key), &source.source, NULL, &result, err);
}

static enum hearth_code start_sink(void *context, const struct hearth_object *object,
    uint64_t offset, uint64_t length, struct hearth_err *err)
{
    (void)err;
    struct world_sink *sink = context;
    assert_false(sink->has_started);
    sink->has_started = true;
    sink->offset = offset;
    sink->object_size = object->size;
    assert_true(offset + length <= object->size);
    return HEARTH_OK;
}

static enum hearth_code write_sink(void *context, struct view bytes, struct hearth_err *err)
{
    struct world_sink *sink = context;
    if (sink->fails_at > 0 && sink->size >= sink->fails_at) {
        return hearth_fail(err, HEARTH_NO_SPACE, "file: no space left");
    }
    for (size_t i = 0; i < bytes.size; i++) {
        sink->is_exact &= bytes.bytes[i] == world_byte(sink->seed, sink->offset++);
    }
    sink->size += bytes.size;
    return HEARTH_OK;
}

void world_sink_init(struct world_sink *sink, uint64_t seed, uint64_t fails_at)
{
    *sink = (struct world_sink){
        .sink = {start_sink, write_sink, sink},
        .seed = seed,
        .is_exact = true,
        .fails_at = fails_at,
    };
}

enum hearth_code world_get(struct world *world, const char *key, uint64_t seed, uint64_t offset,
    uint64_t length, uint64_t *out_size, struct hearth_err *err)
{
    struct world_sink sink;
    world_sink_init(&sink, seed, 0);
    const struct hearth_get_options options = {.offset = offset, .length = length};
    enum hearth_code code =
        object_get(&world->session, "bucket", view_text(key), &sink.sink, &options, err);
    assert_true(sink.is_exact);
    if (out_size != NULL) {
        *out_size = sink.size;
    }
    return code;
}

static void count_wait(struct fake_net *net, void *context)
{
    (void)net;
    struct world_stop *stop = context;
    if (stop->waits_left-- == 0) {
        atomic_store(&stop->cancel, true);
    }
}

void world_stop_at_wait(struct world *world, struct world_stop *stop, unsigned nth)
{
    *stop = (struct world_stop){.waits_left = nth};
    world->net.at_wait = count_wait;
    world->net.at_wait_context = stop;
}

bool world_was_told(const struct world *world, const char *text)
{
    for (unsigned i = 0; i < world->notice_count; i++) {
        if (strstr(world->notices[i], text) != NULL) {
            return true;
        }
    }
    return false;
}
