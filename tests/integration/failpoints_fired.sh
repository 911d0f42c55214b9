#!/usr/bin/env bash
# failpoints_fired.sh PROGRAM FILE: every failpoint that PROGRAM lists is named in FILE, where the
# programs of a run wrote those that acted (HEARTH_FAILPOINTS_FIRED).  Names those that never did.
set -euo pipefail
[ $# -eq 2 ] || {
    echo "usage: failpoints_fired.sh PROGRAM FILE" >&2
    exit 2
}
listed=$("$1" --list-failpoints | awk '{print $1}' | sort)
never=$(comm -23 <(echo "$listed") <(sort -u "$2"))
if [ -n "$never" ]; then
    echo "failpoints: these acted in no test:"
    echo "$never"
    exit 1
fi
echo "failpoints: all $(wc -l <<<"$listed") acted"
