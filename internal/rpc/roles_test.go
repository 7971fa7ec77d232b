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
	"google.golang.org/protobuf/types/known/emptypb"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/rpc"
)

// callAnything calls a method with an empty request; for these calls a unary method and a stream look the same.
func callAnything(ctx context.Context, conn *grpc.ClientConn, name string) error {
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, name)
	if err != nil {
		return err
	}
	_ = stream.SendMsg(&emptypb.Empty{}) // an error here is told by RecvMsg
	_ = stream.CloseSend()
	if err := stream.RecvMsg(&emptypb.Empty{}); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// TestEveryRoleAtEveryMethod calls every method as everybody. Who may gets past the door: to the rules of the request, or the service.
func TestEveryRoleAtEveryMethod(t *testing.T) {
	server := start(t, &checkout{}, nil, nil)
	table := roles()
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
		for name := range table {
			t.Run(string(who.role)+name, func(t *testing.T) {
				err := callAnything(within(t, patience), conn, name)
				switch {
				case who.role == "":
					refused(t, err, codes.Unauthenticated, rpc.ReasonNoToken)
				case !slices.Contains(table[name].Roles, who.role):
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
		change func(map[string]rpc.Access)
		want   error
	}{
		{"a method was forgotten", func(m map[string]rpc.Access) { delete(m, tillv1.CheckoutService_GetStatus_FullMethodName) }, rpc.ErrMethodWithoutRoles},
		{"a method is for nobody", func(m map[string]rpc.Access) { m[tillv1.CheckoutService_GetStatus_FullMethodName] = rpc.Access{} }, rpc.ErrMethodWithoutRoles},
		{"a row is misspelt", func(m map[string]rpc.Access) {
			m["/stamklant.till.v1.CheckoutService/Lookups"] = rpc.Access{Roles: []rpc.Role{rpc.RoleTill}}
		}, rpc.ErrUnknownMethod},
		{"they agree", func(map[string]rpc.Access) {}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			table := roles()
			tc.change(table)
			server, err := rpc.NewServer(rpc.Config{Address: "127.0.0.1:0", Access: table, Authenticate: tokens(), Logger: quiet()})
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
