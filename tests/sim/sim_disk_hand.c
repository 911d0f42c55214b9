/*
 * What somebody does to the files of a simulated disk behind the back of whoever has them open, and
 * to the requests that wait.
 */
#include "tests/sim/sim_disk_state.h"

#include <assert.h>
#include <stdlib.h>

struct view sim_disk_file(const struct sim_disk *sim, const char *name)
{
    const struct sim_inode *inode = sim_names_find(&sim->current, name);
    return inode != NULL ? view_of(inode->current.bytes, inode->current.size) : view_of(NULL, 0);
}

static void refill(struct sim_image *image, const uint8_t *bytes, size_t size)
{
    free(image->bytes);
    *image = (struct sim_image){0};
    sim_image_grow(image, size);
    if (bytes != NULL) {
        sim_image_write(image, 0, bytes, size);
    }
}

void sim_disk_replace(struct sim_disk *sim, const char *name, const uint8_t *bytes, size_t size)
{
    struct sim_inode *inode = sim_inode_create(sim); /* first: `bytes` may be those of a file */
    refill(&inode->current, bytes, size);
    refill(&inode->durable, bytes, size);
    sim_names_put(&sim->current, name, inode);
    sim_names_put(&sim->durable, name, inode);
}

void sim_disk_remove(struct sim_disk *sim, const char *name)
{
    sim_names_remove(&sim->current, name);
    sim_names_remove(&sim->durable, name);
}

void sim_disk_flip(struct sim_disk *sim, const char *name, uint64_t offset, uint8_t mask)
{
    struct sim_inode *inode = sim_names_find(&sim->current, name);
    assert(inode != NULL && offset < inode->current.size);
    inode->current.bytes[offset] ^= mask;
    if (offset < inode->durable.size) {
        inode->durable.bytes[offset] ^= mask;
    }
}

void sim_disk_hold_newest(struct sim_disk *sim)
{
    assert(sim->pending_count > 0 && sim->held == NULL);
    struct sim_pending **link = &sim->oldest_pending;
    while ((*link)->next != NULL) {
        link = &(*link)->next;
    }
    sim->held = *link;
    *link = NULL;
    sim->pending_count--;
}

void sim_disk_release(struct sim_disk *sim)
{
    assert(sim->held != NULL);
    sim->held->next = sim->oldest_pending;
    sim->oldest_pending = sim->held;
    sim->held = NULL;
    sim->pending_count++;
}
