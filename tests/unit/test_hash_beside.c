/*
 * hash_beside: however bytes come, all of them are hashed once and in order, with a thread and
 * without, and a put that ends in the middle leaves nothing behind.  Real threads; nothing is
 * timed.
 */
#include "client/hash_beside.h"

#include "client/object_put.h"
#include "tests/lib/client_world.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { KIB = 1024, MIB = 1024 * KIB, ROOM = HASH_BESIDE_ROOM_SIZE, FROM = HASH_BESIDE_FROM };

/* ---- threads that were asked for ---- */

static struct {
    atomic_uint asked;
    atomic_bool refuses;
} threads;

int __real_pthread_create(
    pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *context);
int __wrap_pthread_create(
    pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *context);

int __wrap_pthread_create(
    pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *context)
{
    atomic_fetch_add(&threads.asked, 1);
    return atomic_load(&threads.refuses) ? EAGAIN
                                         : __real_pthread_create(thread, attr, run, context);
}

static int forget_threads(void **state)
{
    (void)state;
    atomic_store(&threads.asked, 0);
    atomic_store(&threads.refuses, false);
    return 0;
}

/* ---- bytes that are hashed ---- */

struct hashed {
    struct hash_beside beside;
    struct crypto_hash *md5;
    uint64_t size; /* seen by `update`; no atomics, for who settles may look */
    unsigned edges;
    atomic_ullong added; /* pieces */
    atomic_ullong seen;
    atomic_ullong lag_most;
};

static void update(void *context, struct view bytes)
{
    struct hashed *hashed = context;
    unsigned long long lag = atomic_load(&hashed->added) - atomic_load(&hashed->seen);
    if (lag > atomic_load(&hashed->lag_most)) {
        atomic_store(&hashed->lag_most, lag);
    }
    crypto_hash_update(hashed->md5, bytes);
    hashed->size += bytes.size;
    hashed->edges += bytes.bytes[0] + bytes.bytes[bytes.size - 1]; /* OpenSSL's reads TSan misses */
    atomic_fetch_add(&hashed->seen, (bytes.size + ROOM - 1) / ROOM); /* rooms that follow */
}

static void hurry(void *context)
{
    (void)context;
}

static void hashed_init(struct hashed *hashed)
{
    memset(hashed, 0, sizeof(*hashed));
    hashed->md5 = crypto_hash_create(CRYPTO_MD5);
    hash_beside_init(&hashed->beside, update, hurry, hashed);
}

static void hashed_fini(struct hashed *hashed)
{
    hash_beside_fini(&hashed->beside);
    crypto_hash_destroy(hashed->md5);
}

/* As a put does: into a room when there is one. */
static void give(struct hashed *hashed, struct view bytes)
{
    uint8_t *room = hash_beside_room(&hashed->beside);
    atomic_fetch_add(&hashed->added, 1);
    if (room == NULL) {
        hash_beside_update(&hashed->beside, bytes);
    } else {
        memcpy(room, bytes.bytes, bytes.size);
        hash_beside_add(&hashed->beside, bytes.size);
        assert_memory_equal(room, bytes.bytes, bytes.size); /* a sealer would look at it now */
    }
}

static uint8_t *make_bytes(size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(i * 2654435761U >> 13);
    }
    return bytes;
}

static void md5_of(struct view bytes, uint8_t out[CRYPTO_MD5_SIZE])
{
    struct crypto_hash *hash = crypto_hash_create(CRYPTO_MD5);
    crypto_hash_update(hash, bytes);
    crypto_hash_final(hash, out);
    crypto_hash_destroy(hash);
}

static void assert_settles_as(struct hashed *hashed, struct view bytes)
{
    uint8_t expected[CRYPTO_MD5_SIZE];
    uint8_t md5[CRYPTO_MD5_SIZE];
    hash_beside_settle(&hashed->beside);
    assert_int_equal(hashed->size, bytes.size);
    crypto_hash_final(hashed->md5, md5);
    md5_of(bytes, expected);
    assert_memory_equal(md5, expected, sizeof(md5));
}

static void assert_hashes(const uint8_t *bytes, size_t size, size_t piece)
{
    struct hashed hashed;
    hashed_init(&hashed);
    for (size_t at = 0; at < size; at += piece) {
        give(&hashed, view_of(bytes + at, piece < size - at ? piece : size - at));
    }
    assert_settles_as(&hashed, view_of(bytes, size));
    assert_in_range(atomic_load(&hashed.lag_most), size > 0, HASH_BESIDE_ROOMS);
    hashed_fini(&hashed);
}

static const size_t sizes[] = {0, 1, ROOM, FROM - 1, FROM, FROM + 1, FROM + ROOM - 1, FROM + ROOM,
    FROM + ROOM + 1, FROM + HASH_BESIDE_MEMORY / 2, FROM + HASH_BESIDE_MEMORY,
    FROM + HASH_BESIDE_MEMORY + 1, 4 * MIB + 77};
static const size_t pieces[] = {ROOM, ROOM - 1, 4096, 1000};

static void hash_all_sizes(void)
{
    uint8_t *bytes = make_bytes(5 * MIB);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t j = 0; j < sizeof(pieces) / sizeof(pieces[0]); j++) {
            assert_hashes(bytes, sizes[i], pieces[j]);
        }
    }
    free(bytes);
}

static void every_byte_is_hashed_once_and_in_order(void **state)
{
    (void)state;
    hash_all_sizes();
    assert_true(atomic_load(&threads.asked) > 0);
}

static void without_a_thread_the_put_hashes_them_itself(void **state)
{
    (void)state;
    atomic_store(&threads.refuses, true);
    hash_all_sizes();
    assert_true(atomic_load(&threads.asked) > 0);

    struct hashed hashed;
    uint8_t *bytes = make_bytes(ROOM);
    hashed_init(&hashed);
    for (unsigned i = 0; i < FROM / ROOM; i++) {
        give(&hashed, view_of(bytes, ROOM));
    }
    unsigned before = atomic_load(&threads.asked);
    assert_null(hash_beside_room(&hashed.beside));
    assert_null(hash_beside_room(&hashed.beside));
    assert_int_equal(atomic_load(&threads.asked), before + 1); /* and is not asked again */
    hashed_fini(&hashed);
    free(bytes);
}

static void little_is_hashed_without_a_thread(void **state)
{
    (void)state;
    uint8_t *bytes = make_bytes(FROM);
    assert_hashes(bytes, FROM, ROOM);
    assert_int_equal(atomic_load(&threads.asked), 0);
    assert_hashes(bytes, FROM, 1000);
    assert_int_equal(atomic_load(&threads.asked), 0);
    free(bytes);
}

static void bytes_that_lie_elsewhere_keep_their_place(void **state)
{
    (void)state;
    uint8_t *bytes = make_bytes(4 * MIB);
    struct hashed hashed;
    hashed_init(&hashed);
    for (size_t at = 0; at < 4 * MIB; at += ROOM) {
        const struct view piece = view_of(bytes + at, ROOM);
        if (at / ROOM % 7 == 3) {
            atomic_fetch_add(&hashed.added, 1);
            hash_beside_update(&hashed.beside, piece);
        } else {
            give(&hashed, piece);
        }
    }
    assert_settles_as(&hashed, view_of(bytes, 4 * MIB));
    give(&hashed, view_of(bytes, 10)); /* and after the end of one message another one begins */
    hash_beside_settle(&hashed.beside);
    assert_int_equal(hashed.size, 4 * MIB + 10);
    hashed_fini(&hashed);
    free(bytes);
}

/* With 0 to all of its rooms full. */
static void who_gives_up_in_the_middle_waits_for_nothing_and_leaves_nothing(void **state)
{
    (void)state;
    uint8_t *bytes = make_bytes(FROM + 3 * HASH_BESIDE_MEMORY);
    for (unsigned rooms = 0; rooms <= 2 * HASH_BESIDE_ROOMS; rooms++) {
        struct hashed hashed;
        hashed_init(&hashed);
        for (size_t at = 0; at < FROM + (size_t)rooms * ROOM; at += ROOM) {
            give(&hashed, view_of(bytes + at, ROOM));
        }
        (void)hash_beside_room(&hashed.beside); /* asked for, and then nothing came */
        hash_beside_fini(&hashed.beside);
        unsigned long long seen = atomic_load(&hashed.seen);
        assert_in_range(seen, FROM / ROOM, FROM / ROOM + rooms);
        hashed_fini(&hashed); /* accepts zeros */
        assert_int_equal(atomic_load(&hashed.seen), seen);
    }
    free(bytes);
}

/* ---- in a put ---- */

static void etag_of(uint64_t seed, uint64_t size, char out[2 * CRYPTO_MD5_SIZE + 1])
{
    uint8_t md5[CRYPTO_MD5_SIZE];
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    for (uint64_t i = 0; i < size; i++) {
        bytes[i] = world_byte(seed, i);
    }
    md5_of(view_of(bytes, size), md5);
    free(bytes);
    for (size_t i = 0; i < sizeof(md5); i++) {
        snprintf(out + 2 * i, 3, "%02x", md5[i]);
    }
}

static void assert_put(struct world *world, uint64_t size, size_t part_max)
{
    struct world_source source;
    struct hearth_put_result result;
    struct hearth_err err;
    char etag[2 * CRYPTO_MD5_SIZE + 1];
    world_source_init(&source, 1, size);
    source.part_max = part_max;
    assert_ok(
        object_put(&world->session, "bucket", view_text("k"), &source.source, NULL, &result, &err),
        &err);
    etag_of(1, size, etag);
    assert_string_equal(result.etag, etag);
    uint64_t got = 0;
    assert_ok(world_get(world, "k", 1, 0, 0, &got, &err), &err);
    assert_int_equal(got, size);
}

static void the_etag_of_a_large_put_is_its_md5_and_its_bytes_are_what_they_were(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    const uint64_t around[] = {
        FROM - 1, FROM, FROM + 1, FROM + ROOM, FROM + ROOM + 1, FROM + HASH_BESIDE_MEMORY + 9};
    for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
        assert_put(world, around[i], 0);
    }
    assert_put(world, 3 * MIB + 5, 1000);
    assert_true(atomic_load(&threads.asked) > 0);
    atomic_store(&threads.refuses, true);
    assert_put(world, 3 * MIB + 5, 0);
    world_destroy(world);
}

/* Wherever the source fails or the put is cancelled, beside the limits above all. */
static void a_large_put_that_ends_in_the_middle_leaves_no_object(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    const uint64_t ends[] = {
        FROM - 1, FROM + 1, FROM + ROOM, FROM + HASH_BESIDE_MEMORY, FROM + 2 * MIB};
    for (size_t i = 0; i < 2 * sizeof(ends) / sizeof(ends[0]); i++) {
        bool is_cancelled = i % 2 == 1;
        atomic_bool cancel = false;
        const struct hearth_put_options options = {.control = {.cancel = &cancel}};
        struct world_source source;
        struct hearth_err err;
        world_source_init(&source, 1, 8 * MIB);
        source.cancel = &cancel;
        source.cancels_at = is_cancelled ? ends[i / 2] : UINT64_MAX;
        source.fails_at = is_cancelled ? 0 : ends[i / 2];
        assert_int_not_equal(object_put(&world->session, "bucket", view_text("k"), &source.source,
                                 &options, NULL, &err),
            HEARTH_OK);
        assert_null(fake_coordinator_find(&world->coordinator, "bucket", "k"));
    }
    assert_put(world, 2 * MIB, 0); /* and the next one is as ever */
    world_destroy(world);
}

/* ---- a source that verifies its bytes ---- */

struct witness {
    struct hearth_source source;
    struct world_source bytes;
    uint64_t seen;
    bool is_exact; /* so far, each once and in order */
    unsigned asked;
    uint64_t seen_when_asked;
    bool refuses;
};

static enum hearth_code read_witnessed(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    struct witness *witness = context;
    return witness->bytes.source.read(witness->bytes.source.context, bytes, size, out_got, err);
}

static void see(void *context, struct view bytes)
{
    struct witness *witness = context;
    for (size_t i = 0; i < bytes.size; i++) {
        witness->is_exact &= bytes.bytes[i] == world_byte(1, witness->seen++);
    }
}

static enum hearth_code vouch(void *context, struct hearth_err *err)
{
    struct witness *witness = context;
    witness->asked++;
    witness->seen_when_asked = witness->seen;
    return witness->refuses ? hearth_fail(err, HEARTH_INVALID, "not what was signed") : HEARTH_OK;
}

static void witness_init(struct witness *witness, uint64_t size)
{
    *witness = (struct witness){.is_exact = true,
        .source = {.read = read_witnessed, .see = see, .vouch = vouch, .context = witness}};
    world_source_init(&witness->bytes, 1, size);
}

static const uint64_t witnessed_sizes[] = {0, 100, WORLD_INLINE_MAX + 1, FROM, 3 * MIB + 5};
enum { WITNESSED_SIZES = sizeof(witnessed_sizes) / sizeof(witnessed_sizes[0]) };

/* There is an object afterwards, or why not. */
static enum hearth_code put_witnessed(
    struct world *world, struct witness *witness, struct hearth_err *err)
{
    enum hearth_code code =
        object_put(&world->session, "bucket", view_text("k"), &witness->source, NULL, NULL, err);
    bool is_there = fake_coordinator_find(&world->coordinator, "bucket", "k") != NULL;
    assert_int_equal(is_there, code == HEARTH_OK);
    return code;
}

static void a_source_sees_all_its_bytes_before_it_is_asked_for_them(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    for (size_t i = 0; i < WITNESSED_SIZES; i++) {
        struct witness witness;
        struct hearth_err err;
        witness_init(&witness, witnessed_sizes[i]);
        assert_ok(put_witnessed(world, &witness, &err), &err);
        assert_int_equal(witness.asked, 1);
        assert_int_equal(witness.seen_when_asked, witnessed_sizes[i]);
        assert_true(witness.is_exact);
    }
    world_destroy(world);
}

static void what_its_source_does_not_vouch_for_is_no_object(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    for (size_t i = 0; i < WITNESSED_SIZES; i++) {
        struct witness witness;
        struct hearth_err err;
        witness_init(&witness, witnessed_sizes[i]);
        witness.refuses = true;
        assert_int_equal(put_witnessed(world, &witness, &err), HEARTH_INVALID);
        assert_non_null(strstr(err.message, "not what was signed"));
    }
    assert_int_equal(world->coordinator.asked[RPC_COMMIT], 0);
    assert_int_equal(world->coordinator.asked[RPC_PUT_INLINE], 0);
    world_destroy(world);
}

static void who_failed_to_read_is_not_asked_for_its_word(void **state)
{
    (void)state;
    struct world *world = world_create(NULL);
    for (size_t i = 1; i < WITNESSED_SIZES; i++) {
        struct witness witness;
        struct hearth_err err;
        witness_init(&witness, witnessed_sizes[i]);
        witness.bytes.fails_at = witnessed_sizes[i];
        assert_int_equal(put_witnessed(world, &witness, &err), HEARTH_IO);
        assert_int_equal(witness.asked, 0);
    }
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_byte_is_hashed_once_and_in_order, forget_threads),
        cmocka_unit_test_setup(without_a_thread_the_put_hashes_them_itself, forget_threads),
        cmocka_unit_test_setup(little_is_hashed_without_a_thread, forget_threads),
        cmocka_unit_test_setup(bytes_that_lie_elsewhere_keep_their_place, forget_threads),
        cmocka_unit_test_setup(
            who_gives_up_in_the_middle_waits_for_nothing_and_leaves_nothing, forget_threads),
        cmocka_unit_test_setup(
            the_etag_of_a_large_put_is_its_md5_and_its_bytes_are_what_they_were, forget_threads),
        cmocka_unit_test_setup(
            a_large_put_that_ends_in_the_middle_leaves_no_object, forget_threads),
        cmocka_unit_test_setup(
            a_source_sees_all_its_bytes_before_it_is_asked_for_them, forget_threads),
        cmocka_unit_test_setup(what_its_source_does_not_vouch_for_is_no_object, forget_threads),
        cmocka_unit_test_setup(who_failed_to_read_is_not_asked_for_its_word, forget_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
