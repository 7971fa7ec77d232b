// The ten calls that every client in docs/clients makes, from a browser with connect-web. Writes a line per call into the page.
//
// Stubs: protoc -I api -I api/third_party/protovalidate --es_out=stubs --es_opt=target=ts --plugin=protoc-gen-es=node_modules/.bin/protoc-gen-es stamklant/till/v1/checkout.proto …
// Packages, pinned: @connectrpc/connect, @connectrpc/connect-web, @bufbuild/protobuf.

import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { LineSchema, ReceiptKeySchema, ReceiptKind, ReceiptSchema, TenderKind } from "./stamklant/outcome/v1/outcome_pb";
import { CheckoutService, ClaimResult, Outcome, PresentResult, Stage } from "./stamklant/till/v1/checkout_pb";

const card = "2900123456785";

// The page is opened with ?store=…&token=…&protocol=connect or grpc-web.
const asked = new URLSearchParams(location.search);
const bearer: Interceptor = (next) => (request) => {
  request.header.set("Authorization", `Bearer ${asked.get("token")}`);
  return next(request);
};
const settings = {
  baseUrl: asked.get("store")!,
  interceptors: [bearer],
  defaultTimeoutMs: 5000, // a till waits as long as docs/integrating-a-till.md says: 150 ms for a lookup
};
const transport = asked.get("protocol") === "grpc-web" ? createGrpcWebTransport(settings) : createConnectTransport(settings);
const store = createClient(CheckoutService, transport);

const told: string[] = [];
const tell = (...words: unknown[]) => told.push(words.join(" "));

async function tenCalls() {
  const caller = { store: "s01", till: "3" };
  const scanned = { value: { case: "text" as const, value: card } };
  const identifier = { case: "identifier" as const, value: scanned };
  const timber = create(LineSchema, { no: 1, sku: "8710000000017", group: "45010", quantityMilli: 20000n, netMinor: 3980n });
  const today = new Date().toLocaleDateString("sv"); // YYYY-MM-DD
  const key = create(ReceiptKeySchema, { store: "s01", till: "3", businessDate: today, receiptNo: "1" });

  tell("GetStatus", (await store.getStatus({ caller })).store);

  tell("PresentCard", `PRESENT_RESULT_${PresentResult[(await store.presentCard({ caller, identifier: scanned })).result]}`);

  const first = await store.lookup({ caller, customer: { case: "presented", value: true }, receiptRef: "browser-1", stage: Stage.START });
  tell("Lookup", `OUTCOME_${Outcome[first.outcome]}`, first.loyalty?.pointsAvailable);

  const second = await store.lookup({ caller, customer: identifier, receiptRef: "browser-1", stage: Stage.PAYMENT, basket: { lines: [timber] } });
  tell("Lookup", `OUTCOME_${Outcome[second.outcome]}`, second.estimatedPoints);

  tell("Explain", `OUTCOME_${Outcome[(await store.explain({ caller, customer: identifier, stage: Stage.START })).outcome]}`);

  const receipt = create(ReceiptSchema, {
    key, kind: ReceiptKind.SALE, receiptRef: "browser-1", currency: "EUR", totalMinor: 3980n, lines: [timber],
    tenders: [{ kind: TenderKind.CARD, amountMinor: 3980n }],
  });
  for (let i = 0; i < 2; i++) {
    const recorded = await store.recordReceipt({ caller, receipt, customer: identifier });
    tell("RecordReceipt", recorded.points, recorded.meta?.replayed);
  }

  const wish = await store.setPreference({ caller, customer: identifier, wish: { case: "language", value: "nl" }, occurredAt: timestampNow() });
  tell("SetPreference", wish.recorded);

  try {
    await store.submitDetails({ caller, customer: identifier, detail: { case: "email", value: "anna@example.org" }, occurredAt: timestampNow() });
    tell("SubmitDetails", "OK");
  } catch (refused) {
    tell("SubmitDetails", Code[ConnectError.from(refused).code]); // a practice store has no key to seal it to
  }

  const lost = create(ReceiptKeySchema, { ...key, receiptNo: "404" });
  tell("ClaimReceipt", `CLAIM_RESULT_${ClaimResult[(await store.claimReceipt({ caller, customer: identifier, receipt: lost })).result]}`);
}

tenCalls()
  .catch((failed: unknown) => tell("FAILED", failed))
  .finally(() => {
    const page = document.createElement("pre");
    page.id = "told";
    page.textContent = told.join("\n");
    document.body.append(page);
  });
