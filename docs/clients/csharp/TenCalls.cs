// The ten calls that every client in docs/clients makes, from C# with Grpc.Net.Client. Prints a line per call.
// Stubs come from Grpc.Tools: see TenCalls.csproj. Tills on .NET Framework use WinHttpHandler (Windows 11, Server 2022) or the JSON listener.

using System;
using System.Net.Http;
using System.Threading;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Stamklant.Outcome.V1;
using Stamklant.Till.V1;

public static class TenCalls
{
    const string Card = "2900123456785";

    public static int Main()
    {
        var options = new GrpcChannelOptions
        {
            InitialReconnectBackoff = TimeSpan.FromMilliseconds(50),
            MaxReconnectBackoff = TimeSpan.FromSeconds(2),
            HttpHandler = new SocketsHttpHandler
            {
                ConnectTimeout = TimeSpan.FromSeconds(1),
                KeepAlivePingDelay = TimeSpan.FromSeconds(20),
                KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.Always,
                PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            },
        };
        using (var channel = GrpcChannel.ForAddress("http://" + Environment.GetEnvironmentVariable("STAMKLANT_ADDRESS"), options))
        {
            Calls(new CheckoutService.CheckoutServiceClient(channel));
        }
        return 0;
    }

    // A till waits as long as docs/integrating-a-till.md says: 150 ms for a lookup.
    static CallOptions Soon()
    {
        var token = new Metadata { { "authorization", "Bearer " + Environment.GetEnvironmentVariable("STAMKLANT_TOKEN") } };
        return new CallOptions(headers: token, deadline: DateTime.UtcNow.AddSeconds(5));
    }

    static void Calls(CheckoutService.CheckoutServiceClient store)
    {
        var caller = new Caller { Store = "s01", Till = "3" };
        var scanned = new Identifier { Text = Card };
        var timber = new Line { No = 1, Sku = "8710000000017", Group = "45010", QuantityMilli = 20000, NetMinor = 3980 };
        var key = new ReceiptKey { Store = "s01", Till = "3", BusinessDate = DateTime.Now.ToString("yyyy-MM-dd"), ReceiptNo = "1" };
        var now = Timestamp.FromDateTime(DateTime.UtcNow);

        Console.WriteLine("GetStatus " + store.GetStatus(new GetStatusRequest { Caller = caller }, Soon()).Store);

        Console.WriteLine("PresentCard " + Wire(store.PresentCard(new PresentCardRequest { Caller = caller, Identifier = scanned }, Soon()).Result));

        var first = store.Lookup(new LookupRequest { Caller = caller, Presented = true, ReceiptRef = "csharp-1", Stage = Stage.Start }, Soon());
        Console.WriteLine("Lookup " + Wire(first.Outcome) + " " + first.Loyalty.PointsAvailable);

        var basket = new Basket();
        basket.Lines.Add(timber);
        var second = store.Lookup(new LookupRequest { Caller = caller, Identifier = scanned, ReceiptRef = "csharp-1", Stage = Stage.Payment, Basket = basket }, Soon());
        Console.WriteLine("Lookup " + Wire(second.Outcome) + " " + second.EstimatedPoints);

        var why = store.Explain(new ExplainRequest { Caller = caller, Identifier = scanned, Stage = Stage.Start }, Soon());
        Console.WriteLine("Explain " + Wire(why.Outcome));

        var receipt = new Receipt { Key = key, Kind = ReceiptKind.Sale, ReceiptRef = "csharp-1", Currency = "EUR", TotalMinor = 3980 };
        receipt.Lines.Add(timber);
        receipt.Tenders.Add(new Tender { Kind = TenderKind.Card, AmountMinor = 3980 });
        for (var i = 0; i < 2; i++)
        {
            var recorded = store.RecordReceipt(new RecordReceiptRequest { Caller = caller, Receipt = receipt, Identifier = scanned }, Soon());
            Console.WriteLine("RecordReceipt " + recorded.Points + " " + (recorded.Meta.Replayed ? "true" : "false"));
        }

        var wish = store.SetPreference(new SetPreferenceRequest { Caller = caller, Identifier = scanned, Language = "nl", OccurredAt = now }, Soon());
        Console.WriteLine("SetPreference " + (wish.Recorded ? "true" : "false"));

        try
        {
            store.SubmitDetails(new SubmitDetailsRequest { Caller = caller, Identifier = scanned, Email = "anna@example.org", OccurredAt = now }, Soon());
            Console.WriteLine("SubmitDetails OK");
        }
        catch (RpcException refused) // a practice store has no key to seal it to
        {
            Console.WriteLine("SubmitDetails " + refused.StatusCode);
        }

        var lost = new ReceiptKey(key) { ReceiptNo = "404" };
        Console.WriteLine("ClaimReceipt " + Wire(store.ClaimReceipt(new ClaimReceiptRequest { Caller = caller, Identifier = scanned, Receipt = lost }, Soon()).Result));
    }

    // Wire is an enum value's name as it is on the wire.
    static string Wire<T>(T value) where T : struct, System.Enum
    {
        var field = typeof(T).GetField(value.ToString());
        return ((Google.Protobuf.Reflection.OriginalNameAttribute)field.GetCustomAttributes(typeof(Google.Protobuf.Reflection.OriginalNameAttribute), false)[0]).Name;
    }
}
