/*
 * volume_model.h - what a volume may hold after some operations, and the operations to try.
 *
 * For each of three names the model keeps the set of fates that are possible: one after an
 * acknowledged operation, several after one that failed or is under way.  A volume is right when
 * what it shows of each name is in the set, to the byte (D2, D3, D5).
 */
#ifndef HEARTH_TESTS_SIM_VOLUME_MODEL_H
#define HEARTH_TESTS_SIM_VOLUME_MODEL_H

#include "tests/sim/volume_world.h"

enum {
    FATE_ABSENT = 1,
    FATE_LIVE_1 = 2, /* with content 1 */
    FATE_LIVE_2 = 4,
    FATE_TRASHED_1 = 8,
    FATE_TRASHED_2 = 16,
    FATE_BARRED = 32,
    FATE_UNREADABLE = 64, /* an error says so: only a disk that rots or lies may do that */
    FATE_ANY = 127,
};

/* SMALL: one cell. LARGE: three chunks. MIDDLE: two. */
enum model_name { MODEL_SMALL, MODEL_LARGE, MODEL_MIDDLE, MODEL_NAMES };

enum model_op {
    MODEL_PUT_SMALL,
    MODEL_PUT_SMALL_OTHER, /* the same name, other content */
    MODEL_PUT_LARGE,
    MODEL_PUT_PAIR, /* LARGE and MIDDLE, cell by cell in turn, finished together */
    MODEL_STORM, /* all three at once, nobody waiting for another; SMALL trashed when it is done */
    MODEL_TRASH_SMALL,
    MODEL_TRASH_LARGE,
    MODEL_TRASH_MIDDLE,
    MODEL_ABORT_LARGE, /* half of its cells, then given up */
    MODEL_REOPEN,
    MODEL_KILL,
    MODEL_TIDY, /* what is worth compacting is compacted */
    MODEL_AGE,  /* eight days pass first: trash is over */
    MODEL_OPS,
};

struct volume_model {
    unsigned possible[MODEL_NAMES];  /* sets of fates, when nothing is under way */
    unsigned under_way[MODEL_NAMES]; /* what the operation under way may add */
    bool is_over[MODEL_NAMES]; /* it was deleted, and its seven days are over: nobody uses it again
                                */
    bool expects_nothing; /* the disk lies: whatever is answered, only other bytes are wrong (D2) */
};

void volume_model_init(struct volume_model *model);

/*
 * Runs one operation to its end.  Fails the test when its answer contradicts the model, and, unless
 * `may_fail`, when it is an error that only a fault of the disk explains.  false: the volume could
 * not be opened again (only with `may_fail`); it is then not open.
 */
bool volume_model_run(
    struct volume_model *model, struct volume_world *world, enum model_op op, bool may_fail);

/* Looks at every name: fails the test unless all show a possible fate. Returns what was seen. */
void volume_model_check(
    const struct volume_model *model, struct volume_world *world, unsigned seen[MODEL_NAMES]);

/* The same by putting content 1 under every name that is not over: absent is told from barred. */
void volume_model_check_by_put(const struct volume_model *model, struct volume_world *world);

const char *model_op_name(enum model_op op);

#endif /* HEARTH_TESTS_SIM_VOLUME_MODEL_H */
