/*
 * kit: what is printed is read again, whatever blanks and letters became of it on paper; every line
 * that was mistyped is named.
 */
#include "coordinator/rescue/kit.h"

#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <ctype.h>
#include <stdlib.h>

struct fixture {
    struct test_env env;
    struct arena arena;
    struct kit kit;
    char *ca_key;
    char *ca_pem;
    char *text; /* as printed */
    size_t size;
    struct hearth_err err;
};

static int set_up(void **state)
{
    struct fixture *at = calloc(1, sizeof(*at));
    struct pki_key *key;
    test_env_init(&at->env, 1);
    arena_init(&at->arena, 0);
    assert_ok(pki_key_create(&key, &at->err), &at->err);
    env_random(&at->env.env, at->kit.cluster, sizeof(at->kit.cluster));
    env_random(&at->env.env, at->kit.master, sizeof(at->kit.master));
    at->ca_key = pki_key_pem(key);
    at->ca_pem = pki_ca_certificate(&at->env.env, key, at->kit.cluster, 3600);
    at->kit.ca_key_pem = view_text(at->ca_key);
    at->kit.ca_pem = view_text(at->ca_pem);
    at->kit.node_count = 2;
    at->kit.nodes[0] = (struct kit_node){.id = {1}, .address = view_text("nas.example:7402")};
    at->kit.nodes[1] = (struct kit_node){.id = {2}, .address = view_text("[2001:db8::7]:7402")};
    pki_key_destroy(key);
    FILE *memory = open_memstream(&at->text, &at->size);
    kit_print(&at->kit, memory);
    fclose(memory);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    pki_pem_destroy(at->ca_key);
    free(at->ca_pem);
    free(at->text);
    arena_fini(&at->arena);
    free(at);
    return 0;
}

static enum hearth_code read_text(struct fixture *at, const char *text, struct kit *out)
{
    return kit_read(view_text(text), &at->arena, out, &at->err);
}

static void assert_same(const struct kit *a, const struct kit *b)
{
    assert_memory_equal(a->cluster, b->cluster, sizeof(a->cluster));
    assert_memory_equal(a->master, b->master, sizeof(a->master));
    assert_true(view_equal(a->ca_key_pem, b->ca_key_pem));
    assert_true(view_equal(a->ca_pem, b->ca_pem));
    assert_int_equal(a->node_count, b->node_count);
    for (unsigned i = 0; i < a->node_count; i++) {
        assert_memory_equal(a->nodes[i].id, b->nodes[i].id, PKI_ID_SIZE);
        assert_true(view_equal(a->nodes[i].address, b->nodes[i].address));
    }
}

static void a_printed_kit_is_read_again(void **state)
{
    struct fixture *at = *state;
    struct kit kit;
    assert_ok(read_text(at, at->text, &kit), &at->err);
    assert_same(&kit, &at->kit);
}

static void it_fits_on_a_page(void **state)
{
    struct fixture *at = *state;
    unsigned lines = 0;
    for (size_t i = 0; i < at->size; i++) {
        lines += at->text[i] == '\n';
    }
    assert_true(lines < 50);
}

/* Upper case, tabs, blanks and empty lines, remarks in between, and what comes after the end. */
static void blanks_case_and_remarks_do_not_matter(void **state)
{
    struct fixture *at = *state;
    char *typed = malloc(3 * at->size + 64);
    size_t length = 0;
    struct kit kit;
    for (size_t i = 0; i < at->size; i++) {
        bool is_data = i > 200; /* the title is as printed */
        typed[length++] = (char)(is_data ? toupper(at->text[i]) : at->text[i]);
        if (is_data && at->text[i] == ' ') {
            typed[length++] = '\t';
        } else if (is_data && at->text[i] == '\n') {
            typed[length++] = '\n';
        }
    }
    strcpy(typed + length, "99 not looked at any more\n");
    assert_ok(read_text(at, typed, &kit), &at->err);
    assert_memory_equal(kit.master, at->kit.master, sizeof(kit.master));
    free(typed);
}

/* Every digit of every line, changed by one. */
static void a_mistyped_line_is_named(void **state)
{
    struct fixture *at = *state;
    struct kit kit;
    const char *data = strstr(at->text, "\n01 ") + 1;
    unsigned tried = 0;
    for (size_t i = (size_t)(data - at->text); i < at->size; i++) {
        char was = at->text[i];
        if (!isxdigit((unsigned char)was)) {
            continue;
        }
        at->text[i] = was == '0' ? '1' : '0';
        assert_int_equal(read_text(at, at->text, &kit), HEARTH_INVALID);
        assert_non_null(strstr(at->err.message, "line "));
        at->text[i] = was;
        tried++;
    }
    assert_true(tried > 1000);
}

static void a_missing_line_is_missed(void **state)
{
    struct fixture *at = *state;
    struct kit kit;
    for (char *line = strstr(at->text, "\n01 "); line != NULL && line[1] != '\0';
         line = strchr(line + 1, '\n')) {
        char *end = strchr(line + 1, '\n');
        char *cut = calloc(1, at->size + 1);
        memcpy(cut, at->text, (size_t)(line - at->text));
        strcpy(cut + (line - at->text), end);
        assert_int_equal(read_text(at, cut, &kit), HEARTH_INVALID);
        free(cut);
    }
}

static void something_else_is_no_kit(void **state)
{
    struct fixture *at = *state;
    struct kit kit;
    static const char *const texts[] = {"", "\n", "hello", "HEARTH RECOVERY KIT 1\n",
        "HEARTH RECOVERY KIT 1\n01 cluster\n", "HEARTH RECOVERY KIT 1\n01 end 00000000 0000\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(read_text(at, texts[i], &kit), HEARTH_INVALID);
    }
    assert_int_equal(read_text(at, "HEARTH RECOVERY KIT 2\n", &kit), HEARTH_UNKNOWN_FORMAT);
    assert_int_equal(read_text(at, "HEARTH RECOVERY KIT 11\n", &kit), HEARTH_UNKNOWN_FORMAT);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_printed_kit_is_read_again),
        claim(it_fits_on_a_page),
        claim(blanks_case_and_remarks_do_not_matter),
        claim(a_mistyped_line_is_named),
        claim(a_missing_line_is_missed),
        claim(something_else_is_no_kit),
    };
    return cmocka_run_group_tests_name("kit", tests, NULL, NULL);
}
