#include "client/put_spares.h"

void put_spares_refuse(struct put_spares *spares, const struct wire_placement *placement)
{
    if (spares->failed_count < PUT_SPARES_FAILED_MAX) {
        spares->failed_nodes[spares->failed_count++] = placement->node->node_id;
    }
}

const struct wire_placement *put_spares_ask(struct put_spares *spares, unsigned slot)
{
    struct wire_placement *placement = arena_take(spares->arena, sizeof(*placement));
    if (placement == NULL || spares->is_out) {
        return NULL;
    }
    struct session *session = spares->transfer->session;
    uint8_t session_id[PKI_ID_SIZE];
    session_id_copy(session, session_id);
    const struct wire_offer_slot_request request = {
        .intent_id = spares->intent_id,
        .segment_id = spares->segment_id,
        .slot = slot,
        .failed_node_ids = spares->failed_nodes,
        .failed_node_ids_count = spares->failed_count,
        .session_id = view_of(session_id, sizeof(session_id)),
    };
    const struct ask ask = {.method = RPC_OFFER_SLOT, .request = &request};
    struct hearth_err err; /* without a spare the others must do */
    enum hearth_code code = session_ask(session, &ask, spares->arena, placement, &err);
    bool is_usable = code == HEARTH_OK && placement->slot == slot && placement->node != NULL;
    spares->is_out = !is_usable;
    return is_usable ? placement : NULL;
}

const struct wire_placement *put_spares_replace(
    struct put_spares *spares, const struct put_holder *holder)
{
    assert(holder->state == PUT_HOLDER_LOST);
    if (holder->may_have_moved && holder->err.code == HEARTH_UNREACHABLE) {
        if (holder->tries < holder->placement->node->endpoints_count) {
            return holder->placement; /* its next address */
        }
        const struct wire_placement *moved =
            session_follow_node(spares->transfer->session, holder->placement, spares->arena);
        if (moved != NULL) {
            return moved;
        }
    }
    /* An order that ran out says nothing against its node. */
    if (holder->err.code != HEARTH_EXPIRED) {
        put_spares_refuse(spares, holder->placement);
    }
    return put_spares_ask(spares, holder->slot);
}

void put_spares_note_health(struct put_spares *spares, const struct put_holder *holder)
{
    struct node_health *health = &spares->transfer->session->health;
    enum hearth_reaction reaction = hearth_code_reaction(holder->err.code);
    if (reaction == HEARTH_REACT_RETRY) {
        node_health_note(health, holder->placement->node->node_id, NODE_SLOW);
    } else if (reaction == HEARTH_REACT_ELSEWHERE || reaction == HEARTH_REACT_RESOLVE) {
        node_health_note(health, holder->placement->node->node_id, NODE_SILENT);
    }
}
