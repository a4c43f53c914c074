// Checks deliveries read from standard input with stripe-node and the Standard Webhooks reference library.
import fs from "node:fs";
import Stripe from "stripe";
import { Webhook } from "standardwebhooks";

const stripe = new Stripe("sk_test_unused");
const { secret, deliveries } = JSON.parse(fs.readFileSync(0, "utf8"));
const verdicts = deliveries.map(({ body, headers }) => {
  const verdict = {};
  try {
    verdict.stripe = stripe.webhooks.constructEvent(body, headers["stripe-signature"], secret).id;
  } catch (error) {
    verdict.stripe = `refused: ${error.type}`;
  }
  try {
    verdict.standard = new Webhook(secret).verify(body, headers).id;
  } catch (error) {
    verdict.standard = `refused: ${error.name}`;
  }
  return verdict;
});
console.log(JSON.stringify(verdicts));
