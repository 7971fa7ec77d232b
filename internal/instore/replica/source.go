package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
)

// Source is where releases lie: signed files and pieces, by the paths of the layout. It need not be trusted.
type Source interface {
	// Fetch reads a file from an offset on. It MUST answer [ErrNotFound] when there is no such file. The caller closes what it returns; reading
	// from that MUST end when ctx does.
	Fetch(ctx context.Context, path string, offset int64) (io.ReadCloser, error)
}

// folder is a Source.
type folder string

// Folder reads releases from a folder, such as a network share or a stick.
func Folder(dir string) Source { return folder(dir) }

// Fetch opens the file.
func (f folder) Fetch(_ context.Context, path string, offset int64) (io.ReadCloser, error) {
	if !filepath.IsLocal(path) {
		return nil, fmt.Errorf("%s: leads out of the folder: %w", path, ErrNotFound)
	}
	file, err := os.Open(filepath.Join(string(f), filepath.FromSlash(path)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w in %s", ErrNotFound, string(f))
	}
	if err != nil {
		return nil, err
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// web is a Source.
type web struct {
	base   string
	client *http.Client
}

// HTTPS reads releases from a web server, a CDN or a bucket by GET with Range. Without TLS only this machine is asked: what is fetched is sealed, but
// who listens would learn when it changes. A nil client is [http.DefaultClient].
func HTTPS(address string, client *http.Client) (Source, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("bundles %q: %w", address, err)
	}
	local := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
	if u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return nil, fmt.Errorf("bundles %q: want an https address", address)
	}
	if client == nil {
		client = http.DefaultClient
	}
	return web{strings.TrimSuffix(address, "/"), client}, nil
}

// Fetch sends the GET.
func (w web) Fetch(ctx context.Context, path string, offset int64) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+"/"+path, nil)
	if err != nil {
		return nil, err
	}
	if offset > 0 {
		request.Header.Set("Range", "bytes="+strconv.FormatInt(offset, 10)+"-")
	}
	response, err := w.client.Do(request)
	if err != nil {
		return nil, err
	}
	switch {
	case response.StatusCode == http.StatusNotFound:
		_ = response.Body.Close()
		return nil, fmt.Errorf("%w at %s", ErrNotFound, w.base)
	case response.StatusCode == http.StatusPartialContent && offset > 0:
		return response.Body, nil
	case response.StatusCode != http.StatusOK:
		_ = response.Body.Close()
		return nil, fmt.Errorf("%s answers %s", w.base, response.Status)
	}
	// The server knows no Range, or none was asked for.
	if _, err := io.CopyN(io.Discard, response.Body, offset); err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return response.Body, nil
}

// office is a Source.
type office struct {
	client syncv1.SyncServiceClient
	server string
}

// Office reads releases from head office itself.
func Office(client syncv1.SyncServiceClient, server string) Source { return office{client, server} }

// Fetch opens the stream.
func (o office) Fetch(ctx context.Context, path string, offset int64) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := o.client.Fetch(ctx, &syncv1.FetchRequest{ServerId: o.server, Path: path, Offset: offset})
	if err != nil {
		cancel()
		return nil, err
	}
	body := &officeBody{stream: stream, cancel: cancel}
	// The first message tells whether there is such a file.
	if err := body.fill(); err != nil && err != io.EOF { //nolint:errorlint // fill answers exactly this at the end
		cancel()
		if status.Code(err) == codes.NotFound {
			return nil, fmt.Errorf("%w at head office", ErrNotFound)
		}
		return nil, err
	}
	return body, nil
}

// officeBody reads a stream as a file.
type officeBody struct {
	stream interface {
		Recv() (*syncv1.FetchResponse, error)
	}
	cancel context.CancelFunc
	rest   []byte
	err    error
}

func (b *officeBody) fill() error {
	message, err := b.stream.Recv()
	b.rest, b.err = message.GetData(), err
	return err
}

// Read reads on.
func (b *officeBody) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		_ = b.fill() // kept in b.err
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close ends the stream.
func (b *officeBody) Close() error {
	b.cancel()
	return nil
}
