/*
 * core_status.c - our codes on gRPC's trailers, there and back.
 *
 * Only the trailer of ours decides: gRPC's own status says what befell the transport.
 */
#include "proto/core.h"

#include <stdio.h>

void core_ending_init(struct core_ending *ending)
{
    grpc_metadata_array_init(&ending->trailers);
    ending->status = GRPC_STATUS_UNKNOWN;
    ending->details = grpc_empty_slice();
}

void core_ending_fini(struct core_ending *ending)
{
    grpc_metadata_array_destroy(&ending->trailers);
    grpc_slice_unref(ending->details);
}

/* The peer's code; false: there is none, or it is not a number. */
static bool find_code(const grpc_metadata_array *trailers, enum hearth_code *code)
{
    struct view text;
    if (!core_metadata_find(trailers, RPC_KEY_CODE, &text) || text.size == 0 || text.size > 4) {
        return false;
    }
    unsigned value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(text.bytes[i] - '0');
    }
    *code = hearth_code_from_wire(value);
    return true;
}

/* What the transport's failure means for who called. */
static enum hearth_code code_without_answer(
    grpc_status_code status, const struct core_attempt *attempt)
{
    if (attempt->cancelled && status == GRPC_STATUS_CANCELLED) {
        return HEARTH_CANCELLED;
    }
    if (!attempt->sent) {
        return HEARTH_UNREACHABLE;
    }
    if (status == GRPC_STATUS_DEADLINE_EXCEEDED) {
        return HEARTH_DEADLINE;
    }
    return attempt->mutates ? HEARTH_UNKNOWN : HEARTH_UNREACHABLE;
}

/* gRPC's sentence about several addresses, cut down to the reason of the one we gave it. */
static const char *last_reason(const char *text)
{
    static const char before[] = "last error: ";
    const char *found = strstr(text, before);
    return found != NULL ? found + sizeof(before) - 1 : text;
}

/* gRPC says so only in words: the chain did not lead to our CA, or the names are others. */
static bool is_refusal(const char *text)
{
    return strstr(text, "certificate verify failed") != NULL ||
        strstr(text, "is not in peer certificate") != NULL;
}

static enum hearth_code fail_without_answer(const struct core_ending *ending,
    const struct core_attempt *attempt, const char *text, struct hearth_err *err)
{
    enum hearth_code code = code_without_answer(ending->status, attempt);
    if (code == HEARTH_CANCELLED || code == HEARTH_DEADLINE) {
        return hearth_fail(err, code, "%s: %s", attempt->address, hearth_code_text(code));
    }
    bool is_refused = !attempt->sent && (attempt->connect_problem != NULL || is_refusal(text));
    if (attempt->connect_problem != NULL && !attempt->sent) {
        text = attempt->connect_problem;
    }
    if (is_refused && attempt->is_fixed) {
        return hearth_fail(err, HEARTH_DENIED,
            "%s: another answers there than our coordinator (%s)", attempt->address,
            last_reason(text));
    }
    return hearth_fail(err, code, "%s: %s (%s)", attempt->address,
        attempt->sent ? "connection lost" : "no connection", last_reason(text));
}

enum hearth_code core_ending_read(
    const struct core_ending *ending, const struct core_attempt *attempt, struct hearth_err *err)
{
    if (ending->status == GRPC_STATUS_OK) {
        return HEARTH_OK;
    }
    char text[RPC_MESSAGE_TEXT_MAX + 1];
    rpc_copy_text(core_slice_view(&ending->details), text);
    enum hearth_code code;
    if (!find_code(&ending->trailers, &code)) {
        return fail_without_answer(ending, attempt, text, err);
    }
    if (code == HEARTH_OK) { /* with a status that is not: nonsense */
        code = HEARTH_INTERNAL;
    }
    return hearth_fail(err, code, "%s: %s", attempt->address, text);
}

void core_verdict_init(struct core_verdict *verdict, enum hearth_code code, const char *text)
{
    *verdict = (struct core_verdict){.op = {.op = GRPC_OP_SEND_STATUS_FROM_SERVER}};
    if (code == HEARTH_OK) {
        verdict->details = grpc_empty_slice();
        verdict->op.data.send_status_from_server.status = GRPC_STATUS_OK;
        return;
    }
    char cut[RPC_MESSAGE_TEXT_MAX + 1];
    rpc_copy_text(view_text(text), cut);
    verdict->details = grpc_slice_from_copied_string(cut);
    int length = snprintf(verdict->code_text, sizeof(verdict->code_text), "%u", (unsigned)code);
    verdict->trailer.key = grpc_slice_from_static_string(RPC_KEY_CODE);
    verdict->trailer.value = grpc_slice_from_copied_buffer(verdict->code_text, (size_t)length);
    verdict->op.data.send_status_from_server.trailing_metadata = &verdict->trailer;
    verdict->op.data.send_status_from_server.trailing_metadata_count = 1;
    verdict->op.data.send_status_from_server.status = GRPC_STATUS_UNKNOWN;
    verdict->op.data.send_status_from_server.status_details = &verdict->details;
}

void core_verdict_fini(struct core_verdict *verdict)
{
    grpc_slice_unref(verdict->details);
    if (verdict->op.data.send_status_from_server.trailing_metadata_count > 0) {
        grpc_slice_unref(verdict->trailer.value);
    }
}
