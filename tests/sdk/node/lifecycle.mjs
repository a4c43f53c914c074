// The official Node SDK, unmodified, walks one payment's life; prints one JSON object of what it saw.
import fs from "node:fs";
import https from "node:https";
import Stripe from "stripe";

const url = new URL(process.env.LOCKGATE_URL);
const stripe = new Stripe(process.env.LOCKGATE_KEY, {
  host: url.hostname,
  port: Number(url.port),
  httpAgent: new https.Agent({ ca: fs.readFileSync(process.env.LOCKGATE_CA), keepAlive: true }),
});

const refused = async (call) => {
  try {
    await call();
    return null;
  } catch (error) {
    return { type: error.type, code: error.code, param: error.param, status: error.statusCode };
  }
};

const seen = {};
const customer = await stripe.customers.create({ email: "grace@example.com", metadata: { rank: "rear admiral" } });
const method = await stripe.paymentMethods.attach("pm_card_mastercard", { customer: customer.id });
const paid = await stripe.paymentIntents.create({
  amount: 3000,
  currency: "usd",
  customer: customer.id,
  payment_method: method.id,
  confirm: true,
  off_session: true,
  expand: ["latest_charge", "customer"],
});
seen.paid = { status: paid.status, captured: paid.latest_charge.captured, email: paid.customer.email };

const held = await stripe.paymentIntents.create({
  amount: 5000,
  currency: "usd",
  payment_method: "pm_card_visa",
  capture_method: "manual",
  confirm: true,
});
const captured = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 4000 });
seen.captured = { before: held.status, after: captured.status, received: captured.amount_received };

const refund = await stripe.refunds.create({ payment_intent: held.id, amount: 1500 });
seen.refund = { status: refund.status, amount: refund.amount };
seen.tooMuch = await refused(() => stripe.refunds.create({ payment_intent: held.id, amount: 999999 }));

seen.declined = await refused(() =>
  stripe.paymentIntents.create({
    amount: 100,
    currency: "usd",
    payment_method: "pm_card_chargeDeclined",
    confirm: true,
  }),
);
seen.unknown = await refused(() => stripe.paymentIntents.create({ amount: 100, currency: "usd", shoe_size: 44 }));

const idempotencyKey = `node-${Date.now()}`;
const one = await stripe.customers.create({ name: "once" }, { idempotencyKey });
const two = await stripe.customers.create({ name: "once" }, { idempotencyKey });
seen.idempotent = one.id === two.id;

const ids = [];
for await (const intent of stripe.paymentIntents.list({ customer: customer.id, limit: 1 })) ids.push(intent.id);
seen.listed = ids.length;

const setup = await stripe.setupIntents.create({ customer: customer.id, payment_method: "pm_card_visa", confirm: true });
seen.setup = setup.status;

const many = [];
for (let n = 0; n < 3; n += 1) many.unshift((await stripe.customers.create({ metadata: { node: "pages" } })).id);
const paged = await stripe.customers.list({ limit: 1 }).autoPagingToArray({ limit: 3 });
const back = await stripe.customers.list({ limit: 1, ending_before: many[2] }).autoPagingToArray({ limit: 2 });
const found = [];
for await (const one of stripe.customers.search({ query: 'metadata["node"]:"pages"', limit: 2 })) found.push(one.id);
seen.pages = {
  forwards: paged.map((one) => one.id).join() === many.join(),
  backwards: back.map((one) => one.id).join() === [many[1], many[0]].join(),
  searched: found.slice(0, 3).join() === many.join(),
};
console.log(JSON.stringify(seen));
