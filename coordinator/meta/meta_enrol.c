/*
 * Invitations and what becomes of them (meta_node.h).
 */
#include "coordinator/meta/meta_inside.h"
#include "coordinator/meta/meta_node.h"

struct invite_row {
    enum meta_class class;
    struct view owner, network, place; /* until the statement's next use */
    struct meta_id tenant;
    uint64_t rights;
    uint64_t expires_ms;
    uint64_t uplink_bits;
    struct view used_by;
};

static struct view principal_view(const struct meta_principal *principal)
{
    return view_of(principal->bytes, sizeof(principal->bytes));
}

static enum hearth_code invite_put(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    const struct meta_invite *invite = arg;
    struct sql *sql = sql_use(tx, SQL_INVITE_PUT);
    sql_set_blob(sql, ":token_hash", view_of(invite->token_hash, sizeof(invite->token_hash)));
    sql_set_u64(sql, ":class", invite->class);
    sql_set_blob(sql, ":owner", invite->owner);
    sql_set_blob(sql, ":network", invite->network);
    sql_set_blob(sql, ":place", invite->place);
    sql_set_id(sql, ":tenant", &invite->tenant);
    sql_set_u64(sql, ":rights", invite->rights);
    sql_set_u64(sql, ":expires", invite->expires_ms);
    sql_set_u64(sql, ":uplink", invite->uplink_bits);
    sql_set_blob(sql, ":used_by", view_of(NULL, 0));
    sql_run(sql);
    return HEARTH_OK;
}

enum hearth_code meta_invite_put(
    struct meta_store *store, const struct meta_invite *invite, struct hearth_err *err)
{
    bool is_node = invite->class == META_CLASS_NODE;
    if (invite->owner.size > META_NAME_MAX || invite->place.size > META_NAME_MAX ||
        (is_node && invite->owner.size == 0)) {
        return hearth_fail(err, HEARTH_INVALID,
            "invite: a node needs an owner, and names have at most %d bytes", META_NAME_MAX);
    }
    if (invite->network.size != 0 && invite->network.size != META_NETWORK_SIZE) {
        return hearth_fail(
            err, HEARTH_INVALID, "invite: a network is %d bytes or none", META_NETWORK_SIZE);
    }
    if (meta_check_uplink(invite->uplink_bits, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "invite");
    }
    struct meta_invite copy = *invite;
    return meta_run(store, invite_put, &copy, err);
}

static bool read_invite(struct meta_tx *tx, const uint8_t *token_hash, struct invite_row *out)
{
    struct sql *sql = sql_use(tx, SQL_INVITE_GET);
    sql_set_blob(sql, ":token_hash", view_of(token_hash, META_INVITE_HASH_SIZE));
    if (!sql_step(sql)) {
        return false;
    }
    out->class = (enum meta_class)sql_u64(sql);
    out->owner = sql_blob(sql);
    out->network = sql_blob(sql);
    out->place = sql_blob(sql);
    sql_id(sql, &out->tenant);
    out->rights = sql_u64(sql);
    out->expires_ms = sql_u64(sql);
    out->uplink_bits = sql_u64(sql);
    out->used_by = sql_blob(sql);
    return true;
}

static uint32_t ensure_owner(struct meta_tx *tx, struct view name)
{
    struct sql *find = sql_use(tx, SQL_OWNER_BY_NAME);
    sql_set_blob(find, ":name", name);
    if (sql_step(find)) {
        return (uint32_t)sql_u64(find);
    }
    uint32_t owner = (uint32_t)sql_value(sql_use(tx, SQL_OWNER_NEXT));
    struct sql *insert = sql_use(tx, SQL_OWNER_INSERT);
    sql_set_u64(insert, ":owner", owner);
    sql_set_blob(insert, ":name", name);
    sql_run(insert);
    return owner;
}

static enum hearth_code make_node(struct meta_tx *tx, const struct meta_enrol *request,
    const struct invite_row *invite, struct hearth_err *err)
{
    const struct meta_id none = {{0}};
    uint32_t owner = ensure_owner(tx, invite->owner);
    uint64_t number = sql_value(sql_use(tx, SQL_NODE_NEXT));
    if (number > META_NODES_MAX) {
        return hearth_fail(
            err, HEARTH_BUSY, "enrol: a cluster has at most %d nodes", META_NODES_MAX);
    }
    struct view observed = view_of(request->observed.bytes, META_NETWORK_SIZE);
    struct sql *sql = sql_use(tx, SQL_NODE_INSERT);
    sql_set_u64(sql, ":node", number);
    sql_set_blob(sql, ":id", principal_view(&request->principal));
    sql_set_u64(sql, ":owner", owner);
    sql_set_blob(sql, ":network", invite->network.size > 0 ? invite->network : observed);
    sql_set_blob(sql, ":place", invite->place);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_set_id(sql, ":volume", &none);
    sql_set_blob(sql, ":software", view_of(NULL, 0));
    sql_set_u64(sql, ":uplink", invite->uplink_bits);
    sql_run(sql);
    return HEARTH_OK;
}

/* What a principal is by now. HEARTH_NOT_FOUND: nothing. */
static enum hearth_code read_enrolled(struct meta_tx *tx, struct meta_principal principal,
    struct meta_enrolled *out, struct hearth_err *err)
{
    enum meta_node_state state;
    struct meta_grant grant;
    uint32_t number = meta_node_number_in(tx, principal, &state);
    if (number > 0 && state == META_NODE_GONE) {
        return hearth_fail(err, HEARTH_DENIED, "node %u is gone for ever", number);
    }
    if (number > 0) {
        *out = (struct meta_enrolled){.class = META_CLASS_NODE, .node = number};
        return HEARTH_OK;
    }
    if (!meta_grant_get_in(tx, principal, &grant)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "this key was never enrolled, or taken back");
    }
    *out = (struct meta_enrolled){
        .class = grant.class, .tenant = grant.tenant, .rights = grant.rights};
    return HEARTH_OK;
}

static enum hearth_code check_invite(struct meta_tx *tx, const struct meta_enrol *request,
    const struct invite_row *invite, struct hearth_err *err)
{
    if (tx->now_ms >= invite->expires_ms) {
        return hearth_fail(err, HEARTH_EXPIRED, "enrol: the invitation has expired");
    }
    if (invite->used_by.size > 0 &&
        !view_equal(invite->used_by, principal_view(&request->principal))) {
        return hearth_fail(err, HEARTH_DENIED, "enrol: the invitation was used by another key");
    }
    return HEARTH_OK;
}

static enum hearth_code accept_invite(struct meta_tx *tx, const struct meta_enrol *request,
    const struct invite_row *invite, struct hearth_err *err)
{
    if (invite->class == META_CLASS_NODE) {
        enum meta_node_state state;
        if (meta_node_number_in(tx, request->principal, &state) == 0 &&
            make_node(tx, request, invite, err) != HEARTH_OK) {
            return err->code;
        }
    } else {
        meta_grant_put_in(tx,
            &(struct meta_grant){.principal = request->principal,
                .class = invite->class,
                .tenant = invite->tenant,
                .rights = invite->rights});
    }
    struct sql *use = sql_use(tx, SQL_INVITE_USE);
    sql_set_blob(use, ":principal", principal_view(&request->principal));
    sql_set_blob(use, ":token_hash", view_of(request->token_hash, sizeof(request->token_hash)));
    sql_run(use);
    return HEARTH_OK;
}

struct enrol_call {
    struct meta_enrol request;
    struct meta_enrolled enrolled;
};

static enum hearth_code enrol(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct enrol_call *call = arg;
    struct invite_row invite;
    if (!read_invite(tx, call->request.token_hash, &invite)) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "enrol: no such invitation");
    }
    if (check_invite(tx, &call->request, &invite, err) != HEARTH_OK ||
        (invite.used_by.size == 0 &&
            accept_invite(tx, &call->request, &invite, err) != HEARTH_OK)) {
        return err->code;
    }
    return read_enrolled(tx, call->request.principal, &call->enrolled, err);
}

enum hearth_code meta_enrol(struct meta_store *store, const struct meta_enrol *request,
    struct meta_enrolled *out, struct hearth_err *err)
{
    struct enrol_call call = {.request = *request};
    enum hearth_code code = meta_run(store, enrol, &call, err);
    if (code == HEARTH_OK) {
        *out = call.enrolled;
    }
    return code;
}

static enum hearth_code enrolled_get(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct enrol_call *call = arg;
    return read_enrolled(tx, call->request.principal, &call->enrolled, err);
}

enum hearth_code meta_enrolled_get(struct meta_store *store, struct meta_principal principal,
    struct meta_enrolled *out, struct hearth_err *err)
{
    struct enrol_call call = {.request = {.principal = principal}};
    enum hearth_code code = meta_read(store, enrolled_get, &call, err);
    if (code == HEARTH_OK) {
        *out = call.enrolled;
    }
    return code;
}
