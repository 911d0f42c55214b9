// The AWS SDK for JavaScript, v3, as programs use it:
//
//   sdk.mjs store TREE BUCKET      puts, in one piece and in parts, lists, copies, conditions, presigned
//   sdk.mjs restore BUCKET FOLDER PORT AUTHORITY      over TLS, with the bucket in the name of the host
//   sdk.mjs leave BUCKET
//
// Nothing is set but where the gateway is: checksums and the form of bodies are what the SDK chooses.
import assert from "node:assert/strict";
import fs from "node:fs";
import https from "node:https";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  CopyObjectCommand, CreateBucketCommand, DeleteBucketCommand, DeleteObjectsCommand, GetObjectCommand,
  HeadObjectCommand, PutObjectCommand, S3Client, paginateListObjectsV2,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const PART_SIZE = 5 << 20;
const s3 = new S3Client({
  endpoint: process.env.AWS_ENDPOINT_URL, region: "us-east-1", forcePathStyle: true, maxAttempts: 1,
});

// The form of each body that was sent: x-amz-content-sha256, but for hashes.
const forms = new Set();
s3.middlewareStack.add((next) => async (args) => {
  const form = args.request.headers["x-amz-content-sha256"];
  forms.add(/^[0-9a-f]{64}$/.test(form) ? "hash" : form);
  return next(args);
}, { step: "finalizeRequest", priority: "low" });

async function keysOf(bucket) {
  const keys = [];
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 2 }, { Bucket: bucket })) {
    keys.push(...(page.Contents ?? []).map((object) => object.Key));
  }
  return keys;
}

function filesOf(tree) {
  return fs.readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(tree, path.join(entry.parentPath ?? entry.path, entry.name)));
}

// What is large goes in parts, of the rest every other as a stream: trailers behind a body in chunks.
async function put(tree, name, bucket, nth) {
  const file = path.join(tree, name);
  const wanted = { Bucket: bucket, Key: name, Metadata: { by: "sdk" } };
  if (fs.statSync(file).size > PART_SIZE) {
    const upload = new Upload({
      client: s3, partSize: PART_SIZE, params: { ...wanted, Body: fs.createReadStream(file) },
    });
    const done = await upload.done();
    assert.match(done.ETag, /-\d+"$/);
  } else {
    const body = nth % 2 === 0 ? fs.createReadStream(file) : fs.readFileSync(file);
    const done = await s3.send(new PutObjectCommand({ ...wanted, Body: body }));
    assert.ok(done.ChecksumCRC32, name);
  }
}

async function refused(status, command) {
  await assert.rejects(s3.send(command), (error) => error.$metadata.httpStatusCode === status);
}

async function conditions(bucket) {
  const wanted = { Bucket: bucket, Key: "only one" };
  const { ETag } = await s3.send(new PutObjectCommand({ ...wanted, Body: "first", IfNoneMatch: "*" }));
  await refused(412, new PutObjectCommand({ ...wanted, Body: "second", IfNoneMatch: "*" }));
  await refused(412, new PutObjectCommand({ ...wanted, Body: "second", IfMatch: '"0"' }));
  await refused(304, new GetObjectCommand({ ...wanted, IfNoneMatch: ETag }));
  await s3.send(new PutObjectCommand({ ...wanted, Body: "third", IfMatch: ETag }));
  const got = await s3.send(new GetObjectCommand(wanted));
  assert.equal(await got.Body.transformToString(), "third");
}

async function presigned(bucket) {
  const wanted = { Bucket: bucket, Key: "by address" };
  const to = await getSignedUrl(s3, new PutObjectCommand(wanted), { expiresIn: 60 });
  assert.equal((await fetch(to, { method: "PUT", body: "sent" })).status, 200);
  const from = await getSignedUrl(s3, new GetObjectCommand(wanted), { expiresIn: 60 });
  assert.equal(await (await fetch(from)).text(), "sent");
}

async function copied(bucket, name) {
  const source = `${bucket}/${name.split("/").map(encodeURIComponent).join("/")}`;
  await s3.send(new CopyObjectCommand({ Bucket: bucket, Key: "copy", CopySource: source }));
  const about = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: "copy" }));
  assert.equal(about.Metadata.by, "sdk");
}

async function store(tree, bucket) {
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const names = filesOf(tree);
  for (const [nth, name] of names.entries()) {
    await put(tree, name, bucket, nth);
  }
  assert.deepEqual(await keysOf(bucket), names.map((name) => Buffer.from(name)).sort(Buffer.compare).map(String));
  assert.ok(forms.has("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), [...forms].join());
  await copied(bucket, names[0]);
  await conditions(bucket);
  await presigned(bucket);
}

// Every bucket.s3.localhost is here; there may be no DNS that says so.
function lookup(_host, options, done) {
  const here = { address: "127.0.0.1", family: 4 };
  done(null, ...(options.all ? [[here]] : [here.address, here.family]));
}

async function restore(bucket, folder, port, authority) {
  const httpsAgent = new https.Agent({ lookup, ca: fs.readFileSync(authority) });
  const tls = new S3Client({
    endpoint: `https://s3.localhost:${port}`, region: "us-east-1", maxAttempts: 1, requestHandler: { httpsAgent },
  });
  for (const key of await keysOf(bucket)) {
    const got = await tls.send(new GetObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: "ENABLED" }));
    const file = path.join(folder, key);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    await pipeline(Readable.from(got.Body), fs.createWriteStream(file));
  }
}

async function leave(bucket) {
  const keys = (await keysOf(bucket)).map((key) => ({ Key: key }));
  const done = await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: keys } }));
  assert.equal(done.Deleted.length, keys.length);
  await s3.send(new DeleteBucketCommand({ Bucket: bucket }));
}

const [verb, ...rest] = process.argv.slice(2);
await { store, restore, leave }[verb](...rest);
