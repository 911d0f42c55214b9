#include "gateway/checksum_text.h"

#include "common/codec.h"

#include <assert.h>
#include <stdio.h>
#include <strings.h>

const struct checksum_kind checksum_kinds[CHECKSUM_KINDS] = {
    {HEARTH_CHECKSUM_CRC32, "x-amz-checksum-crc32", "ChecksumCRC32", "CRC32", 4, &crc_32, true},
    {HEARTH_CHECKSUM_CRC32C, "x-amz-checksum-crc32c", "ChecksumCRC32C", "CRC32C", 4, &crc_32c,
        true},
    {HEARTH_CHECKSUM_SHA1, "x-amz-checksum-sha1", "ChecksumSHA1", "SHA1", 20, NULL, true},
    {HEARTH_CHECKSUM_SHA256, "x-amz-checksum-sha256", "ChecksumSHA256", "SHA256", 32, NULL, true},
    {HEARTH_CHECKSUM_CRC64NVME, "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME", "CRC64NVME", 8,
        &crc_64nvme, false},
};

const struct checksum_kind *checksum_by_name(const char *name)
{
    for (unsigned i = 0; i < CHECKSUM_KINDS; i++) {
        if (strcasecmp(checksum_kinds[i].name, name) == 0) {
            return &checksum_kinds[i];
        }
    }
    return NULL;
}

const struct checksum_kind *checksum_by_kind(enum hearth_checksum_kind kind)
{
    unsigned index = (unsigned)kind - 1;
    return index < CHECKSUM_KINDS ? &checksum_kinds[index] : NULL;
}

void checksum_text(
    const struct hearth_checksum *checksum, unsigned parts, char text[CHECKSUM_TEXT_SIZE])
{
    assert(checksum->value.size <= CHECKSUM_SIZE_MAX);
    base64_encode(checksum->value.bytes, checksum->value.size, text);
    if (checksum->is_composite) {
        size_t used = strlen(text);
        snprintf(text + used, CHECKSUM_TEXT_SIZE - used, "-%u", parts);
    }
}

const char *checksum_type(const struct hearth_checksum *checksum)
{
    return checksum->is_composite ? "COMPOSITE" : "FULL_OBJECT";
}

bool checksum_write(struct xml_out *xml, const struct hearth_checksum *checksum, unsigned parts)
{
    const struct checksum_kind *kind = checksum_by_kind(checksum->kind);
    char text[CHECKSUM_TEXT_SIZE];
    if (kind == NULL || checksum->value.size != kind->size) {
        return false;
    }
    checksum_text(checksum, parts, text);
    xml_out_text(xml, kind->element, text);
    return true;
}

bool checksum_parse(const struct checksum_kind *kind, const char *text, uint8_t *bytes)
{
    return base64_decode(view_text(text), bytes, kind->size);
}
