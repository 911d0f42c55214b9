/*
 * statements_rebalance.h - the statements of meta_rebalance; see statements.h, which includes this.
 */
#ifndef HEARTH_COORDINATOR_META_STATEMENTS_REBALANCE_H
#define HEARTH_COORDINATOR_META_STATEMENTS_REBALANCE_H

#define STATEMENTS_REBALANCE(X)                                                                    \
    X(REBALANCE_PUT,                                                                               \
        "INSERT INTO rebalance (plan, kind, state, starts, bytes_max, bandwidth, "                 \
        "fleet, created_ms, changed_ms, moves_planned, bytes_planned, "                            \
        "stuck_planned, least_before, most_before, least_after, most_after, "                      \
        "violations_before, violations_after, line_ms, pass, pass_moves, "                         \
        "pass_left, started_ms, moves_done, bytes_done, profile, disk_before, disk_after, "        \
        "cursor, subject, admin, "                                                                 \
        "reason)"                                                                                  \
        " VALUES (:plan, :kind, :state, :starts, :bytes_max, :bandwidth, :fleet, "                 \
        ":created_ms, :changed_ms, :moves_planned, :bytes_planned, :stuck_planned, "               \
        ":least_before, :most_before, :least_after, :most_after, "                                 \
        ":violations_before, :violations_after, :line_ms, :pass, :pass_moves, "                    \
        ":pass_left, :started_ms, :moves_done, :bytes_done, :profile, :disk_before, :disk_after, " \
        ":cursor, :subject, "                                                                      \
        ":admin, :reason)"                                                                         \
        " ON CONFLICT (plan) DO UPDATE SET"                                                        \
        " kind = excluded.kind, state = excluded.state, starts = excluded.starts, "                \
        "bytes_max = excluded.bytes_max, bandwidth = excluded.bandwidth, "                         \
        "fleet = excluded.fleet, created_ms = excluded.created_ms, "                               \
        "changed_ms = excluded.changed_ms, moves_planned = excluded.moves_planned, "               \
        "bytes_planned = excluded.bytes_planned, "                                                 \
        "stuck_planned = excluded.stuck_planned, "                                                 \
        "least_before = excluded.least_before, most_before = excluded.most_before, "               \
        "least_after = excluded.least_after, most_after = excluded.most_after, "                   \
        "violations_before = excluded.violations_before, "                                         \
        "violations_after = excluded.violations_after, line_ms = excluded.line_ms, "               \
        "pass = excluded.pass, pass_moves = excluded.pass_moves, "                                 \
        "pass_left = excluded.pass_left, started_ms = excluded.started_ms, "                       \
        "moves_done = excluded.moves_done, bytes_done = excluded.bytes_done, profile = "           \
        "excluded.profile, disk_before = excluded.disk_before, disk_after = excluded.disk_after, " \
        "cursor = excluded.cursor, subject = excluded.subject, "                                   \
        "admin = excluded.admin, reason = excluded.reason")                                        \
    X(REBALANCE_GET,                                                                               \
        "SELECT plan, kind, state, starts, bytes_max, bandwidth, fleet, "                          \
        "created_ms, changed_ms, moves_planned, bytes_planned, stuck_planned, "                    \
        "least_before, most_before, least_after, most_after, violations_before, "                  \
        "violations_after, line_ms, pass, pass_moves, pass_left, started_ms, "                     \
        "moves_done, bytes_done, profile, disk_before, disk_after, cursor, subject, admin, reason" \
        " FROM rebalance WHERE plan = :plan")                                                      \
    X(REBALANCE_LIST,                                                                              \
        "SELECT plan, kind, state, starts, bytes_max, bandwidth, fleet, "                          \
        "created_ms, changed_ms, moves_planned, bytes_planned, stuck_planned, "                    \
        "least_before, most_before, least_after, most_after, violations_before, "                  \
        "violations_after, line_ms, pass, pass_moves, pass_left, started_ms, "                     \
        "moves_done, bytes_done, profile, disk_before, disk_after, cursor, subject, admin, reason" \
        " FROM rebalance ORDER BY plan DESC")                                                      \
    X(REBALANCE_LAST, "SELECT CAST(COALESCE(MAX(plan), 0) AS BIGINT) FROM rebalance")              \
    X(REBALANCE_COUNT_OPEN, "SELECT COUNT(*) FROM rebalance WHERE state < 5")                      \
    X(REBALANCE_RUNNING,                                                                           \
        "SELECT plan, kind FROM rebalance WHERE state = 3 AND plan <> :plan ORDER BY plan")        \
    X(REBALANCE_FORGET_SHARES,                                                                     \
        "DELETE FROM rebalance_share WHERE plan <= :before AND plan IN"                            \
        " (SELECT plan FROM rebalance WHERE state >= 5)")                                          \
    X(REBALANCE_FORGET, "DELETE FROM rebalance WHERE plan <= :before AND state >= 5")              \
    X(REBALANCE_SHARE_PUT,                                                                         \
        "INSERT INTO rebalance_share (plan, node, leaves, held, target, give, take)"               \
        " VALUES (:plan, :node, :leaves, :held, :target, :give, :take)"                            \
        " ON CONFLICT (plan, node) DO UPDATE SET leaves = excluded.leaves, held ="                 \
        " excluded.held, target = excluded.target, give = excluded.give, take = excluded.take")    \
    X(REBALANCE_SHARES,                                                                            \
        "SELECT node, leaves, held, target, give, take FROM rebalance_share"                       \
        " WHERE plan = :plan ORDER BY node")                                                       \
    X(REBALANCE_COUNT_SHARES, "SELECT COUNT(*) FROM rebalance_share WHERE plan = :plan")           \
    X(REBALANCE_COUNT_LEAVERS,                                                                     \
        "SELECT COUNT(*) FROM rebalance_share WHERE plan = :plan AND leaves = 1")                  \
    X(REBALANCE_OF_LEAVER,                                                                         \
        "SELECT s.plan FROM rebalance_share AS s JOIN rebalance AS r ON r.plan = s.plan"           \
        " WHERE s.node = :node AND s.leaves = 1 AND r.state < 5 ORDER BY s.plan LIMIT 1")          \
    X(REBALANCE_DRAINED,                                                                           \
        "SELECT r.state, r.pass_left FROM rebalance_share AS s JOIN rebalance AS r ON r.plan = "   \
        "s.plan"                                                                                   \
        " WHERE s.node = :node AND s.leaves = 1 ORDER BY s.plan DESC LIMIT 1")                     \
    X(REBALANCE_STAY,                                                                              \
        "UPDATE rebalance_share SET leaves = 0, give = 0 WHERE plan = :plan AND node = :node")     \
    X(REBALANCE_TURN_LEAVERS,                                                                      \
        "UPDATE node SET state = :to WHERE state = :from AND node IN"                              \
        " (SELECT node FROM rebalance_share WHERE plan = :plan AND leaves = 1)")                   \
    X(REBALANCE_GAVE,                                                                              \
        "UPDATE rebalance_share SET"                                                               \
        " held = CASE WHEN held > :size THEN held - :size ELSE 0 END,"                             \
        " give = CASE WHEN give > :size THEN give - :size ELSE 0 END"                              \
        " WHERE plan = :plan AND node = :node")                                                    \
    X(REBALANCE_TOOK,                                                                              \
        "UPDATE rebalance_share SET held = held + :size,"                                          \
        " take = CASE WHEN take > :size THEN take - :size ELSE 0 END"                              \
        " WHERE plan = :plan AND node = :node")                                                    \
    X(REBALANCE_OFFERS,                                                                            \
        "SELECT COUNT(*) FROM (SELECT 1 FROM offer WHERE node IN"                                  \
        " (SELECT node FROM rebalance_share WHERE plan = :plan AND leaves = 1) LIMIT 1)"           \
        " AS counted")                                                                             \
    X(REBALANCE_LAST_ORDER,                                                                        \
        "SELECT CAST(COALESCE(MAX(not_before_ms), 0) AS BIGINT) FROM dead_shard WHERE"             \
        " not_before_ms > :now AND node IN"                                                        \
        " (SELECT node FROM rebalance_share WHERE plan = :plan AND leaves = 1)")

#endif /* HEARTH_COORDINATOR_META_STATEMENTS_REBALANCE_H */
