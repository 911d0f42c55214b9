#include "gateway/owner.h"

void owner_write(const struct call *call, struct xml_out *xml, const char *element)
{
    xml_out_open(xml, element);
    xml_out_text(xml, "ID", call->tenant);
    xml_out_text(xml, "DisplayName", call->tenant);
    xml_out_close(xml, element);
}

#define XSI "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "

void owner_write_grant(const struct call *call, struct xml_out *xml)
{
    xml_out_open(xml, "Grant");
    xml_out_open_attributes(xml, "Grantee", XSI "xsi:type=\"CanonicalUser\"");
    xml_out_text(xml, "ID", call->tenant);
    xml_out_text(xml, "DisplayName", call->tenant);
    xml_out_close(xml, "Grantee");
    xml_out_text(xml, "Permission", "FULL_CONTROL");
    xml_out_close(xml, "Grant");
}

void owner_write_grant_of_everybody(struct xml_out *xml)
{
    xml_out_open(xml, "Grant");
    xml_out_open_attributes(xml, "Grantee", XSI "xsi:type=\"Group\"");
    xml_out_text(xml, "URI", OWNER_EVERYBODY_URI);
    xml_out_close(xml, "Grantee");
    xml_out_text(xml, "Permission", "READ");
    xml_out_close(xml, "Grant");
}
