/*
 * PutObject (op.h).
 */
#include "gateway/op.h"

#include "gateway/body.h"
#include "gateway/call.h"
#include "gateway/condition.h"
#include "gateway/object_head.h"

void op_put_object(struct call *call)
{
    char etag[HEARTH_ETAG_TEXT_SIZE];
    struct hearth_put_options options = {
        .size_expected = call->body_size == HEARTH_SIZE_UNKNOWN ? 0 : call->body_size,
        .checksums = call->checksums,
        .control = call_control(call),
    };
    enum s3_error error = condition_of_write(call->request->head, etag, &options.precondition);
    if (error != S3_ERROR_NONE) {
        call_fail(call, error, NULL);
        return;
    }
    if (!object_head_read(call, &options.attributes)) {
        return;
    }
    struct hearth_put_result result;
    struct hearth_err err;
    options.md5 = body_hand_over(call->verifier);
    if (hearth_put(call->hearth, call->request->bucket, call->request->key, &call->body, &options,
            &result, &err) != HEARTH_OK) {
        op_fail_put(call, S3_ABOUT_OBJECT, &err);
        return;
    }
    object_head_stored(call, result.etag);
    object_head_given_checksums(call, call->checksums, 0);
    call_answer(call, 200);
}
