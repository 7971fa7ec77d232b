package main_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// hostile is whoever found the store's port. What it sends comes from a seed.
type hostile struct {
	addr   string
	tokens []string               // it may show one of these, which no method it calls is for; "" for none
	till   string                 // of a till, for the one who only reads slowly
	frames atomic.Int64           // sent
	calls  atomic.Int64           // of which were whole calls, reset at once or never read
	wrong  atomic.Pointer[string] // an answer out of role
}

// line is one hostile connection: HTTP/2 by hand.
type line struct {
	h      *hostile
	random *rand.Rand
	conn   net.Conn
	out    bytes.Buffer // frames are written here first, so that they can be spoilt
	framer *http2.Framer
	block  bytes.Buffer
	hpack  *hpack.Encoder
	stream uint32
	heard  chan struct{} // closed when nothing is read any more
}

// open dials, greets as a client does, and reads whatever comes back.
func (h *hostile) open(random *rand.Rand, settings ...http2.Setting) (*line, error) {
	conn, err := net.DialTimeout("tcp", h.addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	_ = conn.(*net.TCPConn).SetLinger(0) // its port is free at once: there are many
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	l := &line{h: h, random: random, conn: conn, stream: 1, heard: make(chan struct{})}
	l.framer, l.hpack = http2.NewFramer(&l.out, nil), hpack.NewEncoder(&l.block)
	l.framer.AllowIllegalWrites = true
	l.out.WriteString(http2.ClientPreface)
	_ = l.framer.WriteSettings(settings...)
	if err := l.send(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return l, nil
}

// send writes what was prepared.
func (l *line) send() error {
	_, err := l.conn.Write(l.out.Bytes())
	l.out.Reset()
	return err
}

// hear waits a moment for what is still on its way, and hangs up.
func (l *line) hear() {
	_ = l.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	<-l.heard
	_ = l.conn.Close()
}

// listen reads answers until the connection ends; a call that succeeds is an answer out of role.
func (l *line) listen() {
	defer close(l.heard)
	in := http2.NewFramer(io.Discard, l.conn)
	in.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		frame, err := in.ReadFrame()
		if err != nil {
			return
		}
		headers, ok := frame.(*http2.MetaHeadersFrame)
		if !ok {
			continue
		}
		for _, field := range headers.Fields {
			if field.Name == "grpc-status" && field.Value == "0" {
				said := headers.String()
				l.h.wrong.Store(&said)
			}
		}
	}
}

// call prepares a whole call: headers, and a message behind them.
func (l *line) call(path, token string, message []byte, more ...hpack.HeaderField) {
	l.block.Reset()
	fields := []hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":path", Value: path},
		{Name: ":authority", Value: "store"},
		{Name: "content-type", Value: "application/grpc"},
		{Name: "te", Value: "trailers"},
	}
	if token != "" {
		fields = append(fields, hpack.HeaderField{Name: "authorization", Value: "Bearer " + token})
	}
	for _, field := range append(fields, more...) {
		_ = l.hpack.WriteField(field)
	}
	_ = l.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: l.stream, BlockFragment: l.block.Bytes(), EndHeaders: true})
	if message != nil {
		_ = l.framer.WriteData(l.stream, true, framed(message))
	}
	l.stream += 2
}

// framed puts a message behind gRPC's five bytes.
func framed(message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
}

// usualLookup is a till's question, in bytes.
func usualLookup(till string) []byte {
	b, err := proto.Marshal(&tillv1.LookupRequest{
		Caller: &tillv1.Caller{Till: till}, Stage: tillv1.Stage_STAGE_START, ReceiptRef: "hostile",
		Customer: &tillv1.LookupRequest_Identifier{Identifier: scanned("2900123456785")},
	})
	if err != nil {
		panic(err) // it always marshals
	}
	return b
}

// spoil mutates the frames that were prepared.
func (l *line) spoil() {
	b := l.out.Bytes()
	switch l.random.IntN(7) {
	case 0: // some bytes are others
		for range 1 + l.random.IntN(4) {
			b[l.random.IntN(len(b))] = byte(l.random.Uint32())
		}
	case 1: // cut off, and something else behind
		l.out.Truncate(l.random.IntN(len(b)))
		_ = l.framer.WritePing(false, [8]byte{})
	case 2: // a length that is not so
		b[0], b[1], b[2] = byte(l.random.Uint32()), byte(l.random.Uint32()), byte(l.random.Uint32())
	case 3: // another kind of frame, other flags, another stream
		b[3], b[4] = byte(l.random.IntN(16)), byte(l.random.Uint32())
		binary.BigEndian.PutUint32(b[5:], l.random.Uint32())
	case 4: // twice
		l.out.Write(bytes.Clone(b))
	case 5: // a frame nobody asked for
		payload := make([]byte, l.random.IntN(64))
		for i := range payload {
			payload[i] = byte(l.random.Uint32())
		}
		_ = l.framer.WriteRawFrame(http2.FrameType(l.random.IntN(12)), http2.Flags(l.random.Uint32()), l.random.Uint32()%(l.stream+2), payload)
	case 6: // the message is spoilt, and what gRPC says about it
		tail := b[len(b)-min(len(b), 48):]
		for range 1 + l.random.IntN(6) {
			tail[l.random.IntN(len(tail))] = byte(l.random.Uint32())
		}
	}
}

// mutate sends spoilt calls on one connection until the server has enough of it.
func (h *hostile) mutate(random *rand.Rand, message []byte) {
	l, err := h.open(random)
	if err != nil {
		return
	}
	go l.listen()
	defer l.hear()
	for range 30 {
		l.call(tillv1.CheckoutService_Lookup_FullMethodName, h.token(random), message)
		l.spoil()
		if l.send() != nil {
			return
		}
		h.frames.Add(2)
	}
}

func (h *hostile) token(random *rand.Rand) string { return h.tokens[random.IntN(len(h.tokens))] }

// reset begins calls and takes them back at once, many on one connection.
func (h *hostile) reset(random *rand.Rand, message []byte) {
	l, err := h.open(random)
	if err != nil {
		return
	}
	go l.listen()
	defer l.hear()
	for range 100 {
		stream := l.stream
		l.call(tillv1.CheckoutService_Lookup_FullMethodName, h.token(random), message)
		_ = l.framer.WriteRSTStream(stream, http2.ErrCodeCancel)
		if l.send() != nil {
			return
		}
		h.frames.Add(3)
		h.calls.Add(1)
	}
}

// swell sends headers and messages that are larger than allowed, and a header that never ends.
func (h *hostile) swell(random *rand.Rand, _ []byte) {
	l, err := h.open(random)
	if err != nil {
		return
	}
	go l.listen()
	defer l.hear()
	switch random.IntN(3) {
	case 0:
		l.call(tillv1.CheckoutService_Lookup_FullMethodName, h.token(random), nil, hpack.HeaderField{Name: "x", Value: strings.Repeat("x", 12<<10)})
	case 1:
		l.call(tillv1.CheckoutService_Lookup_FullMethodName, h.token(random), nil)
		_ = l.framer.WriteData(1, false, binary.BigEndian.AppendUint32([]byte{0}, 3<<30))
	case 2:
		_ = l.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}})
		for range 50 {
			_ = l.framer.WriteContinuation(1, false, bytes.Repeat([]byte{0x82}, 1000))
		}
	}
	_ = l.send() // whether the server hangs up meanwhile is its own affair
	h.frames.Add(2)
}

// stall is a till that asks a hundred times and reads no answer: the window for answers is closed.
func (h *hostile) stall(random *rand.Rand, _ []byte) {
	l, err := h.open(random, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	if err != nil {
		return
	}
	defer l.conn.Close()
	for range 100 {
		l.call(tillv1.CheckoutService_Lookup_FullMethodName, h.till, usualLookup(strconv.Itoa(siegeTills+random.IntN(siegeTills))))
		if l.send() != nil {
			return
		}
		h.frames.Add(2)
		h.calls.Add(1)
	}
	time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
}

// The ways a call's path can be wrong, or right for somebody else.
var wrongPaths = []string{
	"", "/", "//", "Lookup", "stamklant.till.v1.CheckoutService/Lookup", "/stamklant.till.v1.CheckoutService", "/stamklant.till.v1.CheckoutService/",
	"/stamklant.till.v1.CheckoutService/lookup", "/stamklant.till.v1.CheckoutService/Lookup/", "/Lookup", "*", "/grpc.health.v1.Health/Nothing",
	"/stamklant.till.v1.CheckoutService/RecordReceipt", "/stamklant.till.v1.CheckoutService/Explain", "/stamklant.till.v1.CheckoutService/SetPreference",
	"/stamklant.sync.v1.StoreService/Inspect", "/stamklant.sync.v1.StoreService/Drain", "/stamklant.sync.v1.StoreService/Backup",
	"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/stamklant.office.v1.OfficeService/RunJob", "/\x00", "/../../etc/passwd",
}

// stray calls what is not there, what is not for it, and paths that are none.
func (h *hostile) stray(random *rand.Rand, message []byte) {
	l, err := h.open(random)
	if err != nil {
		return
	}
	go l.listen()
	defer l.hear()
	for range 20 {
		l.call(wrongPaths[random.IntN(len(wrongPaths))], h.token(random), message)
		if l.send() != nil {
			return
		}
		h.frames.Add(2)
	}
}
