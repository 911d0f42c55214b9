#include "proto/core_peers.h"

#include "common/cleanup.h"

#include <grpc/grpc_security.h>

/* As many as a node has connections (DESIGN 3); a coordinator's callers share the places. */
enum { PLACES = 128 };

struct place {
    char *pem; /* NULL: empty */
    size_t size;
    struct pki_certificate certificate;
};

struct core_peers {
    pthread_mutex_t mutex;
    struct place places[PLACES];
};

struct core_peers *core_peers_create(void)
{
    struct core_peers *peers = calloc(1, sizeof(*peers));
    assert(peers != NULL);
    pthread_mutex_init(&peers->mutex, NULL);
    return peers;
}

void core_peers_destroy(struct core_peers *peers)
{
    if (peers == NULL) {
        return;
    }
    for (unsigned i = 0; i < PLACES; i++) {
        free(peers->places[i].pem);
    }
    pthread_mutex_destroy(&peers->mutex);
    free(peers);
}

/* FNV-1a. A peer that chose its bytes to collide only evicts others from a cache. */
static struct place *place_of(struct core_peers *peers, struct view pem)
{
    uint32_t hash = UINT32_C(2166136261);
    for (size_t i = 0; i < pem.size; i++) {
        hash = (hash ^ pem.bytes[i]) * UINT32_C(16777619);
    }
    return &peers->places[hash % PLACES];
}

static bool recall(struct core_peers *peers, struct view pem, struct pki_certificate *out)
{
    UNLOCKS pthread_mutex_t *held = lock(&peers->mutex);
    const struct place *place = place_of(peers, pem);
    if (place->pem == NULL || !view_equal(view_of(place->pem, place->size), pem)) {
        return false;
    }
    *out = place->certificate;
    return true;
}

static void remember(
    struct core_peers *peers, struct view pem, const struct pki_certificate *certificate)
{
    char *copy = malloc(pem.size);
    if (copy == NULL) {
        return; /* it is only a cache */
    }
    memcpy(copy, pem.bytes, pem.size);
    UNLOCKS pthread_mutex_t *held = lock(&peers->mutex);
    struct place *place = place_of(peers, pem);
    free(place->pem);
    *place = (struct place){.pem = copy, .size = pem.size, .certificate = *certificate};
}

static enum hearth_code identify(struct core_peers *peers, const grpc_auth_context *context,
    struct pki_certificate *out, struct hearth_err *err)
{
    grpc_auth_property_iterator found =
        grpc_auth_context_find_properties_by_name(context, GRPC_X509_PEM_CERT_PROPERTY_NAME);
    const grpc_auth_property *property = grpc_auth_property_iterator_next(&found);
    if (property == NULL) {
        return hearth_fail(err, HEARTH_DENIED, "no certificate");
    }
    struct view pem = view_of(property->value, property->value_length);
    if (recall(peers, pem, out)) {
        return HEARTH_OK;
    }
    struct hearth_err cause;
    if (pki_certificate_read(pem, out, &cause) != HEARTH_OK) {
        return hearth_fail(err, HEARTH_DENIED, "%s", cause.message);
    }
    remember(peers, pem, out);
    return HEARTH_OK;
}

enum hearth_code core_peers_identify(
    struct core_peers *peers, grpc_call *call, struct pki_certificate *out, struct hearth_err *err)
{
    grpc_auth_context *context = grpc_call_auth_context(call);
    assert(context != NULL); /* every port has TLS */
    enum hearth_code code = identify(peers, context, out, err);
    grpc_auth_context_release(context);
    return code;
}
