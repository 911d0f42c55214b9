/*
 * statements.h - every SQL statement of the coordinator.
 *
 * Prepared once per connection; parameters are bound by name, columns read in order (meta_sql.h).
 * Both engines take each of them: tests/integration/statements_on_postgres.sh prepares them all.
 * list_seek() is a function of ours, meta_list_seek.h in SQLite, functions_postgres.sql there.
 *
 * X(name, text)
 */
#ifndef HEARTH_COORDINATOR_META_STATEMENTS_H
#define HEARTH_COORDINATOR_META_STATEMENTS_H

#include "coordinator/meta/statements_audit.h"
#include "coordinator/meta/statements_rebalance.h"

#define STATEMENTS_CLUSTER(X)                                                                      \
    X(CLUSTER_INSERT,                                                                              \
        "INSERT INTO cluster_state"                                                                \
        " (one, cluster, recovery_epoch, garbage_held, clock_ms, is_backup, backup_ms,"            \
        " restored_ms, given_up_ms, release_until_ms)"                                             \
        " VALUES (1, :cluster, 0, 0, :clock, 0, 0, 0, 0, 0) ON CONFLICT (one) DO NOTHING")         \
    X(CLUSTER_GET,                                                                                 \
        "SELECT cluster, recovery_epoch, garbage_held, clock_ms, is_backup, backup_ms,"            \
        " restored_ms, given_up_ms, release_until_ms FROM cluster_state WHERE one = 1")            \
    X(CLUSTER_SET_ID, "UPDATE cluster_state SET cluster = :cluster WHERE one = 1")                 \
    X(CLUSTER_SET_CLOCK,                                                                           \
        "UPDATE cluster_state SET clock_ms = :clock WHERE one = 1 AND clock_ms < :clock")          \
    X(CLUSTER_RESTORED,                                                                            \
        "UPDATE cluster_state SET recovery_epoch = recovery_epoch + 1, garbage_held = 1,"          \
        " is_backup = 0, restored_ms = :now WHERE one = 1")                                        \
    X(CLUSTER_RELEASE, "UPDATE cluster_state SET release_until_ms = :until WHERE one = 1")         \
    X(CLUSTER_UNHOLD,                                                                              \
        "UPDATE cluster_state SET garbage_held = 0, given_up_ms = :given_up WHERE one = 1")        \
    X(COUNT_BUCKETS, "SELECT COUNT(*) FROM bucket")                                                \
    X(COUNT_USAGE,                                                                                 \
        "SELECT CAST(COALESCE(SUM(objects), 0) AS BIGINT), CAST(COALESCE(SUM(bytes), 0) AS"        \
        " BIGINT) FROM usage")                                                                     \
    X(COUNT_INTENTS_OPEN,                                                                          \
        "SELECT COUNT(*) FROM (SELECT 1 FROM intent WHERE state = 1 LIMIT :max) AS counted")       \
    X(COUNT_DOOMED, "SELECT COUNT(*) FROM (SELECT 1 FROM doomed LIMIT :max) AS counted")           \
    X(COUNT_DEAD, "SELECT COUNT(*) FROM (SELECT 1 FROM dead_shard LIMIT :max) AS counted")

#define STATEMENTS_TENANT(X)                                                                       \
    X(TENANT_INSERT,                                                                               \
        "INSERT INTO tenant (tenant, name, root_key_id, created_ms)"                               \
        " VALUES (:tenant, :name, :root_key_id, :now)")                                            \
    X(TENANT_BY_NAME,                                                                              \
        "SELECT tenant, name, root_key_id, created_ms FROM tenant WHERE name = :name")             \
    X(TENANT_BY_ID,                                                                                \
        "SELECT tenant, name, root_key_id, created_ms FROM tenant WHERE tenant = :tenant")         \
    X(TENANT_SET_ROOT_KEY, "UPDATE tenant SET root_key_id = :root_key_id WHERE tenant = :tenant")  \
    X(TENANT_LIST,                                                                                 \
        "SELECT t.tenant, t.name, t.created_ms,"                                                   \
        " (SELECT COUNT(*) FROM bucket AS b WHERE b.tenant = t.tenant),"                           \
        " (SELECT COUNT(*) FROM access_key AS k WHERE k.tenant = t.tenant),"                       \
        " (SELECT CAST(COALESCE(SUM(u.objects), 0) AS BIGINT) FROM usage AS u"                     \
        " JOIN bucket AS b ON b.bucket = u.bucket WHERE b.tenant = t.tenant),"                     \
        " (SELECT CAST(COALESCE(SUM(u.bytes), 0) AS BIGINT) FROM usage AS u"                       \
        " JOIN bucket AS b ON b.bucket = u.bucket WHERE b.tenant = t.tenant)"                      \
        " FROM tenant AS t WHERE t.name > :after ORDER BY t.name LIMIT :max")                      \
    X(ACCESS_KEY_INSERT,                                                                           \
        "INSERT INTO access_key (access_key, tenant, secret_sealed, rights, created_ms)"           \
        " VALUES (:access_key, :tenant, :secret_sealed, :rights, :now)")                           \
    X(ACCESS_KEY_GET,                                                                              \
        "SELECT tenant, secret_sealed, rights, created_ms FROM access_key"                         \
        " WHERE access_key = :access_key")                                                         \
    X(ACCESS_KEY_COUNT, "SELECT COUNT(*) FROM access_key WHERE tenant = :tenant")                  \
    X(ACCESS_KEY_LIST,                                                                             \
        "SELECT k.access_key, t.name, k.rights, k.created_ms FROM access_key AS k"                 \
        " JOIN tenant AS t ON t.tenant = k.tenant WHERE k.access_key > :after"                     \
        " ORDER BY k.access_key LIMIT :max")                                                       \
    X(ACCESS_KEY_LIST_OF,                                                                          \
        "SELECT k.access_key, t.name, k.rights, k.created_ms FROM access_key AS k"                 \
        " JOIN tenant AS t ON t.tenant = k.tenant WHERE k.tenant = :tenant"                        \
        " AND k.access_key > :after ORDER BY k.access_key LIMIT :max")                             \
    X(ACCESS_KEY_DELETE, "DELETE FROM access_key WHERE access_key = :access_key")                  \
    X(GRANT_PUT,                                                                                   \
        "INSERT INTO principal_grant (principal, tenant, class, rights, created_ms)"               \
        " VALUES (:principal, :tenant, :class, :rights, :now)"                                     \
        " ON CONFLICT (principal, tenant) DO UPDATE SET class = excluded.class,"                   \
        " rights = excluded.rights")                                                               \
    X(GRANT_GET,                                                                                   \
        "SELECT class, tenant, rights, created_ms FROM principal_grant"                            \
        " WHERE principal = :principal ORDER BY tenant LIMIT 1")                                   \
    X(GRANT_DELETE, "DELETE FROM principal_grant WHERE principal = :principal AND tenant = :tenant")

#define STATEMENTS_FLEET(X)                                                                        \
    X(INVITE_PUT,                                                                                  \
        "INSERT INTO invite (token_hash, class, owner, network, place, tenant, rights,"            \
        " expires_ms, uplink_bits, used_by) VALUES (:token_hash, :class, :owner, :network, "       \
        ":place,"                                                                                  \
        " :tenant, :rights, :expires, :uplink, :used_by)")                                         \
    X(INVITE_GET,                                                                                  \
        "SELECT class, owner, network, place, tenant, rights, expires_ms, uplink_bits, used_by"    \
        " FROM invite WHERE token_hash = :token_hash")                                             \
    X(INVITE_USE, "UPDATE invite SET used_by = :principal WHERE token_hash = :token_hash")         \
    X(INVITE_FORGET,                                                                               \
        "DELETE FROM invite WHERE token_hash IN"                                                   \
        " (SELECT token_hash FROM invite WHERE expires_ms <= :before LIMIT :max)")                 \
    X(OWNER_BY_NAME, "SELECT owner FROM owner WHERE name = :name")                                 \
    X(OWNER_NEXT, "SELECT COALESCE(MAX(owner), 0) + 1 FROM owner")                                 \
    X(OWNER_INSERT, "INSERT INTO owner (owner, name) VALUES (:owner, :name)")                      \
    X(NODE_NEXT, "SELECT COALESCE(MAX(node), 0) + 1 FROM node")                                    \
    X(NODE_INSERT,                                                                                 \
        "INSERT INTO node (node, id, owner, network, place, state, enrolled_ms, last_seen_ms,"     \
        " volume, start_count, sequence, capacity, used, trash, free, shards, read_only, "         \
        "software,"                                                                                \
        " uplink_bits) VALUES (:node, :id, :owner, :network, :place, 1, :now, 0, :volume, 0, 0, "  \
        "0,"                                                                                       \
        " 0, 0, 0, 0, 0, :software, :uplink)")                                                     \
    X(NODE_BY_ID, "SELECT node, state FROM node WHERE id = :id")                                   \
    X(NODE_DOMAIN, "SELECT owner, network, state FROM node WHERE node = :node")                    \
    X(NODE_LIST,                                                                                   \
        "SELECT node.node, node.id, node.owner, owner.name, node.network, node.place, node.state," \
        " node.enrolled_ms, node.last_seen_ms, node.volume, node.start_count, node.sequence,"      \
        " node.capacity, node.used, node.trash, node.free, node.shards, node.read_only,"           \
        " node.software, node.uplink_bits FROM node JOIN owner ON owner.owner = node.owner"        \
        " WHERE node.node >= :first AND node.node <= :last ORDER BY node.node")                    \
    X(NODE_SEEN,                                                                                   \
        "UPDATE node SET last_seen_ms = :last_seen, volume = :volume, start_count = :start_count," \
        " sequence = :sequence, capacity = :capacity, used = :used, trash = :trash, free = :free," \
        " shards = :shards, read_only = :read_only, software = :software WHERE node = :node")      \
    X(NODE_SET_UPLINK, "UPDATE node SET uplink_bits = :uplink WHERE node = :node")                 \
    X(NODE_SET_STATE, "UPDATE node SET state = :state WHERE node = :node")                         \
    X(ENDPOINT_LIST,                                                                               \
        "SELECT node, kind, host, port, verified_ms FROM endpoint"                                 \
        " WHERE node >= :first AND node <= :last ORDER BY node, position")                         \
    X(ENDPOINT_CLEAR, "DELETE FROM endpoint WHERE node = :node")                                   \
    X(ENDPOINT_INSERT,                                                                             \
        "INSERT INTO endpoint (node, position, kind, host, port, verified_ms)"                     \
        " VALUES (:node, :position, :kind, :host, :port, :verified)")

#define STATEMENTS_BUCKET(X)                                                                       \
    X(BUCKET_INSERT,                                                                               \
        "INSERT INTO bucket (bucket, name, tenant, profile, key_version, created_ms,"              \
        " public_read, quota_bytes, quota_objects) VALUES (:bucket, :name, :tenant, :profile,"     \
        " :key_version, :now, :public_read, :quota_bytes, :quota_objects)")                        \
    X(BUCKET_ADOPT,                                                                                \
        "UPDATE bucket SET bucket = :bucket, key_version = :key_version"                           \
        " WHERE bucket = :reserved AND key_version = 0")                                           \
    X(BUCKET_SET,                                                                                  \
        "UPDATE bucket SET profile = :profile, public_read = :public_read,"                        \
        " quota_bytes = :quota_bytes, quota_objects = :quota_objects WHERE bucket = :bucket")      \
    X(BUCKET_BY_NAME,                                                                              \
        "SELECT bucket, name, tenant, profile, key_version, created_ms, public_read,"              \
        " quota_bytes, quota_objects FROM bucket WHERE name = :name")                              \
    X(BUCKET_BY_ID,                                                                                \
        "SELECT tenant, profile, key_version, quota_bytes, quota_objects FROM bucket"              \
        " WHERE bucket = :bucket")                                                                 \
    X(BUCKET_NAME, "SELECT name FROM bucket WHERE bucket = :bucket")                               \
    X(BUCKET_LIST,                                                                                 \
        "SELECT b.bucket, b.name, b.tenant, b.profile, b.key_version, b.created_ms,"               \
        " b.public_read, b.quota_bytes, b.quota_objects, t.name FROM bucket AS b"                  \
        " JOIN tenant AS t ON t.tenant = b.tenant WHERE b.name > :after"                           \
        " ORDER BY b.name LIMIT :max")                                                             \
    X(BUCKET_LIST_OF,                                                                              \
        "SELECT b.bucket, b.name, b.tenant, b.profile, b.key_version, b.created_ms,"               \
        " b.public_read, b.quota_bytes, b.quota_objects, t.name FROM bucket AS b"                  \
        " JOIN tenant AS t ON t.tenant = b.tenant WHERE b.tenant = :tenant AND b.name > :after"    \
        " ORDER BY b.name LIMIT :max")                                                             \
    X(BUCKET_COUNT, "SELECT COUNT(*) FROM bucket WHERE tenant = :tenant")                          \
    X(BUCKET_IS_USED, "SELECT 1 FROM object_version WHERE bucket = :bucket LIMIT 1")               \
    X(BUCKET_DELETE, "DELETE FROM bucket WHERE bucket = :bucket")                                  \
    X(BUCKET_KEY_INSERT,                                                                           \
        "INSERT INTO bucket_key (bucket, version, wrapped)"                                        \
        " VALUES (:bucket, :version, :wrapped)")                                                   \
    X(BUCKET_KEY_LIST,                                                                             \
        "SELECT version, wrapped FROM bucket_key WHERE bucket = :bucket ORDER BY version")         \
    X(BUCKET_KEY_CLEAR, "DELETE FROM bucket_key WHERE bucket = :bucket")                           \
    X(USAGE_ADD,                                                                                   \
        "INSERT INTO usage (bucket, lane, bytes, objects, reserved_bytes, reserved_objects)"       \
        " VALUES (:bucket, :lane, :bytes, :objects, 0, 0) ON CONFLICT (bucket, lane) DO UPDATE"    \
        " SET bytes = usage.bytes + excluded.bytes, objects = usage.objects + excluded.objects")   \
    X(USAGE_RESERVE,                                                                               \
        "INSERT INTO usage (bucket, lane, bytes, objects, reserved_bytes, reserved_objects)"       \
        " VALUES (:bucket, :lane, 0, 0, :bytes, :objects) ON CONFLICT (bucket, lane) DO UPDATE"    \
        " SET reserved_bytes = usage.reserved_bytes + excluded.reserved_bytes,"                    \
        " reserved_objects = usage.reserved_objects + excluded.reserved_objects")                  \
    X(USAGE_RELEASE,                                                                               \
        "UPDATE usage SET reserved_bytes = reserved_bytes - :bytes,"                               \
        " reserved_objects = reserved_objects - :objects"                                          \
        " WHERE bucket = :bucket AND lane = :lane")                                                \
    X(USAGE_GET,                                                                                   \
        "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT), CAST(COALESCE(SUM(objects), 0) AS"        \
        " BIGINT), CAST(COALESCE(SUM(reserved_bytes), 0) AS BIGINT),"                              \
        " CAST(COALESCE(SUM(reserved_objects), 0) AS BIGINT) FROM usage WHERE bucket = :bucket")   \
    X(USAGE_CLEAR, "DELETE FROM usage WHERE bucket = :bucket")

#define STATEMENTS_OBJECT(X)                                                                       \
    X(VERSION_NEWEST,                                                                              \
        "SELECT version, size, etag, parts, created_ms, body, extent_count FROM object_version"    \
        " WHERE bucket = :bucket AND key = :key ORDER BY version LIMIT 1")                         \
    X(VERSION_GET,                                                                                 \
        "SELECT version, size, etag, parts, created_ms, body, extent_count FROM object_version"    \
        " WHERE bucket = :bucket AND key = :key AND version = :version")                           \
    X(VERSION_GET_DOOMED,                                                                          \
        "SELECT version, size, etag, parts, created_ms, body, extent_count FROM doomed"            \
        " WHERE bucket = :bucket AND key = :key AND version = :version"                            \
        " AND doomed_ms >= :since")                                                                \
    X(VERSION_INSERT,                                                                              \
        "INSERT INTO object_version (bucket, key, version, size, etag, parts, created_ms, body, "  \
        "extent_count, tags)"                                                                      \
        " VALUES (:bucket, :key, :version, :size, :etag, :parts, :created, :body, :extent_count,"  \
        " :tags)")                                                                                 \
    X(VERSION_WALK,                                                                                \
        "SELECT v.bucket, v.key, v.version, b.name, d.extents FROM object_version AS v"            \
        " JOIN bucket AS b ON b.bucket = v.bucket JOIN body AS d ON d.body = v.body"               \
        " WHERE (v.bucket, v.key, v.version) > (:bucket, :key, :version)"                          \
        " ORDER BY v.bucket, v.key, v.version LIMIT :max")                                         \
    X(VERSION_TAGS,                                                                                \
        "SELECT tags FROM object_version WHERE bucket = :bucket AND key = :key AND version = "     \
        ":version")                                                                                \
    X(VERSION_SET_TAGS,                                                                            \
        "UPDATE object_version SET tags = :tags WHERE bucket = :bucket AND key = :key AND "        \
        "version = :version")                                                                      \
    X(VERSION_DELETE,                                                                              \
        "DELETE FROM object_version WHERE bucket = :bucket AND key = :key AND version = :version") \
    X(BODY_INSERT,                                                                                 \
        "INSERT INTO body (body, bucket_key_version, manifest, extents)"                           \
        " VALUES (:body, :bucket_key_version, :manifest, :extents) ON CONFLICT (body) DO NOTHING") \
    X(BODY_GET, "SELECT bucket_key_version, manifest FROM body WHERE body = :body")                \
    X(BODY_EXTENTS, "SELECT bucket_key_version, extents FROM body WHERE body = :body")             \
    X(BODY_DELETE, "DELETE FROM body WHERE body = :body")                                          \
    X(DOOMED_INSERT,                                                                               \
        "INSERT INTO doomed (body, bucket, key, version, size, etag, parts, created_ms,"           \
        " extent_count, extents_reaped, due_ms, doomed_ms, is_kept, tags)"                         \
        " VALUES (:body, :bucket, :key, :version, :size, :etag, :parts, :created,"                 \
        " :extent_count, 0, :due, :now, :is_kept, :tags)")                                         \
    X(DOOMED_KEPT,                                                                                 \
        "SELECT version, size, etag, parts, created_ms, body, extent_count, doomed_ms, due_ms,"    \
        " tags, key FROM doomed WHERE bucket = :bucket AND key = :key AND version >= :version"     \
        " AND is_kept = 1 AND due_ms > :now ORDER BY version LIMIT 1")                             \
    X(DOOMED_LIST,                                                                                 \
        "SELECT version, size, etag, parts, created_ms, body, extent_count, doomed_ms, due_ms,"    \
        " tags, key FROM doomed WHERE bucket = :bucket AND (key, version) > (:key, :version)"      \
        " AND key < :end AND is_kept = 1 AND due_ms > :now ORDER BY key, version LIMIT :max")      \
    X(DOOMED_COUNT_KEPT,                                                                           \
        "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM"                             \
        " (SELECT size FROM doomed WHERE is_kept = 1 AND due_ms > :now LIMIT :max) AS counted")    \
    X(DOOMED_DUE,                                                                                  \
        "SELECT body, bucket, extents_reaped FROM doomed WHERE due_ms <= :now"                     \
        " ORDER BY due_ms LIMIT 1")                                                                \
    X(DOOMED_ADVANCE, "UPDATE doomed SET extents_reaped = :extents_reaped WHERE body = :body")     \
    X(DOOMED_DELETE, "DELETE FROM doomed WHERE body = :body")                                      \
    X(OUTCOME_GET, "SELECT subject, result FROM outcome WHERE token = :token")                     \
    X(OUTCOME_INSERT,                                                                              \
        "INSERT INTO outcome (token, subject, result, expires_ms)"                                 \
        " VALUES (:token, :subject, :result, :expires)")                                           \
    X(OUTCOME_FORGET,                                                                              \
        "DELETE FROM outcome WHERE token IN"                                                       \
        " (SELECT token FROM outcome WHERE expires_ms <= :before LIMIT :max)")                     \
    X(LIST_KEYS,                                                                                   \
        "WITH RECURSIVE hit (nth, key) AS (SELECT CAST(1 AS BIGINT),"                              \
        " (SELECT first.key FROM object_version AS first WHERE first.bucket = :bucket"             \
        " AND first.key >= :from AND first.key < :end ORDER BY first.key LIMIT 1)"                 \
        " UNION ALL SELECT hit.nth + 1,"                                                           \
        " (SELECT next.key FROM object_version AS next WHERE next.bucket = :bucket"                \
        " AND next.key >= list_seek(hit.key, :prefix, :delimiter) AND next.key < :end"             \
        " ORDER BY next.key LIMIT 1)"                                                              \
        " FROM hit WHERE hit.key IS NOT NULL AND hit.nth < :max)"                                  \
        " SELECT hit.key, v.version, v.size, v.etag, v.parts, v.created_ms"                        \
        " FROM hit JOIN object_version AS v ON v.bucket = :bucket AND v.key = hit.key"             \
        " AND v.version = (SELECT newest.version FROM object_version AS newest"                    \
        " WHERE newest.bucket = :bucket AND newest.key = hit.key ORDER BY newest.version LIMIT 1)" \
        " ORDER BY hit.nth")

#define STATEMENTS_INTENT(X)                                                                       \
    X(INTENT_INSERT,                                                                               \
        "INSERT INTO intent (intent, token, tenant, bucket, key, condition_kind, condition_etag,"  \
        " condition_parts, profile, state, settled, expires_ms, due_ms, part, upload,"             \
        " reserved_bytes, reserved_objects, sealed_bytes)"                                         \
        " VALUES (:intent, :token, :tenant, :bucket, :key, :condition_kind, :condition_etag,"      \
        " :condition_parts, :profile, 1, 0, :expires, :expires, :part, :upload,"                   \
        " :reserved_bytes, :reserved_objects, 0)")                                                 \
    X(INTENT_GET,                                                                                  \
        "SELECT intent, token, tenant, bucket, key, condition_kind, condition_etag, "              \
        "condition_parts,"                                                                         \
        " profile, state, expires_ms, part, upload, reserved_bytes, reserved_objects,"             \
        " sealed_bytes FROM intent WHERE intent = :intent")                                        \
    X(INTENT_BY_TOKEN,                                                                             \
        "SELECT intent, token, tenant, bucket, key, condition_kind, condition_etag, "              \
        "condition_parts,"                                                                         \
        " profile, state, expires_ms, part, upload, reserved_bytes, reserved_objects,"             \
        " sealed_bytes FROM intent WHERE token = :token")                                          \
    X(INTENT_GROW,                                                                                 \
        "UPDATE intent SET sealed_bytes = :sealed, reserved_bytes = :reserved"                     \
        " WHERE intent = :intent")                                                                 \
    X(INTENT_END,                                                                                  \
        "UPDATE intent SET state = :state, due_ms = :now WHERE intent = :intent AND state = 1")    \
    X(INTENT_DUE,                                                                                  \
        "SELECT intent FROM intent WHERE state = :state AND settled = :settled"                    \
        " AND due_ms <= :now ORDER BY due_ms LIMIT 1")                                             \
    X(INTENT_SETTLED, "UPDATE intent SET settled = 1, due_ms = :forget_at WHERE intent = :intent") \
    X(INTENT_DELETE, "DELETE FROM intent WHERE intent = :intent")                                  \
    X(OPENED_INSERT,                                                                               \
        "INSERT INTO intent_segment (segment, intent, vk, k, n, w, last_p, sealed)"                \
        " VALUES (:segment, :intent, :vk, :k, :n, :w, :last_p, 0)")                                \
    X(OPENED_GET,                                                                                  \
        "SELECT intent, vk, k, n, w, last_p, sealed FROM intent_segment"                           \
        " WHERE segment = :segment")                                                               \
    X(OPENED_SET_LAST_P, "UPDATE intent_segment SET last_p = :last_p WHERE segment = :segment")    \
    X(OPENED_SEALED, "UPDATE intent_segment SET sealed = 1 WHERE segment = :segment")              \
    X(OPENED_OF_INTENT,                                                                            \
        "SELECT segment, sealed FROM intent_segment WHERE intent = :intent"                        \
        " ORDER BY segment LIMIT :max")                                                            \
    X(OPENED_DELETE, "DELETE FROM intent_segment WHERE segment = :segment")

#define STATEMENTS_UPLOAD(X)                                                                       \
    X(UPLOAD_INSERT,                                                                               \
        "INSERT INTO upload (upload, bucket, key, state, bucket_key_version, manifest, tags,"      \
        " created_ms, due_ms, reserved_objects) VALUES (:upload, :bucket, :key, 1,"                \
        " :bucket_key_version, :manifest, :tags, :now, :due, :reserved_objects)")                  \
    X(UPLOAD_GET,                                                                                  \
        "SELECT bucket, key, state, bucket_key_version, manifest, tags, created_ms FROM upload "   \
        "WHERE upload = :upload")                                                                  \
    X(UPLOAD_TOUCH,                                                                                \
        "UPDATE upload SET due_ms = :due WHERE upload = :upload AND bucket = :bucket AND key = "   \
        ":key AND state = 1")                                                                      \
    X(UPLOAD_RESERVES, "SELECT reserved_objects FROM upload WHERE upload = :upload AND state = 1") \
    X(UPLOAD_END,                                                                                  \
        "UPDATE upload SET state = 2, due_ms = :now WHERE upload = :upload AND state = 1")         \
    X(UPLOAD_END_OF_BUCKET,                                                                        \
        "UPDATE upload SET state = 2, due_ms = :now WHERE bucket = :bucket AND state = 1")         \
    X(UPLOAD_DUE,                                                                                  \
        "SELECT upload, state, bucket, key FROM upload WHERE due_ms <= :now ORDER BY due_ms "      \
        "LIMIT 1")                                                                                 \
    X(UPLOAD_DELETE, "DELETE FROM upload WHERE upload = :upload")                                  \
    X(UPLOAD_LIST,                                                                                 \
        "SELECT upload, key, created_ms FROM upload WHERE bucket = :bucket AND"                    \
        " (key, upload) > (:key, :upload) AND key < :end AND state = 1 ORDER BY key, upload "      \
        "LIMIT :max")                                                                              \
    X(PART_INSERT,                                                                                 \
        "INSERT INTO part (upload, part, size, etag, created_ms, body, extent_count)"              \
        " VALUES (:upload, :part, :size, :etag, :now, :body, :extent_count)")                      \
    X(PART_GET,                                                                                    \
        "SELECT part, size, etag, created_ms, body, extent_count FROM part WHERE upload = "        \
        ":upload AND part = :part")                                                                \
    X(PART_LIST,                                                                                   \
        "SELECT part, size, etag, created_ms, body, extent_count FROM part"                        \
        " WHERE upload = :upload AND part > :after ORDER BY part LIMIT :max")                      \
    X(PART_BODIES,                                                                                 \
        "SELECT part.part, part.size, part.body, body.extents FROM part"                           \
        " JOIN body ON body.body = part.body WHERE part.upload = :upload ORDER BY part.part")      \
    X(PART_SUM, "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM part WHERE upload = :upload")  \
    X(PART_DELETE, "DELETE FROM part WHERE upload = :upload AND part = :part")

#define STATEMENTS_SEGMENT(X)                                                                      \
    X(OFFER_INSERT,                                                                                \
        "INSERT INTO offer (segment, slot, p, node, expires_ms, due_ms)"                           \
        " VALUES (:segment, :slot, :p, :node, :expires, :due)")                                    \
    X(OFFER_GET,                                                                                   \
        "SELECT node, expires_ms FROM offer"                                                       \
        " WHERE segment = :segment AND slot = :slot AND p = :p")                                   \
    X(OFFER_LIST, "SELECT slot, p, node FROM offer WHERE segment = :segment ORDER BY slot, p")     \
    X(OFFER_COUNT_OF_SLOT, "SELECT COUNT(*) FROM offer WHERE segment = :segment AND slot = :slot") \
    X(OFFER_RENEW, "UPDATE offer SET expires_ms = :expires WHERE segment = :segment")              \
    X(OFFER_END, "UPDATE offer SET expires_ms = 0 WHERE segment = :segment")                       \
    X(OFFER_SET_DUE,                                                                               \
        "UPDATE offer SET due_ms = expires_ms + :skew WHERE segment = :segment AND due_ms = 0")    \
    X(OFFER_DUE,                                                                                   \
        "SELECT segment, slot, p, node FROM offer WHERE due_ms > 0 AND due_ms <= :now"             \
        " ORDER BY due_ms LIMIT :max")                                                             \
    X(OFFER_DELETE, "DELETE FROM offer WHERE segment = :segment AND slot = :slot AND p = :p")      \
    X(SEGMENT_INSERT,                                                                              \
        "INSERT INTO segment (segment, bucket, profile, codec, k, n, length, vk, generation,"      \
        " refs, last_p, sealed_ms, dying_ms, holders, damaged, passed, doomed_refs)"               \
        " VALUES (:segment, :bucket, :profile, :codec, :k, :n, :length, :vk, 1, 0, :last_p, :now," \
        " 0, :holders, :none, :none, 0)")                                                          \
    X(SEGMENT_GET,                                                                                 \
        "SELECT segment, bucket, profile, codec, k, n, length, vk, generation, refs, doomed_refs," \
        " sealed_ms, dying_ms, holders, damaged, passed, last_p FROM segment"                      \
        " WHERE segment = :segment")                                                               \
    X(SEGMENT_SWEEP,                                                                               \
        "SELECT segment, bucket, profile, codec, k, n, length, vk, generation, refs, doomed_refs," \
        " sealed_ms, dying_ms, holders, damaged, passed, last_p FROM segment WHERE segment > "     \
        ":after"                                                                                   \
        " ORDER BY segment LIMIT :max")                                                            \
    X(SEGMENT_SET_HOLDERS,                                                                         \
        "UPDATE segment SET holders = :holders, damaged = :damaged, passed = :passed,"             \
        " generation = generation + 1"                                                             \
        " WHERE segment = :segment AND generation = :generation")                                  \
    X(SEGMENT_RECODE,                                                                              \
        "UPDATE segment SET profile = :profile, codec = :codec, k = :k, n = :n, vk = :vk,"         \
        " sealed_ms = :now, holders = :holders, damaged = :none, passed = :none,"                  \
        " generation = generation + 1 WHERE segment = :segment AND generation = :generation")      \
    X(SEGMENT_SET_DAMAGED, "UPDATE segment SET damaged = :damaged WHERE segment = :segment")       \
    X(SEGMENT_SET_PASSED, "UPDATE segment SET passed = :passed WHERE segment = :segment")          \
    X(SEGMENT_SET_LAST_P, "UPDATE segment SET last_p = :last_p WHERE segment = :segment")          \
    X(SEGMENT_REF,                                                                                 \
        "UPDATE segment SET refs = refs + 1 WHERE segment = :segment AND dying_ms = 0"             \
        " AND refs >= :refs_min RETURNING bucket")                                                 \
    X(SEGMENT_UNREF,                                                                               \
        "UPDATE segment SET refs = refs - 1, doomed_refs ="                                        \
        " CASE WHEN doomed_refs > :doomed THEN doomed_refs - :doomed ELSE 0 END,"                  \
        " dying_ms = CASE WHEN refs = 1 THEN :now ELSE 0 END"                                      \
        " WHERE segment = :segment AND refs > 0 RETURNING refs, bucket")                           \
    X(SHARE_ADD,                                                                                   \
        "INSERT INTO segment_share (segment, bucket, refs) VALUES (:segment, :bucket, 1)"          \
        " ON CONFLICT (segment, bucket) DO UPDATE SET refs = segment_share.refs + 1")              \
    X(SHARE_DROP,                                                                                  \
        "UPDATE segment_share SET refs = refs - 1 WHERE segment = :segment AND bucket = :bucket")  \
    X(SHARE_FORGET,                                                                                \
        "DELETE FROM segment_share"                                                                \
        " WHERE segment = :segment AND bucket = :bucket AND refs <= 0")                            \
    X(SHARE_SWEEP,                                                                                 \
        "SELECT segment, bucket, refs FROM segment_share WHERE segment > :after"                   \
        " AND segment <= :last ORDER BY segment, bucket LIMIT :max")                               \
    X(SEGMENT_DOOM, "UPDATE segment SET doomed_refs = doomed_refs + 1 WHERE segment = :segment")   \
    X(SEGMENT_SPARE,                                                                               \
        "UPDATE segment SET doomed_refs = CASE WHEN doomed_refs > 0 THEN doomed_refs - 1 ELSE 0"   \
        " END WHERE segment = :segment")                                                           \
    X(SEGMENT_ABANDON,                                                                             \
        "UPDATE segment SET dying_ms = :now"                                                       \
        " WHERE segment = :segment AND refs = 0 AND dying_ms = 0")                                 \
    X(SEGMENT_DYING,                                                                               \
        "SELECT segment FROM segment WHERE dying_ms > 0 AND dying_ms <= :before"                   \
        " ORDER BY dying_ms LIMIT :max")                                                           \
    X(SEGMENT_DELETE, "DELETE FROM segment WHERE segment = :segment")                              \
    X(DEAD_INSERT,                                                                                 \
        "INSERT INTO dead_shard (node, shard, not_before_ms, bytes)"                               \
        " VALUES (:node, :shard, :not_before, :bytes)")                                            \
    X(DEAD_NAMED, "SELECT 1 FROM dead_shard WHERE node = :node AND shard = :shard")                \
    X(DEAD_SUM_OF_NODE,                                                                            \
        "SELECT COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM"                            \
        " (SELECT bytes FROM dead_shard WHERE node = :node LIMIT :max) AS counted")                \
    X(RECONCILED_PUT,                                                                              \
        "INSERT INTO reconciled (node, epoch, as_of_ms, shards, unwanted, ahead, missing,"         \
        " wanted_in_trash) VALUES (:node, :epoch, :as_of, :shards, :unwanted, :ahead,"             \
        " :missing, :wanted_in_trash) ON CONFLICT (node) DO UPDATE SET epoch = excluded.epoch,"    \
        " as_of_ms = excluded.as_of_ms, shards = excluded.shards,"                                 \
        " unwanted = excluded.unwanted, ahead = excluded.ahead, missing = excluded.missing,"       \
        " wanted_in_trash = excluded.wanted_in_trash")                                             \
    X(RECONCILED_GET,                                                                              \
        "SELECT node, epoch, as_of_ms, shards, unwanted, ahead, missing, wanted_in_trash"          \
        " FROM reconciled WHERE node = :node")                                                     \
    X(RECONCILED_LIST,                                                                             \
        "SELECT node, epoch, as_of_ms, shards, unwanted, ahead, missing, wanted_in_trash"          \
        " FROM reconciled ORDER BY node")                                                          \
    X(DEAD_NEXT,                                                                                   \
        "SELECT shard FROM dead_shard WHERE node = :node AND shard > :after"                       \
        " AND not_before_ms <= :now ORDER BY shard LIMIT :max")                                    \
    X(DEAD_END, "DELETE FROM dead_shard WHERE node = :node AND shard = :shard")

#define STATEMENTS_SWEEP(X)                                                                        \
    X(SWEEP_GET_PASS, "SELECT pass, started_ms FROM sweep_pass WHERE one = 1")                     \
    X(SWEEP_SET_PASS,                                                                              \
        "INSERT INTO sweep_pass (one, pass, started_ms) VALUES (1, :pass, :now)"                   \
        " ON CONFLICT (one) DO UPDATE SET pass = excluded.pass,"                                   \
        " started_ms = excluded.started_ms")                                                       \
    X(SWEEP_LIST_RANGES,                                                                           \
        "SELECT part, read_to, done, holder, leased_ms FROM sweep_range ORDER BY part")            \
    X(SWEEP_SET_RANGE,                                                                             \
        "INSERT INTO sweep_range (part, read_to, done, holder, leased_ms)"                         \
        " VALUES (:range, :after, 0, :nobody, 0) ON CONFLICT (part) DO UPDATE SET"                 \
        " read_to = excluded.read_to, done = 0, holder = excluded.holder, leased_ms = 0")          \
    X(SWEEP_NOTE_RANGE,                                                                            \
        "UPDATE sweep_range SET read_to = :after, done = :done, holder = :holder,"                 \
        " leased_ms = :until WHERE part = :range")                                                 \
    X(SWEEP_END_LEASES, "UPDATE sweep_range SET leased_ms = 0 WHERE leased_ms > 0")

#define STATEMENTS_HEALTH(X)                                                                       \
    X(HEALTH_COUNT, "SELECT COUNT(*) FROM node_health")                                            \
    X(HEALTH_LIST, "SELECT node, fence, fenced_ms, losses FROM node_health ORDER BY node")         \
    X(HEALTH_LOST,                                                                                 \
        "INSERT INTO node_health (node, fence, fenced_ms, losses, state_before, presence)"         \
        " VALUES (:node, :fence, :now, 1, :before, :none) ON CONFLICT (node) DO UPDATE SET"        \
        " fence = excluded.fence, fenced_ms = excluded.fenced_ms,"                                 \
        " losses = node_health.losses + 1, state_before = excluded.state_before")                  \
    X(HEALTH_SET_FENCE,                                                                            \
        "UPDATE node_health SET fence = :fence, fenced_ms = :now WHERE node = :node")              \
    X(HEALTH_BEFORE, "SELECT state_before FROM node_health WHERE node = :node")                    \
    X(HEALTH_FOUND,                                                                                \
        "UPDATE node_health SET fence = 0, fenced_ms = 0, state_before = 0,"                       \
        " losses = CASE WHEN losses > 0 THEN losses - 1 ELSE 0 END WHERE node = :node")            \
    X(PRESENCE_PUT,                                                                                \
        "INSERT INTO node_health (node, fence, fenced_ms, losses, state_before, presence)"         \
        " VALUES (:node, 0, 0, 0, 0, :presence) ON CONFLICT (node) DO UPDATE SET"                  \
        " presence = excluded.presence")                                                           \
    X(PRESENCE_NEXT,                                                                               \
        "SELECT node, presence FROM node_health WHERE node > :after ORDER BY node LIMIT :max")

#define STATEMENTS_REPAIR(X)                                                                       \
    X(REPAIR_SAVE,                                                                                 \
        "INSERT INTO repair_queue (segment, urgency, bytes, queued_ms)"                            \
        " VALUES (:segment, :urgency, :bytes, :queued) ON CONFLICT (segment) DO UPDATE SET"        \
        " urgency = excluded.urgency, bytes = excluded.bytes")                                     \
    X(REPAIR_END, "DELETE FROM repair_queue WHERE segment = :segment")                             \
    X(REPAIR_LOAD,                                                                                 \
        "SELECT segment, urgency, bytes, queued_ms FROM repair_queue"                              \
        " ORDER BY urgency LIMIT :max")                                                            \
    X(REPAIR_SET_ASKED,                                                                            \
        "INSERT INTO repair_state (one, asked_ms) VALUES (1, :asked)"                              \
        " ON CONFLICT (one) DO UPDATE SET asked_ms = excluded.asked_ms")                           \
    X(REPAIR_GET_ASKED, "SELECT asked_ms FROM repair_state WHERE one = 1")

#define STATEMENT_TABLE(X)                                                                         \
    STATEMENTS_CLUSTER(X)                                                                          \
    STATEMENTS_TENANT(X)                                                                           \
    STATEMENTS_FLEET(X)                                                                            \
    STATEMENTS_REBALANCE(X)                                                                        \
    STATEMENTS_HEALTH(X)                                                                           \
    STATEMENTS_BUCKET(X)                                                                           \
    STATEMENTS_OBJECT(X)                                                                           \
    STATEMENTS_INTENT(X)                                                                           \
    STATEMENTS_UPLOAD(X)                                                                           \
    STATEMENTS_SEGMENT(X)                                                                          \
    STATEMENTS_SWEEP(X)                                                                            \
    STATEMENTS_REPAIR(X)                                                                           \
    STATEMENTS_AUDIT(X)

enum statement {
#define X(name, text) SQL_##name,
    STATEMENT_TABLE(X)
#undef X
        SQL_COUNT
};

#endif /* HEARTH_COORDINATOR_META_STATEMENTS_H */
