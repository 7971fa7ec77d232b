package rpc

import (
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// Class orders calls by who waits for them. When there is too much to do, the later classes give way to the earlier ones.
type Class int

// The classes, the most urgent first.
const (
	// ClassLookup is for calls a customer at the till waits for.
	ClassLookup Class = iota
	// ClassReceipt is for what a till delivers from its own outbox.
	ClassReceipt
	// ClassSync is for traffic between stores and head office.
	ClassSync
	// ClassAdmin is for people and commands.
	ClassAdmin
	// ClassWatch is for streams that stay open while the other side listens. They do no work of their own and are ended first when the
	// server stops.
	ClassWatch
	classes
)

// Limits is every number that bounds what callers can do to a server, on both listeners. DefaultLimits gives the ones we stand behind. What is
// not a number: TLS 1.2 at least, with keys that are forgotten and messages that cannot be changed (certificate.Base); plain text on loopback alone
// (config.go); the steps of every call, a caught panic first (interceptors.go); the order of stopping (Server.Serve). What gRPC bounds by itself on
// its own listener is bounded in web.go on the second: HTTP/2 has its streams, silence and pings there too, and every body and every answer a
// time to arrive (Transfer).
type Limits struct {
	// StreamsPerConnection is how many calls one connection may have open.
	StreamsPerConnection uint32
	// Connections is how many connections the server holds at all.
	Connections int
	// ConnectionsPerAddress is how many of them one address may hold; loopback is not counted.
	ConnectionsPerAddress int
	// MessageBytes is the largest message taken or sent.
	MessageBytes int
	// HeaderBytes is the largest header list taken.
	HeaderBytes uint32
	// Handshake is the time a new connection has to speak HTTP/2.
	Handshake time.Duration
	// Workers is how many goroutines are kept for calls; calls beyond that get a new one each.
	Workers uint32
	// PingsApart is the least time between a client's keepalive pings.
	PingsApart time.Duration
	// PingAfter is the silence after which the server asks whether a client is still there.
	PingAfter time.Duration
	// PingAnswer is how long the client has to answer that.
	PingAnswer time.Duration
	// ConnectionIdle is how long a connection without calls stays open.
	ConnectionIdle time.Duration
	// ConnectionAge is how old a connection may get; gRPC adds or takes 10 % so that not all tills reconnect at once.
	ConnectionAge time.Duration
	// ConnectionAgeGrace is the time calls have to end once a connection is too old.
	ConnectionAgeGrace time.Duration
	// Transfer is how long the body of one request may take to arrive on the second listener, and one answer to leave.
	Transfer time.Duration
	// Drain is the time calls have to end when the server stops.
	Drain time.Duration
	// DrainHandlers is the time handlers have to notice, after Drain, that their call was cut off.
	DrainHandlers time.Duration
	// Classes bounds each class of calls.
	Classes [classes]ClassLimit
	// Methods bounds single methods, by full name. A method that is not listed gets Other.
	Methods map[string]MethodLimit
	// Other is for methods without a row of their own.
	Other MethodLimit
	// ContactLookups is how many customers one till may look up by phone number, e-mail or postal address in a minute. The store's own service
	// keeps to it: it alone can tell a phone number from a card.
	ContactLookups int
	// Callers is how many callers the rate limit tells apart; the rest share one allowance.
	Callers int
	// LogEvery has one in so many uneventful calls logged; 0 logs none of them.
	LogEvery uint64
	// LogPerSecond is how many lines about calls are written per second at most; how many were left out is said in the next one.
	LogPerSecond float64
}

// ClassLimit bounds one class of calls.
type ClassLimit struct {
	// InFlight is how many calls may be worked on at once.
	InFlight int
	// Wait is how long one more call may wait for its turn. 0 refuses it at once, and also whenever a more urgent call is waiting.
	Wait time.Duration
}

// MethodLimit bounds one method.
type MethodLimit struct {
	// Class says who gives way to whom.
	Class Class
	// Deadline is set when the caller sets none; 0 sets none.
	Deadline time.Duration
	// Bytes is the largest request; 0 means Limits.MessageBytes.
	Bytes int
	// PerSecond is how many calls one caller may make per second, 0 for no bound; Burst is how many at once.
	PerSecond float64
	// Burst is how many calls may come at once after a quiet time.
	Burst int
}

// DefaultLimits returns the numbers both servers run with.
func DefaultLimits() Limits {
	return Limits{
		StreamsPerConnection:  100,              // a till needs fewer than ten
		Connections:           1024,             // a big store has 60 tills, a chain 1,000 stores with one connection each at head office
		ConnectionsPerAddress: 64,               // tills behind one store router share an address
		MessageBytes:          1 << 20,          // a receipt of 1,000 lines is 80 KiB; a batch of outcomes is cut to fit
		HeaderBytes:           8 << 10,          // method, token and a few words; gRPC's own default is 16 MiB
		Handshake:             5 * time.Second,  // gRPC's own default of 120 s lets silent connections pile up
		Workers:               16,               // a kept goroutine has grown its stack already, which saves half of what all steps cost; many would grow cold in turn
		PingsApart:            10 * time.Second, // tills ping every 20 to 30 s; gRPC's own 5 min would cut them off
		PingAfter:             30 * time.Second, // a pulled cable is noticed within 40 s, not within 2 h
		PingAnswer:            10 * time.Second, // the rest of those 40 s
		ConnectionIdle:        15 * time.Minute, // a till that was switched off without a word
		ConnectionAge:         30 * time.Minute, // bounds how long a withdrawn certificate still works
		ConnectionAgeGrace:    10 * time.Second, // longer than any till's deadline
		Transfer:              10 * time.Second, // 1 MiB over the slowest line a shop has
		Drain:                 10 * time.Second, // the same, when the server stops
		DrainHandlers:         5 * time.Second,  // handlers obey their context; this is for a disk that hangs
		Classes: [classes]ClassLimit{
			ClassLookup:  {InFlight: 64, Wait: 20 * time.Millisecond},   // a tenth of a millisecond each: 64 are a queue, not work; 20 ms leaves the till time to ask the standby
			ClassReceipt: {InFlight: 256, Wait: 500 * time.Millisecond}, // they wait for one fsync together, and tills wait 2 s
			ClassSync:    {InFlight: 32},                                // a store that is refused comes back by itself
			ClassAdmin:   {InFlight: 8},                                 // a person can ask again
			ClassWatch:   {InFlight: 512},                               // one per till and scanner
		},
		Methods:        methodLimits(),
		Other:          MethodLimit{Class: ClassAdmin, Deadline: 10 * time.Second}, // a person's patience
		ContactLookups: 6,                                                          // a cashier who serves customers does not type more; whoever guesses numbers does
		Callers:        4096,                                                       // 250 KB; more tills than any store has
		LogEvery:       1000,                                                       // about one line a minute for a busy store
		LogPerSecond:   20,                                                         // enough to see what goes wrong, too few to fill a disk
	}
}

// methodLimits are the limits of single methods. Names are spelled out, so that a method has its row before it is there.
func methodLimits() map[string]MethodLimit {
	const ms, kib = time.Millisecond, 1 << 10
	limits := make(map[string]MethodLimit)
	add := func(service string, rows map[string]MethodLimit) {
		for name, limit := range rows {
			limits["/"+service+"/"+name] = limit
		}
	}
	add(tillv1.CheckoutService_ServiceDesc.ServiceName, map[string]MethodLimit{
		// A customer waits for this; 1,000 lines of basket are 60 KiB. A till that scans fast makes five lookups a second.
		"Lookup": {Class: ClassLookup, Deadline: 150 * ms, Bytes: 64 * kib, PerSecond: 50, Burst: 100},
		// The same, from a scanner beside the till.
		"PresentCard": {Class: ClassLookup, Deadline: 150 * ms, Bytes: 4 * kib, PerSecond: 50, Burst: 100},
		// Open all day. A till that comes and goes every second has a fault.
		"WatchTill": {Class: ClassWatch, Bytes: 4 * kib, PerSecond: 2, Burst: 20},
		// At payment, with one write to the disk.
		"Reserve": {Class: ClassReceipt, Deadline: 300 * ms, Bytes: 16 * kib, PerSecond: 20, Burst: 40},
		"Release": {Class: ClassReceipt, Deadline: 300 * ms, Bytes: 16 * kib, PerSecond: 20, Burst: 40},
		// From the till's outbox, while nobody waits. After an hour's outage a till brings some hundred at once: no bound per till.
		"RecordReceipt": {Class: ClassReceipt, Deadline: 2 * time.Second},
		"RecordOutcome": {Class: ClassReceipt, Deadline: time.Second, Bytes: 64 * kib},
		// A person typed something: one a second is fast.
		"ClaimReceipt":  {Class: ClassReceipt, Deadline: time.Second, Bytes: 16 * kib, PerSecond: 5, Burst: 10},
		"SetPreference": {Class: ClassReceipt, Deadline: time.Second, Bytes: 16 * kib, PerSecond: 5, Burst: 10},
		"SubmitDetails": {Class: ClassReceipt, Deadline: time.Second, Bytes: 16 * kib, PerSecond: 5, Burst: 10},
		// A cashier looks into why.
		"Explain": {Class: ClassAdmin, Deadline: 500 * ms, Bytes: 64 * kib, PerSecond: 5, Burst: 10},
		// The lamp on the till that says whether the server is there.
		"GetStatus": {Class: ClassLookup, Deadline: 500 * ms, Bytes: 4 * kib, PerSecond: 10, Burst: 20},
	})
	add(syncv1.SyncService_ServiceDesc.ServiceName, map[string]MethodLimit{
		"Fetch":   {Class: ClassSync, Bytes: 4 * kib},                              // a whole file in pieces: as long as it takes
		"Deliver": {Class: ClassSync, Deadline: 30 * time.Second},                  // one write at head office, behind whatever is imported there
		"Report":  {Class: ClassSync, Deadline: 10 * time.Second, Bytes: 64 * kib}, // a few words each way
	})
	add("stamklant.sync.v1.StoreService", map[string]MethodLimit{
		"Offer":   {Class: ClassSync, Deadline: 30 * time.Second}, // a manifest, checked against all there is
		"Put":     {Class: ClassSync},                             // chunks: as long as it takes
		"Status":  {Class: ClassSync, Deadline: 10 * time.Second, Bytes: 4 * kib},
		"Drain":   {Class: ClassSync, Deadline: 30 * time.Second, Bytes: 64 * kib},
		"Inspect": {Class: ClassSync, Deadline: 10 * time.Second, Bytes: 4 * kib},
		"Backup":  {Class: ClassSync, Bytes: 4 * kib}, // a whole journal
	})
	add(officev1.OfficeService_ServiceDesc.ServiceName, map[string]MethodLimit{
		"RunJob": {Class: ClassAdmin}, // a night's scoring: as long as it takes
	})
	add(grpc_health_v1.Health_ServiceDesc.ServiceName, map[string]MethodLimit{
		// Asked by load balancers and watchdogs, who may not wait behind anybody.
		"Check": {Class: ClassLookup, Deadline: time.Second, Bytes: kib},
		"List":  {Class: ClassLookup, Deadline: time.Second, Bytes: kib},
		"Watch": {Class: ClassWatch, Bytes: kib},
	})
	for _, service := range []string{reflectionV1, reflectionV1Alpha} {
		add(service, map[string]MethodLimit{"ServerReflectionInfo": {Class: ClassWatch, Bytes: 4 * kib}})
	}
	return limits
}

// The reflection service, which exists in two versions.
const (
	reflectionV1      = "grpc.reflection.v1.ServerReflection"
	reflectionV1Alpha = "grpc.reflection.v1alpha.ServerReflection"
)

// durationBuckets are the upper bounds, in seconds, into which calls are counted by how long they took: a lookup takes some tens of
// microseconds, a till gives up after 150 ms, a receipt after 2 s.
var durationBuckets = []float64{
	.00005, .0001, .0002, .0005, .001, .002, .005, .01, .025, .05, .1, .15, .25, .5, 1, 2, 5, 10,
}
