/*
 * root_key: a root key survives its file and its printed sheet, typed back by a person who types
 * as people do; what is mistyped is found, and named by its line.
 */
#include "client/root_key.h"
#include "common/file.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tests/lib/test_vector.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char folder[64];
    char path[128];
    struct root_key key; /* 00 01 02 ... */
    char sheet[ROOT_KEY_TEXT_SIZE];
    struct hearth_err err;
};

static int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    strcpy(fixture->folder, "/tmp/hearth-test-root-key-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/root.key", fixture->folder);
    for (unsigned i = 0; i < sizeof(fixture->key.bytes); i++) {
        fixture->key.bytes[i] = (uint8_t)i;
    }
    root_key_sheet(&fixture->key, "alice", fixture->sheet);
    *state = fixture;
    return 0;
}

static int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    unlink(fixture->path);
    int rc = rmdir(fixture->folder);
    free(fixture);
    return rc;
}

static void assert_parses(struct fixture *fixture, const char *text)
{
    struct root_key key;
    assert_ok(root_key_parse(view_text(text), "sheet", &key, &fixture->err), &fixture->err);
    assert_memory_equal(&key, &fixture->key, sizeof(key));
}

static void assert_refused(
    struct fixture *fixture, const char *text, enum hearth_code code, const char *message)
{
    struct root_key key;
    assert_int_equal(root_key_parse(view_text(text), "sheet", &key, &fixture->err), code);
    assert_string_equal(fixture->err.message, message);
}

/* ---- the file ---- */

static void id_and_file_are_the_golden_bytes(void **state)
{
    struct fixture *fixture = *state;
    uint8_t id[ROOT_KEY_ID_SIZE];
    root_key_id(&fixture->key, id);
    test_vector_expect("root_key.txt", "id", view_of(id, sizeof(id)));

    struct arena arena;
    struct view text;
    arena_init(&arena, 0);
    assert_ok(root_key_write(fixture->path, &fixture->key, &fixture->err), &fixture->err);
    assert_ok(file_read_whole(fixture->path, ROOT_KEY_TEXT_SIZE, &arena, &text, &fixture->err),
        &fixture->err);
    test_vector_expect("root_key.txt", "file", text);
    arena_fini(&arena);
}

static void a_written_key_is_read_back_and_closed_to_others(void **state)
{
    struct fixture *fixture = *state;
    struct root_key key;
    struct stat status;
    assert_ok(root_key_write(fixture->path, &fixture->key, &fixture->err), &fixture->err);
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_ok(root_key_read(fixture->path, &key, &fixture->err), &fixture->err);
    assert_memory_equal(&key, &fixture->key, sizeof(key));
}

static void a_key_is_never_overwritten(void **state)
{
    struct fixture *fixture = *state;
    struct root_key other = {{9}};
    struct root_key key;
    assert_ok(root_key_write(fixture->path, &fixture->key, &fixture->err), &fixture->err);
    assert_int_equal(root_key_write(fixture->path, &other, &fixture->err), HEARTH_EXISTS);
    assert_ok(root_key_read(fixture->path, &key, &fixture->err), &fixture->err);
    assert_memory_equal(&key, &fixture->key, sizeof(key));
}

static void a_file_open_to_others_is_refused_and_the_cure_named(void **state)
{
    struct fixture *fixture = *state;
    struct root_key key;
    char cure[256];
    snprintf(cure, sizeof(cure), "chmod 600 %s", fixture->path);
    assert_ok(root_key_write(fixture->path, &fixture->key, &fixture->err), &fixture->err);
    const mode_t modes[] = {0604, 0640, 0620, 0601};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        assert_int_equal(chmod(fixture->path, modes[i]), 0);
        assert_int_equal(root_key_read(fixture->path, &key, &fixture->err), HEARTH_DENIED);
        assert_non_null(strstr(fixture->err.message, cure));
    }
}

static void a_missing_file_is_not_found(void **state)
{
    struct fixture *fixture = *state;
    struct root_key key;
    assert_int_equal(root_key_read(fixture->path, &key, &fixture->err), HEARTH_NOT_FOUND);
    assert_non_null(strstr(fixture->err.message, fixture->path));
}

/* ---- the sheet ---- */

static void the_sheet_can_be_read_back(void **state)
{
    struct fixture *fixture = *state;
    assert_non_null(strstr(fixture->sheet, "tenant alice"));
    assert_parses(fixture, fixture->sheet);
}

/* Without remarks, in capitals, with other spacing and line ends, and no last line end. */
static void the_sheet_can_be_typed_as_people_type(void **state)
{
    struct fixture *fixture = *state;
    assert_parses(fixture,
        "\n  hearth-root-key 1\r\n"
        "KEY-4 1819 1A1B1C1D 1E1F CHECK 16\r\n"
        "key-1 00010203 04050607 check 26\n"
        "key-2\t0809 0a0b 0c0d 0e0f check75 \n"
        "\n# mine\n"
        "key-3 1011 1213 1415 1617 check ab\n"
        "id 61 c4 f1 ed 4f 3f b5 75");
}

static void every_mistyped_character_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct root_key key;
    for (char *at = strstr(fixture->sheet, "\nid "); *at != '\0'; at++) {
        char right = *at;
        if (!isspace((unsigned char)right)) {
            *at = right == '0' ? '8' : '0';
            assert_int_equal(
                root_key_parse(view_text(fixture->sheet), "sheet", &key, &fixture->err),
                HEARTH_INVALID);
            *at = right;
        }
    }
    assert_parses(fixture, fixture->sheet);
}

static void the_mistyped_line_is_named(void **state)
{
    struct fixture *fixture = *state;
    const char *head = "hearth-root-key 1\nid 61c4 f1ed 4f3f b575\n";
    char text[512];
    snprintf(text, sizeof(text), "%skey-1 0001 0203 0405 0607 check 26\n%s", head,
        "key-2 0809 0a0b 0c0d 0e0e check 75\n");
    assert_refused(fixture, text, HEARTH_INVALID, "sheet line 4 is mistyped");
    snprintf(text, sizeof(text), "%skey-2 0001 0203 0405 0607 check 26\n", head);
    assert_refused(fixture, text, HEARTH_INVALID, "sheet line 3 is mistyped");
    snprintf(text, sizeof(text), "%skey-1 0001 0203 0405 0607 check 26 too much\n", head);
    assert_refused(fixture, text, HEARTH_INVALID, "sheet line 3 is mistyped");
    snprintf(text, sizeof(text), "%skey-1 0001 0203 0405 060\n", head);
    assert_refused(fixture, text, HEARTH_INVALID, "sheet line 3 is mistyped");
    snprintf(text, sizeof(text), "%shello\n", head);
    assert_refused(fixture, text, HEARTH_INVALID, "sheet line 3 is mistyped");
}

static void what_is_no_root_key_is_called_so(void **state)
{
    struct fixture *fixture = *state;
    assert_refused(fixture, "", HEARTH_INVALID, "sheet is no root key file");
    assert_refused(fixture, "# only\n", HEARTH_INVALID, "sheet is no root key file");
    assert_refused(fixture, "-----BEGIN CERT", HEARTH_INVALID, "sheet is no root key file");
    assert_refused(fixture, "hearth-root-key 1\nid 61c4 f1ed 4f3f b575\n", HEARTH_INVALID,
        "sheet: lines are missing");
    assert_refused(fixture, "hearth-root-key 12\n", HEARTH_UNKNOWN_FORMAT,
        "sheet is a root key file of another version than 1, the one this program reads");
}

static void an_id_of_another_key_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct root_key other = {{1}};
    char sheet[ROOT_KEY_TEXT_SIZE];
    root_key_sheet(&other, "alice", sheet);
    memcpy(strstr(sheet, "\nid "), strstr(fixture->sheet, "\nid "), 25);
    assert_refused(fixture, sheet, HEARTH_INVALID, "sheet: its id does not fit its key");
}

static void a_tenants_name_cannot_write_lines_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    char name[512];
    memset(name, 'x', sizeof(name));
    memcpy(name, "a\nhearth-root-key 2\n", 20);
    name[sizeof(name) - 1] = '\0';
    root_key_sheet(&fixture->key, name, fixture->sheet);
    assert_parses(fixture, fixture->sheet);
}

static void another_tenants_key_is_told_from_the_right_one(void **state)
{
    struct fixture *fixture = *state;
    uint8_t id[ROOT_KEY_ID_SIZE];
    root_key_id(&fixture->key, id);
    assert_ok(
        root_key_expect(&fixture->key, id, "alice", "root.key", &fixture->err), &fixture->err);
    id[0] = 0x3f;
    assert_int_equal(
        root_key_expect(&fixture->key, id, "alice", "root.key", &fixture->err), HEARTH_WRONG_KEY);
    assert_string_equal(fixture->err.message,
        "root key of tenant alice is 3fc4f1ed4f3fb575, root.key holds 61c4f1ed4f3fb575");
}

static void drawn_keys_differ(void **state)
{
    (void)state;
    struct test_env env;
    struct root_key a, b;
    test_env_init(&env, 3);
    root_key_draw(&env.env, &a);
    root_key_draw(&env.env, &b);
    assert_memory_not_equal(&a, &b, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        CASE(id_and_file_are_the_golden_bytes),
        CASE(a_written_key_is_read_back_and_closed_to_others),
        CASE(a_key_is_never_overwritten),
        CASE(a_file_open_to_others_is_refused_and_the_cure_named),
        CASE(a_missing_file_is_not_found),
        CASE(the_sheet_can_be_read_back),
        CASE(the_sheet_can_be_typed_as_people_type),
        CASE(every_mistyped_character_is_found),
        CASE(the_mistyped_line_is_named),
        CASE(what_is_no_root_key_is_called_so),
        CASE(an_id_of_another_key_is_refused),
        CASE(a_tenants_name_cannot_write_lines_of_its_own),
        CASE(another_tenants_key_is_told_from_the_right_one),
        CASE(drawn_keys_differ),
#undef CASE
    };
    return cmocka_run_group_tests_name("root_key", tests, NULL, NULL);
}
