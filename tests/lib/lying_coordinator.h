/*
 * lying_coordinator.h - a coordinator before another one, in whose answers numbers, lengths and
 * whole fields become others by chance: what a compromised one may say.
 *
 * An answer is changed where it is bytes of protobuf, and decoded again: every lie is one that
 * the wire lets through.  Fields that have the size of an id, key or order keep their bytes: those
 * are compared and verified, not calculated with.
 *
 * Thread-safety: none.
 */
#ifndef HEARTH_TESTS_LIB_LYING_COORDINATOR_H
#define HEARTH_TESTS_LIB_LYING_COORDINATOR_H

#include "client/coordinator.h"

struct lying_coordinator {
    struct coordinator coordinator; /* first: the seam's functions get a pointer to it */
    struct coordinator *honest;
    struct env *chance;
    unsigned asked; /* questions so far */
};

void lying_coordinator_init(
    struct lying_coordinator *liar, struct coordinator *honest, struct env *chance);

#endif /* HEARTH_TESTS_LIB_LYING_COORDINATOR_H */
