/*
 * fuzz_root_key: whatever a person typed for a recovery sheet, it is refused with a reason, or is a
 * key whose own sheet is understood as the same key.
 */
#include "client/root_key.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hearth_err err;
    struct root_key key;
    struct root_key again;
    char sheet[ROOT_KEY_TEXT_SIZE];
    if (root_key_parse(view_of(data, size), "input", &key, &err) == HEARTH_OK) {
        root_key_sheet(&key, "tenant", sheet);
        enum hearth_code code = root_key_parse(view_text(sheet), "sheet", &again, &err);
        assert(code == HEARTH_OK);
        assert(memcmp(&key, &again, sizeof(key)) == 0);
    }
    return 0;
}
