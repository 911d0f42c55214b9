#include "proto/link_timer.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

void link_timers_fini(struct link_timers *timers)
{
    assert(timers->count == 0);
    free(timers->heap);
}

static void put(struct link_timers *timers, unsigned place, struct link_timer *timer)
{
    timers->heap[place] = timer;
    timer->place = place;
}

static void rise(struct link_timers *timers, struct link_timer *timer)
{
    unsigned place = timer->place;
    while (place > 1 && timers->heap[place / 2]->due_ns > timer->due_ns) {
        put(timers, place, timers->heap[place / 2]);
        place /= 2;
    }
    put(timers, place, timer);
}

static void sink(struct link_timers *timers, struct link_timer *timer)
{
    unsigned place = timer->place;
    for (;;) {
        unsigned child = 2 * place;
        if (child < timers->count &&
            timers->heap[child + 1]->due_ns < timers->heap[child]->due_ns) {
            child++;
        }
        if (child > timers->count || timers->heap[child]->due_ns >= timer->due_ns) {
            break;
        }
        put(timers, place, timers->heap[child]);
        place = child;
    }
    put(timers, place, timer);
}

static void make_room(struct link_timers *timers)
{
    if (timers->count + 1 >= timers->room) {
        timers->room = timers->room == 0 ? 64 : 2 * timers->room;
        timers->heap = realloc(timers->heap, timers->room * sizeof(struct link_timer *));
        assert(timers->heap != NULL); /* a pointer for each stream or connection */
    }
}

void link_timer_set(struct link_timers *timers, struct link_timer *timer, uint64_t due_ns)
{
    timer->due_ns = due_ns;
    if (timer->place == 0) {
        make_room(timers);
        put(timers, ++timers->count, timer);
    }
    rise(timers, timer);
    sink(timers, timer);
}

void link_timer_clear(struct link_timers *timers, struct link_timer *timer)
{
    if (timer->place == 0) {
        return;
    }
    struct link_timer *last = timers->heap[timers->count--];
    if (last != timer) {
        put(timers, timer->place, last);
        rise(timers, last);
        sink(timers, last);
    }
    timer->place = 0;
}

uint64_t link_timers_next(const struct link_timers *timers)
{
    return timers->count > 0 ? timers->heap[1]->due_ns : UINT64_MAX;
}

void link_timers_run(struct link_timers *timers, uint64_t now_ns)
{
    while (link_timers_next(timers) <= now_ns) {
        struct link_timer *timer = timers->heap[1];
        link_timer_clear(timers, timer);
        timer->fire(timer);
    }
}
