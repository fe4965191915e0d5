// One subscription's life by Stripe's official Node SDK, over HTTP.
//
//     node lifecycle.mjs http://127.0.0.1:12111
//
// Prints a line per step, and leaves with an error at the first difference. `lifecycle.py` is the
// same in Python and must print the same lines.

import Stripe from "stripe";

const KEY = "sk_test_simulator000000000000000000";
const START = 1_780_315_200; // 2026-06-01 12:00 UTC
const HOUR = 3600;
const DAY = 86400;

const host = new URL(process.argv[2]);
const stripe = new Stripe(KEY, {
  host: host.hostname,
  port: host.port,
  protocol: "http",
  telemetry: false,
});

const written = (value) =>
  typeof value === "boolean" ? (value ? "True" : "False") : String(value);

function step(name, seen, wanted) {
  console.log(`${name}: ${seen.map(written).join(" ")}`);
  if (JSON.stringify(seen) !== JSON.stringify(wanted)) {
    throw new Error(`${name}: expected ${JSON.stringify(wanted)}`);
  }
}

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Post the hosted page's form; the status. */
async function submit(url, fields) {
  const answer = await fetch(url, {
    method: "POST",
    body: new URLSearchParams(fields),
    redirect: "manual",
  });
  return answer.status;
}

const clock = await stripe.testHelpers.testClocks.create({ frozen_time: START, name: "Lifecycle" });
step("clock", [clock.status, clock.frozen_time], ["ready", START]);

async function advance(name, frozenTime) {
  let answer = await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: frozenTime });
  const seen = [answer.status];
  const deadline = Date.now() + 60_000;
  while (
    (answer = await stripe.testHelpers.testClocks.retrieve(clock.id)).status === "advancing"
  ) {
    if (Date.now() > deadline) throw new Error(`${name}: the clock does not arrive`);
    await sleep(50);
  }
  step(
    name,
    [...seen, answer.status, answer.frozen_time - START],
    ["advancing", "ready", frozenTime - START],
  );
}

let customer = await stripe.customers.create({
  email: "ana@example.com",
  name: "Ana",
  test_clock: clock.id,
});
step("customer", [customer.email, customer.test_clock === clock.id], ["ana@example.com", true]);

const card = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
customer = await stripe.customers.update(customer.id, {
  invoice_settings: { default_payment_method: card.id },
});
step(
  "card",
  [card.card.brand, card.card.last4, customer.invoice_settings.default_payment_method === card.id],
  ["visa", "4242", true],
);

const product = await stripe.products.create({ name: "Reports" });
step("product", [product.name, product.active], ["Reports", true]);

const price = await stripe.prices.create({
  product: product.id,
  currency: "usd",
  unit_amount: 900,
  recurring: { interval: "month" },
  lookup_key: "reports_monthly",
});
step(
  "price",
  [price.unit_amount, price.currency, price.recurring.interval],
  [900, "usd", "month"],
);

let session = await stripe.checkout.sessions.create({
  mode: "subscription",
  customer: customer.id,
  line_items: [{ price: price.id, quantity: 1 }],
  subscription_data: { trial_period_days: 7 },
  success_url: "https://shop.example/done?session={CHECKOUT_SESSION_ID}",
});
step(
  "checkout",
  [session.status, session.subscription === null, session.amount_total],
  ["open", true, 0],
);

const declined = await submit(session.url, {
  card_number: "4000 0000 0000 0002",
  expiry: "12/34",
  cvc: "123",
});
step(
  "declined on the page",
  [declined, (await stripe.checkout.sessions.retrieve(session.id)).status],
  [402, "open"],
);

const sent = await submit(session.url, {
  card_number: "4242 4242 4242 4242",
  expiry: "12/34",
  cvc: "123",
});
session = await stripe.checkout.sessions.retrieve(session.id, { expand: ["subscription"] });
step(
  "paid on the page",
  [sent, session.status, session.subscription.customer === customer.id],
  [303, "complete", true],
);

const subscription = () =>
  stripe.subscriptions.retrieve(session.subscription.id, { expand: ["latest_invoice"] });

const trial = await subscription();
step(
  "trial",
  [trial.status, trial.trial_end - START, trial.latest_invoice.amount_paid],
  ["trialing", 7 * DAY, 0],
);

await advance("to the trial's end", START + 7 * DAY + 2 * HOUR);
const first = await subscription();
step(
  "first payment",
  [first.status, first.latest_invoice.status, first.latest_invoice.amount_paid],
  ["active", "paid", 900],
);

const periodEnd = first.items.data[0].current_period_end;
await advance("to the renewal", periodEnd + 2 * HOUR);
const renewed = await subscription();
step(
  "renewal",
  [
    renewed.status,
    renewed.latest_invoice.billing_reason,
    renewed.latest_invoice.status,
    renewed.latest_invoice.id !== first.latest_invoice.id,
    renewed.items.data[0].current_period_start === periodEnd,
  ],
  ["active", "subscription_cycle", "paid", true, true],
);

const bad = await stripe.paymentMethods.attach("pm_card_chargeCustomerFail", {
  customer: customer.id,
});
await stripe.subscriptions.update(renewed.id, { default_payment_method: bad.id });
await advance("to a decline", renewed.items.data[0].current_period_end + 2 * HOUR);
const failed = await subscription();
step(
  "decline",
  [failed.status, failed.latest_invoice.status, failed.latest_invoice.attempt_count],
  ["past_due", "open", 1],
);

let seen = ["paid"];
try {
  await stripe.invoices.pay(failed.latest_invoice.id);
} catch (error) {
  if (!(error instanceof Stripe.errors.StripeCardError)) throw error;
  seen = [error.statusCode, error.code, error.decline_code];
}
step("declined again", seen, [402, "card_declined", "generic_decline"]);

await stripe.subscriptions.update(renewed.id, { default_payment_method: card.id });
const paid = await stripe.invoices.pay(failed.latest_invoice.id);
step(
  "recovery",
  [paid.status, paid.amount_remaining, (await subscription()).status],
  ["paid", 0, "active"],
);

const dearer = await stripe.prices.create({
  product: product.id,
  currency: "usd",
  unit_amount: 1900,
  recurring: { interval: "month" },
});
const item = (await subscription()).items.data[0];
await advance(
  "to mid-period",
  Math.floor((item.current_period_start + item.current_period_end) / 2),
);
const changed = await stripe.subscriptions.update(renewed.id, {
  items: [{ id: item.id, price: dearer.id }],
});
const waiting = await stripe.invoiceItems.list({ customer: customer.id });
step(
  "plan change",
  [
    changed.status,
    changed.items.data[0].price.id === dearer.id,
    changed.items.data[0].current_period_end === item.current_period_end,
    ...waiting.data.map((one) => one.amount).sort((one, other) => one - other),
  ],
  ["active", true, true, -450, 950],
);
await advance("to the dearer renewal", item.current_period_end + 2 * HOUR);
const dear = await subscription();
step(
  "dearer renewal",
  [dear.status, dear.latest_invoice.status, dear.latest_invoice.amount_paid],
  ["active", "paid", 1900 + 950 - 450],
);

const ended = await stripe.subscriptions.cancel(renewed.id);
step("cancel", [ended.status, ended.ended_at !== null], ["canceled", true]);

const told = [];
for await (const event of stripe.events.list({ limit: 100 })) {
  if (event.data.object.id === renewed.id) told.push(event.type);
}
step(
  "events",
  [told.at(-1), told[0]],
  ["customer.subscription.created", "customer.subscription.deleted"],
);

const gone = await stripe.testHelpers.testClocks.del(clock.id);
step("clean up", [gone.deleted], [true]);
