#include "gateway/owner.h"

void owner_write(const struct call *call, struct xml_out *xml, const char *element)
{
    xml_out_open(xml, element);
    xml_out_text(xml, "ID", call->tenant);
    xml_out_text(xml, "DisplayName", call->tenant);
    xml_out_close(xml, element);
}

void owner_write_grantee(const struct call *call, struct xml_out *xml)
{
    xml_out_open_attributes(xml, "Grantee",
        "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"");
    xml_out_text(xml, "ID", call->tenant);
    xml_out_text(xml, "DisplayName", call->tenant);
    xml_out_close(xml, "Grantee");
}
