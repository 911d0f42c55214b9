/*
 * loop: tasks run once, in order, on the loop; timers go by the clock of the env, never by waiting.
 */
#include "storaged/loop.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include "common/cleanup.h"

#include <semaphore.h>
#include <string.h>

struct world {
    struct test_env env;
    struct loop *loop;
    char said[16]; /* what ran, in order */
};

struct named_task {
    struct task task; /* first */
    struct world *world;
    const char *name;
};

static void say(struct task *task)
{
    struct named_task *self = (struct named_task *)task;
    strncat(self->world->said, self->name, sizeof(self->world->said) - 3);
}

struct named_timer {
    struct timer timer; /* first */
    struct world *world;
    const char *name;
};

static void ring(struct timer *timer)
{
    struct named_timer *self = (struct named_timer *)timer;
    strncat(self->world->said, self->name, sizeof(self->world->said) - 3);
}

static void world_init(struct world *world)
{
    struct hearth_err err;
    memset(world, 0, sizeof(*world));
    test_env_init(&world->env, 1);
    assert_ok(loop_create(&world->env.env, &world->loop, &err), &err);
}

static void tasks_run_once_in_the_order_of_posting(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct named_task a = {.task.run = say, .world = &world, .name = "a"};
    struct named_task b = {.task.run = say, .world = &world, .name = "b"};
    loop_post(world.loop, &b.task);
    loop_post(world.loop, &a.task);
    assert_string_equal(world.said, "");
    assert_true(loop_run_once(world.loop));
    assert_string_equal(world.said, "ba");
    assert_false(loop_run_once(world.loop));
    loop_destroy(world.loop);
}

static void timers_ring_when_the_clock_says_so(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint64_t now_ns = env_now_ns(&world.env.env);
    struct named_timer late = {.timer.run = ring, .world = &world, .name = "l"};
    struct named_timer soon = {.timer.run = ring, .world = &world, .name = "s"};
    struct named_timer never = {.timer.run = ring, .world = &world, .name = "n"};
    loop_timer_set(world.loop, &late.timer, now_ns + 9000000);
    loop_timer_set(world.loop, &soon.timer, now_ns + 5000000);
    loop_timer_set(world.loop, &never.timer, now_ns + 6000000);
    loop_timer_cancel(world.loop, &never.timer);
    assert_int_equal(loop_next_deadline_ns(world.loop), now_ns + 5000000);
    assert_false(loop_run_once(world.loop));

    test_env_step_ms(&world.env, 5);
    loop_timer_set(world.loop, &late.timer, now_ns + 7000000); /* moved */
    assert_true(loop_run_once(world.loop));
    assert_string_equal(world.said, "s");
    test_env_step_ms(&world.env, 2);
    assert_true(loop_run_once(world.loop));
    assert_string_equal(world.said, "sl");
    assert_int_equal(loop_next_deadline_ns(world.loop), UINT64_MAX);
    loop_destroy(world.loop);
}

struct thread_check {
    struct task task; /* first */
    struct loop *loop;
    pthread_t poster;
    bool was_current;
    bool was_poster;
    sem_t ran;
};

static void check_thread(struct task *task)
{
    struct thread_check *self = (struct thread_check *)task;
    self->was_current = loop_is_current(self->loop);
    self->was_poster = pthread_equal(self->poster, pthread_self());
    sem_post(&self->ran);
}

static void a_started_loop_runs_tasks_on_its_own_thread(void **state)
{
    (void)state;
    struct world world;
    struct hearth_err err;
    world_init(&world);
    assert_true(loop_is_current(world.loop));
    struct thread_check check = {
        .task.run = check_thread, .loop = world.loop, .poster = pthread_self()};
    sem_init(&check.ran, 0, 0);
    assert_ok(loop_start(world.loop, &err), &err);
    assert_false(loop_is_current(world.loop));
    loop_post(world.loop, &check.task);
    sem_wait(&check.ran);
    assert_true(check.was_current);
    assert_false(check.was_poster);
    loop_stop(world.loop);
    loop_destroy(world.loop);
}

static void stopping_runs_what_was_posted_before(void **state)
{
    (void)state;
    struct world world;
    struct hearth_err err;
    world_init(&world);
    struct named_task a = {.task.run = say, .world = &world, .name = "a"};
    loop_post(world.loop, &a.task);
    assert_ok(loop_start(world.loop, &err), &err);
    loop_stop(world.loop);
    assert_string_equal(world.said, "a");
    loop_destroy(world.loop);
}

struct bed {
    struct loop_waiter waiter; /* first */
    sem_t woken;
    sem_t asleep;
    unsigned collected;
};

static void collect(struct loop_waiter *waiter)
{
    ((struct bed *)waiter)->collected++;
}

static void sleep_in_bed(struct loop_waiter *waiter, uint64_t timeout_ns)
{
    struct bed *bed = (struct bed *)waiter;
    assert_true(timeout_ns == UINT64_MAX);
    sem_post(&bed->asleep);
    sem_wait(&bed->woken);
}

static void wake(struct loop_waiter *waiter)
{
    sem_post(&((struct bed *)waiter)->woken);
}

/* Nothing else wakes it: a wake that is missed would hang here. */
static void a_loop_with_a_waiter_sleeps_there_and_is_woken_once_for_each_sleep(void **state)
{
    (void)state;
    struct world world;
    struct hearth_err err;
    world_init(&world);
    struct bed bed = {.waiter = {collect, sleep_in_bed, wake}};
    sem_init(&bed.woken, 0, 0);
    sem_init(&bed.asleep, 0, 0);
    loop_set_waiter(world.loop, &bed.waiter);
    assert_ok(loop_start(world.loop, &err), &err);
    sem_wait(&bed.asleep);
    struct thread_check check = {
        .task.run = check_thread, .loop = world.loop, .poster = pthread_self()};
    sem_init(&check.ran, 0, 0);
    loop_post(world.loop, &check.task);
    sem_wait(&check.ran);
    assert_true(check.was_current);
    sem_wait(&bed.asleep);

    int wakes;
    loop_stop(world.loop);
    assert_int_equal(sem_getvalue(&bed.woken, &wakes), 0);
    assert_int_equal(wakes, 0); /* one for the post, one for the stop, both slept through */
    assert_true(bed.collected >= 1);
    loop_set_waiter(world.loop, NULL);
    loop_destroy(world.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_run_once_in_the_order_of_posting),
        cmocka_unit_test(timers_ring_when_the_clock_says_so),
        cmocka_unit_test(a_started_loop_runs_tasks_on_its_own_thread),
        cmocka_unit_test(stopping_runs_what_was_posted_before),
        cmocka_unit_test(a_loop_with_a_waiter_sleeps_there_and_is_woken_once_for_each_sleep),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
