/* Solves the work that Lockgate asks of a browser whose payment looks like trying out cards (docs/risk.md).
 * LockgatePuzzle.fetch is fetch that solves what it is asked and sends the request again, once.
 * Nothing is collected or stored, and no other script is loaded. */
(() => {
  "use strict";
  const K = new Int32Array(64), FIRST = new Int32Array(8);
  for (let n = 2, found = 0; found < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) { prime = false; break; }
    if (!prime) continue;
    const bits = root => Math.floor((root - Math.floor(root)) * 4294967296) | 0;
    if (found < 8) FIRST[found] = bits(Math.sqrt(n));
    K[found++] = bits(Math.cbrt(n));
  }
  const words = new Int32Array(64);

  // One block of SHA-256 (FIPS 180-4, 6.2.2): `into` is `state` after it has taken 64 bytes of `bytes` at `from`.
  function block(state, bytes, from, into) {
    for (let n = 0; n < 16; n++) {
      const at = from + n * 4;
      words[n] = bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
    }
    for (let n = 16; n < 64; n++) {
      const x = words[n - 15], y = words[n - 2];
      const s0 = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3;
      const s1 = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10;
      words[n] = words[n - 16] + s0 + words[n - 7] + s1 | 0;
    }
    let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (let n = 0; n < 64; n++) {
      const s1 = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
      const t1 = h + s1 + (e & f ^ ~e & g) + K[n] + words[n] | 0;
      const s0 = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
      const t2 = s0 + (a & b ^ a & c ^ b & c) | 0;
      h = g; g = f; f = e; e = d + t1 | 0; d = c; c = b; b = a; a = t1 + t2 | 0;
    }
    into[0] = state[0] + a; into[1] = state[1] + b; into[2] = state[2] + c; into[3] = state[3] + d;
    into[4] = state[4] + e; into[5] = state[5] + f; into[6] = state[6] + g; into[7] = state[7] + h;
  }

  // The first number whose hash behind `prefix` begins with `bits` zeros. What stays the same is hashed once.
  async function part(prefix, bits) {
    const whole = prefix.length - prefix.length % 64, rest = prefix.length - whole;
    const first = Uint8Array.from(prefix, letter => letter.charCodeAt(0));
    const state = Int32Array.from(FIRST), found = new Int32Array(8), bytes = new Uint8Array(128);
    for (let at = 0; at < whole; at += 64) block(state, first, at, state);
    for (let number = 0, last = performance.now(); ; number++) {
      const digits = String(number), end = rest + digits.length, length = end + 9 > 64 ? 128 : 64;
      bytes.fill(0);
      bytes.set(first.subarray(whole));
      for (let n = 0; n < digits.length; n++) bytes[rest + n] = digits.charCodeAt(n);
      bytes[end] = 0x80;
      const size = (whole + end) * 8;
      bytes[length - 2] = size >>> 8;
      bytes[length - 1] = size;
      block(state, bytes, 0, found);
      if (length > 64) block(found, bytes, 64, found);
      if (bits === 0 || found[0] >>> 32 - bits === 0) return number;
      if (number % 256 === 255 && performance.now() - last > 12) {  // the page stays alive
        await new Promise(go => setTimeout(go, 0));
        last = performance.now();
      }
    }
  }

  async function solve(puzzle) {
    const { algorithm, bits, parts, token } = puzzle, numbers = [];
    if (algorithm !== "sha-256" || !(bits >= 0 && bits <= 16) || !(parts >= 1 && parts <= 32)) {
      throw new Error("this puzzle is not one that Lockgate asks");
    }
    for (let n = 0; n < parts; n++) numbers.push(await part(`${token}.${n}.`, bits));
    return `${token}~${numbers.join("-")}`;
  }

  async function send(resource, options = {}) {
    const again = resource instanceof Request ? resource.clone() : resource;
    const answer = await fetch(resource, options);
    if (answer.status !== 402) return answer;
    const told = await answer.clone().json().catch(() => null);
    if (!told || !told.error || !told.error.puzzle) return answer;
    const headers = new Headers(options.headers || again.headers);
    headers.set("Lockgate-Puzzle", await solve(told.error.puzzle));
    return fetch(again, { ...options, headers });
  }

  Object.defineProperty(globalThis, "LockgatePuzzle", { value: Object.freeze({ fetch: send, solve }) });
})();
