/*
 * sim_disk_state.h - what sim_disk.c and sim_disk_crash.c both know of a simulated disk.
 */
#ifndef HEARTH_TESTS_SIM_SIM_DISK_STATE_H
#define HEARTH_TESTS_SIM_SIM_DISK_STATE_H

#include "tests/sim/sim_disk.h"

enum {
    SIM_SECTOR_SIZE = 512,
    SIM_FILES_MAX = 128,
    SIM_INODES_MAX = 4096, /* files ever made, whatever became of their names */
    SIM_FAULTS_MAX = 8,
    SIM_REQUEST_KINDS = DISK_SYNC_DIR + 1,
};

struct sim_image {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
};

/* A file without its name. Lives as long as its disk. */
struct sim_inode {
    unsigned number;
    struct sim_image current;
    struct sim_image durable;
};

struct sim_names {
    unsigned count;
    struct {
        char name[DISK_NAME_SIZE];
        struct sim_inode *inode;
    } entries[SIM_FILES_MAX];
};

enum sim_effect_kind { EFFECT_WRITE, EFFECT_SIZE, EFFECT_LINK, EFFECT_RENAME, EFFECT_UNLINK };

/* One change that is not durable yet. */
struct sim_effect {
    enum sim_effect_kind kind;
    struct sim_inode *inode; /* of EFFECT_WRITE, _SIZE and _LINK */
    char name[DISK_NAME_SIZE];
    char new_name[DISK_NAME_SIZE];
    uint64_t offset; /* EFFECT_SIZE: the new size */
    uint8_t *bytes;
    size_t size;
    uint64_t answered_at; /* of the disk's moments; UINT64_MAX: not yet */
    struct sim_effect *next;
};

struct disk_file {
    struct sim_inode *inode;
    bool direct;
    bool is_lock;
    bool sync_failed;
};

struct sim_pending {
    struct disk_io *io;
    struct sim_effect *effect; /* NULL: it changes nothing, or has been lied about */
    uint64_t submitted_at;
    int error;  /* decided when it was taken */
    bool halve; /* a short read */
    struct sim_pending *next;
};

struct sim_disk {
    struct disk disk; /* first: the seam's functions get a pointer to it */
    struct loop *loop;
    uint64_t random_state; /* 0: answer in order */
    uint64_t moment;
    uint64_t capacity;
    bool locked;

    unsigned inode_count;
    struct sim_inode *inodes[SIM_INODES_MAX];
    struct sim_names current;
    struct sim_names durable;
    struct sim_effect *oldest_effect;
    struct sim_effect *newest_effect;

    unsigned pending_count;
    struct sim_pending *oldest_pending;
    struct sim_pending *held; /* NULL: none */

    uint64_t requests[SIM_REQUEST_KINDS];
    unsigned fault_count;
    struct sim_fault faults[SIM_FAULTS_MAX];
    void (*hook)(void *context, struct sim_disk *sim);
    void *hook_context;
};

uint64_t sim_random_below(uint64_t *state, uint64_t bound);

struct sim_inode *sim_inode_create(struct sim_disk *sim);

/* NULL: no such name. */
struct sim_inode *sim_names_find(const struct sim_names *names, const char *name);

/* Replaces what had the name. */
void sim_names_put(struct sim_names *names, const char *name, struct sim_inode *inode);

/* Does nothing when there is none. */
void sim_names_remove(struct sim_names *names, const char *name);

void sim_image_write(struct sim_image *image, uint64_t offset, const void *bytes, size_t size);

/* Longer: with zeros. Never shorter. */
void sim_image_grow(struct sim_image *image, uint64_t size);

/* The newest, zeroed, not answered yet. */
struct sim_effect *sim_effect_add(struct sim_disk *sim, enum sim_effect_kind kind);

/* Into names and the durable images of the inodes. A rename or unlink of nothing does nothing. */
void sim_effect_make_durable(const struct sim_effect *effect, struct sim_names *names);

/* The same on a name table alone. */
void sim_effect_name(const struct sim_effect *effect, struct sim_names *names);

#endif /* HEARTH_TESTS_SIM_SIM_DISK_STATE_H */
