/*
 * meta_settings.h - the few facts there is one of: cluster id, recovery epoch, garbage hold; and
 * the counts that `status` shows.
 */
#ifndef HEARTH_COORDINATOR_META_META_SETTINGS_H
#define HEARTH_COORDINATOR_META_META_SETTINGS_H

#include "coordinator/meta/meta_store.h"

struct meta_settings {
    struct meta_id cluster;  /* zero: init has not been run */
    uint64_t recovery_epoch; /* rises by one with each restore from a backup */
    bool garbage_held;    /* after a restore, until every node is reconciled: nothing is trashed */
    uint64_t backup_ms;   /* of the last restore: how far the backup knew; 0: there was none */
    uint64_t restored_ms; /* and when it was opened */
    uint64_t given_up_ms; /* what the backup cannot know, and is older, an operator gave up */
    uint64_t release_until_ms; /* till then nodes may trash more than a day\'s worth */
};

/* Once, by `hearth-coordinator init`. HEARTH_EXISTS: the cluster has another id. */
enum hearth_code meta_cluster_set(
    struct meta_store *store, struct meta_id cluster, struct hearth_err *err);

enum hearth_code meta_settings_get(
    struct meta_store *store, struct meta_settings *out, struct hearth_err *err);

enum { META_RELEASE_MS = 24 * 60 * 60 * 1000 };

/* Lets garbage collection go on after a restore, and gives up whatever the backup cannot know; for
 * META_RELEASE_MS nodes may trash more than a day's worth. */
enum hearth_code meta_garbage_unhold(struct meta_store *store, struct hearth_err *err);

enum { META_COUNT_MAX = 1000000 }; /* the last three counts stop here: they are for people */

struct meta_counts {
    uint64_t buckets;
    uint64_t objects; /* all buckets */
    uint64_t bytes;   /* as customers count them */
    uint64_t intents_open;
    uint64_t bodies_doomed;
    uint64_t shards_dead;
};

enum hearth_code meta_counts_get(
    struct meta_store *store, struct meta_counts *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_SETTINGS_H */
