import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../../../../browser/model/connection.js";
import { createFollower, decodeLater, useWorker } from "../../../../browser/model/decoding.js";
import { decode } from "../../../../browser/model/network.js";
import { serve } from "../../../../browser/model/worker.js";

/** A worker in the same thread: messages are copied, and arrive later. */
class NearWorker {
  constructor() {
    NearWorker.last = this;
    this.sent = [];
    this.scope = {
      postMessage: (message, transfer) => {
        const copy = structuredClone(message, { transfer });
        setImmediate(() => this.terminated || this.onmessage({ data: copy }));
      },
    };
    serve(this.scope);
  }

  postMessage(message) {
    this.sent.push(message);
    const copy = structuredClone(message);
    setImmediate(() => this.terminated || this.scope.onmessage({ data: copy }));
  }

  terminate() {
    this.terminated = true;
  }
}

function network(seed = 1, more = {}) {
  const weight = Float32Array.from({ length: 12 }, (_, i) => Math.sin(seed * i));
  const layer = { op: "linear", size: 6, weight, bias: new Float32Array(6) };
  return { hash: `${seed}`, latentDim: 2, imageShape: [1, 2, 3], classes: 0, decoder: [layer], encoder: null, ...more };
}

const codesOf = (count) => Float32Array.from({ length: 2 * count }, (_, i) => Math.cos(i));

function start(fail = () => assert.fail("the worker failed")) {
  return connect(() => new NearWorker(), fail);
}

/** Decode, and return the pictures when all have come. */
function all(decoder, net, codes, y = null) {
  const taken = [];
  return new Promise((done) => {
    const take = (i, mean) => {
      taken.push([i, [...mean]]);
      if (taken.length * net.latentDim === codes.length) done(taken);
    };
    decoder.decode({ net, codes, y, take, next: 0, stop: () => {} });
  });
}

function expected(net, codes) {
  return Array.from({ length: codes.length / 2 }, (_, n) => [n, [...decode(net, codes.subarray(2 * n, 2 * n + 2))]]);
}

test("a worker's pictures are those of the page, in order, of several requests at a time", async () => {
  const decoder = start();
  const nets = [network(1), network(2)];
  const codes = [codesOf(200), codesOf(3)];
  const found = await Promise.all(nets.map((net, i) => all(decoder, net, codes[i])));
  nets.forEach((net, i) => assert.deepEqual(found[i], expected(net, codes[i])));
});

test("a network is sent once, however often and with whatever encoder it decodes", async () => {
  const decoder = start();
  const net = network();
  await all(decoder, net, codesOf(2));
  await all(decoder, { ...net, encoder: [] }, codesOf(2));
  assert.equal(NearWorker.last.sent.filter((message) => "description" in message).length, 1);
});

test("the worker keeps four networks, and gets an older one again", async () => {
  const decoder = start();
  const nets = [1, 2, 3, 4, 5].map((seed) => network(seed));
  for (const net of nets) await all(decoder, net, codesOf(1));
  assert.equal(NearWorker.last.sent.filter((message) => "forget" in message).length, 1);
  assert.deepEqual(await all(decoder, nets[0], codesOf(3)), expected(nets[0], codesOf(3)));
});

test("a request that is stopped takes nothing more, and others go on", async () => {
  const decoder = start();
  const net = network();
  const stopped = [];
  const request = { net, codes: codesOf(500), y: null, take: (i) => stopped.push(i), next: 0, stop: () => {} };
  decoder.decode(request);
  const others = all(decoder, net, codesOf(5));
  request.stop();
  assert.deepEqual(await others, expected(net, codesOf(5)));
  assert.deepEqual(stopped, []);
});

test("where the worker fails, pictures go on elsewhere from where they are", async () => {
  const failed = [];
  const decoder = start((reason, unfinished) => failed.push([reason, unfinished.map(({ next }) => next)]));
  const taken = [];
  await new Promise((done) => {
    const take = (i) => {
      taken.push(i);
      if (taken.length === 1) {
        NearWorker.last.onerror({ message: "gone", preventDefault() {} });
        done();
      }
    };
    decoder.decode({ net: network(), codes: codesOf(300), y: null, take, next: 0, stop: () => {} });
  });
  assert.deepEqual(failed, [["gone", [1]]]);
  await new Promise((done) => setTimeout(done, 20));
  assert.deepEqual(taken, [0]);
});

test("where no worker can be made, something else decodes", () => {
  const onPage = { decode() {} };
  const refuse = () => {
    throw new Error("refused");
  };
  assert.equal(connect(refuse, (reason, unfinished) => {
    assert.equal(reason, "refused");
    assert.deepEqual(unfinished, []);
    return onPage;
  }), onPage);
});

test("a page that may have no worker decodes by itself, and one that fails is not asked again", async () => {
  let made = 0;
  useWorker(() => {
    made += 1;
    throw new Error("refused");
  });
  for (let turn = 0; turn < 2; turn += 1) {
    const taken = [];
    await new Promise((done) => {
      decodeLater(network(), codesOf(3), null, (i, mean) => {
        taken.push([i, [...mean]]);
        if (i === 2) done();
      });
    });
    assert.deepEqual(taken, expected(network(), codesOf(3)));
  }
  assert.equal(made, 1);
});

test("what the worker cannot decode is an error of the page that asked", async () => {
  const decoder = start();
  const net = network(1, { classes: 2 });
  decoder.decode({ net, codes: codesOf(1), y: 5, take: () => assert.fail(), next: 0, stop: () => {} });
  const { onmessage } = NearWorker.last;
  const error = await new Promise((done) => {
    NearWorker.last.onmessage = (event) => {
      try {
        onmessage(event);
      } catch (thrown) {
        done(thrown);
      }
    };
  });
  assert.match(error.message, /label 5 .* 0 to 1/);
});

test("a panel that fails to draw leaves the others their pictures", async () => {
  const reported = [];
  globalThis.reportError = (error) => reported.push(error.message);
  const decoder = start();
  const net = network();
  const take = () => {
    throw new Error("no canvas");
  };
  decoder.decode({ net, codes: codesOf(9), y: null, take, next: 0, stop: () => {} });
  assert.deepEqual(await all(decoder, net, codesOf(4)), expected(net, codesOf(4)));
  assert.deepEqual(reported, ["no canvas"]);
  delete globalThis.reportError;
});

test("a follower decodes what is quick at once, and of what is slow the newest code", async () => {
  const means = [];
  const follow = createFollower((mean) => means.push([...mean]));
  const quick = network();
  follow(quick, [1, 2], null);
  assert.deepEqual(means.pop(), [...decode(quick, [1, 2])]);

  const wide = 4000;
  const none = { op: "linear", size: wide, weight: new Float32Array(2 * wide), bias: new Float32Array(wide) };
  const lost = { op: "linear", size: 2, weight: new Float32Array(2 * wide), bias: Float32Array.of(1, 2) };
  const slow = network(3);
  slow.decoder = [{ ...slow.decoder[0] }, ...Array.from({ length: 10000 }, () => [none, lost]).flat()]
    .slice(1).concat(slow.decoder);
  for (const z of [[0, 0], [1, 1], [2, 2]]) follow(slow, z, null);
  assert.deepEqual(means, []);
  while (means.length < 2) await new Promise((done) => setTimeout(done, 20));
  await new Promise((done) => setTimeout(done, 50));
  assert.equal(means.length, 2);
});
