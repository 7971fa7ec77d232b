package rpc_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/stamklant/stamklant/internal/rpc"
)

// frames speaks HTTP/2 to an address, frame by frame.
func frames(t *testing.T, address string) (*http2.Framer, net.Conn) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return framer, conn
}

// TestPingsTooOften sends pings as fast as it can: the server ends the connection, and says that this is why.
func TestPingsTooOften(t *testing.T) {
	server := start(t, &checkout{}, nil, nil)
	framer, _ := frames(t, server.Addr())
	for range 10 {
		if err := framer.WritePing(false, [8]byte{1}); err != nil {
			break
		}
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatalf("it hung up without a word: %v", err)
		}
		if away, ok := frame.(*http2.GoAwayFrame); ok {
			if away.ErrCode != http2.ErrCodeEnhanceYourCalm {
				t.Errorf("it went away for %v", away.ErrCode)
			}
			return
		}
	}
}

// TestBothListenersSayHowManyStreamsTheyTake reads the first settings of each.
func TestBothListenersSayHowManyStreamsTheyTake(t *testing.T) {
	server := start(t, &checkout{}, nil, withWeb(nil))
	for name, address := range map[string]string{"first": server.Addr(), "second": server.WebAddr()} {
		framer, _ := frames(t, address)
		for {
			frame, err := framer.ReadFrame()
			if err != nil {
				t.Fatalf("%s listener: %v", name, err)
			}
			settings, ok := frame.(*http2.SettingsFrame)
			if !ok || settings.IsAck() {
				continue
			}
			if most, ok := settings.Value(http2.SettingMaxConcurrentStreams); !ok || most != 100 {
				t.Errorf("the %s listener takes %d streams, said: %v", name, most, ok)
			}
			break
		}
	}
}

// TestSilentConnectionsAreClosed connects and says nothing: in plain text, and where a handshake is due, on both listeners.
func TestSilentConnectionsAreClosed(t *testing.T) {
	hasty := limited(func(l *rpc.Limits) { l.Handshake = 100 * time.Millisecond })
	a := newAuthority(t)
	plain, secure := start(t, &checkout{}, nil, withWeb(hasty)), start(t, &checkout{}, nil, a.serves(withWeb(func(c *rpc.Config) {
		hasty(c)
		c.Web.TLS = a.keeper("server", nil).ServeAll()
	})))
	for name, address := range map[string]string{
		"first": plain.Addr(), "second": plain.WebAddr(), "first, by TLS": secure.Addr(), "second, by TLS": secure.WebAddr(),
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, conn)
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
			t.Errorf("the %s listener keeps a silent connection", name)
		}
		conn.Close()
	}
	conn, err := tls.Dial("tcp", secure.WebAddr(), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	if got := conn.ConnectionState().Version; got != tls.VersionTLS13 {
		t.Errorf("both can speak TLS 1.3 and speak %s", tls.VersionName(got))
	}
	conn.Close()
}
