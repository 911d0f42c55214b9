/*
 * bench_s3_link.h - a connection to a gateway, for bench_s3: bytes out, answers in, as cheap as can
 * be.
 *
 * What fails ends the program.  Thread-safety: a link belongs to one thread.
 */
#ifndef HEARTH_PERF_BENCH_S3_LINK_H
#define HEARTH_PERF_BENCH_S3_LINK_H

#include "common/view.h"

struct s3_link;

/* host: "127.0.0.1:9000".  tls_port: NULL, or the port at that host where TLS is spoken; nobody's
 * certificate is looked at.  NULL: nobody answers there. */
struct s3_link *s3_link_open(const char *host, const char *tls_port);
void s3_link_close(struct s3_link *link); /* accepts NULL */

void s3_link_send(struct s3_link *link, struct view bytes);

struct s3_link_answer {
    unsigned status;
    uint64_t size; /* of the body, which was read and thrown away */
};

void s3_link_answer(struct s3_link *link, struct s3_link_answer *out);

#endif /* HEARTH_PERF_BENCH_S3_LINK_H */
