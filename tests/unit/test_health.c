/*
 * health: a coordinator that does not answer holds one who asks for it, and nobody else; what it
 * said is remembered for two seconds.  Time is stepped, and the coordinator answers when it is told
 * to.
 */
#include "gateway/health.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <pthread.h>
#include <stdlib.h>

struct world {
    struct test_env env;
    struct health *health;
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    bool is_held;    /* it does not answer now */
    bool is_waiting; /* somebody waits for it */
    bool answer;
    unsigned asked;
};

static bool answers(void *context)
{
    struct world *world = context;
    pthread_mutex_lock(&world->mutex);
    world->asked++;
    world->is_waiting = true;
    pthread_cond_broadcast(&world->moved);
    while (world->is_held) {
        pthread_cond_wait(&world->moved, &world->mutex);
    }
    world->is_waiting = false;
    bool answer = world->answer;
    pthread_mutex_unlock(&world->mutex);
    return answer;
}

static void hold(struct world *world, bool is_held)
{
    pthread_mutex_lock(&world->mutex);
    world->is_held = is_held;
    pthread_cond_broadcast(&world->moved);
    pthread_mutex_unlock(&world->mutex);
}

static void wait_until_asked(struct world *world)
{
    pthread_mutex_lock(&world->mutex);
    while (!world->is_waiting) {
        pthread_cond_wait(&world->moved, &world->mutex);
    }
    pthread_mutex_unlock(&world->mutex);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    test_env_init(&world->env, 1);
    pthread_mutex_init(&world->mutex, NULL);
    pthread_cond_init(&world->moved, NULL);
    world->answer = true;
    const struct health_options options = {
        .env = &world->env.env, .answers = answers, .context = world};
    world->health = health_create(&options);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    health_destroy(world->health);
    pthread_cond_destroy(&world->moved);
    pthread_mutex_destroy(&world->mutex);
    free(world);
    return 0;
}

static void what_the_coordinator_said_is_remembered_for_two_seconds(void **state)
{
    struct world *world = *state;
    assert_true(health_is_ready(world->health));
    world->answer = false;
    test_env_step_ms(&world->env, 1999);
    assert_true(health_is_ready(world->health));
    assert_int_equal(world->asked, 1);
    test_env_step_ms(&world->env, 1);
    assert_false(health_is_ready(world->health));
    assert_int_equal(world->asked, 2);
    world->answer = true;
    test_env_step_ms(&world->env, 2000);
    assert_true(health_is_ready(world->health));
}

static void *ask(void *context)
{
    struct world *world = context;
    return health_is_ready(world->health) ? world : NULL;
}

static void only_one_waits_for_a_coordinator_that_does_not_answer(void **state)
{
    struct world *world = *state;
    pthread_t asking;
    void *answer;
    assert_true(health_is_ready(world->health));
    test_env_step_ms(&world->env, 2000);
    hold(world, true);
    assert_int_equal(pthread_create(&asking, NULL, ask, world), 0);
    wait_until_asked(world);
    assert_true(health_is_ready(world->health)); /* as it was a moment ago */
    test_env_step_ms(&world->env, 2000);
    assert_false(health_is_ready(world->health)); /* that is long ago */
    hold(world, false);
    pthread_join(asking, &answer);
    assert_non_null(answer);
    assert_true(health_is_ready(world->health));
    assert_int_equal(world->asked, 2);
}

static void until_it_has_answered_once_nobody_is_sent_here(void **state)
{
    struct world *world = *state;
    pthread_t asking;
    hold(world, true);
    assert_int_equal(pthread_create(&asking, NULL, ask, world), 0);
    wait_until_asked(world);
    assert_false(health_is_ready(world->health));
    hold(world, false);
    pthread_join(asking, NULL);
    assert_true(health_is_ready(world->health));
}

static void what_is_being_stopped_is_not_ready(void **state)
{
    struct world *world = *state;
    assert_true(health_is_ready(world->health));
    health_end(world->health);
    assert_false(health_is_ready(world->health));
}

#define TEST(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_coordinator_said_is_remembered_for_two_seconds),
        TEST(only_one_waits_for_a_coordinator_that_does_not_answer),
        TEST(until_it_has_answered_once_nobody_is_sent_here),
        TEST(what_is_being_stopped_is_not_ready),
    };
    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
