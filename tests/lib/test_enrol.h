/*
 * test_enrol.h - an enrolment server on a loopback port that certifies whoever has the token, and
 * whoever it certified before; with a folder for what those who enrol keep.
 */
#ifndef HEARTH_TESTS_LIB_TEST_ENROL_H
#define HEARTH_TESTS_LIB_TEST_ENROL_H

#include "proto/enrol.h"
#include "proto/invite.h"
#include "tests/lib/test_env.h"

enum { TEST_ENROL_LIFE_S = 30 * 86400 }; /* of a certificate */

/* Whom customers and gateways join for. */
#define TEST_ENROL_TENANT "ann"

struct test_enrol {
    struct test_env env;
    char folder[64];
    struct arena arena;
    struct pki_key *ca_key;
    char *ca_pem;
    struct pki_key *server_key;
    char *server_pem;
    struct enrol_server *server;
    _Atomic enum peer_class class; /* what callers are certified as */
    _Atomic bool refuses;          /* the handler answers DENIED */
    _Atomic unsigned renewals;
    char invite[INVITE_TEXT_MAX + 1]; /* for a node, until test_enrol_invite() */
    struct hearth_err err;
};

/* For cmocka: *state is the struct. */
int test_enrol_setup(void **state);
int test_enrol_teardown(void **state);

/* Makes ->invite one of that kind, and the server one that certifies it. */
void test_enrol_invite(struct test_enrol *enrol, enum peer_class kind);

#endif /* HEARTH_TESTS_LIB_TEST_ENROL_H */
