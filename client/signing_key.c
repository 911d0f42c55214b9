#include "client/signing_key.h"

#include "client/session.h"
#include "proto/wire_accounts.h"

enum hearth_code signing_key_ask(struct session *session, struct view access_key,
    const struct sigv4_scope *scope, struct gateway_signing_key *out, struct hearth_err *err)
{
    const struct wire_derive_signing_key_request request = {
        .access_key = access_key, .date = scope->date, .region = scope->region};
    const struct ask ask = {
        .method = RPC_DERIVE_SIGNING_KEY, .request = &request, .patience_ms = ASK_PATIENCE_MS};
    struct wire_derive_signing_key_reply reply;
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code = session_ask(session, &ask, &arena, &reply, err);
    if (code == HEARTH_OK) {
        memcpy(out->key, reply.signing_key.bytes, sizeof(out->key));
        out->rights = reply.rights;
        crypto_wipe((void *)reply.signing_key.bytes, reply.signing_key.size);
    }
    arena_fini(&arena);
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "signing key");
}
