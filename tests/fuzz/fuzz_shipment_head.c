/*
 * fuzz_shipment_head: the head of a part of a shipment, as it comes out of bytes whose seal fits,
 * and the lengths and names that nodes claim before anything is opened.
 *
 * A head that is believed describes bytes that are there, lies in its shipment, and is written
 * again as it was.  A length that is believed is that of the plaintext whose shards have it.
 */
#include "coordinator/rescue/shipment_head.h"
#include "coordinator/rescue/shipment_name.h"
#include "erasure/ec_codec.h"
#include "erasure/ec_stripe.h"
#include "tests/fuzz/fuzz.h"

enum { WRITTEN = 66 }; /* bytes of a head that say something */

static void fuzz_head(struct view bytes)
{
    struct shipment_head head;
    struct hearth_err err;
    uint8_t again[SHIPMENT_HEAD_SIZE];
    if (shipment_head_decode(bytes, &head, &err) != HEARTH_OK) {
        return;
    }
    assert(SHIPMENT_HEAD_SIZE + (size_t)head.size <= bytes.size);
    assert(head.offset <= head.total && head.size <= head.total - head.offset);
    assert(head.part < head.parts || (head.part == SHIPMENT_SEAL && head.size == 0));
    assert(head.kind == SHIPMENT_SNAPSHOT || head.previous < head.number);
    shipment_head_encode(&head, again);
    assert(memcmp(again, bytes.bytes, WRITTEN) == 0);
}

static void fuzz_claims(struct view rest)
{
    static const uint8_t master[CRYPTO_KEY_SIZE] = {1};
    struct shipment_keys keys;
    struct shipment_name name;
    struct ec_stripes stripes;
    struct hearth_err err;
    uint8_t id[SEGMENT_ID_SIZE] = {0};
    uint64_t length = 0;
    size_t plain;
    unsigned k = fuzz_byte(&rest) % EC_DATA_MAX + 1;
    for (unsigned i = 0; i < 4; i++) {
        length = length << 8 | fuzz_byte(&rest);
    }
    if (shipment_size_of_shard(k, length, &plain)) {
        enum hearth_code code = ec_stripes_init(&stripes, k, plain, &err);
        assert(code == HEARTH_OK && ec_stripes_tagged_shard_size(&stripes) == length);
    }
    struct view bytes = fuzz_take(&rest, sizeof(id));
    memcpy(id, bytes.bytes, bytes.size);
    shipment_keys_init(&keys, master);
    if (shipment_name_open(&keys, id, &name)) {
        uint8_t made[SEGMENT_ID_SIZE];
        assert(name.k >= 1 && name.n >= name.k && name.n <= EC_SLOTS_MAX);
        shipment_name_make(&keys, &name, made);
        assert(memcmp(made, id, sizeof(id)) == 0);
    }
    shipment_keys_fini(&keys);
}

/* The first byte says which. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = view_of(data, size);
    if (fuzz_byte(&rest) % 2 == 0) {
        fuzz_head(rest);
    } else {
        fuzz_claims(rest);
    }
    return 0;
}
