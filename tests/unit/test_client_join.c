/*
 * client_join: an invitation becomes a configuration that loads, once, for customer and operator
 * together; what fails leaves no configuration; a root key is never overwritten.
 */
#include "client/client_join.h"
#include "client/hearth.h"
#include "client/root_key.h"
#include "tests/lib/test.h"
#include "tests/lib/test_enrol.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path_of(struct test_enrol *enrol, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/mine/%s", enrol->folder, name);
    return arena_text(&enrol->arena, view_text(path));
}

static bool exists(struct test_enrol *enrol, const char *name)
{
    struct stat status;
    return stat(path_of(enrol, name), &status) == 0;
}

/* Joins with a fresh invitation for the class. */
static enum hearth_code join(struct test_enrol *enrol, struct client_join join)
{
    test_enrol_invite(enrol, join.class);
    join.env = &enrol->env.env;
    join.invite = enrol->invite;
    join.config_path = path_of(enrol, "hearth.conf");
    return client_join(&join, &enrol->err);
}

static void assert_identity_loads(struct test_enrol *enrol, enum peer_class class)
{
    struct client_config config;
    struct identity identity;
    assert_ok(config_load(&client_config_table, path_of(enrol, "hearth.conf"), &enrol->arena,
                  &config, &enrol->err),
        &enrol->err);
    assert_int_equal(config.coordinators.count, 1);
    assert_int_equal(config.coordinators.items[0].port, 7400);
    struct identity_files files = client_identity_files(&config, class);
    assert_ok(identity_load(&identity, &enrol->env.env, &files, &enrol->err), &enrol->err);
    identity_fini(&identity);
}

static void read_root_key(struct test_enrol *enrol, struct root_key *key)
{
    assert_ok(root_key_read(path_of(enrol, CLIENT_CONFIG_ROOT_KEY), key, &enrol->err), &enrol->err);
}

static void a_customer_gets_identity_and_root_key(void **state)
{
    struct test_enrol *enrol = *state;
    struct root_key key;
    struct stat status;
    assert_ok(join(enrol, (struct client_join){.class = PEER_CLIENT}), &enrol->err);
    assert_identity_loads(enrol, PEER_CLIENT);
    read_root_key(enrol, &key);
    assert_int_equal(stat(path_of(enrol, CLIENT_CONFIG_KEY), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void an_operator_gets_no_root_key(void **state)
{
    struct test_enrol *enrol = *state;
    assert_ok(join(enrol, (struct client_join){.class = PEER_ADMIN}), &enrol->err);
    assert_identity_loads(enrol, PEER_ADMIN);
    assert_false(exists(enrol, CLIENT_CONFIG_ROOT_KEY));
    assert_false(exists(enrol, CLIENT_CONFIG_KEY));
}

static void a_gateway_is_known_as_one(void **state)
{
    struct test_enrol *enrol = *state;
    struct hearth *hearth;
    struct root_key key;
    assert_ok(join(enrol, (struct client_join){.class = PEER_GATEWAY}), &enrol->err);
    assert_identity_loads(enrol, PEER_GATEWAY);
    read_root_key(enrol, &key);
    const struct hearth_options options = {.config_path = path_of(enrol, "hearth.conf")};
    assert_ok(hearth_open(&options, &hearth, &enrol->err), &enrol->err);
    hearth_close(hearth);
}

static void one_configuration_serves_both(void **state)
{
    struct test_enrol *enrol = *state;
    assert_ok(join(enrol, (struct client_join){.class = PEER_ADMIN}), &enrol->err);
    assert_ok(join(enrol, (struct client_join){.class = PEER_CLIENT}), &enrol->err);
    assert_identity_loads(enrol, PEER_ADMIN);
    assert_identity_loads(enrol, PEER_CLIENT);
}

static void who_joined_is_not_joined_again(void **state)
{
    struct test_enrol *enrol = *state;
    struct root_key before;
    struct root_key after;
    assert_ok(join(enrol, (struct client_join){.class = PEER_CLIENT}), &enrol->err);
    read_root_key(enrol, &before);
    assert_int_equal(join(enrol, (struct client_join){.class = PEER_CLIENT}), HEARTH_EXISTS);
    assert_ok(
        join(enrol, (struct client_join){.class = PEER_CLIENT, .replace = true}), &enrol->err);
    read_root_key(enrol, &after);
    assert_memory_equal(&before, &after, sizeof(before));
}

static void a_root_key_can_be_brought_along_but_never_overwritten(void **state)
{
    struct test_enrol *enrol = *state;
    struct root_key mine;
    struct root_key got;
    char path[128];
    snprintf(path, sizeof(path), "%s/sheet", enrol->folder);
    root_key_draw(&enrol->env.env, &mine);
    assert_ok(root_key_write(path, &mine, &enrol->err), &enrol->err);
    assert_ok(join(enrol, (struct client_join){.class = PEER_CLIENT, .root_key_path = path}),
        &enrol->err);
    read_root_key(enrol, &got);
    assert_memory_equal(&mine, &got, sizeof(mine));

    assert_int_equal(remove(path), 0);
    root_key_draw(&enrol->env.env, &mine);
    assert_ok(root_key_write(path, &mine, &enrol->err), &enrol->err);
    struct client_join other = {.class = PEER_CLIENT, .root_key_path = path, .replace = true};
    assert_int_equal(join(enrol, other), HEARTH_EXISTS);
    assert_non_null(strstr(enrol->err.message, "never overwritten"));
}

static void a_refused_join_leaves_nothing(void **state)
{
    struct test_enrol *enrol = *state;
    enrol->refuses = true;
    assert_int_equal(join(enrol, (struct client_join){.class = PEER_CLIENT}), HEARTH_DENIED);
    assert_non_null(strstr(enrol->err.message, "the invitation was used"));
    assert_int_equal(rmdir(path_of(enrol, "")), 0); /* which only empty directories allow */
}

static void a_lost_answer_keeps_the_key_it_was_about(void **state)
{
    struct test_enrol *enrol = *state;
    struct client_join lost = {.env = &enrol->env.env,
        .invite = enrol->invite,
        .config_path = path_of(enrol, "hearth.conf"),
        .class = PEER_ADMIN};
    test_enrol_invite(enrol, PEER_ADMIN);
    enrol_server_stop_blocking(enrol->server);
    enrol->server = NULL;
    assert_int_equal(client_join(&lost, &enrol->err), HEARTH_UNREACHABLE);
    assert_true(exists(enrol, CLIENT_CONFIG_ADMIN_KEY));
    assert_false(exists(enrol, "hearth.conf"));
}

static void an_invitation_for_something_else_is_said_to_be_so(void **state)
{
    struct test_enrol *enrol = *state;
    test_enrol_invite(enrol, PEER_NODE);
    struct hearth_init_options options = {
        .invite = enrol->invite,
        .config_path = path_of(enrol, "hearth.conf"),
    };
    assert_int_equal(hearth_init_client(&options, &enrol->err), HEARTH_INVALID);
    assert_string_equal(enrol->err.message, "the invitation is for a node, not for a client");
}

static void a_configuration_of_another_cluster_is_kept(void **state)
{
    struct test_enrol *enrol = *state;
    assert_ok(join(enrol, (struct client_join){.class = PEER_ADMIN}), &enrol->err);
    struct pki_key *stranger;
    uint8_t cluster[PKI_CLUSTER_SIZE] = {9};
    assert_ok(pki_key_create(&stranger, &enrol->err), &enrol->err);
    char *pem = pki_ca_certificate(&enrol->env.env, stranger, cluster, 86400);
    FILE *file = fopen(path_of(enrol, CLIENT_CONFIG_CA), "w");
    assert_non_null(file);
    fputs(pem, file);
    fclose(file);
    assert_int_equal(join(enrol, (struct client_join){.class = PEER_CLIENT}), HEARTH_CONFLICT);
    assert_false(exists(enrol, CLIENT_CONFIG_KEY));
    pki_pem_destroy(pem);
    pki_key_destroy(stranger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, test_enrol_setup, test_enrol_teardown)
        CASE(a_customer_gets_identity_and_root_key),
        CASE(an_operator_gets_no_root_key),
        CASE(a_gateway_is_known_as_one),
        CASE(one_configuration_serves_both),
        CASE(who_joined_is_not_joined_again),
        CASE(a_root_key_can_be_brought_along_but_never_overwritten),
        CASE(a_refused_join_leaves_nothing),
        CASE(a_lost_answer_keeps_the_key_it_was_about),
        CASE(an_invitation_for_something_else_is_said_to_be_so),
        CASE(a_configuration_of_another_cluster_is_kept),
#undef CASE
    };
    return cmocka_run_group_tests_name("client_join", tests, NULL, NULL);
}
