"""The ten calls that every client in docs/clients makes, from Python with grpcio. Prints a line per call.

Stubs, beside this file's folder:
    protoc -I api -I api/third_party/protovalidate --python_out=stubs --grpc_python_out=stubs --plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin \
        stamklant/till/v1/checkout.proto stamklant/outcome/v1/outcome.proto stamklant/programme/v1/campaign.proto \
        stamklant/programme/v1/options.proto buf/validate/validate.proto
"""

import datetime
import os

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from stamklant.outcome.v1 import outcome_pb2 as outcome
from stamklant.till.v1 import checkout_pb2 as till
from stamklant.till.v1 import checkout_pb2_grpc

CARD = "2900123456785"
WAIT = 5  # seconds; a till waits as long as docs/integrating-a-till.md says

channel = grpc.insecure_channel(
    os.environ["STAMKLANT_ADDRESS"],
    options=[
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.enable_retries", 0),
    ],
)
store = checkout_pb2_grpc.CheckoutServiceStub(channel)
how = {"timeout": WAIT, "metadata": [("authorization", "Bearer " + os.environ["STAMKLANT_TOKEN"])]}

caller = till.Caller(store="s01", till="3")
scanned = till.Identifier(text=CARD)
timber = outcome.Line(no=1, sku="8710000000017", group="45010", quantity_milli=20_000, net_minor=3980)
key = outcome.ReceiptKey(store="s01", till="3", business_date=datetime.date.today().isoformat(), receipt_no="1")
now = Timestamp()
now.GetCurrentTime()


def word(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def tell(*words):
    print(*map(word, words))


answer = store.GetStatus(till.GetStatusRequest(caller=caller), **how)
tell("GetStatus", answer.store)

answer = store.PresentCard(till.PresentCardRequest(caller=caller, identifier=scanned), **how)
tell("PresentCard", till.PresentResult.Name(answer.result))

answer = store.Lookup(till.LookupRequest(caller=caller, presented=True, receipt_ref="python-1", stage=till.STAGE_START), **how)
tell("Lookup", till.Outcome.Name(answer.outcome), answer.loyalty.points_available)

basket = till.Basket(lines=[timber])
answer = store.Lookup(till.LookupRequest(caller=caller, identifier=scanned, receipt_ref="python-1", stage=till.STAGE_PAYMENT, basket=basket), **how)
tell("Lookup", till.Outcome.Name(answer.outcome), answer.estimated_points)

answer = store.Explain(till.ExplainRequest(caller=caller, identifier=scanned, stage=till.STAGE_START), **how)
tell("Explain", till.Outcome.Name(answer.outcome))

receipt = outcome.Receipt(
    key=key, kind=outcome.RECEIPT_KIND_SALE, receipt_ref="python-1", currency="EUR", total_minor=3980, lines=[timber],
    tenders=[outcome.Tender(kind=outcome.TENDER_KIND_CARD, amount_minor=3980)],
)
for _ in range(2):
    answer = store.RecordReceipt(till.RecordReceiptRequest(caller=caller, receipt=receipt, identifier=scanned), **how)
    tell("RecordReceipt", answer.points, answer.meta.replayed)

answer = store.SetPreference(till.SetPreferenceRequest(caller=caller, identifier=scanned, language="nl", occurred_at=now), **how)
tell("SetPreference", answer.recorded)

try:
    store.SubmitDetails(till.SubmitDetailsRequest(caller=caller, identifier=scanned, email="anna@example.org", occurred_at=now), **how)
    tell("SubmitDetails", "OK")
except grpc.RpcError as refused:  # a practice store has no key to seal it to
    tell("SubmitDetails", refused.code().name)

lost = outcome.ReceiptKey(store="s01", till="3", business_date=key.business_date, receipt_no="404")
answer = store.ClaimReceipt(till.ClaimReceiptRequest(caller=caller, identifier=scanned, receipt=lost), **how)
tell("ClaimReceipt", till.ClaimResult.Name(answer.result))
