// Seals a card to the vault's public key, in a browser or in Node, so that no server on the way can read it.
// Needs WebCrypto with Ed25519 and P-256 (Node 20; Chrome 137, Firefox 129, Safari 17). Without them it refuses to work.

const LIST_LABEL = "lockgate-sealing-key-v1";
const CLOCK_SKEW_S = 300;
const text = new TextEncoder();

/** Bytes to base64url without padding (RFC 4648, section 5). */
export function toBase64url(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The inverse; only the canonical spelling is accepted. */
export function fromBase64url(encoded) {
  const binary = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  if (toBase64url(bytes) !== encoded) throw new Error("not canonical base64url");
  return bytes;
}

function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function uint32(number) {
  return new Uint8Array([number >>> 24, number >>> 16, number >>> 8, number]);
}

/** The key list from the vault's own origin: `{keys: [...]}`. The answer is not believed before `chooseKey`. */
export async function fetchKeys(url) {
  const answer = await fetch(url, { credentials: "omit", cache: "no-store", redirect: "error" });
  if (!answer.ok) throw new Error(`the sealing keys are not available (${answer.status})`);
  return (await answer.json()).keys;
}

/** The newest P-256 key whose signature by `verifyKey` (base64url, pinned by the caller) holds and whose time is now. */
export async function chooseKey(keys, verifyKey) {
  const now = Math.floor(Date.now() / 1000);
  const verifier = await crypto.subtle.importKey("raw", fromBase64url(verifyKey), "Ed25519", false, ["verify"]);
  const newestFirst = keys.filter((key) => key.format === "jwe").sort((a, b) => b.not_before - a.not_before);
  for (const key of newestFirst) {
    if (key.not_before > now + CLOCK_SKEW_S || key.not_after <= now) continue;
    const point = concat(new Uint8Array([4]), fromBase64url(key.jwk.x), fromBase64url(key.jwk.y));
    const lines = [LIST_LABEL, key.kid, key.format, key.not_before, key.not_after, toBase64url(point)];
    const signed = text.encode(lines.join("\n"));
    if (await crypto.subtle.verify("Ed25519", verifier, fromBase64url(key.signature), signed)) {
      return { kid: key.kid, point };
    }
    throw new Error("a sealing key does not carry the vault's signature: nothing was sealed");
  }
  throw new Error("no sealing key is valid now");
}

/** A JWE compact token (ECDH-ES, A256GCM) of one JSON value to a key from `chooseKey`. */
export async function sealJwe(payload, { kid, point }) {
  const curve = { name: "ECDH", namedCurve: "P-256" };
  const recipient = await crypto.subtle.importKey("raw", point, curve, false, []);
  const ephemeral = await crypto.subtle.generateKey(curve, true, ["deriveBits"]);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", ephemeral.publicKey);
  const header = { alg: "ECDH-ES", enc: "A256GCM", kid, epk: { kty, crv, x, y } };
  const protectedHeader = toBase64url(text.encode(JSON.stringify(header)));

  const agreement = { name: "ECDH", public: recipient };
  const shared = new Uint8Array(await crypto.subtle.deriveBits(agreement, ephemeral.privateKey, 256));
  // RFC 7518, 4.6.2: counter, Z, AlgorithmID, empty PartyUInfo and PartyVInfo, key length in bits.
  const algorithm = text.encode("A256GCM");
  const derivation = concat(
    uint32(1), shared, uint32(algorithm.length), algorithm, uint32(0), uint32(0), uint32(256),
  );
  const contentKey = await crypto.subtle.digest("SHA-256", derivation);
  const key = await crypto.subtle.importKey("raw", contentKey, "AES-GCM", false, ["encrypt"]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const cipher = { name: "AES-GCM", iv, additionalData: text.encode(protectedHeader), tagLength: 128 };
  const sealed = new Uint8Array(await crypto.subtle.encrypt(cipher, key, text.encode(JSON.stringify(payload))));
  const [ciphertext, tag] = [sealed.slice(0, -16), sealed.slice(-16)];
  return [protectedHeader, "", toBase64url(iv), toBase64url(ciphertext), toBase64url(tag)].join(".");
}

/**
 * Seals `card` ({number, exp_month, exp_year, cvc?}) for one account, and for one intent when given.
 * `keysUrl` is the vault's key list; `verifyKey` is the pinned key that must have signed it.
 */
export async function sealCard(card, { keysUrl, verifyKey, account, intent }) {
  const key = await chooseKey(await fetchKeys(keysUrl), verifyKey);
  const payload = {
    number: String(card.number).replace(/[ -]/g, ""),
    exp_month: Number(card.exp_month),
    exp_year: Number(card.exp_year),
    account,
    iat: Math.floor(Date.now() / 1000),
  };
  if (card.cvc) payload.cvc = String(card.cvc);
  if (intent) payload.intent = intent;
  return sealJwe(payload, key);
}
