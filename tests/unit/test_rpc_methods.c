/*
 * rpc_methods: the table says what hearth.proto says, and leaves nobody in by default.
 *
 * The protocol file itself is read, so a call added there without a row here is found.
 */
#include "proto/rpc_methods.h"
#include "proto/wire.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

static const struct rpc_method_row *row_of(unsigned method)
{
    assert_true(method < rpc_methods.count);
    return &rpc_methods.rows[method];
}

static void every_call_is_for_callers_of_its_plane_alone(void **state)
{
    (void)state;
    static const struct {
        const char *service;
        unsigned classes;
    } planes[] = {
        {"/hearth.Coordinator/", RPC_CLASS(CLIENT) | RPC_CLASS(GATEWAY)},
        {"/hearth.GatewayPlane/", RPC_CLASS(GATEWAY)},
        {"/hearth.NodePlane/", RPC_CLASS(NODE)},
        {"/hearth.AdminPlane/", RPC_CLASS(ADMIN)},
        {"/hearth.ShardService/", RPC_CLASS(SESSION)},
        {"/hearth.NodeInventory/", RPC_CLASS(COORDINATOR)},
        {"/hearth.NodeMoves/", RPC_CLASS(COORDINATOR)},
        {"/hearth.NodePeers/", RPC_CLASS(NODE)},
    };
    for (unsigned method = 0; method < rpc_methods.count; method++) {
        const struct rpc_method_row *row = row_of(method);
        unsigned found = 0;
        for (size_t i = 0; i < sizeof(planes) / sizeof(planes[0]); i++) {
            if (strncmp(row->path, planes[i].service, strlen(planes[i].service)) == 0) {
                assert_int_equal(row->classes, planes[i].classes);
                found++;
            }
        }
        assert_int_equal(found, 1);
    }
}

static void every_message_has_room_and_an_end(void **state)
{
    (void)state;
    enum { LARGEST = 16 << 20 };
    for (unsigned method = 0; method < rpc_methods.count; method++) {
        const struct rpc_method_row *row = row_of(method);
        assert_true(row->request_max > 0 && row->request_max <= LARGEST);
        assert_true(row->response_max > 0 && row->response_max <= LARGEST);
    }
}

/* ---- hearth.proto, read line by line ---- */

struct declared {
    char path[64];
    char request[40];
    char response[40];
    enum rpc_kind kind;
};

/* "(Name)" or "(stream Name)" at `text`. */
static bool read_message(const char *text, char name[40], bool *stream)
{
    *stream = strncmp(text, "(stream ", 8) == 0;
    return sscanf(text + (*stream ? 8 : 1), "%39[A-Za-z]", name) == 1;
}

/* "  rpc Begin(BeginRequest) returns (BeginReply);" */
static bool read_declaration(const char *line, const char *service, struct declared *out)
{
    char name[40];
    if (sscanf(line, "  rpc %39[A-Za-z](", name) != 1) {
        return false;
    }
    bool up;
    bool down;
    const char *returns = strstr(line, "returns (");
    assert_non_null(returns);
    assert_true(read_message(strchr(line, '('), out->request, &up));
    assert_true(read_message(strchr(returns, '('), out->response, &down));
    out->kind =
        up ? (down ? RPC_BOTH_STREAM : RPC_CLIENT_STREAM) : (down ? RPC_SERVER_STREAM : RPC_UNARY);
    snprintf(out->path, sizeof(out->path), "/hearth.%s/%s", service, name);
    return true;
}

static void assert_row_is(const struct rpc_method_row *row, const struct declared *declared)
{
    assert_string_equal(row->path, declared->path);
    assert_int_equal(row->kind, declared->kind);
    assert_string_equal(wire_message_name(row->request), declared->request);
    assert_string_equal(wire_message_name(row->response), declared->response);
}

static void rows_are_the_calls_of_the_protocol_in_its_order(void **state)
{
    (void)state;
    char line[256];
    char service[40] = "";
    unsigned method = 0;
    FILE *file = fopen(HEARTH_PROTO_FILE, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        struct declared declared;
        sscanf(line, "service %39[A-Za-z] {", service);
        if (read_declaration(line, service, &declared)) {
            assert_row_is(row_of(method++), &declared);
        }
    }
    fclose(file);
    assert_int_equal(method, RPC_METHODS);
    assert_int_equal(method, rpc_methods.count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_is_for_callers_of_its_plane_alone),
        cmocka_unit_test(every_message_has_room_and_an_end),
        cmocka_unit_test(rows_are_the_calls_of_the_protocol_in_its_order),
    };
    return cmocka_run_group_tests_name("rpc_methods", tests, NULL, NULL);
}
