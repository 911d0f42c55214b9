#include "gateway/list_request.h"

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
