/*
 * log_events.h - every event a Hearth process can log: the vocabulary, declared once.
 */
#ifndef HEARTH_COMMON_LOG_EVENTS_H
#define HEARTH_COMMON_LOG_EVENTS_H

/* Each row: X(name, level, text, who reads it and what for). */

#define LOG_EVENTS_STORAGED(X)                                                                     \
    X(SHARD_STORED, DEBUG, "shard.stored", "one shard is durable, its receipt on its way")         \
    X(SHARD_SERVED, DEBUG, "shard.served", "cells of one shard went out")                          \
    X(SHARD_REFUSED, DEBUG, "shard.refused", "one put or get ended early; the code says why")      \
    X(INVENTORY_REFUSED, DEBUG, "inventory.refused", "a walk over what is here ended early")       \
    X(TRASH_WITHHELD, WARN, "trash.withheld",                                                      \
        "named dead, but more than a day may trash; gc release")                                   \
    X(EPOCH_NOT_KEPT, WARN, "epoch.not_kept",                                                      \
        "a newer life of the coordinator was heard of and cannot be written down; nothing is "     \
        "trashed")                                                                                 \
    X(TRASH_REFUSED, WARN, "trash.refused",                                                        \
        "shards named dead by an older life of the coordinator, or not all of them came")          \
    X(TRASH_DELAYED, WARN, "trash.delayed",                                                        \
        "a dead shard is kept for now; it will be named again")                                    \
    X(COORDINATOR_REACHED, INFO, "coordinator.reached", "heartbeats are answered, orders judged")  \
    X(COORDINATOR_LOST, WARN, "coordinator.lost", "heartbeats fail; shards are served meanwhile")  \
    X(CERTIFICATE_RENEWED, INFO, "certificate.renewed", "valid for another while")                 \
    X(CERTIFICATE_NOT_RENEWED, WARN, "certificate.not_renewed", "tried again in five minutes")     \
    X(SHARD_DAMAGED, WARN, "shard.damaged", "it does not verify any more; repair replaces it")     \
    X(SETTINGS_READ, INFO, "settings.read", "the file was read again; what changed was said")      \
    X(SETTING_CHANGED, INFO, "setting.changed", "one setting, in force from now on")               \
    X(SETTING_WAITS, WARN, "setting.waits", "changed in the file; takes a restart to be in force") \
    X(SETTINGS_REFUSED, WARN, "settings.refused", "the file has a mistake; nothing was changed")   \
    X(DISK_OPENED, INFO, "disk.opened", "how files are read and written, and why not better")      \
    X(DISK_RING_GIVEN_UP, WARN, "disk.ring_given_up",                                              \
        "the kernel stopped taking requests; threads serve the disk until the next start")         \
    X(VOLUME_LOG_FAILED, WARN, "volume.log_failed", "a write failed; its shards are re-verified")  \
    X(VOLUME_LOG_VERIFIED, INFO, "volume.log_verified", "what was good of it has been moved")      \
    X(VOLUME_READ_ONLY, ERROR, "volume.read_only", "the disk fails: replace it")                   \
    X(VOLUME_RECORDS_ROTTED, ERROR, "volume.records_rotted", "synced bytes are gone: check disk")  \
    X(VOLUME_INDEX_REBUILT, INFO, "volume.index_rebuilt", "no usable checkpoint; logs were read")  \
    X(VOLUME_GONE, ERROR, "volume.gone", "its disk was taken away: nothing is served any more")    \
    X(VOLUME_LOG_COMPACTED, INFO, "volume.log_compacted", "its dead bytes are free space again")   \
    X(VOLUME_LOG_KEPT, WARN, "volume.log_kept", "damage keeps a log that is mostly dead on disk")  \
    X(VOLUME_NOT_CLOSED, WARN, "volume.not_closed", "the next start takes longer; no data is lost")

#define LOG_EVENTS_COORDINATOR(X)                                                                  \
    X(SHARD_REPORTED, WARN, "shard.reported",                                                      \
        "a reader found a shard wrong or missing at a node; many of one node: look at it")         \
    X(GARBAGE_COLLECTED, INFO, "garbage.collected", "what nobody named any more was let go")       \
    X(VERSION_UNDELETED, INFO, "version.undeleted", "an admin brought a deleted version back")     \
    X(NODE_RECONCILED, INFO, "node.reconciled", "what it says it has was held against the layout") \
    X(GARBAGE_RELEASED, INFO, "garbage.released", "an admin lets shards be trashed again")         \
    X(REPAIR_ASKED, INFO, "repair.asked", "an operator wants every segment at n")                  \
    X(SEGMENT_REPAIRED, INFO, "segment.repaired", "missing shards were rebuilt at new holders")    \
    X(REPAIR_FAILED, WARN, "repair.failed", "a segment could not be repaired now; tried again")    \
    X(SHARD_MOVED, DEBUG, "shard.moved", "a new holder has it, the old one may let go of it")      \
    X(MOVE_INDIRECT, INFO, "move.indirect",                                                        \
        "two nodes did not reach one another: it goes by here")                                    \
    X(MOVE_REBUILT, INFO, "move.rebuilt",                                                          \
        "its holder does not give a shard: it is made anew at the new one")                        \
    X(MOVE_FAILED, WARN, "move.failed", "a shard could not be moved now; tried again")             \
    X(SEGMENT_RECODED, DEBUG, "segment.recoded", "it has the code of another profile now")         \
    X(RECODE_FAILED, WARN, "recode.failed", "a segment could not be coded anew now; tried again")  \
    X(REBALANCE_PLANNED, INFO, "rebalance.planned", "what a plan would move is known")             \
    X(REBALANCE_CHANGED, INFO, "rebalance.changed", "an admin applied, paused or ended a plan")    \
    X(REBALANCE_ENDED, INFO, "rebalance.ended", "a plan is done, or cannot be carried out")        \
    X(NODE_DRAINED, INFO, "node.drained", "an admin drains a node, or lets it take shards again")  \
    X(NODE_REMOVED, WARN, "node.removed", "an admin removed a node for ever")                      \
    X(NODE_SET, INFO, "node.set", "an admin said what is known of a node")                         \
    X(NODE_DECLARED_LOST, WARN, "node.declared_lost", "an admin said so; its slots are made anew") \
    X(NODE_DECLARED_FOUND, WARN, "node.declared_found",                                            \
        "an admin said it is not lost: what it holds counts again")                                \
    X(INVITED, INFO, "member.invited", "an invitation was made: whoever has it can enrol")         \
    X(TENANT_MADE, INFO, "tenant.made", "an admin made a tenant")                                  \
    X(ACCESS_KEY_MADE, INFO, "access_key.made", "an admin made an S3 access key")                  \
    X(ACCESS_KEY_REVOKED, INFO, "access_key.revoked", "an admin ended an S3 access key")           \
    X(BUCKET_DECIDED, INFO, "bucket.decided",                                                      \
        "an admin reserved a bucket or changed its settings, or its owner who may read it")        \
    X(BACKUP_SENT, INFO, "backup.sent", "a copy of the metadata went to an admin")                 \
    X(RESTORE_STAGED, WARN, "restore.staged",                                                      \
        "an admin's backup is whole: all stops, it becomes the metadata, all starts")              \
    X(RESTORED, WARN, "restore.done", "a backup is the metadata; what was there is kept")          \
    X(RESTORE_FAILED, ERROR, "restore.failed", "the metadata is what it was, and is served again") \
    X(CHECKED, INFO, "metadata.checked", "an admin had metadata and nodes compared")               \
    X(METADATA_SHIPPED, INFO, "metadata.shipped", "the nodes have all that was written before")    \
    X(NODE_OTHER_DISK, ERROR, "node.other_disk",                                                   \
        "a node came back with an empty or older disk; what it held is made anew elsewhere")       \
    X(NODE_TWICE, ERROR, "node.twice",                                                             \
        "two machines report as one node: both are shut out; stop one, then node lost --found")    \
    X(SHARD_CONVICTED, WARN, "shard.convicted",                                                    \
        "audits proved that a node lost or altered a shard; evidence is kept, repair follows")     \
    X(NODE_SUSPENDED, ERROR, "node.suspended", "it failed its audits: look at the evidence")       \
    X(NODE_TRUSTED_AGAIN, INFO, "node.trusted_again", "it passed for long enough")                 \
    X(AUDITOR_DOUBTED, WARN, "audit.doubted", "most nodes seem wrong or away: is it our network?") \
    X(NODE_RETURNED, INFO, "node.returned", "a lost node is back: its shards count again")         \
    X(NODE_DIALLED, DEBUG, "node.dialled", "its addresses were tried; none met: it is of no use")  \
    X(ENROLLED, INFO, "member.enrolled", "an invitation was used: somebody can speak to us now")   \
    X(ENROL_REFUSED, WARN, "enrol.refused", "somebody knocked with a wrong or used invitation")    \
    X(MEMBER_RENEWED, INFO, "member.renewed", "a member came for its next certificate")            \
    X(DUTY_FAILED, WARN, "duty.failed", "a background duty is tried again at its next round")

#define LOG_EVENTS_CLIENT(X)

#define LOG_EVENTS_GATEWAY(X)                                                                      \
    X(TENANT_OPENED, INFO, "tenant.opened", "this gateway serves it from now on")                  \
    X(TENANT_NOT_OPENED, ERROR, "tenant.not_opened", "its folder is not what it should be")        \
    X(TRANSFER_NOTICED, INFO, "transfer.noticed", "what failed no request: a slow or wrong node")  \
    X(REQUEST_FAILED, WARN, "request.failed", "a client was told to try again; this is why")

#define LOG_EVENT_TABLE(X)                                                                         \
    X(PROCESS_STARTED, INFO, "process.started", "which program, version and address")              \
    X(PROCESS_STOPPED, INFO, "process.stopped", "an orderly end, and why")                         \
    X(PROCESS_FAILED, ERROR, "process.failed", "the process cannot go on; the message says why")   \
    LOG_EVENTS_STORAGED(X)                                                                         \
    LOG_EVENTS_COORDINATOR(X)                                                                      \
    LOG_EVENTS_CLIENT(X)                                                                           \
    LOG_EVENTS_GATEWAY(X)

enum log_event {
#define X(name, level, text, reader) LOG_##name,
    LOG_EVENT_TABLE(X)
#undef X
};

#endif /* HEARTH_COMMON_LOG_EVENTS_H */
