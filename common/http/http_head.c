#include "common/http/http.h"

const char *http_head_find(const struct http_head *head, const char *name)
{
    for (unsigned i = 0; i < head->header_count; i++) {
        if (strcmp(head->headers[i].name, name) == 0) {
            return head->headers[i].value;
        }
    }
    return NULL;
}

unsigned http_head_count(const struct http_head *head, const char *name)
{
    unsigned count = 0;
    for (unsigned i = 0; i < head->header_count; i++) {
        count += strcmp(head->headers[i].name, name) == 0;
    }
    return count;
}

bool http_is_token(const char *text)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    if (text[0] == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        bool is_alphanumeric = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
            (*text >= '0' && *text <= '9');
        if (!is_alphanumeric && strchr(others, *text) == NULL) {
            return false;
        }
    }
    return true;
}
