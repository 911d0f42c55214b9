/*
 * test_customer.h - what a customer's library asks a coordinator, call by call, with honest
 * receipts of all nodes unless a test takes some away.
 *
 * Each function fills a request that is right; tests spoil what they want to see refused.
 *
 * Thread-safety: none.
 */
#ifndef HEARTH_TESTS_LIB_TEST_CUSTOMER_H
#define HEARTH_TESTS_LIB_TEST_CUSTOMER_H

#include "coordinator/service/segment_orders.h"
#include "tests/lib/test_coordinator.h"

enum { CUSTOMER_SEGMENT_LENGTH = 300 * 1000 }; /* plaintext; two stripes of profile local */

struct test_customer {
    struct test_coordinator *world;
    struct test_member *member;
    struct view bucket; /* its own, profile local */
    uint8_t session[PKI_ID_SIZE];
};

/* A client of the tenant, with all rights. */
struct test_member *test_customer_join(struct test_coordinator *world, const char *tenant);

/* One, and a bucket of that name with "-bucket" behind it. */
void test_customer_init(
    struct test_customer *customer, struct test_coordinator *world, const char *tenant);

struct wire_create_bucket_request test_ask_create_bucket(
    struct test_customer *customer, struct view name);
struct wire_begin_request test_ask_begin(struct test_customer *customer, const char *key);
struct wire_open_segment_request test_ask_open(struct test_customer *customer, struct view intent);
struct wire_put_inline_request test_ask_put_inline(struct test_customer *customer, const char *key);
struct wire_lookup_request test_ask_lookup(struct test_customer *customer, const char *key);
struct wire_delete_request test_ask_delete(struct test_customer *customer, const char *key);

/* A segment on its way: open, sealed or committed. */
struct test_segment {
    struct view intent;
    struct view id;
    struct wire_open_segment_reply opened;
    struct wire_slot_receipt receipts[META_SLOTS_MAX]; /* of every placement offered */
    size_t receipt_count;
};

/* The size of each shard of a segment of CUSTOMER_SEGMENT_LENGTH. */
uint64_t test_shard_size(void);

/* Begins an upload and opens its one segment; the test fails when that fails. */
void test_open_segment(
    struct test_customer *customer, const char *key, struct test_segment *segment);

/* The order opened at the node it is for; the test fails when it does not open. */
struct order test_open_order(struct test_coordinator *world, struct view order);

/* What an honest node answers that has stored the shard. */
struct wire_slot_receipt test_receipt_of(
    struct test_customer *customer, const struct wire_placement *placement);

/* The same of a shard that is not one of CUSTOMER_SEGMENT_LENGTH in profile local. */
struct wire_slot_receipt test_receipt_of_size(
    struct test_customer *customer, const struct wire_placement *placement, uint64_t size);

struct wire_seal_segment_request test_ask_seal(const struct test_segment *segment);
/* An object of that segment alone; `extent` is filled and borrowed. seal may be NULL. */
struct wire_commit_request test_ask_commit(struct test_customer *customer,
    const struct test_segment *segment, const struct wire_seal_segment_request *seal,
    struct wire_extent *extent);

/* The whole way: begin, open, seal and commit. */
void test_upload(struct test_customer *customer, const char *key, struct test_segment *segment);

/* A call with the customer's certificate. */
enum hearth_code test_ask(
    struct test_customer *customer, unsigned method, const void *request, void *response);

#endif /* HEARTH_TESTS_LIB_TEST_CUSTOMER_H */
