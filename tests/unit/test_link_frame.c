/*
 * link_frame: a head says the same after it was written and read; what the table does not allow is
 * refused, field by field; and every single changed byte is either another head or refused.
 */
#include "proto/link_frame.h"
#include "tests/lib/test.h"

#include <string.h>

static enum hearth_code decode(
    enum link_side from, const struct link_head *head, struct link_head *out)
{
    struct hearth_err err;
    uint8_t bytes[LINK_HEAD_SIZE];
    link_head_encode(head, bytes);
    return link_head_decode(bytes, from, out, &err);
}

static void heads_mean_the_same_after_a_journey(void **state)
{
    (void)state;
    static const struct {
        enum link_side from;
        struct link_head head;
    } good[] = {
        {LINK_SERVER, {LINK_HELLO, 0, 0, 32}},
        {LINK_CLIENT, {LINK_OPEN, 1, 17, 1}},
        {LINK_CLIENT, {LINK_OPEN, UINT32_MAX, LINK_OPEN_MAX, UINT32_MAX}},
        {LINK_CLIENT, {LINK_MESSAGE, 1, 0, 0}},
        {LINK_SERVER, {LINK_MESSAGE, 1, LINK_PART_MAX, UINT32_MAX}},
        {LINK_CLIENT, {LINK_MORE, 1, 1, 0}},
        {LINK_SERVER, {LINK_CREDIT, 7, 0, LINK_WINDOW}},
        {LINK_CLIENT, {LINK_CLOSE, 7, 0, 0}},
        {LINK_SERVER, {LINK_FINISH, 7, RPC_MESSAGE_TEXT_MAX, 3}},
        {LINK_CLIENT, {LINK_RESET, 7, 0, 0}},
        {LINK_SERVER, {LINK_PING, 0, 0, 12345}},
        {LINK_CLIENT, {LINK_PONG, 0, 0, 12345}},
        {LINK_SERVER, {LINK_GOAWAY, 0, 0, 0}},
    };
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct link_head out;
        assert_int_equal(decode(good[i].from, &good[i].head, &out), HEARTH_OK);
        assert_int_equal(out.type, good[i].head.type);
        assert_int_equal(out.stream, good[i].head.stream);
        assert_int_equal(out.size, good[i].head.size);
        assert_int_equal(out.value, good[i].head.value);
    }
}

static void what_the_table_does_not_allow_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum link_side from;
        struct link_head head;
    } bad[] = {
        {LINK_CLIENT, {0, 0, 0, 0}},
        {LINK_CLIENT, {LINK_TYPES, 1, 0, 0}},
        {LINK_CLIENT, {LINK_HELLO, 0, 0, 32}},
        {LINK_SERVER, {LINK_HELLO, 0, 0, 0}},
        {LINK_SERVER, {LINK_HELLO, 0, 0, 33}},
        {LINK_SERVER, {LINK_OPEN, 1, 17, 1}},
        {LINK_CLIENT, {LINK_OPEN, 0, 17, 1}},
        {LINK_CLIENT, {LINK_OPEN, 1, 16, 1}},
        {LINK_CLIENT, {LINK_OPEN, 1, LINK_OPEN_MAX + 1, 1}},
        {LINK_CLIENT, {LINK_OPEN, 1, UINT32_MAX, 1}},
        {LINK_CLIENT, {LINK_OPEN, 1, 17, 0}},
        {LINK_CLIENT, {LINK_MESSAGE, 1, LINK_PART_MAX + 1, UINT32_MAX}},
        {LINK_CLIENT, {LINK_MESSAGE, 1, 5, 4}},
        {LINK_CLIENT, {LINK_MESSAGE, 1, 0, 4}},
        {LINK_CLIENT, {LINK_MESSAGE, 0, 1, 4}},
        {LINK_CLIENT, {LINK_MORE, 1, 0, 0}},
        {LINK_CLIENT, {LINK_MORE, 1, UINT32_MAX, 0}},
        {LINK_CLIENT, {LINK_MORE, 1, 5, 5}},
        {LINK_SERVER, {LINK_CREDIT, 1, 0, 0}},
        {LINK_SERVER, {LINK_CREDIT, 1, 0, LINK_WINDOW + 1}},
        {LINK_SERVER, {LINK_CREDIT, 1, 1, 1}},
        {LINK_SERVER, {LINK_CLOSE, 1, 0, 0}},
        {LINK_CLIENT, {LINK_FINISH, 1, 0, 0}},
        {LINK_SERVER, {LINK_FINISH, 1, RPC_MESSAGE_TEXT_MAX + 1, 0}},
        {LINK_SERVER, {LINK_FINISH, 1, 0, UINT16_MAX + 1}},
        {LINK_CLIENT, {LINK_RESET, 0, 0, 0}},
        {LINK_CLIENT, {LINK_PING, 1, 0, 0}},
        {LINK_CLIENT, {LINK_PING, 0, 8, 0}},
        {LINK_CLIENT, {LINK_GOAWAY, 0, 0, 0}},
        {LINK_SERVER, {LINK_GOAWAY, 0, 0, 1}},
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct link_head out;
        if (decode(bad[i].from, &bad[i].head, &out) != HEARTH_INVALID) {
            fail_msg("head %u was taken", i);
        }
    }
}

static void the_bytes_between_must_be_zero(void **state)
{
    (void)state;
    const struct link_head ping = {.type = LINK_PING};
    for (unsigned at = 1; at < 4; at++) {
        uint8_t bytes[LINK_HEAD_SIZE];
        struct link_head out;
        struct hearth_err err;
        link_head_encode(&ping, bytes);
        bytes[at] = 1;
        assert_int_equal(link_head_decode(bytes, LINK_CLIENT, &out, &err), HEARTH_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_mean_the_same_after_a_journey),
        cmocka_unit_test(what_the_table_does_not_allow_is_refused),
        cmocka_unit_test(the_bytes_between_must_be_zero),
    };
    return cmocka_run_group_tests_name("link_frame", tests, NULL, NULL);
}
