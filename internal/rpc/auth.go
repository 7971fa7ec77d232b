package rpc

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

var (
	errNoToken     = Refuse(codes.Unauthenticated, ReasonNoToken, "send the header authorization: Bearer <token>, with a token this server knows")
	errSharedToken = Refuse(codes.Unauthenticated, ReasonNoToken, "a token that all tills share is for the server's own machine: draw one for this till with `stamklant-store enrol till`")
	errRole        = Refuse(codes.PermissionDenied, ReasonRole, "this caller's role may not call this method")
	errOtherTill   = Refuse(codes.PermissionDenied, ReasonOtherTill, "this token or certificate belongs to another till than caller.till names")
)

// authorised finds out who calls and whether that role may. What the table does not allow is refused.
func (s *Server) authorised(ctx context.Context, c *call, _ any) error {
	if c.method == nil {
		return errRole
	}
	if c.method.open {
		return nil
	}
	principal, err := s.caller(ctx, c.web)
	if err != nil {
		return err
	}
	c.principal = principal
	if c.method.authed || c.mayCall(principal) {
		return nil
	}
	return errRole
}

// caller finds out who calls: by certificate, or by token.
func (s *Server) caller(ctx context.Context, web bool) (*Principal, error) {
	if s.config.Certified && !web {
		if principal, ok := certifiedCaller(ctx); ok {
			return principal, nil
		}
		return nil, errNoToken
	}
	token, ok := bearer(ctx)
	if !ok {
		return nil, errNoToken
	}
	principal, ok := s.config.Authenticate(token)
	switch {
	case !ok:
		return nil, errNoToken
	case web && s.config.Web.TLS != nil && principal.Till == "":
		return nil, errSharedToken
	default:
		return principal, nil
	}
}

// mayCall reports whether the table lets principal call the method, by the listener it came to.
func (c *call) mayCall(principal *Principal) bool {
	access := c.method.access
	switch {
	case c.web && (!access.Web || principal.Role != RoleTill && principal.Role != RoleScanner):
		return false
	case access.Staff && !principal.ForStaff():
		return false
	default:
		return slices.Contains(access.Roles, principal.Role)
	}
}

// bearer returns the token of the call's authorization header.
func bearer(ctx context.Context) (string, bool) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	return token, ok && token != "" && strings.EqualFold(scheme, "bearer")
}

// callerOf returns the till and store a request names, nil when it names none.
func callerOf(request any) *tillv1.Caller {
	if r, ok := request.(interface{ GetCaller() *tillv1.Caller }); ok {
		return r.GetCaller()
	}
	return nil
}

// ownTill refuses requests in the name of another till than the token's.
func (s *Server) ownTill(_ context.Context, c *call, request any) error {
	if c.principal == nil || c.principal.Till == "" {
		return nil
	}
	if caller := callerOf(request); caller != nil && caller.GetTill() != c.principal.Till {
		return errOtherTill
	}
	return nil
}

// openStream lets a stream in when its caller may call it and its class has room. Watches are ended when the server stops, so that those
// who listen do not hold it up.
func (s *Server) openStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx := stream.Context()
	c := callOf(ctx)
	if err := s.authorised(ctx, c, nil); err != nil {
		return err
	}
	if err := c.method.slots.take(ctx); err != nil {
		return err
	}
	defer c.method.slots.release()
	if c.method.limit.Class != ClassWatch {
		return next(srv, stream)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	return next(srv, &streamWith{ServerStream: stream, ctx: ctx})
}
