/*
 * sim_disk.h - a disk (storaged/disk.h) in memory that forgets, tears, fails and lies when told to.
 *
 * What every request changes is kept apart from what is durable:
 *
 *   current image of each file     what reads see: the page cache
 *   durable image of each file     what a power cut surely leaves
 *   effects, oldest first          everything in between: writes, sizes, names
 *
 * A sync moves the effects it covers (those answered before it was submitted) into the durable
 * state.  A failed sync throws them away although reads still see them.  A crash makes a new disk:
 * the durable state, and of the effects whatever the policy lets through.
 *
 * Time does not pass in it: a request waits until sim_disk_step() answers one.  With the same seed
 * and the same calls, the same happens.
 */
#ifndef HEARTH_TESTS_SIM_SIM_DISK_H
#define HEARTH_TESTS_SIM_SIM_DISK_H

#include "common/view.h"
#include "storaged/disk.h"

enum sim_policy {
    SIM_DROP_ALL,  /* nothing that was not synced */
    SIM_KEEP_ALL,  /* everything, in flight too */
    SIM_PREFIX,    /* the effects up to some moment */
    SIM_SECTORS,   /* any subset of the 512-byte sectors of each write, any subset of the rest */
    SIM_TORN_LAST, /* everything, but the last write stops at some sector */
    SIM_REORDERED, /* any subset of the effects */
    SIM_KILLED,    /* only the process ends: all is there to be read, and no more of it durable */
    SIM_POLICIES,
};

enum sim_fault_kind {
    SIM_FAIL,    /* answers `error`; of a write everything, something or nothing may be there, of a
                    sync its bytes are lost but still readable */
    SIM_SHORT,   /* a write or read does half of it and says so */
    SIM_DROPPED, /* a write answers 0 and never reaches the disk: its sectors stay stale */
    SIM_MISPLACED, /* a write answers 0 and lands at `offset` of its file */
};

/* Strikes the requests of one kind numbered [nth, nth + count), counted from the disk's making. */
struct sim_fault {
    enum sim_fault_kind kind;
    enum disk_request request;
    uint64_t nth;
    uint64_t count;
    int error;
    uint64_t offset;
};

struct sim_disk;

/* Empty; answers in an order drawn from `seed`, or with seed 0 in the order of submitting. */
struct sim_disk *sim_disk_create(struct loop *loop, uint64_t seed);

/* The seam's view of it; disk_destroy() destroys all. */
struct disk *sim_disk_seam(struct sim_disk *sim);

/* Answers one request. false: none is waiting. */
bool sim_disk_step(struct sim_disk *sim);

/* The request that was submitted last is not answered before it is released: a slow one. */
void sim_disk_hold_newest(struct sim_disk *sim);
void sim_disk_release(struct sim_disk *sim);

/* A new disk: what this one might hold after losing power now. Faults and hook are not inherited.
 */
struct sim_disk *sim_disk_crash(
    const struct sim_disk *sim, struct loop *loop, enum sim_policy policy, uint64_t seed);

/*
 * Called when a request that can change what a crash leaves has been taken and has had its effects,
 * before it is answered.
 */
void sim_disk_set_hook(
    struct sim_disk *sim, void (*hook)(void *context, struct sim_disk *sim), void *context);

/* At most eight faults; sim_disk_heal() forgets them all. */
void sim_disk_add_fault(struct sim_disk *sim, const struct sim_fault *fault);
void sim_disk_heal(struct sim_disk *sim);

/* Requests of a kind taken so far: the `nth` of the next one. */
uint64_t sim_disk_requests(const struct sim_disk *sim, enum disk_request request);

/* Files may not grow beyond this many bytes in all: ENOSPC. UINT64_MAX at first. */
void sim_disk_set_capacity(struct sim_disk *sim, uint64_t bytes);

/* Bytes of all files, by their lengths. */
uint64_t sim_disk_used(const struct sim_disk *sim);

/* The current image of a file, to look at; NULL: no such file. Valid until the next request. */
struct view sim_disk_file(const struct sim_disk *sim, const char *name);

/* A file of that name with these bytes, or with fewer than it had: as if somebody had put it there.
 * NULL bytes: zeros. */
void sim_disk_replace(struct sim_disk *sim, const char *name, const uint8_t *bytes, size_t size);

/* Somebody removes a file. */
void sim_disk_remove(struct sim_disk *sim, const char *name);

/* Rot: the byte changes wherever it is kept. The file must be that long. */
void sim_disk_flip(struct sim_disk *sim, const char *name, uint64_t offset, uint8_t mask);

#endif /* HEARTH_TESTS_SIM_SIM_DISK_H */
