package rpc

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// method is what the server knows about one of its methods.
type method struct {
	name     string // full, as in "/stamklant.till.v1.CheckoutService/Lookup"
	limit    MethodLimit
	access   Access
	open     bool // anybody may call it, without a token
	authed   bool // any known token may call it
	slots    *slots
	pacer    *pacer // nil without a bound
	tooLarge error
}

// methodTable checks Config.Access against what is registered and returns one row per method. A method nobody may call and a row without
// a method are errors: the first is a new RPC that was forgotten, the second a misspelt one.
func (s *Server) methodTable() (map[string]*method, error) {
	table := make(map[string]*method)
	known, registered := make(map[string]bool), make(map[string]bool)
	for service, info := range s.grpc.GetServiceInfo() {
		registered[service] = true
		for _, m := range info.Methods {
			name := "/" + service + "/" + m.Name
			known[name] = true
			row := s.newMethod(name, m)
			switch service {
			case grpc_health_v1.Health_ServiceDesc.ServiceName:
				row.open = true
			case reflectionV1, reflectionV1Alpha:
				row.authed = true
			default:
				if len(row.access.Roles) == 0 {
					return nil, fmt.Errorf("rpc: %s: %w: give it a row in Config.Access", name, ErrMethodWithoutRoles)
				}
			}
			table[name] = row
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.config.Access)) {
		if !known[name] {
			return nil, fmt.Errorf("rpc: Config.Access has a row for %s: %w: register its service or remove the row", name, ErrUnknownMethod)
		}
	}
	return table, nil
}

// access is a method's row: in the configuration's table, or in Matrix.
func (s *Server) access(name string) Access {
	if s.config.Access == nil {
		return matrix[name]
	}
	return s.config.Access[name]
}

// serviceOf is the service in a method's full name.
func serviceOf(name string) string {
	service, _, _ := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	return service
}

// newMethod puts together what the configuration says about one method.
func (s *Server) newMethod(name string, info grpc.MethodInfo) *method {
	limit, ok := s.limits.Methods[name]
	if !ok {
		limit = s.limits.Other
	}
	if limit.Bytes == 0 || limit.Bytes > s.limits.MessageBytes {
		limit.Bytes = s.limits.MessageBytes
	}
	if info.IsServerStream || info.IsClientStream {
		limit.Deadline = 0
	}
	var pacer *pacer
	if limit.PerSecond > 0 {
		pacer = newPacer(limit.PerSecond, max(1, limit.Burst), s.limits.Callers)
	}
	return &method{
		name:   name,
		limit:  limit,
		access: s.access(name),
		slots:  s.slots[limit.Class],
		pacer:  pacer,
		tooLarge: Refuse(codes.InvalidArgument, ReasonTooLarge,
			fmt.Sprintf("the request is larger than the %d bytes this method takes", limit.Bytes)),
	}
}

// requests returns an empty message of each kind that registered methods take, for the validator to prepare.
func (s *Server) requests() ([]proto.Message, error) {
	var messages []proto.Message
	seen := make(map[protoreflect.FullName]bool)
	for service := range s.grpc.GetServiceInfo() {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
		if err != nil {
			return nil, fmt.Errorf("rpc: service %s is registered without its description: %w", service, err)
		}
		methods := found.(protoreflect.ServiceDescriptor).Methods()
		for i := range methods.Len() {
			input := methods.Get(i).Input().FullName()
			if seen[input] {
				continue
			}
			seen[input] = true
			kind, err := protoregistry.GlobalTypes.FindMessageByName(input)
			if err != nil {
				return nil, fmt.Errorf("rpc: %s takes %s, which is not linked in: %w", service, input, err)
			}
			messages = append(messages, kind.New().Interface())
		}
	}
	return messages, nil
}
