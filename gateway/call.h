/*
 * call.h - one request that was let in, as its handler sees it: what is asked, who asks, the body,
 * and the answer.
 *
 *   void op_get_object(struct call *call)
 *       call->request, call->hearth           what, and on whose behalf
 *       call->body                            decoded and verified bytes
 *       call_header(...) ...                  headers of the answer, as many as it takes
 *       call_answer / call_answer_xml / call_start, call_write, call_end / call_fail
 *
 * A call is made by the front only, after the verifier has given its proof and the authorisation
 * has agreed.  Exactly one answer is given; headers that every answer has (x-amz-request-id, date,
 * server) are not the handler's.
 *
 * Threads: a call belongs to the worker that runs its handler; everything may block.
 */
#ifndef HEARTH_GATEWAY_CALL_H
#define HEARTH_GATEWAY_CALL_H

#include "common/env.h"
#include "gateway/request.h"
#include "gateway/route.h"
#include "gateway/xml_out.h"

struct body;
struct auth_proof; /* auth.h: cannot be had without a verified signature, or a public bucket */

enum { CALL_XML_IN_MAX = 1 << 20 };

struct call {
    /* Set once. */
    struct env *env;
    struct http_exchange *exchange;
    const struct request *request;
    const struct route *route;
    const struct auth_proof *proof;
    const char *tenant; /* the account: its name, and S3's Owner */
    struct hearth *hearth;
    struct hearth_source body; /* without chunks and signatures; verified when it has ended */
    struct body *verifier;     /* whose work that is (body.h) */
    uint64_t body_size;        /* of that; HEARTH_SIZE_UNKNOWN when it was not said */
    const struct hearth_checksums *checksums; /* that came with it: known when it has ended */
    const char *region;                       /* what GetBucketLocation says */
    struct arena *arena;                      /* ends with the call */

    /* Why the body could not be read, in S3's words, when that is known better than by its code. */
    enum s3_error body_error;

    /* The answer, as far as it is. */
    unsigned header_count;
    unsigned header_capacity;
    struct http_header *headers;
    const char *refusal_name; /* of call_refusal_header(); NULL: none */
    char *refusal_value;
    unsigned status; /* 0: not answered yet */
    bool out_of_memory;

    /* For the log. */
    enum s3_error error;                 /* that was answered */
    char cause[HEARTH_ERR_MESSAGE_SIZE]; /* what libhearth said when it failed; "": it did not */
    uint64_t sent;
    uint64_t begun_ns; /* when the answer began */
};

/* ---- headers of the answer ---- */

/*
 * `name` lives as long as the arena; one that no header can have is left out.  Bytes of the value
 * that may not stand in a header become "?".
 */
void call_header(struct call *call, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Of untrusted bytes. */
void call_header_view(struct call *call, const char *name, struct view value);

/* "Sat, 28 Nov 2026 12:00:00 GMT" */
void call_header_date(struct call *call, const char *name, uint64_t unix_ms);

/* The one header that goes with an error besides those that every answer has: what call_header()
 * said was for success, and is left out then. */
void call_refusal_header(struct call *call, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- the answer: exactly one of these ---- */

/* Without a body. */
void call_answer(struct call *call, unsigned status);

/* With a finished document; one that ran out of memory is answered as InternalError. */
void call_answer_xml(struct call *call, unsigned status, struct xml_out *xml);

/* An error: `fmt` says what exactly is wrong with this request, NULL says what the table says. */
void call_fail(struct call *call, enum s3_error error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * A failed call of libhearth, about an object, a bucket or an upload.  NOT_FOUND about an object
 * is NoSuchBucket when the bucket is not there.  When body_error is set, that is the answer.
 * After call_start() the connection is cut instead.
 */
void call_fail_hearth(struct call *call, enum s3_about about, const struct hearth_err *err);

/* A stream: start, write any number of times, end.  HEAD: start and end. */
void call_start(struct call *call, unsigned status, uint64_t size);
enum hearth_code call_write(struct call *call, struct view bytes, struct hearth_err *err);
void call_end(struct call *call);

/* ---- small help ---- */

/* A leash for libhearth: the call ends when the client goes. */
struct hearth_control call_control(const struct call *call);

/* A parameter as text; NULL: it is not there. */
const char *call_param(const struct call *call, const char *name);

/* A request header (name in lower case); NULL: it is not there. */
const char *call_request_header(const struct call *call, const char *name);

/* The whole body, at most CALL_XML_IN_MAX bytes, in the arena.  False: the failure was answered. */
bool call_read_body(struct call *call, size_t size_max, struct view *out);

#endif /* HEARTH_GATEWAY_CALL_H */
