/*
 * node_network: neighbours share a network, strangers do not, and an operator's name is neither.
 */
#include "coordinator/fleet/node_network.h"
#include "tests/lib/test.h"

static struct meta_network network_of(const char *address)
{
    struct meta_network network;
    assert_true(node_network_of(address, &network));
    return network;
}

static void assert_same(const char *a, const char *b, bool expected)
{
    struct meta_network first = network_of(a);
    struct meta_network second = network_of(b);
    assert_int_equal(memcmp(&first, &second, sizeof(first)) == 0, expected);
}

static void the_first_24_bits_of_v4_and_48_of_v6_decide(void **state)
{
    (void)state;
    assert_same("192.0.2.1", "192.0.2.254", true);
    assert_same("192.0.2.1", "192.0.3.1", false);
    assert_same("2001:db8:7:1::1", "2001:db8:7:ffff::2", true);
    assert_same("2001:db8:7::1", "2001:db8:8::1", false);
}

static void v4_and_v6_never_meet(void **state)
{
    (void)state;
    assert_same("4.0.2.1", "400:0201::", false);
    assert_same("0.0.0.0", "::", false);
}

static void what_is_no_address_has_no_network(void **state)
{
    (void)state;
    struct meta_network network;
    assert_false(node_network_of("", &network));
    assert_false(node_network_of("example.org", &network));
    assert_false(node_network_of("192.0.2.1:7000", &network));
}

static void they_can_be_read(void **state)
{
    (void)state;
    char text[NODE_NETWORK_TEXT_SIZE];
    struct meta_network network = network_of("192.0.2.77");
    node_network_text(&network, text);
    assert_string_equal(text, "192.0.2.0/24");
    network = network_of("2001:db8:7:1::1");
    node_network_text(&network, text);
    assert_string_equal(text, "2001:db8:7::/48");
    network = (struct meta_network){{0, 0x1f, 0x2e}};
    node_network_text(&network, text);
    assert_string_equal(text, "name 1f2e0000000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_24_bits_of_v4_and_48_of_v6_decide),
        cmocka_unit_test(v4_and_v6_never_meet),
        cmocka_unit_test(what_is_no_address_has_no_network),
        cmocka_unit_test(they_can_be_read),
    };
    return cmocka_run_group_tests_name("node_network", tests, NULL, NULL);
}
