/*
 * replay.c - a target without libFuzzer: every file of its corpus, whole, cut and changed.
 *
 *   fuzz_replay_NAME CORPUS-FOLDER
 *
 * Each file is given as it is, then a number of times changed by chance with a seed: cut short, a
 * bit turned, a byte set to a value at a limit, a part repeated.  It finds less than a campaign,
 * needs no clang, and keeps what a campaign found from coming back.
 */
#include "tests/fuzz/fuzz.h"

#include "tests/lib/test_env.h"

#include <dirent.h>
#include <stdio.h>

enum { FILE_SIZE_MAX = 1 << 20, CHANGED_PER_FILE = 300, CHANGES_MAX = 4 };

static uint8_t *read_file(const char *folder, const char *name, size_t *size)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    assert(file != NULL);
    uint8_t *bytes = malloc(FILE_SIZE_MAX);
    assert(bytes != NULL);
    *size = fread(bytes, 1, FILE_SIZE_MAX, file);
    assert(*size < FILE_SIZE_MAX);
    fclose(file);
    return bytes;
}

/* A block of its own, so that a read one byte beyond it is seen. */
static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    assert(exact != NULL);
    memcpy(exact, bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static size_t below(struct env *env, size_t limit)
{
    uint64_t chance;
    env_random(env, &chance, sizeof(chance));
    return limit > 0 ? (size_t)(chance % limit) : 0;
}

/* Returns the new size. `bytes` has room for twice the old one. */
static size_t change(struct env *env, uint8_t *bytes, size_t size)
{
    static const uint8_t limits[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    size_t at = below(env, size);
    if (size == 0) {
        return 0;
    }
    switch (below(env, 4)) {
    case 0: return at;
    case 1: bytes[at] ^= (uint8_t)(1u << below(env, 8)); return size;
    case 2: bytes[at] = limits[below(env, sizeof(limits))]; return size;
    default: memmove(bytes + size, bytes + at, size - at); return 2 * size - at;
    }
}

static void run_changed(struct env *env, const uint8_t *bytes, size_t size)
{
    uint8_t *changed = malloc((size + 1) << CHANGES_MAX);
    assert(changed != NULL);
    memcpy(changed, bytes, size);
    size_t changed_size = size;
    for (size_t left = 1 + below(env, CHANGES_MAX); left > 0; left--) {
        changed_size = change(env, changed, changed_size);
    }
    run(changed, changed_size);
    free(changed);
}

int main(int argc, char **argv)
{
    struct test_env env;
    unsigned long count = 0;
    assert(argc == 2);
    test_env_init(&env, 1);
    DIR *folder = opendir(argv[1]);
    assert(folder != NULL);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        size_t size;
        uint8_t *bytes = read_file(argv[1], entry->d_name, &size);
        run(bytes, size);
        for (unsigned i = 0; i < CHANGED_PER_FILE; i++) {
            run_changed(&env.env, bytes, size);
        }
        free(bytes);
        count++;
    }
    closedir(folder);
    printf("%lu files, each also changed in %d ways\n", count, CHANGED_PER_FILE);
    return count > 0 ? 0 : 1; /* an empty corpus shows nothing */
}
