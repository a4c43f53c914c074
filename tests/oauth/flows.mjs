// A strict client, unmodified, against a started Lockgate: each flow with its own checks of what comes back. Reads what
// to use from LOCKGATE_REALM and prints one JSON object of what it saw.
import https from "node:https";
import * as oauth from "oauth4webapi";

const realm = JSON.parse(process.env.LOCKGATE_REALM);
const issuer = new URL(realm.issuer);
const seen = {};

// The browser of somebody who is signed in: says yes on the consent page.
const consent = async (location) => {
  const cookies = { "__Host-session": realm.session };
  const open = async (url, init = {}) => {
    const cookie = Object.entries(cookies).map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(url, { ...init, redirect: "manual", headers: { ...init.headers, cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      cookies[name] = value;
    }
    return answer;
  };
  const sent = await open(location);
  if (sent.status !== 303) throw new Error(`authorize answered ${sent.status}: ${await sent.text()}`);
  const page = new URL(sent.headers.get("location"), issuer);
  if (page.origin !== issuer.origin) return page; // an error, told to the app
  const html = await (await open(page)).text();
  const form = new URLSearchParams({ decision: "allow" });
  for (const [, name, value] of html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)) form.set(name, value);
  for (const [, name, body] of html.matchAll(/<select [^>]*name="([^"]+)">([\s\S]*?)<\/select>/g)) {
    form.set(name, /value="([a-z]+)" selected/.exec(body)[1]);
  }
  const done = await open(page, { method: "POST", body: form, headers: { origin: issuer.origin } });
  if (done.status !== 303) throw new Error(`consent answered ${done.status}: ${await done.text()}`);
  return new URL(done.headers.get("location"));
};

const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2" }));
seen.metadata = as;

const question = async (client, extra = {}) => {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const fields = {
    client_id: client.client_id,
    redirect_uri: realm.back,
    response_type: "code",
    scope: "payment_intents=write refunds=read balance=read",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    ...extra,
  };
  return { verifier, state, fields };
};

const redeem = async (client, auth, location, { state, verifier }, options = {}) => {
  const answered = oauth.validateAuthResponse(as, client, location, state);
  const request = () => oauth.authorizationCodeGrantRequest(as, client, auth, answered, realm.back, verifier, options);
  return oauth.processAuthorizationCodeResponse(as, client, await request());
};

const address = (fields) => {
  const url = new URL(as.authorization_endpoint);
  for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
  return url;
};

const balance = new URL("/v1/balance", issuer);
const use = async (token, options) => (await oauth.protectedResourceRequest(token, "GET", balance, undefined, undefined, options)).status;

// A public app: code with PKCE, bearer tokens, refresh, revocation.
{
  const client = { client_id: realm.apps.none };
  const auth = oauth.None();
  const asked = await question(client);
  const tokens = await redeem(client, auth, await consent(address(asked.fields)), asked);
  const next = await oauth.processRefreshTokenResponse(
    as, client, await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token),
  );
  const checked = await oauth.validateJwtAccessToken(
    as, new Request(balance, { headers: { authorization: `Bearer ${next.access_token}` } }), realm.issuer,
  );
  seen.public = {
    type: tokens.token_type, scope: tokens.scope, used: await use(tokens.access_token), again: await use(next.access_token),
    rotated: next.refresh_token !== tokens.refresh_token, audience: checked.aud, client: checked.client_id,
  };
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, next.refresh_token));
  const refused = await oauth.refreshTokenGrantRequest(as, client, auth, next.refresh_token);
  seen.public.revoked = await oauth.processRefreshTokenResponse(as, client, refused).catch((fault) => fault.error);
}

// A public app with a key: DPoP at every step.
{
  const client = { client_id: realm.apps.none };
  const auth = oauth.None();
  const pair = await oauth.generateKeyPair("ES256");
  const DPoP = oauth.DPoP(client, pair);
  const asked = await question(client, { dpop_jkt: await DPoP.calculateThumbprint() });
  const tokens = await redeem(client, auth, await consent(address(asked.fields)), asked, { DPoP });
  const next = await oauth.processRefreshTokenResponse(
    as, client, await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, { DPoP }),
  );
  const stolen = await use(tokens.access_token).catch((fault) => fault.cause?.[0]?.parameters?.error ?? String(fault));
  seen.dpop = { type: tokens.token_type, used: await use(next.access_token, { DPoP }), stolen };
}

// A strict app: pushed request, private_key_jwt, DPoP; then introspection.
for (const algorithm of ["ES256", "EdDSA", "PS256"]) {
  const { id, jwk, params } = realm.apps[algorithm];
  const client = { client_id: id };
  const key = await crypto.subtle.importKey("jwk", jwk, params, true, ["sign"]);
  const auth = oauth.PrivateKeyJwt({ key, kid: jwk.kid });
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
  const asked = await question(client);
  const pushed = await oauth.processPushedAuthorizationResponse(
    as, client, await oauth.pushedAuthorizationRequest(as, client, auth, asked.fields, { DPoP }),
  );
  const location = await consent(address({ client_id: id, request_uri: pushed.request_uri }));
  const tokens = await redeem(client, auth, location, asked, { DPoP });
  const told = await oauth.processIntrospectionResponse(
    as, client, await oauth.introspectionRequest(as, client, auth, tokens.access_token),
  );
  const own = await oauth.processClientCredentialsResponse(
    as, client, await oauth.clientCredentialsGrantRequest(as, client, auth, { scope: "balance=read" }, { DPoP }),
  );
  seen[algorithm] = {
    expires: pushed.expires_in, used: await use(tokens.access_token, { DPoP }), active: told.active, type: told.token_type,
    bound: typeof told.cnf?.jkt, own: await use(own.access_token, { DPoP }), scope: own.scope,
  };
}

// The dialect's way: the owner's API key as a client secret, in the body and in the header.
for (const [name, auth] of [["post", oauth.ClientSecretPost(realm.key)], ["basic", oauth.ClientSecretBasic(realm.key)]]) {
  const client = { client_id: realm.apps.secret_key };
  const asked = await question(client);
  const tokens = await redeem(client, auth, await consent(address(asked.fields)), asked);
  seen[name] = { account: tokens.stripe_user_id, livemode: tokens.livemode, used: await use(tokens.access_token) };
}

// Certificates: the connection says who asks, and the token is good on such connections only.
const through = ({ cert, key }) => async (url, init) =>
  new Promise((resolve, reject) => {
    const request = https.request(url, { method: init.method, headers: init.headers, cert, key, agent: false }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve(new Response(Buffer.concat(parts), { status: answer.statusCode, headers: answer.headers })));
    });
    request.on("error", reject);
    request.end(init.body ? String(init.body) : undefined);
  });
for (const name of ["self_signed_tls_client_auth", "tls_client_auth"]) {
  const { id, cert, key } = realm.apps[name];
  const client = { client_id: id };
  const options = { [oauth.customFetch]: through({ cert, key }) };
  const own = await oauth.processClientCredentialsResponse(
    as, client, await oauth.clientCredentialsGrantRequest(as, client, oauth.TlsClientAuth(), { scope: "balance=read" }, options),
  );
  const stolen = await use(own.access_token).catch((fault) => fault.cause?.[0]?.parameters?.error ?? String(fault));
  seen[name] = { type: own.token_type, used: await use(own.access_token, options), stolen };
}

// What a strict client would not even send.
{
  const asked = await question({ client_id: realm.apps.none });
  delete asked.fields.code_challenge;
  delete asked.fields.code_challenge_method;
  const location = await consent(address(asked.fields));
  try {
    oauth.validateAuthResponse(as, { client_id: realm.apps.none }, location, asked.state);
  } catch (fault) {
    seen.noChallenge = fault.error;
  }
}

process.stdout.write(JSON.stringify(seen));
