#include "gateway/list_request.h"

#include "common/codec.h"
#include "gateway/op.h"

struct view list_request_param(const struct call *call, const char *name)
{
    const struct request_param *param = request_find(call->request, name);
    return param != NULL ? param->value : (struct view){0};
}

bool list_request_number(struct call *call, const char *name, unsigned most, unsigned *out)
{
    *out = most;
    if (!op_read_number(call_param(call, name), INT32_MAX, out)) {
        call_fail(call, S3_ERROR_INVALID_ARGUMENT,
            "Provided %s not an integer or within integer range", name);
        return false;
    }
    *out = *out < most ? *out : most;
    return true;
}

static bool read_encoding(struct call *call, bool *out)
{
    struct view type = list_request_param(call, "encoding-type");
    *out = view_equal(type, view_text("url"));
    if (type.size > 0 && !*out) {
        call_fail(call, S3_ERROR_INVALID_ARGUMENT, "Invalid Encoding Method specified in Request");
        return false;
    }
    return true;
}

bool list_request_read(struct call *call, const char *max_name, struct list_request *out)
{
    *out = (struct list_request){
        .prefix = list_request_param(call, "prefix"),
        .delimiter = list_request_param(call, "delimiter"),
    };
    return list_request_number(call, max_name, HEARTH_LIST_MAX, &out->max) &&
        read_encoding(call, &out->encodes_as_url);
}

void list_request_write(
    const struct list_request *request, struct xml_out *xml, const char *element, struct view key)
{
    if (request->encodes_as_url) {
        xml_out_url(xml, element, key);
    } else {
        xml_out_view(xml, element, key);
    }
}

void list_request_write_prefix(
    const struct list_request *request, struct xml_out *xml, struct view prefix)
{
    xml_out_open(xml, "CommonPrefixes");
    list_request_write(request, xml, "Prefix", prefix);
    xml_out_close(xml, "CommonPrefixes");
}

bool list_request_token(struct call *call, struct view *out)
{
    const char *text = call_param(call, "continuation-token");
    *out = (struct view){0};
    if (text == NULL) {
        return true;
    }
    size_t size = strlen(text) / 2;
    uint8_t *bytes = arena_take(call->arena, size + 1);
    if (size == 0 || bytes == NULL || !hex_decode(view_text(text), bytes, size)) {
        call_fail(call, S3_ERROR_INVALID_ARGUMENT, "The continuation token provided is incorrect");
        return false;
    }
    *out = view_of(bytes, size);
    return true;
}

void list_request_write_token(
    struct call *call, struct xml_out *xml, const char *element, struct view token)
{
    char *text = arena_take(call->arena, 2 * token.size + 1);
    if (text == NULL) {
        xml->failed = true;
        return;
    }
    hex_encode(token.bytes, token.size, text);
    xml_out_text(xml, element, text);
}

void list_request_repeat(
    const struct list_request *request, struct xml_out *xml, const char *max_element)
{
    list_request_write(request, xml, "Prefix", request->prefix);
    if (request->delimiter.size > 0) {
        list_request_write(request, xml, "Delimiter", request->delimiter);
    }
    if (request->encodes_as_url) {
        xml_out_text(xml, "EncodingType", "url");
    }
    xml_out_number(xml, max_element, request->max);
}
