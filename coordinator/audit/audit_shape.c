#include "coordinator/audit/audit_shape.h"

#include "common/cleanup.h"

#include <assert.h>
#include <stdlib.h>

enum { DEEP_ONE_IN = 8 }; /* runs that are more than a beginning, at least */

/* A run, apart from how long the shard was. */
struct shape {
    uint32_t count; /* 0: all of it */
    bool is_at_start;
};

struct audit_shapes {
    struct env *env; /* set once */
    struct {
        pthread_mutex_t mutex;
        struct shape shapes[AUDIT_SHAPES_MAX];
        unsigned count;
        unsigned deep; /* of these: more than a beginning */
    } shared;
};

struct audit_shapes *audit_shapes_create(struct env *env)
{
    struct audit_shapes *shapes = calloc(1, sizeof(*shapes));
    if (shapes != NULL) {
        shapes->env = env;
        pthread_mutex_init(&shapes->shared.mutex, NULL);
    }
    return shapes;
}

void audit_shapes_destroy(struct audit_shapes *shapes)
{
    if (shapes != NULL) {
        pthread_mutex_destroy(&shapes->shared.mutex);
        free(shapes);
    }
}

static bool is_deep(struct shape shape)
{
    return shape.count == 0 || !shape.is_at_start;
}

/* When full, a random one gives way: the older, the likelier it is gone. */
void audit_shapes_note(struct audit_shapes *shapes, struct audit_run run, uint32_t stripe_count)
{
    if (shapes == NULL) {
        return;
    }
    const struct shape shape = {
        .count = run.count == stripe_count ? 0 : run.count, .is_at_start = run.first == 0};
    uint64_t place = env_random_below(shapes->env, AUDIT_SHAPES_MAX);
    UNLOCKS pthread_mutex_t *held = lock(&shapes->shared.mutex);
    if (shapes->shared.count < AUDIT_SHAPES_MAX) {
        place = shapes->shared.count++;
    } else {
        shapes->shared.deep -= is_deep(shapes->shared.shapes[place]);
    }
    shapes->shared.shapes[place] = shape;
    shapes->shared.deep += is_deep(shape);
}

/* All of it while no reader was seen yet. */
static struct shape draw_shape(struct audit_shapes *shapes)
{
    const bool is_turn = env_random_below(shapes->env, DEEP_ONE_IN) == 0;
    UNLOCKS pthread_mutex_t *held = lock(&shapes->shared.mutex);
    const unsigned count = shapes->shared.count;
    if (count == 0 || (is_turn && shapes->shared.deep * DEEP_ONE_IN < count)) {
        return (struct shape){.count = 0};
    }
    return shapes->shared.shapes[env_random_below(shapes->env, count)];
}

struct audit_run audit_shape_place(
    struct env *env, uint32_t count, uint32_t stripe, uint32_t stripe_count)
{
    assert(count > 0 && stripe < stripe_count);
    count = count < stripe_count ? count : stripe_count;
    uint32_t least = stripe + 1 > count ? stripe + 1 - count : 0;
    uint32_t most = stripe + count <= stripe_count ? stripe : stripe_count - count;
    uint32_t first = least + (uint32_t)env_random_below(env, most - least + 1);
    return (struct audit_run){.first = first, .count = count};
}

struct audit_run audit_shapes_draw(
    struct audit_shapes *shapes, uint32_t stripe, uint32_t stripe_count)
{
    const struct shape shape = draw_shape(shapes);
    const bool is_whole = shape.count == 0 || shape.count >= stripe_count;
    return is_whole || shape.is_at_start
        ? (struct audit_run){.first = 0, .count = is_whole ? stripe_count : shape.count}
        : audit_shape_place(shapes->env, shape.count, stripe, stripe_count);
}
