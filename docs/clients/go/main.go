// Tencalls makes the ten calls that every client in docs/clients makes, in the way a till makes them: lookups and receipts through
// api/tillclient, which knows a till's rules, the others through the generated stub. It prints a line per call.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/stamklant/stamklant/api/tillclient"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

const card = "2900123456785"

func main() {
	if err := run(os.Getenv("STAMKLANT_ADDRESS"), os.Getenv("STAMKLANT_TOKEN")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(address, token string) error {
	folder, err := os.MkdirTemp("", "till-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }() // an example's outbox; a till keeps its own for good
	client, err := tillclient.Open(tillclient.Config{
		Addresses: []string{address}, Token: token, Store: "s01", Till: "3", Language: "nl", Outbox: filepath.Join(folder, "outbox"),
		Timing: tillclient.Timing{Lookup: 5 * time.Second, Printer: 5 * time.Second}, // an example may wait; a till leaves these out
	})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()), // on this machine alone
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
			return call(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), method, request, answer, conn, options...)
		}))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return tenCalls(ctx, client, tillv1.NewCheckoutServiceClient(conn))
}

func tenCalls(ctx context.Context, client *tillclient.Client, stub tillv1.CheckoutServiceClient) error {
	till := &tillv1.Caller{Store: "s01", Till: "3"}
	scanned := &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: card}}
	timber := &outcomev1.Line{No: 1, Sku: "8710000000017", Group: "45010", QuantityMilli: 20000, NetMinor: 3980}
	key := &outcomev1.ReceiptKey{Store: "s01", Till: "3", BusinessDate: time.Now().Format(time.DateOnly), ReceiptNo: "1"}

	how, err := client.Status(ctx)
	if err != nil {
		return err
	}
	fmt.Println("GetStatus", how.GetStore())

	presented, err := stub.PresentCard(ctx, &tillv1.PresentCardRequest{Caller: till, Identifier: scanned})
	if err != nil {
		return err
	}
	fmt.Println("PresentCard", presented.GetResult())

	sale := client.NewSale()
	answer := sale.Lookup(ctx, &tillv1.LookupRequest{Customer: &tillv1.LookupRequest_Presented{Presented: true}, Stage: tillv1.Stage_STAGE_START})
	fmt.Println("Lookup", answer.GetOutcome(), answer.GetLoyalty().GetPointsAvailable())

	again := tillclient.Scanned([]byte(card))
	again.Stage, again.Basket = tillv1.Stage_STAGE_PAYMENT, &tillv1.Basket{Lines: []*outcomev1.Line{timber}}
	answer = sale.Lookup(ctx, again)
	fmt.Println("Lookup", answer.GetOutcome(), answer.GetEstimatedPoints())

	why, err := stub.Explain(ctx, &tillv1.ExplainRequest{
		Caller: till, Customer: &tillv1.ExplainRequest_Identifier{Identifier: scanned}, Stage: tillv1.Stage_STAGE_START,
	})
	if err != nil {
		return err
	}
	fmt.Println("Explain", why.GetOutcome())

	receipt := &tillv1.RecordReceiptRequest{
		Customer: &tillv1.RecordReceiptRequest_Identifier{Identifier: scanned},
		Receipt: &outcomev1.Receipt{
			Key: key, Kind: outcomev1.ReceiptKind_RECEIPT_KIND_SALE, Currency: "EUR", TotalMinor: 3980,
			Lines:   []*outcomev1.Line{timber},
			Tenders: []*outcomev1.Tender{{Kind: outcomev1.TenderKind_TENDER_KIND_CARD, AmountMinor: 3980}},
		},
	}
	for range 2 {
		recorded, err := sale.Record(ctx, receipt)
		if err != nil {
			return err
		}
		fmt.Println("RecordReceipt", recorded.GetPoints(), recorded.GetMeta().GetReplayed())
	}

	wish, err := stub.SetPreference(ctx, &tillv1.SetPreferenceRequest{
		Caller: till, Customer: &tillv1.SetPreferenceRequest_Identifier{Identifier: scanned}, OccurredAt: timestamppb.Now(),
		Wish: &tillv1.SetPreferenceRequest_Language{Language: "nl"},
	})
	if err != nil {
		return err
	}
	fmt.Println("SetPreference", wish.GetRecorded())

	_, err = stub.SubmitDetails(ctx, &tillv1.SubmitDetailsRequest{
		Caller: till, Customer: &tillv1.SubmitDetailsRequest_Identifier{Identifier: scanned}, OccurredAt: timestamppb.Now(),
		Detail: &tillv1.SubmitDetailsRequest_Email{Email: "anna@example.org"},
	})
	fmt.Println("SubmitDetails", status.Code(err)) // a practice store has no key to seal it to

	claimed, err := stub.ClaimReceipt(ctx, &tillv1.ClaimReceiptRequest{
		Caller: till, Customer: &tillv1.ClaimReceiptRequest_Identifier{Identifier: scanned},
		Receipt: &outcomev1.ReceiptKey{Store: "s01", Till: "3", BusinessDate: key.GetBusinessDate(), ReceiptNo: "404"},
	})
	if err != nil {
		return err
	}
	fmt.Println("ClaimReceipt", claimed.GetResult())
	return nil
}
