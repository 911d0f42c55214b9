/*
 * fuzz_config: a configuration file as anybody may have written it is refused with a reason, or is
 * understood; then what --check-config prints of it is understood as the same values.
 *
 * The same bytes are also tried as each kind of value on a command line.
 */
#include "common/config.h"
#include "storaged/settings.h"
#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

enum { PRINTED_MAX = 64 * 1024 };

static enum hearth_code load(struct view text, struct arena *arena, struct settings *out)
{
    struct hearth_err err;
    char path[64];
    int fd = memfd_create("config", MFD_CLOEXEC);
    assert(fd >= 0);
    ssize_t written = write(fd, text.bytes, text.size);
    assert(written == (ssize_t)text.size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    enum hearth_code code = config_load(&storaged_settings_table, path, arena, out, &err);
    assert(code == HEARTH_OK || err.message[0] != '\0');
    close(fd);
    return code;
}

static size_t print(const struct settings *settings, char text[PRINTED_MAX])
{
    FILE *out = fmemopen(text, PRINTED_MAX, "w");
    assert(out != NULL);
    config_print(&storaged_settings_table, settings, CONFIG_ALL, out);
    long size = ftell(out);
    assert(size > 0 && size < PRINTED_MAX);
    fclose(out);
    return (size_t)size;
}

static void fuzz_file(struct view text, struct arena *arena)
{
    static char once[PRINTED_MAX];
    static char twice[PRINTED_MAX];
    struct settings settings;
    if (load(text, arena, &settings) != HEARTH_OK) {
        return;
    }
    size_t size = print(&settings, once);
    enum hearth_code code = load(view_of(once, size), arena, &settings);
    assert(code == HEARTH_OK);
    size_t size_again = print(&settings, twice);
    assert(size == size_again && memcmp(once, twice, size) == 0);
}

static void fuzz_values(const char *text, struct arena *arena)
{
    struct hearth_err err;
    uint64_t number;
    struct config_address address;
    struct config_address again;
    char printed[CONFIG_ADDRESS_TEXT_SIZE];
    (void)config_parse_bytes(text, &number, &err);
    (void)config_parse_duration(text, &number, &err);
    if (config_parse_address(text, arena, &address, &err) == HEARTH_OK) {
        config_format_address(&address, printed);
        enum hearth_code code = config_parse_address(printed, arena, &again, &err);
        assert(code == HEARTH_OK && again.port == address.port);
        assert(strcmp(again.host, address.host) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    if (size > PRINTED_MAX / 4) {
        return 0;
    }
    arena_init(&arena, 0);
    uint8_t *text = fuzz_copy(view_of(data, size));
    fuzz_file(view_of(data, size), &arena);
    fuzz_values((const char *)text, &arena);
    free(text);
    arena_fini(&arena);
    return 0;
}
