/*
 * evil_store.c - the other half of `evilnode`: a storage node that does not keep what it said it
 * had.
 *
 *   shard_put --footer--> volume_put_finish, wrapped      shard_get --> volume_get_open, wrapped
 *
 * HEARTH_EVIL, beside the lies of evil_send.c:
 *
 *   forget   receipts for what it throws away
 *   deny     does not find what it has, as if it had deleted it later
 *   some     likewise, every second shard, by its name
 *   shard    finds the whole shard that it was asked for before, in place of this one
 *
 * It says "evil" on its log for each lie.
 */
#include "storaged/volume_put_state.h"

#include <stdio.h>

static bool does(const char *what)
{
    const char *how = getenv("HEARTH_EVIL");
    bool lies = how != NULL && strcmp(how, what) == 0;
    if (lies) {
        fprintf(stderr, "evil %s\n", what);
    }
    return lies;
}

/* ---- put ---- */

void __real_volume_put_finish(
    struct volume_put *put, const struct volume_put_totals *totals, struct volume_finish *finish);
void __wrap_volume_put_finish(
    struct volume_put *put, const struct volume_put_totals *totals, struct volume_finish *finish);

static void say_done(struct task *task)
{
    struct volume_finish *finish = (struct volume_finish *)((char *)task -
        offsetof(struct volume_finish, wait.owned_by_volume.task));
    finish->wait.done(&finish->wait);
}

void __wrap_volume_put_finish(
    struct volume_put *put, const struct volume_put_totals *totals, struct volume_finish *finish)
{
    if (!does("forget")) {
        __real_volume_put_finish(put, totals, finish);
        return;
    }
    struct loop *loop = put->volume->loop;
    volume_put_abort(put);
    finish->wait.err = (struct hearth_err){.code = HEARTH_OK};
    finish->stored_unix_ms = totals->stored_unix_ms;
    finish->wait.owned_by_volume.task.run = say_done;
    loop_post(loop, &finish->wait.owned_by_volume.task);
}

/* ---- get ---- */

struct volume_get *__real_volume_get_open(
    struct volume *volume, const struct shard_id *id, struct volume_wait *wait);
struct volume_get *__wrap_volume_get_open(
    struct volume *volume, const struct shard_id *id, struct volume_wait *wait);

/* On the loop, as everything here. */
struct volume_get *__wrap_volume_get_open(
    struct volume *volume, const struct shard_id *id, struct volume_wait *wait)
{
    static struct shard_id before;
    struct shard_id asked = *id;
    struct shard_id other = before;
    before = *id;
    if (does("deny")) {
        asked.bytes[0] ^= 1;
    } else if (asked.bytes[1] % 2 == 0 && does("some")) {
        asked.bytes[0] ^= 1;
    } else if (!shard_id_equal(&other, &asked) && does("shard")) {
        asked = other;
    }
    return __real_volume_get_open(volume, &asked, wait);
}
