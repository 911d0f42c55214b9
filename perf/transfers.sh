# shellcheck shell=bash disable=SC2034,SC2086,SC2154 # sourced: words and variables of perf/run
# perf/transfers.sh - sourced by perf/run: floors, and transfers through real clusters.
# Uses and sets: bin, scratch, lines, cluster, mib, runs.

# ---- floors (perf/README.md has the formulas) ----

# value BENCH FIELD [K N]: a figure of the bare parts
value() {
    awk -v bench="\"$1\"" -v field="\"$2\":" -v k="${3:-}" -v n="${4:-}" '
        index($0, "\"bench\": " bench) && (k == "" || index($0, "\"k\": " k ", \"n\": " n ",")) {
            sub(".*" field " *", ""); sub("[,}].*", ""); print; exit
        }' "$lines"
}

# stream_of grpc|link|tcp: CPU-seconds per GiB of a stream, both ends.  tcp: plain, and AES at each end.
stream_of() {
    case $1 in
    grpc) value stream cpu_s_per_gib ;;
    link) value link cpu_s_per_gib ;;
    tcp)
        awk -v tcp="$(value tcp cpu_s_per_gib)" -v seal="$(value seal cpu_s_per_gib)" \
            -v open="$(value open cpu_s_per_gib)" 'BEGIN {print tcp + seal + open}'
        ;;
    esac
}
# floor put|get STREAM K N
floor() {
    local stream
    stream=$(stream_of "$2")
    if [ "$1" = put ]; then
        awk -v k="$3" -v n="$4" -v seal="$(value seal cpu_s_per_gib)" \
            -v encode="$(value encode cpu_s_per_gib "$3" "$4")" -v tag="$(value tag cpu_s_per_gib)" \
            -v stream="$stream" -v write="$(value engine_write cpu_s_per_gib)" \
            'BEGIN {printf "%.2f", seal + encode + n / k * (tag + stream + write)}'
    else
        awk -v stream="$stream" -v read="$(value engine_read cpu_s_per_gib)" \
            -v tag="$(value tag cpu_s_per_gib)" -v open="$(value open cpu_s_per_gib)" \
            'BEGIN {printf "%.2f", stream + read + tag + open}'
    fi
}

# repair_floor STREAM K N MISSING: a GiB of segments read as k shards, tags verified, MISSING shards
# decoded and coded again to compare, tagged, sent and written.
repair_floor() {
    awk -v k="$2" -v n="$3" -v missing="$4" -v stream="$(stream_of "$1")" \
        -v read="$(value engine_read cpu_s_per_gib)" -v tag="$(value tag cpu_s_per_gib)" \
        -v encode="$(value encode cpu_s_per_gib "$2" "$3")" \
        -v write="$(value engine_write cpu_s_per_gib)" 'BEGIN {
            coding = 2 * missing / (n - k) * encode
            printf "%.2f", read + stream + tag + coding + missing / k * (tag + stream + write)}'
}

# ---- a cluster, and what its processes used ----

# cluster_up NODES PROFILE: $hearth runs against it from now on.  Audits pause as long as they do by
# default: one a second would read 256 MiB of new shards beside what is measured.
cluster_up() {
    cluster=$scratch/cluster-$2
    tools/local-cluster up --dir "$cluster" --nodes "$1" --profile "$2" --audit 1min >/dev/null
    hearth="$bin/hearth --config $cluster/hearth.conf"
    $hearth mb s3://perf >/dev/null
}

cluster_down() {
    [ -z "$cluster" ] || tools/local-cluster down --dir "$cluster" >/dev/null 2>&1 || true
    rm -rf "$cluster"
    cluster=
}

wait_full() {
    "$bin/hearth-admin" --config "$cluster/hearth.conf" status --wait-full --timeout 300s >/dev/null
}

# A number may be somebody else's by now: only processes of ours count.
daemon_pids() {
    local pid
    for pid in $(cat "$cluster"/coordinator/pid "$cluster"/gateway/pid "$cluster"/nodes/*/pid 2>/dev/null); do
        grep -q '^hearth-' "/proc/$pid/comm" 2>/dev/null && echo "$pid"
    done
}

# CPU seconds of all daemons so far. A process that is gone counts no more.
daemons_cpu_s() {
    local pid
    for pid in $(daemon_pids); do
        sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null || true
    done | awk -v hz="$(getconf CLK_TCK)" '{ticks += $12 + $13} END {print ticks / hz}'
}

peaks() {
    local pid
    for pid in $(daemon_pids); do
        awk -v name="$(cat "/proc/$pid/comm" 2>/dev/null)" \
            '/^VmHWM/ {printf "%s %.0f\n", name, $2 / 1024}' "/proc/$pid/status" 2>/dev/null || true
    done | awk '{if ($2 > peak[$1]) peak[$1] = $2}
        END {for (name in peak) printf "{\"peak_rss_mib\": %d, \"process\": \"%s\"}\n", peak[name], name}' |
        tee -a "$lines" >&2
}

# with_drip NODE COMMAND...: while the node gets and gives 1 KiB a second.
with_drip() {
    local node=$1 port
    shift
    coproc proxy { exec "$bin/hearth-fault-proxy" "$(awk -v node="$node" '$1 == node {print $2}' "$cluster/ports")"; }
    # shellcheck disable=SC2154 # coproc sets them; ours, because they are gone when it is
    local from=${proxy[0]} to=${proxy[1]} pid=$proxy_PID
    read -r port <&"$from"
    tools/local-cluster kill "$node" --dir "$cluster" >/dev/null
    tools/local-cluster start "$node" --advertise "127.0.0.1:$port" --dir "$cluster" >/dev/null
    echo "rate both 1024" >&"$to"
    "$@"
    tools/local-cluster kill "$node" --dir "$cluster" >/dev/null
    tools/local-cluster start "$node" --advertise "" --dir "$cluster" >/dev/null
    eval "exec $to>&-"
    wait "$pid"
}

# with_stopped NODE COMMAND...: while the node stands still.
with_stopped() {
    local node=$1
    shift
    tools/local-cluster stop "$node" --dir "$cluster" >/dev/null
    "$@"
    tools/local-cluster start "$node" --dir "$cluster" >/dev/null
}

# ---- transfers ----

median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

field() { sed "s/.*\"$1\":\([0-9.]*\).*/\1/"; }

# repeat NAME COMMAND...: lines "wall client-cpu daemons-cpu client-rss-kib" in $scratch/runs
repeat() {
    local name=$1 before after line
    shift
    : >"$scratch/runs"
    for _ in $(seq "$runs"); do
        before=$(daemons_cpu_s)
        line=$("$bin/hearth-measure" "$name" -- "$@" 2>"$scratch/stderr") || {
            cat "$scratch/stderr" >&2
            exit 1
        }
        after=$(daemons_cpu_s)
        echo "$(echo "$line" | field wall_s) $(echo "$line" | field cpu_s) \
$(awk -v a="$after" -v b="$before" 'BEGIN {print a - b}') \
$(echo "$line" | field peak_rss_kib)" >>"$scratch/runs"
    done
}
column() { awk -v column="$1" '{print $column}' "$scratch/runs" | median; }

# transfer NAME put|get K N COMMAND...: runs it, prints a line with medians
transfer() {
    local name=$1 kind=$2 k=$3 n=$4
    shift 4
    repeat "$name" "$@"
    awk -v name="$name" -v k="$k" -v n="$n" -v gib="$mib" -v wall="$(column 1)" \
        -v client="$(column 2)" -v daemons="$(column 3)" -v rss="$(column 4)" \
        -v floor="$(floor "$kind" grpc "$k" "$n")" -v link="$(floor "$kind" link "$k" "$n")" \
        -v tcp="$(floor "$kind" tcp "$k" "$n")" 'BEGIN {
            gib /= 1024
            cpu = (client + daemons) / gib
            printf "{\"transfer\": \"%s\", \"k\": %d, \"n\": %d, \"mib_per_s\": %.0f, ", name, k, n,
                gib * 1024 / wall
            printf "\"cpu_s_per_gib\": %.2f, \"client\": %.2f, \"daemons\": %.2f, ", cpu,
                client / gib, daemons / gib
            printf "\"floor\": %.2f, \"times_floor\": %.2f, \"link_floor\": %.2f, ", floor,
                cpu / floor, link
            printf "\"times_link_floor\": %.2f, \"tcp_floor\": %.2f, ", cpu / link, tcp
            printf "\"client_peak_mib\": %.0f}\n", rss / 1024
        }' | tee -a "$lines" >&2
}

# put NAME K N, get NAME K N: the object in, the object out
put() { transfer "$1" put "$2" "$3" $hearth cp "$scratch/object" s3://perf/object; }
get() { transfer "$1" get "$2" "$3" sh -c "exec $hearth cp s3://perf/object - >/dev/null"; }

compare_back() {
    $hearth cp s3://perf/object "$scratch/back" >/dev/null
    cmp "$scratch/object" "$scratch/back"
    rm "$scratch/back"
}

# whole PROFILE K N: an object into a fresh cluster and out again, healthy, with n-k nodes dead,
# and into it with one node stopped, and with one that drips.
whole() {
    local profile=$1 k=$2 n=$3 node
    say "whole transfers at $k+$((n - k))"
    cluster_up "$n" "$profile"
    put put "$k" "$n"
    get get "$k" "$n"
    compare_back
    with_stopped "$n" put put-one-stopped "$k" "$n"
    with_drip "$n" put put-one-dripping "$k" "$n"
    peaks
    wait_full
    for node in $(seq $((n - k))); do
        tools/local-cluster kill "$node" --dir "$cluster" >/dev/null
    done
    get "get-$((n - k))-dead" "$k" "$n"
    cluster_down
}

repair_status() { "$bin/hearth-admin" --config "$cluster/hearth.conf" repair status --json | field "$1"; }

# repaired PROFILE K N: one of N + 1 nodes is dead and called lost; all daemons, a GiB of segments read.
repaired() {
    local profile=$1 k=$2 n=$3 before after start segments
    say "a dead node made anew at $k+$((n - k))"
    cluster_up "$((n + 1))" "$profile"
    $hearth cp "$scratch/object" s3://perf/object
    wait_full
    tools/local-cluster kill 1 --dir "$cluster" >/dev/null
    start=$(date +%s.%N)
    before=$(daemons_cpu_s)
    "$bin/hearth-admin" --config "$cluster/hearth.conf" node lost 1 >/dev/null
    "$bin/hearth-admin" --config "$cluster/hearth.conf" sweep run --wait >/dev/null
    wait_full
    after=$(daemons_cpu_s)
    segments=$(repair_status repaired_segments)
    awk -v k="$k" -v n="$n" -v cpu="$before $after" -v segments="$segments" \
        -v start="$start" -v end="$(date +%s.%N)" -v floor="$(repair_floor grpc "$k" "$n" 1)" \
        -v link="$(repair_floor link "$k" "$n" 1)" 'BEGIN {
            split(cpu, at, " ")
            gib = segments * 64 / 1024
            used = gib > 0 ? (at[2] - at[1]) / gib : 0
            printf "{\"repair\": \"one-dead\", \"k\": %d, \"n\": %d, \"segments\": %d, ", k, n, segments
            printf "\"gib\": %.2f, \"wall_s\": %.1f, \"cpu_s_per_gib\": %.2f, ", gib, end - start, used
            printf "\"floor\": %.2f, \"times_floor\": %.2f, ", floor, used / floor
            printf "\"link_floor\": %.2f, \"times_link_floor\": %.2f}\n", link, used / link
        }' | tee -a "$lines" >&2
    compare_back
    cluster_down
}

# wide: 16 + 24 on 60 nodes.
wide() {
    say "whole transfers at 16+24 on 60 nodes"
    cluster_up 60 home
    put put 16 40
    get get 16 40
    compare_back
    peaks
    cluster_down
}

# ---- times, many small ones, and one that never ends ----

# A 256 MiB put by the clock on the wall: clean, one node stopped, one dripping; at 4+4.
slow_nodes() {
    local name clean
    say "256 MiB by the clock, one node slow"
    head -c 256M "$scratch/object" >"$scratch/quarter"
    cluster_up 8 local
    time_put() {
        repeat "$1" $hearth cp "$scratch/quarter" s3://perf/quarter
        awk -v name="$1" -v wall="$(column 1)" 'BEGIN {
            printf "{\"slow_node\": \"%s\", \"mib\": 256, \"wall_s\": %.2f}\n", name, wall}' |
            tee -a "$lines" >&2
    }
    time_put clean
    with_stopped 8 time_put stopped
    with_drip 8 time_put dripping
    cluster_down
    rm "$scratch/quarter"
}

# objects SIZE put|get THREADS: calls a second, and the daemons' CPU for each
objects() {
    local before after
    before=$(daemons_cpu_s)
    "$bin/hearth-bench-objects" --config "$cluster/hearth.conf" --size "$1" --only "$2" --threads "$3" \
        --seconds 10 >"$scratch/objects"
    after=$(daemons_cpu_s)
    awk -v cpu="$(awk -v a="$after" -v b="$before" 'BEGIN {print a - b}')" '{
        calls = $0; sub(/.*"calls": */, "", calls); sub(/,.*/, "", calls)
        sub(/}$/, ""); printf "%s, \"daemons_cpu_us\": %.0f}\n", $0, cpu * 1e6 / calls}' \
        "$scratch/objects" | tee -a "$lines" >&2
}

# through_gateway put|get SIZE THREADS [OPTION...]: a line of bench_s3, with what the daemons used for each.
through_gateway() {
    local verb=$1 size=$2 threads=$3 before after line
    shift 3
    before=$(daemons_cpu_s)
    line=$(set -a && . "$cluster/s3.env" &&
        "$bin/hearth-bench-s3" --only "$verb" --size "$size" --threads "$threads" --seconds 5 "$@")
    after=$(daemons_cpu_s)
    awk -v line="$line" -v a="$after" -v b="$before" 'BEGIN {
        calls = line
        sub(".*\"calls\": ", "", calls)
        sub("}$", sprintf(", \"daemons_cpu_us\": %.0f}", (a - b) * 1e6 / calls), line)
        print line
    }' | tee -a "$lines" >&2
}

# Objects by HTTP: small ones, and 64 MiB 8 at a time, however the body is signed, in clear and over TLS.
s3() {
    local payload tls run=1
    say "through the gateway, 4+4"
    cluster_up 8 local
    tls=$(awk '$1 == "gateway-tls" {print $2}' "$cluster/ports")
    through_gateway put 4096 32 --run 1
    through_gateway get 4096 32 --run 1
    for payload in unsigned signed chunked; do
        through_gateway put 67108864 8 --payload "$payload" --run $((run++))
        through_gateway put 67108864 8 --payload "$payload" --tls "$tls" --run $((run++))
    done
    through_gateway get 67108864 8 --run 1
    through_gateway get 67108864 8 --tls "$tls" --run 1
    objects 67108864 put 8
    objects 67108864 get 8
    peaks
    cluster_down
}

small() {
    say "small objects, 4+4"
    cluster_up 8 local
    objects 4096 put 64
    objects 4096 get 64
    objects 16384 put 64
    objects 16384 get 64
    objects 1048576 put 8
    objects 1048576 get 8
    cluster_down
}

# How much a client grows over an object of 4 GiB that it cannot see the end of.
pipe() {
    local small large
    say "4 GiB through a pipe"
    cluster_up 8 local
    runs=1 repeat pipe sh -c "exec $hearth cp - s3://perf/small </dev/null"
    small=$(column 4)
    runs=1 repeat pipe sh -c "head -c 4G /dev/zero | $hearth cp - s3://perf/large"
    large=$(column 4)
    awk -v small="$small" -v large="$large" 'BEGIN {
        printf "{\"pipe_gib\": 4, \"start_mib\": %.0f, \"grown_mib\": %.0f}\n", small / 1024,
            (large - small) / 1024}' | tee -a "$lines" >&2
    cluster_down
}
