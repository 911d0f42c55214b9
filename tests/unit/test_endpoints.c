/*
 * endpoints: what the owner says goes; else what it listens on, with "any" and port 0 made real.
 */
#include "storaged/endpoints.h"
#include "tests/lib/test.h"

static struct settings settings_of(const char *listen, const char *advertise, struct arena *arena)
{
    struct settings settings = {.listen.count = 1, .coordinators.count = 1};
    struct hearth_err err;
    assert_ok(config_parse_address(listen, arena, &settings.listen.items[0], &err), &err);
    assert_ok(
        config_parse_address("127.0.0.1:7400", arena, &settings.coordinators.items[0], &err), &err);
    if (advertise != NULL) {
        settings.advertise.count = 1;
        assert_ok(config_parse_address(advertise, arena, &settings.advertise.items[0], &err), &err);
    }
    return settings;
}

static void expect(
    const char *listen, const char *advertise, uint16_t port, const char *host, uint32_t told)
{
    struct arena arena;
    struct endpoints endpoints;
    struct hearth_err err;
    arena_init(&arena, 0);
    struct settings settings = settings_of(listen, advertise, &arena);
    assert_ok(endpoints_make(&settings, port, &arena, &endpoints, &err), &err);
    assert_int_equal(endpoints.count, 1);
    assert_int_equal(endpoints.items[0].kind, 1);
    assert_true(view_equal(endpoints.items[0].host, view_text(host)));
    assert_int_equal(endpoints.items[0].port, told);
    arena_fini(&arena);
}

static void the_owners_word_goes(void **state)
{
    (void)state;
    expect("0.0.0.0:7410", "home.example.org:17410", 7410, "home.example.org", 17410);
}

static void without_it_the_listening_address_is_told(void **state)
{
    (void)state;
    expect("192.0.2.7:7410", NULL, 7410, "192.0.2.7", 7410);
    expect("127.0.0.1:0", NULL, 40123, "127.0.0.1", 40123);
}

static void any_address_becomes_the_one_towards_the_coordinator(void **state)
{
    (void)state;
    expect("0.0.0.0:7410", NULL, 7410, "127.0.0.1", 7410);
    expect("[::]:0", NULL, 40123, "127.0.0.1", 40123);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owners_word_goes),
        cmocka_unit_test(without_it_the_listening_address_is_told),
        cmocka_unit_test(any_address_becomes_the_one_towards_the_coordinator),
    };
    return cmocka_run_group_tests_name("endpoints", tests, NULL, NULL);
}
