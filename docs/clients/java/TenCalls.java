// The ten calls that every client in docs/clients makes, from Java with grpc-java. Prints a line per call.
//
// Stubs: protoc -I api -I api/third_party/protovalidate --java_out=stubs --grpc-java_out=stubs --plugin=protoc-gen-grpc-java=/usr/bin/grpc_java_plugin \
//            stamklant/till/v1/checkout.proto stamklant/outcome/v1/outcome.proto stamklant/programme/v1/campaign.proto \
//            stamklant/programme/v1/options.proto buf/validate/validate.proto

import com.google.protobuf.Timestamp;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.time.Instant;
import java.time.LocalDate;
import java.util.concurrent.TimeUnit;
import stamklant.outcome.v1.Outcome.Line;
import stamklant.outcome.v1.Outcome.Receipt;
import stamklant.outcome.v1.Outcome.ReceiptKey;
import stamklant.outcome.v1.Outcome.ReceiptKind;
import stamklant.outcome.v1.Outcome.Tender;
import stamklant.outcome.v1.Outcome.TenderKind;
import stamklant.till.v1.Checkout.*;
import stamklant.till.v1.CheckoutServiceGrpc;

public final class TenCalls {
    private static final String CARD = "2900123456785";

    public static void main(String[] args) throws InterruptedException {
        ManagedChannel channel = NettyChannelBuilder.forTarget(System.getenv("STAMKLANT_ADDRESS"))
            .usePlaintext() // on this machine alone; elsewhere useTransportSecurity()
            .keepAliveTime(20, TimeUnit.SECONDS)
            .keepAliveTimeout(10, TimeUnit.SECONDS)
            .keepAliveWithoutCalls(true)
            .disableRetry()
            .build();
        Metadata token = new Metadata();
        token.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + System.getenv("STAMKLANT_TOKEN"));
        CheckoutServiceGrpc.CheckoutServiceBlockingStub store = CheckoutServiceGrpc.newBlockingStub(channel)
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(token));
        try {
            tenCalls(store);
        } finally {
            channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
        }
    }

    // A till waits as long as docs/integrating-a-till.md says: 150 ms for a lookup.
    private static CheckoutServiceGrpc.CheckoutServiceBlockingStub soon(CheckoutServiceGrpc.CheckoutServiceBlockingStub store) {
        return store.withDeadlineAfter(5, TimeUnit.SECONDS);
    }

    private static void tenCalls(CheckoutServiceGrpc.CheckoutServiceBlockingStub store) {
        Caller caller = Caller.newBuilder().setStore("s01").setTill("3").build();
        Identifier scanned = Identifier.newBuilder().setText(CARD).build();
        Line timber = Line.newBuilder().setNo(1).setSku("8710000000017").setGroup("45010").setQuantityMilli(20000).setNetMinor(3980).build();
        ReceiptKey key = ReceiptKey.newBuilder().setStore("s01").setTill("3").setBusinessDate(LocalDate.now().toString()).setReceiptNo("1").build();
        Timestamp now = Timestamp.newBuilder().setSeconds(Instant.now().getEpochSecond()).build();

        tell("GetStatus", soon(store).getStatus(GetStatusRequest.newBuilder().setCaller(caller).build()).getStore());

        tell("PresentCard", soon(store).presentCard(PresentCardRequest.newBuilder().setCaller(caller).setIdentifier(scanned).build()).getResult());

        LookupResponse first = soon(store).lookup(LookupRequest.newBuilder()
            .setCaller(caller).setPresented(true).setReceiptRef("java-1").setStage(Stage.STAGE_START).build());
        tell("Lookup", first.getOutcome(), first.getLoyalty().getPointsAvailable());

        LookupResponse second = soon(store).lookup(LookupRequest.newBuilder()
            .setCaller(caller).setIdentifier(scanned).setReceiptRef("java-1").setStage(Stage.STAGE_PAYMENT)
            .setBasket(Basket.newBuilder().addLines(timber)).build());
        tell("Lookup", second.getOutcome(), second.getEstimatedPoints());

        tell("Explain", soon(store).explain(ExplainRequest.newBuilder()
            .setCaller(caller).setIdentifier(scanned).setStage(Stage.STAGE_START).build()).getOutcome());

        Receipt receipt = Receipt.newBuilder().setKey(key).setKind(ReceiptKind.RECEIPT_KIND_SALE).setReceiptRef("java-1").setCurrency("EUR")
            .setTotalMinor(3980).addLines(timber)
            .addTenders(Tender.newBuilder().setKind(TenderKind.TENDER_KIND_CARD).setAmountMinor(3980)).build();
        for (int i = 0; i < 2; i++) {
            RecordReceiptResponse recorded = soon(store).recordReceipt(RecordReceiptRequest.newBuilder()
                .setCaller(caller).setReceipt(receipt).setIdentifier(scanned).build());
            tell("RecordReceipt", recorded.getPoints(), recorded.getMeta().getReplayed());
        }

        tell("SetPreference", soon(store).setPreference(SetPreferenceRequest.newBuilder()
            .setCaller(caller).setIdentifier(scanned).setLanguage("nl").setOccurredAt(now).build()).getRecorded());

        try {
            soon(store).submitDetails(SubmitDetailsRequest.newBuilder()
                .setCaller(caller).setIdentifier(scanned).setEmail("anna@example.org").setOccurredAt(now).build());
            tell("SubmitDetails", "OK");
        } catch (StatusRuntimeException refused) { // a practice store has no key to seal it to
            tell("SubmitDetails", refused.getStatus().getCode());
        }

        tell("ClaimReceipt", soon(store).claimReceipt(ClaimReceiptRequest.newBuilder()
            .setCaller(caller).setIdentifier(scanned).setReceipt(key.toBuilder().setReceiptNo("404")).build()).getResult());
    }

    private static void tell(Object... words) {
        StringBuilder line = new StringBuilder();
        for (Object word : words) {
            line.append(line.length() == 0 ? "" : " ").append(word);
        }
        System.out.println(line);
    }
}
