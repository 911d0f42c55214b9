/*
 * object_list.h - one page of a bucket's keys; the body of hearth_list().
 */
#ifndef HEARTH_CLIENT_OBJECT_LIST_H
#define HEARTH_CLIENT_OBJECT_LIST_H

#include "client/hearth.h"
#include "client/session.h"

enum hearth_code object_list(struct session *session, const struct hearth_list_options *options,
    struct hearth_page **out, struct hearth_err *err);

#endif /* HEARTH_CLIENT_OBJECT_LIST_H */
