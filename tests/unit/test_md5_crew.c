/*
 * md5_crew: whoever hashes beside whom, each message comes out as if it had been alone, and nobody
 * waits for ever.  Real threads; nothing is timed.
 */
#include "client/md5_crew.h"

#include "common/crypto.h"
#include "common/env.h"
#include "tests/lib/test.h"

enum { THREADS = 12, PIECES = 200, PIECE_MAX = 5000 };

struct member {
    struct md5_crew *crew;
    pthread_t thread;
    atomic_bool is_hurried;
    unsigned pieces;
    uint8_t digest[MD5_SIZE];
    uint8_t expected[CRYPTO_MD5_SIZE];
};

static void *hash_pieces(void *context)
{
    struct member *member = context;
    struct crypto_hash *hash = crypto_hash_create(CRYPTO_MD5);
    uint8_t bytes[PIECE_MAX];
    struct md5 md5;
    md5_begin(&md5);
    for (unsigned i = 0; i < member->pieces; i++) {
        size_t size = (size_t)env_random_below(env_system(), PIECE_MAX);
        env_random(env_system(), bytes, sizeof(bytes));
        md5_crew_update(member->crew, &md5, view_of(bytes, size), &member->is_hurried);
        crypto_hash_update(hash, view_of(bytes, size));
    }
    md5_crew_leave(member->crew);
    md5_end(&md5, member->digest);
    crypto_hash_final(hash, member->expected);
    crypto_hash_destroy(hash);
    return NULL;
}

static void start(struct md5_crew *crew, struct member *member, unsigned pieces, bool is_hurried)
{
    memset(member, 0, sizeof(*member));
    member->crew = crew;
    member->pieces = pieces;
    atomic_init(&member->is_hurried, is_hurried);
    md5_crew_join(crew);
    assert_int_equal(pthread_create(&member->thread, NULL, hash_pieces, member), 0);
}

static void end(struct member *member)
{
    pthread_join(member->thread, NULL);
    assert_memory_equal(member->digest, member->expected, MD5_SIZE);
}

/* The last of them has nobody to wait for. */
static void members_wait_for_each_other_until_they_leave(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= THREADS; count++) {
        struct md5_crew crew;
        struct member members[THREADS];
        md5_crew_init(&crew);
        for (unsigned i = 0; i < count; i++) {
            start(&crew, &members[i], PIECES - 10 * i, false);
        }
        for (unsigned i = 0; i < count; i++) {
            end(&members[i]);
        }
        md5_crew_fini(&crew);
    }
}

static void who_is_hurried_waits_for_nobody(void **state)
{
    (void)state;
    struct md5_crew crew;
    struct member members[3];
    md5_crew_init(&crew);
    md5_crew_join(&crew); /* and never hashes */
    for (unsigned i = 0; i < 3; i++) {
        start(&crew, &members[i], PIECES, true);
    }
    for (unsigned i = 0; i < 3; i++) {
        end(&members[i]);
    }
    md5_crew_leave(&crew);
    md5_crew_fini(&crew);
}

static bool is_somebody_waiting(struct md5_crew *crew)
{
    pthread_mutex_lock(&crew->shared.mutex);
    bool is = crew->shared.waiting > 0;
    pthread_mutex_unlock(&crew->shared.mutex);
    return is;
}

static void who_waits_for_company_goes_on_when_hurried(void **state)
{
    (void)state;
    struct md5_crew crew;
    struct member member;
    md5_crew_init(&crew);
    md5_crew_join(&crew); /* and never hashes */
    start(&crew, &member, 1, false);
    while (!is_somebody_waiting(&crew)) {
        sched_yield();
    }
    md5_crew_hurry(&crew); /* but nobody is */
    assert_true(is_somebody_waiting(&crew));
    atomic_store(&member.is_hurried, true);
    md5_crew_hurry(&crew);
    end(&member);
    md5_crew_leave(&crew);
    md5_crew_fini(&crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_wait_for_each_other_until_they_leave),
        cmocka_unit_test(who_is_hurried_waits_for_nobody),
        cmocka_unit_test(who_waits_for_company_goes_on_when_hurried),
    };
    return cmocka_run_group_tests_name("md5_crew", tests, NULL, NULL);
}
