#include "gateway/utf8.h"

size_t utf8_length(const uint8_t *bytes, size_t size)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t lead = bytes[0];
    size_t length = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length == 0 || length > size || lead >= 0xf8) {
        return 0;
    }
    uint32_t point = length == 1 ? lead : lead & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | (bytes[i] & 0x3f);
    }
    bool is_character = point >= least[length] && point <= 0x10ffff &&
        (point < 0xd800 || point > 0xdfff) && point != 0xfffe && point != 0xffff;
    return is_character ? length : 0;
}

bool utf8_is_valid(struct view text)
{
    for (size_t at = 0; at < text.size;) {
        size_t length = utf8_length(text.bytes + at, text.size - at);
        if (length == 0) {
            return false;
        }
        at += length;
    }
    return true;
}
