#include "tools/sync_plan.h"

static struct sync_step judge_content(const struct sync_step *both)
{
    struct sync_step step = *both;
    const char *source = both->source->etag;
    const char *destination = both->destination->etag;
    if (source == NULL || destination == NULL) {
        step.kind = SYNC_COMPARE;
    } else {
        step.kind = strcmp(source, destination) == 0 ? SYNC_KEEP : SYNC_COPY;
    }
    step.why = "content";
    return step;
}

static struct sync_step judge_both(const struct sync_plan *plan, const struct tree_entry *source,
    const struct tree_entry *destination)
{
    struct sync_step step = {.source = source, .destination = destination};
    if (source->size != destination->size) {
        step.kind = SYNC_COPY;
        step.why = "size";
    } else if (plan->rules.by_content) {
        step = judge_content(&step);
    } else if (source->time_unix_ms > destination->time_unix_ms) {
        step.kind = SYNC_COPY;
        step.why = "newer";
    }
    return step;
}

static const struct tree_entry *entry_at(const struct tree_list *list, size_t at)
{
    return at < list->count ? &list->entries[at] : NULL;
}

/* Below zero: the source's comes first, or is alone. */
static int compare(const struct tree_entry *source, const struct tree_entry *destination)
{
    return source == NULL     ? 1
        : destination == NULL ? -1
                              : tree_name_compare(source->name, destination->name);
}

bool sync_plan_next(struct sync_plan *plan, struct sync_step *out)
{
    for (;;) {
        const struct tree_entry *source = entry_at(plan->source, plan->source_at);
        const struct tree_entry *destination = entry_at(plan->destination, plan->destination_at);
        if (source == NULL && destination == NULL) {
            return false;
        }
        int order = compare(source, destination);
        plan->source_at += order <= 0;
        plan->destination_at += order >= 0;
        if (order == 0) {
            *out = judge_both(plan, source, destination);
            return true;
        }
        if (order < 0) {
            *out = (struct sync_step){.kind = SYNC_COPY, .why = "new", .source = source};
            return true;
        }
        if (plan->rules.deletes) {
            *out =
                (struct sync_step){.kind = SYNC_DELETE, .why = "gone", .destination = destination};
            return true;
        }
    }
}
