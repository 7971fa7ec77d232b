package replica_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/instore/replica"
)

// headOffice answers Fetch from a folder, in small messages.
type headOffice struct {
	syncv1.UnimplementedSyncServiceServer
	dir string
}

func (h headOffice) Fetch(request *syncv1.FetchRequest, stream grpc.ServerStreamingServer[syncv1.FetchResponse]) error {
	data, err := os.ReadFile(filepath.Join(h.dir, request.GetPath()))
	if err != nil {
		return status.Error(codes.NotFound, "no such file")
	}
	for rest := data[min(int(request.GetOffset()), len(data)):]; len(rest) > 0; {
		n := min(len(rest), 1000)
		if err := stream.Send(&syncv1.FetchResponse{Data: rest[:n], Total: int64(len(data))}); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// sources is the same folder behind every kind of source.
func sources(t *testing.T, dir string) map[string]replica.Source {
	t.Helper()
	plain := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range") // a server that knows none
		http.FileServer(http.Dir(dir)).ServeHTTP(w, r)
	}))
	t.Cleanup(secure.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	syncv1.RegisterSyncServiceServer(server, headOffice{dir: dir})
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	connection, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	all := map[string]replica.Source{"folder": replica.Folder(dir), "head office": replica.Office(syncv1.NewSyncServiceClient(connection), "amsterdam-1")}
	if all["http with ranges"], err = replica.HTTPS(plain.URL+"/", plain.Client()); err != nil {
		t.Fatal(err)
	}
	if all["https without ranges"], err = replica.HTTPS(secure.URL, secure.Client()); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSources reads the same from every kind of source: whole, from the middle, from the end, and what is not there.
func TestSources(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	want := make([]byte, 10_000)
	for i := range want {
		want[i] = byte(i * 7 / 5)
	}
	if err := os.MkdirAll(filepath.Join(dir, "chunks", "aa"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "chunks", "aa", "file"), want, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, source := range sources(t, dir) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, offset := range []int64{0, 1, 999, 1000, 5000, 9999} {
				body, err := source.Fetch(context.Background(), "chunks/aa/file", offset)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(body)
				if closeErr := body.Close(); err != nil || closeErr != nil || string(got) != string(want[offset:]) {
					t.Fatalf("from %d: %d bytes, %v %v", offset, len(got), err, closeErr)
				}
			}
			if _, err := source.Fetch(context.Background(), "chunks/aa/nothing", 0); !errors.Is(err, replica.ErrNotFound) {
				t.Fatalf("what is not there: %v", err)
			}
			body, err := source.Fetch(context.Background(), "chunks/aa/file", 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := body.Close(); err != nil { // without having read
				t.Fatal(err)
			}
		})
	}
	if _, err := replica.Folder(dir).Fetch(context.Background(), "../secret", 0); !errors.Is(err, replica.ErrNotFound) {
		t.Errorf("out of the folder: %v", err)
	}
}

// TestFollowEverywhere follows a chain through every kind of source.
func TestFollowEverywhere(t *testing.T) {
	t.Parallel()
	c := newChain(t, 400)
	servers := make(map[string]*server)
	for _, name := range []string{"folder", "head office", "http with ranges", "https without ranges"} {
		servers[name] = c.server("s" + string(rune('a'+len(servers))))
	}
	c.publish()
	c.balances[5] = 55
	c.publish()
	for name, source := range sources(t, c.bundles()) {
		s := servers[name]
		s.source = source
		s.open()
		s.apply()
		s.serves(c, 2, c.balances)
		s.stop()
	}
}

// TestAddresses takes https, and http on this machine only.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, good := range map[string]bool{
		"https://cdn.example/chain": true, "http://127.0.0.1:8080": true, "http://localhost/x": true, "http://[::1]:80": true,
		"http://cdn.example": false, "ftp://cdn.example": false, "cdn.example": false, "https://": false, "": false, ":": false,
	} {
		if _, err := replica.HTTPS(address, nil); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}
