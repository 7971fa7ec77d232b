package rpc_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/rpc"
)

// calls calls every method of the three services with an empty request, by full name.
var calls = map[string]func(context.Context, *grpc.ClientConn) error{
	tillv1.CheckoutService_Lookup_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := tillv1.NewCheckoutServiceClient(c).Lookup(ctx, &tillv1.LookupRequest{})
		return err
	},
	tillv1.CheckoutService_RecordReceipt_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := tillv1.NewCheckoutServiceClient(c).RecordReceipt(ctx, &tillv1.RecordReceiptRequest{})
		return err
	},
	tillv1.CheckoutService_GetStatus_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := tillv1.NewCheckoutServiceClient(c).GetStatus(ctx, &tillv1.GetStatusRequest{})
		return err
	},
	syncv1.SyncService_Fetch_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		stream, err := syncv1.NewSyncServiceClient(c).Fetch(ctx, &syncv1.FetchRequest{})
		if err != nil {
			return err
		}
		if _, err = stream.Recv(); errors.Is(err, io.EOF) {
			return nil
		}
		return err
	},
	syncv1.SyncService_Deliver_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := syncv1.NewSyncServiceClient(c).Deliver(ctx, &syncv1.DeliverRequest{})
		return err
	},
	syncv1.SyncService_Report_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := syncv1.NewSyncServiceClient(c).Report(ctx, &syncv1.ReportRequest{})
		return err
	},
	officev1.OfficeService_RunJob_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		stream, err := officev1.NewOfficeServiceClient(c).RunJob(ctx, &officev1.RunJobRequest{})
		if err != nil {
			return err
		}
		_, err = stream.Recv()
		return err
	},
	officev1.OfficeService_ListServers_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := officev1.NewOfficeServiceClient(c).ListServers(ctx, &officev1.ListServersRequest{})
		return err
	},
	officev1.OfficeService_ListConflicts_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := officev1.NewOfficeServiceClient(c).ListConflicts(ctx, &officev1.ListConflictsRequest{})
		return err
	},
}

// TestEveryRoleAtEveryMethod calls every method as everybody. Who may gets past the door: to the rules of the request, or the service.
func TestEveryRoleAtEveryMethod(t *testing.T) {
	server := start(t, &checkout{}, nil, nil)
	table := roles()
	if len(calls) != len(table) {
		t.Fatalf("the test calls %d methods, there are %d", len(calls), len(table))
	}
	for _, who := range []struct {
		role  rpc.Role
		token string
	}{
		{rpc.RoleTill, tillToken},
		{rpc.RoleScanner, scannerToken},
		{rpc.RoleSync, syncToken},
		{rpc.RoleAdmin, adminToken},
		{"", ""},
		{"", "a-token-nobody-knows"},
	} {
		conn := server.dial(t, who.token)
		for name, call := range calls {
			t.Run(string(who.role)+name, func(t *testing.T) {
				err := call(within(t, patience), conn)
				switch {
				case who.role == "":
					refused(t, err, codes.Unauthenticated, rpc.ReasonNoToken)
				case !slices.Contains(table[name], who.role):
					refused(t, err, codes.PermissionDenied, rpc.ReasonRole)
				case status.Code(err) == codes.Unauthenticated || status.Code(err) == codes.PermissionDenied:
					t.Errorf("%s may not call %s: %v", who.role, name, err)
				}
			})
		}
	}
}

func TestOddTokens(t *testing.T) {
	server := start(t, &checkout{}, nil, nil)
	client := tillv1.NewCheckoutServiceClient(server.dial(t, ""))
	for _, tc := range []struct {
		name    string
		headers []string
		code    codes.Code
	}{
		{"the right one", []string{"Bearer " + tillToken}, codes.OK},
		{"scheme in lower case", []string{"bearer " + tillToken}, codes.OK},
		{"no scheme", []string{tillToken}, codes.Unauthenticated},
		{"another scheme", []string{"Basic " + tillToken}, codes.Unauthenticated},
		{"an empty token", []string{"Bearer "}, codes.Unauthenticated},
		{"part of a token", []string{"Bearer " + tillToken[:5]}, codes.Unauthenticated},
		{"a token and more", []string{"Bearer " + tillToken + "x"}, codes.Unauthenticated},
		{"two headers", []string{"Bearer " + tillToken, "Bearer " + adminToken}, codes.Unauthenticated},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx := within(t, patience)
			for _, header := range tc.headers {
				ctx = metadata.AppendToOutgoingContext(ctx, "authorization", header)
			}
			if _, err := client.Lookup(ctx, lookup("1")); status.Code(err) != tc.code {
				t.Errorf("got %v, want %v", err, tc.code)
			}
		})
	}
}

func TestATillSpeaksForItselfAlone(t *testing.T) {
	server := start(t, &checkout{}, nil, nil)
	client := tillv1.NewCheckoutServiceClient(server.dial(t, ownTillToken))
	if _, err := client.Lookup(within(t, patience), lookup("3")); err != nil {
		t.Error(err)
	}
	_, err := client.Lookup(within(t, patience), lookup("4"))
	refused(t, err, codes.PermissionDenied, rpc.ReasonOtherTill)
}

func TestHandlersLearnWhoCalls(t *testing.T) {
	var got rpc.Principal
	server := start(t, &checkout{lookup: func(ctx context.Context, _ *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
		if p, ok := rpc.PrincipalOf(ctx); ok {
			got = *p
		}
		return &tillv1.LookupResponse{}, nil
	}}, nil, nil)
	if _, err := tillv1.NewCheckoutServiceClient(server.dial(t, ownTillToken)).Lookup(within(t, patience), lookup("3")); err != nil {
		t.Fatal(err)
	}
	if want := (rpc.Principal{Role: rpc.RoleTill, ID: "till 3", Till: "3"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, ok := rpc.PrincipalOf(context.Background()); ok {
		t.Error("somebody calls where there is no call")
	}
}

func TestHealthIsForEverybodyAndReflectionForThoseWithAToken(t *testing.T) {
	server := start(t, &checkout{}, nil, func(c *rpc.Config) { c.Reflection = true })
	health := grpc_health_v1.NewHealthClient(server.dial(t, ""))
	if _, err := health.Check(within(t, patience), &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Error(err)
	}
	describe := func(token string) error {
		stream, err := grpc_reflection_v1.NewServerReflectionClient(server.dial(t, token)).ServerReflectionInfo(within(t, patience))
		if err != nil {
			return err
		}
		_ = stream.Send(&grpc_reflection_v1.ServerReflectionRequest{
			MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{},
		})
		_, err = stream.Recv()
		return err
	}
	if err := describe(scannerToken); err != nil {
		t.Error(err)
	}
	refused(t, describe(""), codes.Unauthenticated, rpc.ReasonNoToken)
	plain := start(t, &checkout{}, nil, nil)
	stream, err := grpc_reflection_v1.NewServerReflectionClient(plain.dial(t, adminToken)).ServerReflectionInfo(within(t, patience))
	if err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("reflection without asking for it: %v", err)
	}
}

func TestTheTableAndTheServicesMustAgree(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(map[string][]rpc.Role)
		want   error
	}{
		{"a method was forgotten", func(m map[string][]rpc.Role) { delete(m, tillv1.CheckoutService_GetStatus_FullMethodName) }, rpc.ErrMethodWithoutRoles},
		{"a method is for nobody", func(m map[string][]rpc.Role) { m[tillv1.CheckoutService_GetStatus_FullMethodName] = nil }, rpc.ErrMethodWithoutRoles},
		{"a row is misspelt", func(m map[string][]rpc.Role) {
			m["/stamklant.till.v1.CheckoutService/Lookups"] = []rpc.Role{rpc.RoleTill}
		}, rpc.ErrUnknownMethod},
		{"they agree", func(map[string][]rpc.Role) {}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			table := roles()
			tc.change(table)
			server, err := rpc.NewServer(rpc.Config{Address: "127.0.0.1:0", Roles: table, Authenticate: tokens(), Logger: quiet()})
			if err != nil {
				t.Fatal(err)
			}
			tillv1.RegisterCheckoutServiceServer(server, &checkout{})
			syncv1.RegisterSyncServiceServer(server, &syncing{})
			officev1.RegisterOfficeServiceServer(server, officev1.UnimplementedOfficeServiceServer{})
			if err := server.Check(); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if tc.want != nil {
				if err := server.Serve(context.Background()); !errors.Is(err, tc.want) {
					t.Errorf("it served: %v", err)
				}
			}
			if err := server.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
