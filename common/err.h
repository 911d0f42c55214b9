/*
 * err.h - why an operation failed, and what the caller can usefully do about it.
 *
 * A failure has three parts, each with one reader:
 *   code      what happened                 read by programs (travels on the wire)
 *   reaction  what to do next               read by retry, repair and gateway code
 *   message   which thing, in which attempt read by people
 *
 * A fallible function takes `struct hearth_err *err` as its last argument,
 * fills it exactly once at the point of failure and returns the code.  Callers
 * on the way up may add a prefix; they never replace the code.
 *
 * Thread-safety: a hearth_err belongs to one operation and moves with it.
 */
#ifndef HEARTH_COMMON_ERR_H
#define HEARTH_COMMON_ERR_H

#include <stdarg.h>

enum hearth_reaction {
    HEARTH_REACT_NONE,      /* it worked */
    HEARTH_REACT_FIX_CALL,  /* the request itself is wrong; retrying is useless */
    HEARTH_REACT_RETRY,     /* same peer, after a back-off */
    HEARTH_REACT_ELSEWHERE, /* another node, at once */
    HEARTH_REACT_REPAIR,    /* stored bytes are gone or wrong; rebuild them */
    HEARTH_REACT_RESOLVE,   /* it may or may not have happened: ask by token */
    HEARTH_REACT_GIVE_UP,   /* no path left; tell the user */
};

/* X(code, value, reaction, text).  Values are on the wire: append, never renumber. */
#define HEARTH_CODE_TABLE(X)                                                                       \
    X(OK, 0, NONE, "ok")                                                                           \
    X(INVALID, 1, FIX_CALL, "invalid request")                                                     \
    X(NOT_FOUND, 2, GIVE_UP, "not found")                                                          \
    X(NO_MEMORY, 3, RETRY, "out of memory")                                                        \
    X(BUSY, 4, RETRY, "at its limit")                                                              \
    X(UNREACHABLE, 5, ELSEWHERE, "peer does not answer")                                           \
    X(IO, 6, ELSEWHERE, "i/o failed")                                                              \
    X(CHECKSUM, 7, REPAIR, "stored bytes do not match their checksum")                             \
    X(SHARDS_LOST, 8, GIVE_UP, "too few shards left")                                              \
    X(EXISTS, 9, FIX_CALL, "already exists")                                                       \
    X(DENIED, 10, FIX_CALL, "not allowed")                                                         \
    X(CONFLICT, 11, FIX_CALL, "other content is there already")                                    \
    X(PRECONDITION, 12, FIX_CALL, "precondition is not true")                                      \
    X(UNKNOWN, 13, RESOLVE, "outcome unknown")                                                     \
    X(NO_SPACE, 14, ELSEWHERE, "no space left")                                                    \
    X(CANCELLED, 15, GIVE_UP, "cancelled")                                                         \
    X(DEADLINE, 16, RESOLVE, "deadline passed")                                                    \
    X(EXPIRED, 17, FIX_CALL, "expired")                                                            \
    X(NOT_READY, 18, RETRY, "not ready yet")                                                       \
    X(NOT_EMPTY, 19, FIX_CALL, "not empty")                                                        \
    X(TRASHED, 20, FIX_CALL, "was deleted")                                                        \
    X(FLEET_TOO_SMALL, 21, RETRY, "not enough nodes for the profile")                              \
    X(WRONG_KEY, 22, FIX_CALL, "key does not fit")                                                 \
    X(UNKNOWN_FORMAT, 23, GIVE_UP, "format version not known")                                     \
    X(UNIMPLEMENTED, 24, FIX_CALL, "not implemented by this peer")                                 \
    X(INTERNAL, 25, GIVE_UP, "internal error")                                                     \
    X(QUOTA, 26, FIX_CALL, "quota used up")

enum hearth_code {
#define X(name, value, reaction, text) HEARTH_##name = (value),
    HEARTH_CODE_TABLE(X)
#undef X
};

enum { HEARTH_ERR_MESSAGE_SIZE = 512 };

struct hearth_err {
    enum hearth_code code;
    int sys_errno;     /* 0 unless a system call failed */
    const char *where; /* "file:line" of the first report; static storage */
    char message[HEARTH_ERR_MESSAGE_SIZE];
};

#define HEARTH_STR_(x) #x
#define HEARTH_STR(x)  HEARTH_STR_(x)

/* Record a failure and return `code`, so a caller can write `return hearth_fail(...)`. */
#define hearth_fail(err, code, ...)                                                                \
    hearth_err_set((err), (code), 0, __FILE__ ":" HEARTH_STR(__LINE__), __VA_ARGS__)

/* The same, for a failed system call; `sys_errno` is its positive errno, added to the message. */
#define hearth_fail_sys(err, code, sys_errno, ...)                                                 \
    hearth_err_set((err), (code), (sys_errno), __FILE__ ":" HEARTH_STR(__LINE__), __VA_ARGS__)

enum hearth_code hearth_err_set(struct hearth_err *err, enum hearth_code code, int sys_errno,
    const char *where, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Prefix what this caller was trying to do: "put b/k: write shard 3: i/o failed". */
enum hearth_code hearth_err_prefix(struct hearth_err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Static storage. A value outside the table (from the wire) reads as "internal error". */
const char *hearth_code_text(enum hearth_code code);
const char *hearth_code_name(enum hearth_code code); /* "NOT_FOUND" */
enum hearth_reaction hearth_code_reaction(enum hearth_code code);

/* A number from the wire; what is not in the table becomes HEARTH_INTERNAL. */
enum hearth_code hearth_code_from_wire(unsigned value);

#endif /* HEARTH_COMMON_ERR_H */
