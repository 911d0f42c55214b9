/*
 * GetObject and HeadObject (op.h).
 *
 * Conditions and range are looked at when the object is known, before the first byte: one question
 * to the coordinator for all of it.  A part by its number takes two, for its bytes are known only
 * then, and so does a range of one certain object (If-Range); the second asks for the version the
 * first has found.
 */
#include "gateway/op.h"

#include "gateway/call.h"
#include "gateway/condition.h"
#include "gateway/object_head.h"
#include "gateway/range.h"

#include <inttypes.h>
#include <stdlib.h>

struct reading {
    struct call *call;
    struct condition condition;
    struct range range;
    const char *if_range; /* NULL: the range is wanted of whatever is there */
    unsigned part;        /* 0: not asked for by a part's number */
    bool is_answered;     /* without the bytes */
};

/* ---- refusals ---- */

/* With the size, so that who has guessed it need not ask again. */
static void refuse_range(struct reading *reading, const struct hearth_object *object)
{
    call_refusal_header(reading->call, "Content-Range", "bytes */%" PRIu64, object->size);
    call_fail(reading->call, S3_ERROR_INVALID_RANGE, NULL);
    reading->is_answered = true;
}

/* False: it was answered, that it is not modified or not what was wanted. */
static bool conditions_hold(struct reading *reading, const struct hearth_object *object)
{
    struct call *call = reading->call;
    enum s3_error error =
        condition_check(&reading->condition, object->etag, object->created_unix_ms);
    if (error == S3_ERROR_NONE) {
        return true;
    }
    object_head_stored(call, object->etag); /* goes with "not modified" */
    call_header_date(call, "Last-Modified", object->created_unix_ms);
    call_fail(call, error, NULL);
    reading->is_answered = true;
    return false;
}

/* ---- the head of the answer ---- */

static void answer_head(
    struct reading *reading, const struct hearth_object *object, uint64_t offset, uint64_t length)
{
    struct call *call = reading->call;
    object_head_write(call, object);
    if (!reading->range.is_given) {
        object_head_checksums(call, object);
        call_start(call, 200, length);
        return;
    }
    if (length > 0) {
        call_header(call, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, offset,
            offset + length - 1, object->size);
    }
    if (reading->part > 0 && object->part_count > 0) {
        call_header(call, "x-amz-mp-parts-count", "%u", object->part_count);
        object_head_part_checksum(call, object, reading->part);
    }
    call_start(call, 206, length);
}

/* ---- a part by its number ---- */

/* Of what did not come in parts, part 1 is the whole. */
static bool find_part(
    struct reading *reading, const struct hearth_object *object, uint64_t *offset, uint64_t *length)
{
    unsigned count = object->part_sizes != NULL ? object->part_count : 1;
    if (reading->part > count) {
        call_fail(reading->call, S3_ERROR_INVALID_PART_NUMBER, NULL);
        reading->is_answered = true;
        return false;
    }
    *offset = 0;
    *length = object->size;
    if (object->part_sizes != NULL) {
        for (unsigned i = 0; i + 1 < reading->part; i++) {
            *offset += object->part_sizes[i];
        }
        *length = object->part_sizes[reading->part - 1];
    }
    return true;
}

static bool read_part_number(struct reading *reading)
{
    const char *text = call_param(reading->call, "partNumber");
    if (text == NULL) {
        return true;
    }
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || number < 1 || number > HEARTH_PARTS_MAX ||
        reading->range.is_given) {
        call_fail(reading->call, S3_ERROR_INVALID_ARGUMENT,
            "partNumber is 1 to 10000, and not together with a range.");
        return false;
    }
    reading->part = (unsigned)number;
    return true;
}

static bool prepare(struct reading *reading)
{
    struct call *call = reading->call;
    reading->condition = condition_of_read(call->request->head);
    reading->range = range_parse(call_request_header(call, "range"));
    reading->if_range = call_request_header(call, "if-range");
    return object_head_version(call) && object_head_overrides(call) && read_part_number(reading);
}

/* Who goes on with what he has of another object would put two together. */
static void forget_range_of_another(struct reading *reading, const struct hearth_object *object)
{
    if (!condition_range_holds(reading->if_range, object->etag, object->created_unix_ms)) {
        reading->range = (struct range){0};
    }
}

/* ---- GET ---- */

/* Told to libhearth, so that it stops; what it says then is not said to anybody. */
static enum hearth_code stop(struct hearth_err *err)
{
    return hearth_fail(err, HEARTH_CANCELLED, "the answer was given");
}

static enum hearth_code start(void *context, const struct hearth_object *object, uint64_t offset,
    uint64_t length, struct hearth_err *err)
{
    struct reading *reading = context;
    if (!conditions_hold(reading, object)) {
        return stop(err);
    }
    if (reading->range.is_given && reading->part == 0 && length == 0) {
        refuse_range(reading, object);
        return stop(err);
    }
    answer_head(reading, object, offset, length);
    return HEARTH_OK;
}

static enum hearth_code write_bytes(void *context, struct view bytes, struct hearth_err *err)
{
    struct reading *reading = context;
    return call_write(reading->call, bytes, err);
}

static void get(struct reading *reading, const struct hearth_get_options *options)
{
    struct call *call = reading->call;
    const struct request *request = call->request;
    const struct hearth_sink sink = {.start = start, .write = write_bytes, .context = reading};
    struct hearth_err err;
    enum hearth_code code =
        hearth_get(call->hearth, request->bucket, request->key, &sink, options, &err);
    if (reading->is_answered) {
        return;
    }
    if (code == HEARTH_OK) {
        call_end(call);
    } else {
        call_fail_hearth(call, S3_ABOUT_OBJECT, &err);
    }
}

static void get_part(struct reading *reading)
{
    struct call *call = reading->call;
    struct hearth_stat *stat = op_stat(call);
    if (stat == NULL) {
        return;
    }
    struct hearth_get_options options = {
        .version = stat->object.version, .control = call_control(call)};
    reading->range.is_given = true;
    if (find_part(reading, &stat->object, &options.offset, &options.length)) {
        if (options.length == 0) { /* an empty part; to libhearth 0 is all of it */
            options.suffix = true;
        }
        get(reading, &options);
    }
    hearth_stat_destroy(stat);
}

/* version NULL: the newest. */
static void get_range(struct reading *reading, const char *version)
{
    const struct hearth_get_options options = {
        .offset = reading->range.offset,
        .length = reading->range.length,
        .suffix = reading->range.is_suffix,
        .version = version,
        .control = call_control(reading->call),
    };
    get(reading, &options);
}

static void get_range_if_same(struct reading *reading)
{
    struct hearth_stat *stat = op_stat(reading->call);
    if (stat != NULL) {
        forget_range_of_another(reading, &stat->object);
        get_range(reading, stat->object.version);
        hearth_stat_destroy(stat);
    }
}

void op_get_object(struct call *call)
{
    struct reading reading = {.call = call};
    if (!prepare(&reading)) {
        return;
    }
    if (reading.part > 0) {
        get_part(&reading);
    } else if (reading.range.is_given && reading.if_range != NULL) {
        get_range_if_same(&reading);
    } else {
        get_range(&reading, NULL);
    }
}

/* ---- HEAD ---- */

static void head(struct reading *reading, const struct hearth_object *object)
{
    uint64_t offset = 0;
    uint64_t length = object->size;
    if (!conditions_hold(reading, object)) {
        return;
    }
    forget_range_of_another(reading, object);
    if (reading->part > 0) {
        if (!find_part(reading, object, &offset, &length)) {
            return;
        }
        reading->range.is_given = true;
    } else if (reading->range.is_given &&
        !range_cut(&reading->range, object->size, &offset, &length)) {
        refuse_range(reading, object);
        return;
    }
    answer_head(reading, object, offset, length);
    call_end(reading->call);
}

void op_head_object(struct call *call)
{
    struct reading reading = {.call = call};
    struct hearth_stat *stat = prepare(&reading) ? op_stat(call) : NULL;
    if (stat != NULL) {
        head(&reading, &stat->object);
        hearth_stat_destroy(stat);
    }
}
