/*
 * fake_coordinator_parts.h - what the files of the invented coordinator share.
 *
 *   fake_coordinator.c   a question comes in, is remembered, or lost
 *   fake_segments.c      buckets, offers, receipts
 *   fake_objects.c       begin, commit, copy, delete; lookup, list
 *   fake_uploads.c       uploads in parts, tags, many keys
 */
#ifndef HEARTH_TESTS_LIB_FAKE_COORDINATOR_PARTS_H
#define HEARTH_TESTS_LIB_FAKE_COORDINATOR_PARTS_H

#include "tests/lib/fake_coordinator.h"

/* Answers one question; request and reply are the structs of its method. */
typedef enum hearth_code fake_answer_fn(
    struct fake_coordinator *self, const void *request, void *reply, struct hearth_err *err);

fake_answer_fn fake_answer_open_session;
fake_answer_fn fake_answer_create_bucket;
fake_answer_fn fake_answer_delete_bucket;
fake_answer_fn fake_answer_head_bucket;
fake_answer_fn fake_answer_list_buckets;
fake_answer_fn fake_answer_set_bucket_access;
fake_answer_fn fake_answer_derive_signing_key;
fake_answer_fn fake_answer_open_segment;
fake_answer_fn fake_answer_offer_slot;
fake_answer_fn fake_answer_seal_segment;
fake_answer_fn fake_answer_add_holders;
fake_answer_fn fake_answer_begin;
fake_answer_fn fake_answer_commit;
fake_answer_fn fake_answer_abort;
fake_answer_fn fake_answer_put_inline;
fake_answer_fn fake_answer_copy;
fake_answer_fn fake_answer_delete;
fake_answer_fn fake_answer_lookup;
fake_answer_fn fake_answer_more_orders;
fake_answer_fn fake_answer_list;
fake_answer_fn fake_answer_whereis;
fake_answer_fn fake_answer_report_shard;
fake_answer_fn fake_answer_delete_many;
fake_answer_fn fake_answer_set_tags;
fake_answer_fn fake_answer_create_upload;
fake_answer_fn fake_answer_complete_upload;
fake_answer_fn fake_answer_abort_upload;
fake_answer_fn fake_answer_list_parts;
fake_answer_fn fake_answer_list_uploads;

/* Part NULL is fine.  HEARTH_NOT_FOUND: no such upload is open. */
enum hearth_code fake_check_part(struct fake_coordinator *self, struct view bucket, struct view key,
    const struct wire_part_place *part, struct hearth_err *err);
/* Where that part goes, instead of the one that is there. */
struct fake_version *fake_part_version(
    struct fake_coordinator *self, const struct wire_part_place *part);

/* A new visible version of the key. */
struct fake_version *fake_add_version(struct fake_coordinator *self, struct view bucket,
    struct view key, struct wire_commit_reply *reply);
enum hearth_code fake_check_bucket(
    struct fake_coordinator *self, struct view name, struct view bucket_id, struct hearth_err *err);
enum hearth_code fake_check_precondition(const struct wire_precondition *wanted,
    const struct fake_version *present, struct hearth_err *err);

/* Memory for as long as the coordinator lives. */
void *fake_remember(struct fake_coordinator *self, size_t size);
struct view fake_remember_bytes(struct fake_coordinator *self, const void *bytes, size_t size);
struct view fake_id_of_number(struct fake_coordinator *self, uint64_t number);

/* NULL: there is none. */
struct wire_bucket_info *fake_find_bucket(struct fake_coordinator *self, struct view name);
struct fake_segment *fake_find_segment(struct fake_coordinator *self, struct view id);
/* The visible version; key {0}: of any key. */
struct fake_version *fake_find_version(
    const struct fake_coordinator *self, struct view bucket, struct view key);
bool fake_is_visible(
    const struct fake_coordinator *self, unsigned index, struct view bucket, struct view key);

enum hearth_code fake_no_bucket(struct view name, struct hearth_err *err);

/* is_current: as it is, else as it was first. */
struct wire_node_address *fake_address_of(
    struct fake_coordinator *self, unsigned node, bool is_current);
struct wire_placement fake_placement_of(
    struct fake_coordinator *self, const struct fake_order *name, enum fake_action action);

enum hearth_code fake_seal(struct fake_coordinator *self,
    const struct wire_seal_segment_request *ask, struct wire_seal_segment_reply *reply,
    struct hearth_err *err);

#endif /* HEARTH_TESTS_LIB_FAKE_COORDINATOR_PARTS_H */
