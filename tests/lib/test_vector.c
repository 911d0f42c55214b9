#include "tests/lib/test_vector.h"

#include "common/codec.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_SIZE = 1 << 16 };

/* "name = hex": true and *out when this line has that name. */
static bool value_of(const char *line, const char *name, struct view *out)
{
    size_t name_size = strlen(name);
    if (strncmp(line, name, name_size) != 0 || strncmp(line + name_size, " = ", 3) != 0) {
        return false;
    }
    const char *value = line + name_size + 3;
    *out = view_of(value, strcspn(value, "\n"));
    return true;
}

void test_vector_read(const char *file, const char *name, void *bytes, size_t size)
{
    static char line[LINE_MAX_SIZE];
    char path[512];
    snprintf(path, sizeof(path), "%s/vectors/%s", HEARTH_TESTS_DIR, file);
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    struct view value = {0};
    while (fgets(line, sizeof(line), stream) != NULL && !value_of(line, name, &value)) {
    }
    fclose(stream);
    if (!hex_decode(value, bytes, size)) {
        fail_msg("%s: no %zu bytes of hex named %s", path, size, name);
    }
}

void test_vector_expect(const char *file, const char *name, struct view actual)
{
    uint8_t *golden = malloc(actual.size);
    assert_non_null(golden);
    test_vector_read(file, name, golden, actual.size);
    assert_memory_equal(actual.bytes, golden, actual.size);
    free(golden);
}
