/*
 * cluster: keys are made once, opened only while they are private and belong together, and never
 * written over.
 */
#include "coordinator/cluster.h"

#include "common/file.h"
#include "coordinator/rescue/kit.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <stdlib.h>
#include <sys/stat.h>

static const char *const files[] = {"ca.key", "ca.crt", "coordinator.key", "master.key"};
enum { FILES = sizeof(files) / sizeof(files[0]) };

struct fixture {
    struct test_env env;
    char directory[64];
    char path[128];
    struct arena arena;
    struct hearth_err err;
};

static const char *path_of(struct fixture *at, const char *name)
{
    snprintf(at->path, sizeof(at->path), "%s/%s", at->directory, name);
    return at->path;
}

static int set_up(void **state)
{
    const char *base = getenv("TMPDIR");
    struct fixture *at = calloc(1, sizeof(*at));
    test_env_init(&at->env, 1);
    arena_init(&at->arena, 0);
    snprintf(at->directory, sizeof(at->directory), "%.40s/hearth-cluster-XXXXXX",
        base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(at->directory));
    assert_ok(cluster_create(at->directory, &at->env.env, &at->err), &at->err);
    *state = at;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *at = *state;
    for (unsigned i = 0; i < FILES; i++) {
        remove(path_of(at, files[i]));
    }
    assert_int_equal(remove(at->directory), 0);
    arena_fini(&at->arena);
    free(at);
    return 0;
}

static enum hearth_code try_open(struct fixture *at)
{
    struct cluster *cluster = NULL;
    enum hearth_code code = cluster_open(at->directory, &at->env.env, &cluster, &at->err);
    cluster_close(cluster);
    return code;
}

static struct view read_file(struct fixture *at, const char *name)
{
    struct view text;
    assert_ok(file_read_whole(path_of(at, name), 1 << 16, &at->arena, &text, &at->err), &at->err);
    return text;
}

static void write_file(struct fixture *at, const char *name, struct view text)
{
    assert_ok(file_write_atomically(path_of(at, name), text, 0600, &at->err), &at->err);
}

static void a_new_cluster_opens_and_its_coordinator_is_a_member(void **state)
{
    struct fixture *at = *state;
    struct cluster *cluster;
    struct pki_certificate certificate;
    assert_ok(cluster_open(at->directory, &at->env.env, &cluster, &at->err), &at->err);
    assert_ok(pki_certificate_verify(&at->env.env, view_text(cluster->certificate_pem),
                  cluster->ca_pem, &certificate, &at->err),
        &at->err);
    assert_int_equal(certificate.identity.class, PEER_COORDINATOR);
    assert_memory_equal(certificate.identity.cluster, cluster->id, PKI_CLUSTER_SIZE);
    cluster_close(cluster);
}

static void keys_are_for_their_owner_alone(void **state)
{
    struct fixture *at = *state;
    static const char *const secrets[] = {"ca.key", "coordinator.key", "master.key"};
    for (unsigned i = 0; i < 3; i++) {
        struct stat status;
        assert_int_equal(stat(path_of(at, secrets[i]), &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
        chmod(at->path, 0640);
        assert_int_equal(try_open(at), HEARTH_DENIED);
        chmod(path_of(at, secrets[i]), 0600);
        assert_ok(try_open(at), &at->err);
    }
}

static void a_file_that_is_not_there_is_named(void **state)
{
    struct fixture *at = *state;
    for (unsigned i = 0; i < FILES; i++) {
        struct view kept = read_file(at, files[i]);
        remove(path_of(at, files[i]));
        assert_int_equal(try_open(at), HEARTH_NOT_FOUND);
        assert_non_null(strstr(at->err.message, files[i]));
        write_file(at, files[i], kept);
    }
    assert_ok(try_open(at), &at->err);
}

/* Whatever is left of a cluster is not written over. */
static void a_cluster_that_is_there_in_part_is_left_untouched(void **state)
{
    struct fixture *at = *state;
    for (unsigned left = 0; left < FILES; left++) {
        struct view kept[FILES];
        for (unsigned i = 0; i < FILES; i++) {
            kept[i] = read_file(at, files[i]);
            if (i != left) {
                remove(path_of(at, files[i]));
            }
        }
        assert_int_equal(cluster_create(at->directory, &at->env.env, &at->err), HEARTH_EXISTS);
        assert_true(view_equal(read_file(at, files[left]), kept[left]));
        for (unsigned i = 0; i < FILES; i++) {
            write_file(at, files[i], kept[i]);
        }
    }
    assert_int_equal(cluster_create(at->directory, &at->env.env, &at->err), HEARTH_EXISTS);
    assert_ok(try_open(at), &at->err);
}

static void a_master_file_that_is_none_is_refused(void **state)
{
    struct fixture *at = *state;
    static const char *const texts[] = {"", "hearth-master-key 1 00\n",
        "hearth-master-key 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
        "hearth-master-key 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1exx\n",
        "hearth-master-key 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        write_file(at, "master.key", view_text(texts[i]));
        assert_int_equal(try_open(at), HEARTH_INVALID);
        assert_non_null(strstr(at->err.message, "is not a master key"));
    }
}

static void a_ca_key_of_another_cluster_is_refused(void **state)
{
    struct fixture *at = *state;
    struct pki_key *other;
    assert_ok(pki_key_create(&other, &at->err), &at->err);
    remove(path_of(at, "ca.key"));
    assert_ok(pki_key_save(other, path_of(at, "ca.key"), &at->err), &at->err);
    pki_key_destroy(other);
    assert_int_equal(try_open(at), HEARTH_INVALID);
}

/* The kit of a cluster, in the fixture's arena. */
static void take_kit(struct fixture *at, struct kit *kit)
{
    struct cluster *cluster;
    char *text = NULL;
    size_t size = 0;
    assert_ok(cluster_open(at->directory, &at->env.env, &cluster, &at->err), &at->err);
    FILE *memory = open_memstream(&text, &size);
    char *ca_key = cluster_kit(cluster, kit);
    kit_print(kit, memory);
    fclose(memory);
    pki_pem_destroy(ca_key);
    cluster_close(cluster);
    assert_ok(kit_read(view_of(text, size), &at->arena, kit, &at->err), &at->err);
    free(text);
}

static void a_cluster_is_restored_from_its_kit(void **state)
{
    struct fixture *at = *state;
    struct kit kit;
    struct view kept[FILES];
    take_kit(at, &kit);
    for (unsigned i = 0; i < FILES; i++) {
        kept[i] = read_file(at, files[i]);
    }
    for (unsigned left = 0; left <= FILES; left++) { /* all of it is gone, or all but one file */
        for (unsigned i = 0; i < FILES; i++) {
            if (i != left) {
                remove(path_of(at, files[i]));
            }
        }
        assert_ok(cluster_restore(at->directory, &kit, &at->err), &at->err);
        assert_ok(try_open(at), &at->err);
        assert_true(view_equal(read_file(at, "ca.key"), kept[0]));
        assert_true(view_equal(read_file(at, "ca.crt"), kept[1]));
        assert_true(view_equal(read_file(at, "master.key"), kept[3]));
    }
}

static void a_kit_is_not_written_over_another_cluster(void **state)
{
    struct fixture *at = *state;
    struct kit kit;
    take_kit(at, &kit);
    for (unsigned i = 0; i < FILES; i++) {
        remove(path_of(at, files[i]));
    }
    assert_ok(cluster_create(at->directory, &at->env.env, &at->err), &at->err);
    struct view master = read_file(at, "master.key");
    assert_int_equal(cluster_restore(at->directory, &kit, &at->err), HEARTH_EXISTS);
    remove(path_of(at, "ca.key"));
    assert_int_equal(cluster_restore(at->directory, &kit, &at->err), HEARTH_EXISTS);
    assert_true(view_equal(read_file(at, "master.key"), master));
}

static void a_kit_of_two_clusters_is_refused(void **state)
{
    struct fixture *at = *state;
    struct kit kit;
    struct kit other;
    take_kit(at, &kit);
    for (unsigned i = 0; i < FILES; i++) {
        remove(path_of(at, files[i]));
    }
    assert_ok(cluster_create(at->directory, &at->env.env, &at->err), &at->err);
    take_kit(at, &other);
    for (unsigned i = 0; i < FILES; i++) {
        remove(path_of(at, files[i]));
    }
    other.ca_pem = kit.ca_pem;
    assert_int_equal(cluster_restore(at->directory, &other, &at->err), HEARTH_INVALID);
    assert_ok(cluster_create(at->directory, &at->env.env, &at->err), &at->err);
}

#define claim(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_new_cluster_opens_and_its_coordinator_is_a_member),
        claim(keys_are_for_their_owner_alone),
        claim(a_file_that_is_not_there_is_named),
        claim(a_cluster_that_is_there_in_part_is_left_untouched),
        claim(a_master_file_that_is_none_is_refused),
        claim(a_ca_key_of_another_cluster_is_refused),
        claim(a_cluster_is_restored_from_its_kit),
        claim(a_kit_is_not_written_over_another_cluster),
        claim(a_kit_of_two_clusters_is_refused),
    };
    return cmocka_run_group_tests_name("cluster", tests, NULL, NULL);
}
