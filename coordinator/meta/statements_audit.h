/*
 * statements_audit.h - the statements of meta_audit; see statements.h, which includes this.
 */
#ifndef HEARTH_COORDINATOR_META_STATEMENTS_AUDIT_H
#define HEARTH_COORDINATOR_META_STATEMENTS_AUDIT_H

#define STATEMENTS_AUDIT(X)                                                                        \
    X(AUDIT_NODE_GET,                                                                              \
        "SELECT pass, fail, answer, trouble, withheld, nones, passes, fails, offlines, "           \
        "containments,"                                                                            \
        " unknowns, streak, suspensions, suspended_ms, last_ms FROM audit_node"                    \
        " WHERE node = :node")                                                                     \
    X(AUDIT_NODE_PUT,                                                                              \
        "INSERT INTO audit_node (node, pass, fail, answer, trouble, withheld, nones, passes, "     \
        "fails,"                                                                                   \
        " offlines, containments, unknowns, streak, suspensions, suspended_ms, last_ms)"           \
        " VALUES (:node, :pass, :fail, :answer, :trouble, :withheld, :nones, :passes, :fails, "    \
        ":offlines,"                                                                               \
        " :containments, :unknowns, :streak, :suspensions, :suspended, :last)"                     \
        " ON CONFLICT (node) DO UPDATE SET pass = excluded.pass, fail = excluded.fail,"            \
        " answer = excluded.answer, trouble = excluded.trouble, withheld = excluded.withheld, "    \
        "nones = excluded.nones,"                                                                  \
        " passes = excluded.passes, fails = excluded.fails, offlines = excluded.offlines,"         \
        " containments = excluded.containments, unknowns = excluded.unknowns,"                     \
        " streak = excluded.streak, suspensions = excluded.suspensions,"                           \
        " suspended_ms = excluded.suspended_ms, last_ms = excluded.last_ms")                       \
    X(AUDIT_NODE_COUNT, "SELECT COUNT(*) FROM audit_node")                                         \
    X(AUDIT_NODE_LIST,                                                                             \
        "SELECT node, pass, fail, answer, trouble, withheld, nones, passes, fails, offlines, "     \
        "containments,"                                                                            \
        " unknowns, streak, suspensions, suspended_ms, last_ms,"                                   \
        " (SELECT COUNT(*) FROM audit_contained WHERE audit_contained.node = audit_node.node)"     \
        " FROM audit_node ORDER BY node")                                                          \
    X(AUDIT_CONTAINED_COUNT, "SELECT COUNT(*) FROM audit_contained WHERE node = :node")            \
    X(AUDIT_CONTAINED_SINCE,                                                                       \
        "SELECT COALESCE(MIN(since_ms), 0) FROM audit_contained WHERE node = :node")               \
    X(AUDIT_CONTAINED_DUE,                                                                         \
        "SELECT node, segment, slot, p, first_stripe, stripes, strikes, since_ms, due_ms, asked"   \
        " FROM (SELECT * FROM audit_contained WHERE node = :node"                                  \
        " ORDER BY strikes DESC, since_ms, segment LIMIT :max) AS front WHERE due_ms <= :now")     \
    X(AUDIT_CONTAINED_SHARDS, "SELECT segment, slot FROM audit_contained WHERE node = :node")      \
    X(AUDIT_CONTAINED_INSERT,                                                                      \
        "INSERT INTO audit_contained (node, segment, slot, p, first_stripe, stripes, strikes,"     \
        " since_ms, due_ms, asked) VALUES (:node, :segment, :slot, :p, :first, :count, :strikes,"  \
        " :now, :due, :log) ON CONFLICT (node, segment, slot, first_stripe) DO NOTHING")           \
    X(AUDIT_CONTAINED_UPDATE,                                                                      \
        "UPDATE audit_contained SET strikes = :strikes, due_ms = :due, asked = :log"               \
        " WHERE node = :node AND segment = :segment AND slot = :slot AND first_stripe = :first")   \
    X(AUDIT_CONTAINED_DELETE,                                                                      \
        "DELETE FROM audit_contained"                                                              \
        " WHERE node = :node AND segment = :segment AND slot = :slot AND first_stripe = :first"    \
        " AND stripes <= :count")                                                                  \
    X(AUDIT_EVIDENCE_INSERT,                                                                       \
        "INSERT INTO audit_evidence (node, judged_ms, evidence, fault, record)"                    \
        " VALUES (:node, :now, :id, :fault, :record)")                                             \
    X(AUDIT_EVIDENCE_TRIM,                                                                         \
        "DELETE FROM audit_evidence WHERE node = :node AND judged_ms <"                            \
        " (SELECT MIN(judged_ms) FROM (SELECT judged_ms FROM audit_evidence WHERE node = :node"    \
        " ORDER BY judged_ms DESC LIMIT :max) AS newest)")                                         \
    X(AUDIT_EVIDENCE_LIST,                                                                         \
        "SELECT node, judged_ms, evidence, fault, record FROM audit_evidence"                      \
        " WHERE node >= :first AND node <= :last ORDER BY node, judged_ms, evidence"               \
        " LIMIT :max OFFSET :skip")

#endif /* HEARTH_COORDINATOR_META_STATEMENTS_AUDIT_H */
