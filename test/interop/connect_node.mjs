// npm's @connectrpc/connect-node against our server. test_connect_node.py starts it:
//
//   node connect_node.mjs FOLDER PROTOSET URL HTTP-VERSION FORMAT GZIP [STORE-URL]
//
// FOLDER has the packages. The services are read from the compiled descriptors, so no generated code
// is needed. It prints one line a test and ends with status 1 if one has failed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, protoset, baseUrl, httpVersion, format, gzip, storeUrl] = process.argv.slice(2);
const require = createRequire(join(folder, "package.json"));
const { Code, ConnectError, createClient } = require("@connectrpc/connect");
const { compressionGzip, createConnectTransport } = require("@connectrpc/connect-node");
const { createFileRegistry, fromBinary } = require("@bufbuild/protobuf");
const { FileDescriptorSetSchema } = require("@bufbuild/protobuf/wkt");

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(protoset)));
const INITIAL = "x-grpc-test-echo-initial";
const TRAILING = "x-grpc-test-echo-trailing-bin";

function client(url, service) {
  const transport = createConnectTransport({
    baseUrl: url,
    httpVersion,
    useBinaryFormat: format === "proto",
    sendCompression: gzip === "gzip" ? compressionGzip : undefined,
    acceptCompression: gzip === "gzip" ? [compressionGzip] : [],
    // So that nothing stays open when the tests are over.
    nodeOptions: httpVersion === "1.1" ? { agent: false } : undefined,
    idleConnectionTimeoutMs: 100,
  });
  return createClient(registry.getService(service), transport);
}

async function fails(code, message, call) {
  try {
    await call();
  } catch (error) {
    const found = ConnectError.from(error);
    assert.equal(Code[found.code], Code[code], found.message);
    if (message !== undefined) assert.equal(found.rawMessage, message);
    return found;
  }
  assert.fail(`the call succeeded, wanted ${Code[code]}`);
}

async function sizes(answers) {
  const found = [];
  for await (const answer of answers) found.push(answer.payload?.body.length ?? 0);
  return found;
}

const output = (...wanted) => ({ responseParameters: wanted.map((size) => ({ size })) });
const service = client(baseUrl, "grpc.testing.TestService");

const tests = {
  async unary() {
    await service.emptyCall({});
    const payload = { body: new Uint8Array(271828) };
    const answer = await service.unaryCall({ responseSize: 314159, payload });
    assert.equal(answer.payload.body.length, 314159);
  },

  async server_streaming() {
    const wanted = [31415, 9, 2653, 58979, 0];
    assert.deepEqual(await sizes(service.streamingOutputCall(output(...wanted))), wanted);
    assert.deepEqual(await sizes(service.streamingOutputCall(output())), []);
  },

  async every_code_with_its_message() {
    for (let code = 1; code <= 16; code++) {
      const message = `code ${code} \u2713 "quoted"`;
      const request = { responseStatus: { code, message } };
      await fails(code, message, () => service.unaryCall(request));
      await fails(code, message, () => sizes(service.streamingOutputCall(request)));
    }
  },

  async metadata() {
    const headers = { [INITIAL]: "value", [TRAILING]: "qwD/" };
    for (const call of [
      (options) => service.unaryCall({ responseSize: 10 }, options),
      (options) => sizes(service.streamingOutputCall(output(10), options)),
    ]) {
      let initial, trailing;
      await call({
        headers,
        onHeader: (found) => (initial = found),
        onTrailer: (found) => (trailing = found),
      });
      assert.equal(initial.get(INITIAL), "value");
      assert.equal(trailing.get(TRAILING), "qwD/");
    }
  },

  async a_deadline() {
    const request = { responseParameters: [{ size: 1, intervalUs: 5_000_000 }] };
    const call = () => sizes(service.streamingOutputCall(request, { timeoutMs: 300 }));
    await fails(Code.DeadlineExceeded, undefined, call);
  },

  async an_unknown_method() {
    await fails(Code.Unimplemented, undefined, () => service.unimplementedCall({}));
  },

  async a_message_that_is_too_large() {
    const payload = { body: new Uint8Array(4 * 1024 * 1024 + 1) };
    await fails(Code.ResourceExhausted, undefined, () => service.unaryCall({ payload }));
    await service.emptyCall({});
  },

  async many_calls_at_once() {
    const wanted = [...Array(100).keys()];
    const one = async (size) => (await service.unaryCall({ responseSize: size })).payload;
    const answers = await Promise.all(wanted.map(one));
    assert.deepEqual(answers.map((payload) => payload?.body.length ?? 0), wanted);
  },

  async a_stream_left_half_way() {
    for await (const answer of service.streamingOutputCall(output(...Array(200).fill(50_000)))) {
      assert.equal(answer.payload.body.length, 50_000);
      break;
    }
    await service.emptyCall({});
  },

  async the_store() {
    if (!storeUrl) return;
    const store = client(storeUrl, "agora.kv.v1.KvService");
    const key = new TextEncoder().encode(`node/${httpVersion}/${format}/${gzip}`);
    const value = Uint8Array.from(Array(256).keys());
    const { revision } = await store.set({ key, value });
    assert.equal(typeof revision, "bigint");
    assert.deepEqual((await store.get({ key })).pair.value, value);
    assert.equal((await store.get({ key: new Uint8Array([1]) })).pair, undefined);
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log(`${name}: passed`);
  } catch (error) {
    failed++;
    console.log(`${name}: FAILED\n${error.stack}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
