#include "tools/node_report.h"

#include "common/codec.h"
#include "common/env.h"
#include "tools/format.h"
#include "tools/json_line.h"

#include <inttypes.h>
#include <stdio.h>

enum { ADDRESS_TEXT_SIZE = 300, AGO_TEXT_SIZE = 32, DAY_HOURS = 24, PPM_OF_PERCENT = 10000 };

char *node_report_id(const struct wire_node_info *node, char text[NODE_REPORT_ID_SIZE])
{
    hex_encode(node->node_id.bytes, node->node_id.size, text);
    return text;
}

static char *address_text(const struct wire_endpoint *endpoint, char text[ADDRESS_TEXT_SIZE])
{
    bool is_v6 = memchr(endpoint->host.bytes, ':', endpoint->host.size) != NULL;
    snprintf(text, ADDRESS_TEXT_SIZE, "%s%.*s%s:%" PRIu32, is_v6 ? "[" : "",
        VIEW_ARGS(endpoint->host), is_v6 ? "]" : "", endpoint->port);
    return text;
}

/* What else has to be said, in a word. */
static const char *remark_of(const struct wire_node_info *node)
{
    return node->attention.size > 0 ? "  ATTENTION: node show says what"
        : node->read_only           ? "  read-only"
                                    : "";
}

/* "0.4 s ago" */
static const char *ago_text(uint64_t then_unix_ms, uint64_t now_unix_ms, char text[AGO_TEXT_SIZE])
{
    char duration[FORMAT_DURATION_SIZE];
    uint64_t ago = now_unix_ms > then_unix_ms ? now_unix_ms - then_unix_ms : 0;
    snprintf(text, AGO_TEXT_SIZE, "%s ago", format_duration(ago, duration));
    return then_unix_ms == 0 ? "never" : text;
}

/* Owner and network whole, though a column may be torn: `rebalance plan` wants them so. */
static void print_line(const struct wire_node_info *node, uint64_t now_unix_ms)
{
    char id[NODE_REPORT_ID_SIZE];
    char owner[FORMAT_NAME_SIZE];
    char network[FORMAT_NAME_SIZE];
    char address[ADDRESS_TEXT_SIZE] = "-";
    char used[FORMAT_BYTES_SIZE];
    char capacity[FORMAT_BYTES_SIZE];
    char seen[AGO_TEXT_SIZE];
    if (node->endpoints_count > 0) {
        address_text(&node->endpoints[0], address);
    }
    printf("%-6" PRIu32 " %-9.*s %-9.8s %-12s %-19s %-21s %9s %9s %8" PRIu64 " %16s %7" PRIu64
           " %9" PRIu64 "%s\n",
        node->number, VIEW_ARGS(node->state), node_report_id(node, id),
        format_name(node->owner, owner), format_name(node->network, network), address,
        format_bytes(node->used, used), format_bytes(node->capacity, capacity), node->shards,
        ago_text(node->last_seen_unix_ms, now_unix_ms, seen), node->reports, node->repair_reports,
        remark_of(node));
}

static void print_heading(void)
{
    printf("%-6s %-9s %-9s %-12s %-19s %-21s %9s %9s %8s %16s %7s %9s\n", "NODE", "STATE", "ID",
        "OWNER", "NETWORK", "ADDRESS", "USED", "OF", "SHARDS", "SEEN", "REPORTS", "BY REPAIR");
}

void node_report_list(const struct wire_node_info *nodes, size_t count, bool json)
{
    const uint64_t now_unix_ms = env_unix_ms(env_system());
    if (!json) {
        print_heading();
    }
    for (size_t i = 0; i < count; i++) {
        if (json) {
            node_report_json(&nodes[i]);
        } else {
            print_line(&nodes[i], now_unix_ms);
        }
    }
}

/* ---- one node, on a page ---- */

static void print_space(const struct wire_node_info *node)
{
    char used[FORMAT_BYTES_SIZE];
    char capacity[FORMAT_BYTES_SIZE];
    char trash[FORMAT_BYTES_SIZE];
    char free_text[FORMAT_BYTES_SIZE];
    printf("space        %s of %s used, %s of it trash, %s free; %" PRIu64 " shards%s\n",
        format_bytes(node->used, used), format_bytes(node->capacity, capacity),
        format_bytes(node->trash, trash), format_bytes(node->free, free_text), node->shards,
        node->read_only ? "; read-only" : "");
}

static void print_who(const struct wire_node_info *node)
{
    char id[NODE_REPORT_ID_SIZE];
    char owner[FORMAT_NAME_SIZE];
    char network[FORMAT_NAME_SIZE];
    char place[FORMAT_NAME_SIZE];
    printf("node         %" PRIu32 ", id %s\n", node->number, node_report_id(node, id));
    printf("owner        %s\n", format_name(node->owner, owner));
    printf("network      %s\n", format_name(node->network, network));
    printf("place        %s\n", node->place.size > 0 ? format_name(node->place, place) : "-");
}

static void print_where(const struct wire_node_info *node)
{
    char address[ADDRESS_TEXT_SIZE];
    printf("addresses    ");
    for (size_t i = 0; i < node->endpoints_count; i++) {
        printf("%s%s", i > 0 ? ", " : "", address_text(&node->endpoints[i], address));
    }
    printf("%s\n", node->endpoints_count == 0 ? "none" : "");
    char uplink[FORMAT_BYTES_SIZE];
    printf("uplink       %s\n",
        node->uplink_bits > 0 ? format_bits(node->uplink_bits, uplink)
                              : "not known: plans reckon with 10 Mbit/s");
}

static void print_how(const struct wire_node_info *node, uint64_t now_unix_ms)
{
    char seen[FORMAT_TIME_SIZE];
    char enrolled[FORMAT_TIME_SIZE];
    char ago[AGO_TEXT_SIZE];
    printf("state        %.*s%s%s\n", VIEW_ARGS(node->state),
        node->takes_shards ? ", takes new shards" : ", takes no new shards",
        node->on_probation ? ", on probation" : "");
    printf("seen         %s%s%s\n",
        node->last_seen_unix_ms > 0 ? format_time(node->last_seen_unix_ms, seen) : "",
        node->last_seen_unix_ms > 0 ? ", " : "",
        ago_text(node->last_seen_unix_ms, now_unix_ms, ago));
    printf("enrolled     %s\n", format_time(node->enrolled_unix_ms, enrolled));
    printf("uptime       %" PRIu32 ".%02" PRIu32 " %% of the time\n",
        node->uptime_ppm / PPM_OF_PERCENT, node->uptime_ppm % PPM_OF_PERCENT / 100);
    printf("hazard       %" PRIu64 ".%03" PRIu64 " losses a year\n", node->hazard_permille / 1000,
        node->hazard_permille % 1000);
}

static void print_incarnation(const struct wire_node_info *node)
{
    char volume[2 * 16 + 1] = "-";
    if (node->volume.size == 16) {
        hex_encode(node->volume.bytes, node->volume.size, volume);
    }
    printf("incarnation  volume %s, started %" PRIu64 " time%s\n", volume, node->start_count,
        format_plural(node->start_count));
}

/* An hour of the pattern. */
static char mark_of(uint8_t percent)
{
    return percent >= 90 ? '#' : percent >= 50 ? '+' : '.';
}

static void print_pattern(const struct wire_node_info *node)
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    if (node->pattern.size != WIRE_WEEK_HOURS) {
        return;
    }
    printf("pattern      hours of UTC: # there, + often, . usually away\n");
    for (unsigned day = 0; day < sizeof(days) / sizeof(days[0]); day++) {
        char marks[DAY_HOURS + 1] = "";
        for (unsigned hour = 0; hour < DAY_HOURS; hour++) {
            marks[hour] = mark_of(node->pattern.bytes[day * DAY_HOURS + hour]);
        }
        printf("             %s %s\n", days[day], marks);
    }
}

void node_report_page(const struct wire_node_info *node, uint64_t now_unix_ms)
{
    char software[FORMAT_NAME_SIZE];
    if (node->attention.size > 0) {
        printf("ATTENTION    %.*s\n", VIEW_ARGS(node->attention));
    }
    print_who(node);
    print_where(node);
    print_how(node, now_unix_ms);
    print_space(node);
    print_incarnation(node);
    printf("software     %s\n", format_name(node->software, software));
    printf("reports      %" PRIu64 " by readers, %" PRIu64 " by repair\n", node->reports,
        node->repair_reports);
    print_pattern(node);
}

/* ---- for programs ---- */

static json_t *pattern_json(struct view pattern)
{
    json_t *hours = json_line_array();
    for (size_t i = 0; i < pattern.size; i++) {
        json_line_append(hours, json_integer(pattern.bytes[i]));
    }
    return hours;
}

static void add_habits(json_t *line, const struct wire_node_info *node)
{
    char volume[2 * 16 + 1] = "";
    if (node->volume.size == 16) {
        hex_encode(node->volume.bytes, node->volume.size, volume);
    }
    json_line_time(line, "enrolled", node->enrolled_unix_ms);
    json_line_flag(line, "takes_shards", node->takes_shards);
    json_line_flag(line, "on_probation", node->on_probation);
    json_line_set(line, "uptime", json_real((double)node->uptime_ppm / 1e6));
    json_line_set(line, "hazard_per_year", json_real((double)node->hazard_permille / 1e3));
    json_line_text(line, "volume", volume);
    json_line_number(line, "start_count", node->start_count);
    json_line_set(line, "pattern_percent", pattern_json(node->pattern));
}

void node_report_json(const struct wire_node_info *node)
{
    char id[NODE_REPORT_ID_SIZE];
    char address[ADDRESS_TEXT_SIZE];
    json_t *line = json_line_object();
    json_line_number(line, "number", node->number);
    json_line_text(line, "id", node_report_id(node, id));
    json_line_bytes(line, "state", node->state);
    json_line_bytes(line, "owner", node->owner);
    json_line_bytes(line, "network", node->network);
    json_line_bytes(line, "place", node->place);
    json_t *addresses = json_line_array();
    for (size_t i = 0; i < node->endpoints_count; i++) {
        json_line_append(addresses, json_string(address_text(&node->endpoints[i], address)));
    }
    json_line_set(line, "addresses", addresses);
    json_line_time(line, "last_seen", node->last_seen_unix_ms);
    json_line_number(line, "last_seen_unix_ms", node->last_seen_unix_ms);
    json_line_number(line, "uplink_bits", node->uplink_bits);
    json_line_number(line, "capacity", node->capacity);
    json_line_number(line, "used", node->used);
    json_line_number(line, "trash", node->trash);
    json_line_number(line, "free", node->free);
    json_line_number(line, "shards", node->shards);
    json_line_number(line, "reports", node->reports);
    json_line_number(line, "repair_reports", node->repair_reports);
    json_line_flag(line, "read_only", node->read_only);
    json_line_bytes(line, "software", node->software);
    add_habits(line, node);
    json_line_bytes(line, "attention", node->attention);
    json_line_print(line);
}
