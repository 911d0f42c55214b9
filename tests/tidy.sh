#!/usr/bin/env bash
# tests/tidy.sh - the ctest `tidy`: taste that a machine can check.
# Each rule carries its reason, so that it can be argued with.  Prints every breach, exits 1 if any.
#
#   tests/tidy.sh [DIR]      DIR: the tree to look at (default: the one this script is in)
set -uo pipefail
cd "${1:-$(dirname "$0")/..}" || exit 2

breaches=0
# untidy REASON BREACHES: one block per broken rule; no breaches, no output.
untidy() {
    [ -z "$2" ] && return
    printf '\n%s\n' "untidy: $1"
    printf '%s\n' "$2" | sed 's/^/    /'
    breaches=$((breaches + 1))
}

# What git would commit; a tree without git (a release archive) is taken whole.
list_files() {
    git ls-files --cached --others --exclude-standard 2>/dev/null || find . -type f -printf '%P\n'
}
mapfile -t files < <(list_files | grep -v '^build' | while read -r file; do
    [ -f "$file" ] && echo "$file"
done)
matching() { printf '%s\n' "${files[@]}" | grep -E "$1"; }
mapfile -t c_files < <(matching '\.[ch]$')
mapfile -t scripts < <(printf '%s\n' "${files[@]}" | while read -r file; do
    head -c 30 "$file" | grep -qE '^#!.*(bash|sh|python3)$' && echo "$file"
done)

# ---- who may include whom ----

# Each line: a folder, and the folders besides itself whose headers it may include.
folder_rules='
common
proto        common
erasure      common
storaged     common proto
client       common proto erasure
common/http  common proto client
coordinator  common proto erasure client
gateway      common proto client
tools        common proto client
tools/offline common proto erasure storaged client coordinator tools
perf         common proto erasure storaged client coordinator gateway tools tests
tests        common proto erasure storaged client coordinator gateway tools perf
'

# Lines "folder/file.c includes other/header.h, which <reason>".
forbidden_includes() {
    grep -nHoE '^#include "[a-z_]+/' "${c_files[@]}" | sed -E 's/^([^:]+):([0-9]+):#include "([a-z_]+)\/$/\1 \2 \3/' |
        awk -v rules="$folder_rules" '
            BEGIN {
                count = split(rules, lines, "\n")
                for (i = 1; i <= count; i++) {
                    words = split(lines[i], word, " ")
                    for (j = 1; j <= words; j++) allowed[word[1] " " word[j]] = 1
                }
            }
            {
                split($1, path, "/")
                room = path[1] "/" path[2]
                if (!((room " " room) in allowed)) room = path[1]
                if (!((room " " $3) in allowed)) print $1 ":" $2 ": includes " $3 "/" }'
}
untidy 'a folder includes only what lies below it (tests/tidy.sh, folder_rules): that is what keeps
        layers layers, and a cycle impossible' "$(forbidden_includes)"

untidy 'a header of ours is included with its folder: "client/hearth.h" says where to look' \
    "$(grep -nHE '^#include "[^/"]+"' "${c_files[@]}")"

untidy 'only proto/ may know gRPC and protobuf-c: a second user makes the wire two places' \
    "$(grep -nHE '#include [<"](grpc/|google/protobuf|protobuf-c|.*\.pb-c\.h)' "${c_files[@]}" | grep -v '^proto/')"

untidy 'only erasure/ may know ISA-L, only coordinator/ SQLite: one place to look when it is wrong' \
    "$(grep -nHE '#include <(isa-l|sqlite3)' "${c_files[@]}" | grep -vE '^(erasure|coordinator|tests|perf)/')"

untidy 'only common/http/http_mhd may know libmicrohttpd, only gateway/xml_in libxml2: both can be replaced' \
    "$(grep -nHE '#include <(microhttpd|libxml/)' "${c_files[@]}" | grep -vE '/(http_mhd[a-z_]*|xml_in)\.[ch]:')"

untidy 'only storaged/disk_uring may know liburing: the rest of a node speaks to a disk' \
    "$(grep -nHE '#include <liburing' "${c_files[@]}" | grep -vE '/(test_)?disk_uring\.c:')"

untidy 'only tests/lib/test.h includes cmocka, which needs four headers before it in its own order' \
    "$(grep -nHE '#include <cmocka' "${c_files[@]}" | grep -v '^tests/lib/test.h:')"

# ---- words ----

untidy 'a note to oneself in the code is read by everybody and done by nobody: do it, or open a ticket' \
    "$(grep -nHE '\b(TODO|FIXME|XXX|HACK)\b' "${c_files[@]}" "${scripts[@]}" | grep -v '^tests/tidy.sh:')"

untidy 'a path of one machine works on one machine' \
    "$(grep -nHE '(^|[^A-Za-z0-9_.])/(home|root|work|Users|mnt)/' "${files[@]}" | grep -v '^tests/tidy.sh:')"

untidy 'a document that is not in this tree cannot be read by who reads this one' \
    "$(grep -nHE '\b(DESIGN|STYLE|RELIABILITY|CODES|S3)\.md' "${files[@]}" | grep -v '^tests/tidy.sh:')"

untidy 'these read or write past their buffer, or parse without saying that they failed' \
    "$(grep -nHE '\b(strcat|sprintf|vsprintf|gets|strtok|atoi|atol|alloca)\(' "${c_files[@]}")"

untidy 'code that is commented out is deleted: git remembers it' \
    "$(grep -nHE '^ *(//|#if 0)' "${c_files[@]}")"

# ---- shape ----

untidy 'layout is not worth a discussion: clang-format-14 -i FILE' \
    "$(clang-format-14 --dry-run -Werror "${c_files[@]}" 2>&1 | grep -oE '^[^:]+:[0-9]+' | sort -u | head -20)"

untidy 'a file over 600 lines has a second noun in it' \
    "$(wc -l "${c_files[@]}" | awk '$1 > 600 && $2 != "total" {print $2 ": " $1 " lines"}')"

# A function begins with a brace in column 0 after its head, and ends with one: clang-format sees to it.
untidy 'a function over 100 lines does more than one thing' \
    "$(awk 'FNR == 1 {start = 0} /^\{$/ {start = FNR} /^\}$/ && start {
        if (FNR - start > 100) print FILENAME ":" start ": " FNR - start " lines"; start = 0}' "${c_files[@]}")"

untidy 'a header says once that it was included, by its path' \
    "$(for header in "${c_files[@]}"; do
        [[ $header == *.h ]] || continue
        guard=HEARTH_$(tr 'a-z/.' 'A-Z__' <<<"$header")
        grep -q "^#define $guard\$" "$header" || echo "$header: expected $guard"
    done)"

untidy 'asserts state what must be true and stay on: NDEBUG would turn checks into hopes' \
    "$(grep -nHE 'NDEBUG' "${c_files[@]}" CMakeLists.txt CMakePresets.json)"

untidy 'a script that goes on after a failure does the wrong thing next' \
    "$(for script in "${scripts[@]}"; do
        head -1 "$script" | grep -q python && continue
        grep -qE '^set -[a-z]*uo? ?(pipefail)?' "$script" || echo "$script: no set -euo pipefail"
        [ -x "$script" ] || grep -q "sourced" "$script" || echo "$script: not executable"
    done)"

# ---- maps ----

# A test is named for the file it tests, so tests/unit needs no list.
missing_from_maps() {
    local folder
    matching '\.(c|py|sh)$' | grep -v '^tests/unit/' | while read -r file; do
        folder=$(dirname "$file")
        [ "$folder" = . ] && continue
        if [ ! -f "$folder/README.md" ]; then
            echo "$folder/README.md: missing"
        else
            stem=$(basename "$file")
            grep -qwF -- "${stem%.*}" "$folder/README.md" || echo "$folder/README.md: does not name $stem"
        fi
    done | sort -u
}
untidy "a folder's README is its map, in the order data meets the files: a file that is not on it cannot be found" \
    "$(missing_from_maps)"

dead_names() {
    matching '\.md$' | while read -r page; do
        grep -noE '`(common|proto|erasure|storaged|client|http|coordinator|gateway|tools|tests|perf|docs)/[A-Za-z0-9_./-]*`' "$page" |
            tr -d '`' | while IFS=: read -r line name; do
            [ -e "$name" ] || echo "$page:$line: $name"
        done
    done
}
untidy 'a document that names a file that is not there misleads' "$(dead_names)"

untidy 'every source is listed by its name: the list is part of the map' \
    "$(grep -nH 'GLOB' $(matching 'CMakeLists.txt$'))"

[ "$breaches" -eq 0 ] && echo "tidy: ${#c_files[@]} C files, ${#scripts[@]} scripts"
exit $((breaches > 0))
