#include "tests/lib/status_numbers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Far enough apart to differ when they are rounded; chances are digits in millionths. */
uint64_t status_number(unsigned row)
{
    const struct status_field *field = &status_fields[row];
    return field->unit == STATUS_FLAG            ? 1
        : strcmp(field->part, "durability") == 0 ? UINT64_C(1000000) * row
                                                 : UINT64_C(5000) + 1000 * row;
}

static void write_number(struct status_numbers *numbers, unsigned row)
{
    const struct status_field *field = &status_fields[row];
    const uint64_t value = status_number(row);
    char *base = (char *)&numbers->status;
    if (*field->part != '\0') {
        memcpy(&base, base + field->part_offset, sizeof(base));
    }
    memcpy(base + field->offset, &value, field->size); /* of the small end, as all our machines */
}

void status_numbers_init(struct status_numbers *numbers)
{
    *numbers = (struct status_numbers){0};
    numbers->status.sweep = &numbers->sweep;
    numbers->status.repair = &numbers->repair;
    numbers->status.durability = &numbers->durability;
    numbers->status.moves = &numbers->moves;
    numbers->status.audits = &numbers->audits;
    for (unsigned row = 0; row < status_field_count; row++) {
        write_number(numbers, row);
    }
}

static bool is_of_thousandths(const struct status_field *field)
{
    return field->unit == STATUS_MS || field->unit == STATUS_UNIX_MS ||
        field->unit == STATUS_PERMILLE;
}

char *status_number_line(unsigned row, char line[STATUS_NUMBER_LINE_SIZE])
{
    const struct status_field *field = &status_fields[row];
    const uint64_t value = status_number(row);
    if (is_of_thousandths(field)) {
        snprintf(line, STATUS_NUMBER_LINE_SIZE, "%s %" PRIu64 ".%03" PRIu64, field->metric,
            value / 1000, value % 1000);
    } else {
        snprintf(line, STATUS_NUMBER_LINE_SIZE, "%s %" PRIu64, field->metric, value);
    }
    return line;
}
