#include "gateway/http.h"

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
