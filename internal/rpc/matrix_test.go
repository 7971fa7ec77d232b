package rpc_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/certificate"
	"github.com/stamklant/stamklant/internal/rpc"
)

var update = flag.Bool("update", false, "write generated pages anew")

// allMethods are the full names of every method of every service of ours, from their descriptions.
func allMethods() []string {
	var names []string
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			if service := string(file.Services().Get(i).FullName()); strings.HasPrefix(service, "stamklant.") {
				names = append(names, methodsOf(service)...)
			}
		}
		return true
	})
	slices.Sort(names)
	return names
}

func TestEveryMethodHasARowAndALimit(t *testing.T) {
	known := allMethods()
	rows := slices.Sorted(maps.Keys(rpc.Matrix()))
	for _, name := range known {
		if !slices.Contains(rows, name) {
			t.Errorf("%s has no row in matrix.go: nobody could call it", name)
		}
		if _, ok := rpc.DefaultLimits().Methods[name]; !ok && !strings.Contains(name, "OfficeService") {
			t.Errorf("%s has no row in defaults.go", name)
		}
	}
	for _, name := range rows {
		row := rpc.Matrix()[name]
		if !slices.Contains(known, name) {
			t.Errorf("matrix.go has a row for %s, which does not exist", name)
		}
		if len(row.Roles) == 0 {
			t.Errorf("%s is for nobody", name)
		}
		if row.Web && !slices.Contains(row.Roles, rpc.RoleTill) && !slices.Contains(row.Roles, rpc.RoleScanner) {
			t.Errorf("%s is on the second listener, where nobody may call it", name)
		}
		if row.Get && !row.Web {
			t.Errorf("%s is a GET on a listener where it is not", name)
		}
	}
	for name := range rpc.DefaultLimits().Methods {
		if strings.HasPrefix(name, "/stamklant.") && !slices.Contains(known, name) {
			t.Errorf("defaults.go has a row for %s, which does not exist", name)
		}
	}
}

// A caller of the matrix: a role for an audience.
type caller struct {
	role     rpc.Role
	audience rpc.Audience
}

// callers are all there are. Only tills can be for customers or for staff.
var callers = []caller{
	{rpc.RoleTill, rpc.AudienceStaff},
	{rpc.RoleTill, rpc.AudienceCustomer},
	{rpc.RoleScanner, rpc.AudienceCustomer},
	{rpc.RoleSync, rpc.AudienceStaff},
	{rpc.RoleAdmin, rpc.AudienceStaff},
}

func (c caller) String() string {
	if c.role == rpc.RoleTill {
		return fmt.Sprintf("till, %s", c.audience)
	}
	return string(c.role)
}

// may is the matrix in words of its own: what the rows and the rules in matrix.go mean for one cell.
func may(c caller, row rpc.Access, web bool) bool {
	if web && (!row.Web || c.role == rpc.RoleSync || c.role == rpc.RoleAdmin) {
		return false
	}
	if row.Staff && c.audience == rpc.AudienceCustomer {
		return false
	}
	return slices.Contains(row.Roles, c.role)
}

// TestEveryCellOfTheMatrix makes every call as everybody on both listeners, by certificate and by token, over sockets.
func TestEveryCellOfTheMatrix(t *testing.T) {
	a := newAuthority(t)
	known := make(map[string]rpc.Principal)
	for _, c := range callers {
		known["token "+c.String()] = rpc.Principal{Role: c.role, ID: c.String(), Till: "3", Audience: c.audience}
	}
	everything := func(c *rpc.Config) {
		c.Access, c.Authenticate = nil, rpc.Tokens(known)
		c.Web = &rpc.WebConfig{Address: "127.0.0.1:0"}
		limits := rpc.DefaultLimits()
		for name, row := range limits.Methods {
			row.PerSecond = 0
			limits.Methods[name] = row
		}
		c.Limits = &limits
	}
	plain, secure := startAll(t, everything), startAll(t, a.serves(everything))
	client := browser(t)
	for _, c := range append(slices.Clone(callers), caller{}) {
		byToken := plain.dial(t, "token "+c.String())
		var byCertificate *grpc.ClientConn
		if c.role != "" {
			name := certificate.Name{Role: string(c.role), Name: "3"}
			if c.role == rpc.RoleTill && c.audience == rpc.AudienceCustomer {
				name.Audience = certificate.Customer
			}
			file := "cell-" + strings.ReplaceAll(c.String(), ", ", "-")
			a.sign(file, name, certificate.TillLife)
			conn, err := rpc.Dial(secure.Addr(), rpc.DialConfig{TLS: a.keeper(file, nil).Dial("s01")})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			byCertificate = conn
		}
		for _, name := range allMethods() {
			row := rpc.Matrix()[name]
			check := func(way string, err error, allowed bool) {
				t.Helper()
				code := status.Code(err)
				denied := code == codes.PermissionDenied || code == codes.Unauthenticated
				switch {
				case c.role == "" && code != codes.Unauthenticated:
					t.Errorf("%s %s: somebody unknown gets %v", way, name, err)
				case c.role != "" && denied == allowed:
					t.Errorf("%s %s as %s: %v; allowed: %v", way, name, c, err, allowed)
				}
			}
			check("gRPC by token", callAnything(within(t, patience), byToken, name), may(c, row, false))
			if byCertificate != nil {
				check("gRPC by certificate", callAnything(within(t, patience), byCertificate, name), may(c, row, false))
			}
			if there, err := callWeb(t, client, plain, name, "token "+c.String()); there {
				check("JSON", err, may(c, row, true))
			} else if row.Web {
				t.Errorf("JSON %s is not there", name)
			}
		}
	}
}

// startAll runs a server with every service, each answering UNIMPLEMENTED behind the door.
func startAll(t *testing.T, change func(*rpc.Config)) *running {
	t.Helper()
	return startServices(t, tillv1.UnimplementedCheckoutServiceServer{}, nil, func(c *rpc.Config) { change(c) }, func(s *rpc.Server) {
		syncv1.RegisterStoreServiceServer(s, syncv1.UnimplementedStoreServiceServer{})
	})
}

// callWeb posts an empty request; there is false where the listener has no such path.
func callWeb(t *testing.T, client *http.Client, server *running, name, token string) (there bool, err error) {
	t.Helper()
	contentType, body := "application/json", "{}"
	if strings.HasSuffix(name, "/WatchTill") {
		contentType, body = "application/grpc-web+proto", "\x00\x00\x00\x00\x00"
	}
	call, err := http.NewRequestWithContext(within(t, patience), http.MethodPost, "http://"+server.WebAddr()+name, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	call.Header.Set("Content-Type", contentType)
	call.Header.Set("Authorization", "Bearer "+token)
	response, err := client.Do(call)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if grpcStatus := response.Header.Get("Grpc-Status"); grpcStatus != "" {
		var code codes.Code
		if _, err := fmt.Sscan(grpcStatus, (*uint32)(&code)); err != nil {
			t.Fatal(err)
		}
		return true, status.Error(code, "over gRPC-Web")
	}
	switch response.StatusCode {
	case http.StatusNotFound:
		return false, nil
	case http.StatusUnauthorized:
		return true, status.Error(codes.Unauthenticated, response.Status)
	case http.StatusForbidden:
		return true, status.Error(codes.PermissionDenied, response.Status)
	case http.StatusOK, http.StatusBadRequest, http.StatusNotImplemented:
		return true, status.Error(codes.Unimplemented, response.Status)
	default:
		return true, errors.New(response.Status)
	}
}

func TestRolesPage(t *testing.T) {
	const file = "../../docs/roles.md"
	page := rolesPage()
	if *update {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if there, err := os.ReadFile(file); err != nil || string(there) != page {
		t.Errorf("docs/roles.md is not what matrix.go says (%v): go test ./internal/rpc -run TestRolesPage -update", err)
	}
}

// rolesPage is docs/roles.md.
func rolesPage() string {
	var b strings.Builder
	b.WriteString(`# Who may call what

Written from the table in ` + "`internal/rpc/matrix.go`" + ` by ` + "`go test ./internal/rpc -run TestRolesPage -update`" + `; a test makes every call of it as everybody, on
both listeners, over sockets. What has no mark is refused: PERMISSION_DENIED to a known caller, UNAUTHENTICATED to an unknown one.

- ✓ on the first listener (gRPC; by certificate beyond the machine itself, by token on it)
- ✓✓ there, and on the second listener (JSON and gRPC-Web; always by token)
- A till at which customers serve themselves has the audience *customer* in its certificate: what is for staff is refused, or left out of the answer.
- Tills and scanners call in the name of their own till alone. Health is for everybody.
`)
	service := ""
	for _, name := range allMethods() {
		if now := path.Dir(name); now != service {
			service = now
			fmt.Fprintf(&b, "\n## %s\n\n| RPC |", strings.TrimPrefix(service, "/"))
			for _, c := range callers {
				fmt.Fprintf(&b, " %s |", c)
			}
			b.WriteString("\n|---|" + strings.Repeat("---|", len(callers)) + "\n")
		}
		row := rpc.Matrix()[name]
		fmt.Fprintf(&b, "| `%s` |", path.Base(name))
		for _, c := range callers {
			mark := ""
			if may(c, row, false) {
				mark = " ✓"
			}
			if may(c, row, true) {
				mark = " ✓✓"
			}
			fmt.Fprintf(&b, "%s |", mark)
		}
		b.WriteString("\n")
	}
	return b.String()
}
